"""Query text: the one place where PromQL is written. Names are of a checked grammar, and values always quoted.

**How many in a bucket.** A counter says how many since its process began. What counts is the difference of the last sample
in the bucket and the last one before it, so that the buckets of a counter add up to what it counted, in whole numbers::

    last_over_time(m[B]) - last_over_time(m[30m] offset B)      it went on
    last_over_time(m[B])                                        it was born in the bucket, at 0
    increase(m[B])                                              it began again in or just before the bucket: an estimate

``increase`` alone would see the samples inside the bucket only and stretch them to its length: what happened between the
buckets counts for nothing, the rest more than once (4/3 of it with four scrapes a bucket), which makes chance look like
certainty to whoever judges the counts. And it sees nothing of a series that is born with its first errors. A series that
was away for some minutes goes on where it was: only what was not seen for half an hour is born anew. And what is seen for
the first time of a process that is old (`STARTED`) is its life, and not what it did in the bucket: there the samples inside
the bucket must do, by ``increase``.

A bucket without a sample in it is no data and never zero: a scrape that fails leaves no sample, so it cannot look like
silence. (A selector without a range would look back for five minutes.)

Source:
    https://prometheus.io/docs/prometheus/latest/querying/functions/#increase
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from rules.duration import duration_text

REMEMBERED = timedelta(minutes=30)  # a series that was away no longer than this is not new
STARTED = "process_start_time_seconds"  # as the client libraries expose it
# Between the start of a process and its first scrape: it is begun, found and waited for. What it counts meanwhile is a release's
# own, whoever sees it first; beyond this it is a life. A guess.
YOUNG = timedelta(minutes=2)
SIGN = re.compile(r"ind[0-9]*")  # labels that are ours
_SPECIAL = re.compile(r"[\\.\[\](){}|*+?^$]")
Matcher = tuple[str, str, str]  # label, operator, value


def quoted(value: str) -> str:
    """*value* as a string of PromQL."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def either(values: Iterable[str]) -> str:
    """A pattern that matches these values and no other."""
    return "|".join(_SPECIAL.sub(r"\\\g<0>", value) for value in values)


def selector(metric: str, matchers: Sequence[Matcher]) -> str:
    """``metric{label="value"}``."""
    inside = ",".join(f"{label}{operator}{quoted(value)}" for label, operator, value in matchers)
    return f"{metric}{{{inside}}}" if inside else metric


def span(duration: timedelta) -> str:
    """*duration* as PromQL writes it: in Prometheus's own units, the largest first."""
    return duration_text(duration)


def counted(series: str, bucket: timedelta, scrape: timedelta) -> str:
    """How many *series*, a selector, counted in a bucket; a row for each series. See above."""
    within = span(bucket)
    last = f"last_over_time({series}[{within}])"
    before = f"last_over_time({series}[{span(REMEMBERED)}] offset {within})"
    again = f"resets({series}[{span(bucket + 2 * scrape)}])>0"
    born = f"({last} unless {before} {_unless_old(bucket)})"
    return f"({last}-{before}>=0 unless {again} or {born} or increase({series}[{within}]))"


def counted_native(series: str, bucket: timedelta) -> str:
    """The same for a native histogram, as an estimate: histograms can be compared with nothing."""
    within = span(bucket)
    born = f"({series} unless ({series} offset {within}) {_unless_old(bucket)})"
    return f"((increase({series}[{within}]) and ({series} offset {within})) or {born} or increase({series}[{within}]))"


def _unless_old(bucket: timedelta) -> str:
    """Nothing was born in a process that is older than the bucket, and was not scraped before it."""
    within, age = span(bucket), (bucket + YOUNG).total_seconds()
    scraped = f"last_over_time({STARTED}[{span(REMEMBERED)}] offset {within})"
    return f"unless on(job,instance) (last_over_time({STARTED}[{within}])<time()-{age:g} unless {scraped})"


def summed(expression: str, labels: Sequence[str], by: str = "sum") -> str:
    """*expression* added up, a row for each set of values of *labels*."""
    return f"{by} by ({','.join(labels)}) ({expression})"


def marked(expression: str, label: str, value: str, source: str = "", pattern: str = "") -> str:
    """*expression* with *label* set to *value*: on all rows, or on those whose *source* matches *pattern*."""
    return f'label_replace({expression},"{label}","{value}","{source}",{quoted(pattern)})'


def joined(expressions: Iterable[str]) -> str:
    """All rows of all *expressions*; their labels must differ, for `or` drops what it has already."""
    return " or ".join(expressions)


def range_of(query: str, start: float, end: float, step: float, more: Mapping[str, str]) -> dict[str, str]:
    """The form of ``query_range``: values at *start*, and each *step* further up to *end*, both inclusive."""
    return {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}", **more}
