"""Whether a rule can be judged in a watch of some length at all: told when a configuration is read, and to a watch that opens."""

from collections.abc import Iterator
from datetime import timedelta

from rules.duration import duration_text
from rules.model import PROMISES, BurnRate, Rule
from rules.objectives.wording import span_words

_SHORTER = "use shorter buckets, or a longer bake.at_most"


def misfits(rule: Rule, bucket: timedelta, at_most: timedelta) -> Iterator[tuple[str, str]]:
    """Why *rule* cannot be judged in a watch that ends after *at_most*: what is wrong, and what to write."""
    words = _too_long(rule, bucket, at_most)
    if words:
        yield words, _SHORTER
    yield from _of_windows(rule, bucket, at_most)


def _too_long(rule: Rule, bucket: timedelta, at_most: timedelta) -> str:
    """Why a watch ends before a breach of *rule* could be told, in words; empty if it does not, or nothing is promised."""
    knobs = rule.statistics
    if rule.judge is None or rule.judge.kind not in PROMISES:
        return ""
    if knobs.warmup + knobs.min_buckets * bucket <= at_most:
        return ""
    after = f" after a warm-up of {span_words(knobs.warmup)}" if knobs.warmup else ""
    return f"a breach takes {knobs.min_buckets} buckets of {span_words(bucket)}{after}, and the watch ends after {span_words(at_most)}"


def _of_windows(rule: Rule, bucket: timedelta, at_most: timedelta) -> Iterator[tuple[str, str]]:
    """The same of the windows of a burn rate."""
    least = rule.statistics.min_buckets
    for each in rule.judge.windows if isinstance(rule.judge, BurnRate) else ():
        long, short = span_words(each.long), span_words(each.short)
        if each.short < bucket:
            why = f"a window of {short} holds no whole bucket of {span_words(bucket)}"
            yield why, f"write `short: {duration_text(bucket)}` or more"
        if each.long < least * bucket:
            why = (
                f"a breach takes {least} buckets of {span_words(bucket)}, more than a window of {long} holds"
            )
            yield why, f"write `long: {duration_text(least * bucket)}` or more"
        if each.long > at_most:
            why = f"a window of {long} is longer than the watch, which ends after {span_words(at_most)}"
            yield why, f"remove the pair, or write `bake: {{at_most: {duration_text(each.long)}}}`"
