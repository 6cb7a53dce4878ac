"""Query text: the one place where LogQL is written. Names are of a checked grammar, and values always quoted.

``sum by (app,version) (count_over_time({app="shop",version=~"v1|v2"} |= "handled" | json | status=~"5.." [1m]))``

A range ``[1m]`` at a time is what came after the minute before it, up to and with that time; so with a step as long as the
range no line is in two buckets and none in no bucket. Loki's frontend rounds the start of a query to its step, so what is
asked for lies on that grid already.

A line that the parser cannot read has the label ``__error__``, and one of these fails the whole query: it is left out.

Source:
    https://grafana.com/docs/loki/latest/query/log_queries/; https://grafana.com/docs/loki/latest/query/metric_queries/
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from watcher.signals.prometheus.promql import Matcher, quoted, selector, span

READABLE = '__error__=""'


def containing(texts: Iterable[str], *, lacking: bool = False) -> tuple[str, ...]:
    """Line filters: each of *texts* is in the line, or none of them is."""
    return tuple(f"{'!=' if lacking else '|='} {quoted(text)}" for text in texts)


def lines(stream: Sequence[Matcher], filters: Sequence[str], parser: str, labels: Sequence[Matcher]) -> str:
    """Which lines: of which streams, with which text, and with which labels once *parser* has read them."""
    stages = [*filters]
    if parser:
        stages += [f"| {parser}"]
    stages += [f"| {label}{operator}{quoted(value)}" for label, operator, value in labels]
    if parser:
        stages += [f"| {READABLE}"]
    return " ".join((selector("", stream), *stages))


def counted(which: str, bucket: timedelta, by: Sequence[str]) -> str:
    """How many of *which* there are in a bucket, a row for each set of values of the labels *by*."""
    grouping = f" by ({','.join(by)})" if by else ""
    return f"sum{grouping} (count_over_time({which} [{span(bucket)}]))"
