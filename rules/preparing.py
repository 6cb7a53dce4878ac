"""What a watch will be judged by, fixed when it opens: from rules, circumstances and histories to a `Brief`.

The one place where rules look at the past of a service, which is by far the dearest thing that they do: a week of minutes for
each. So it can be done in slices.
"""

from collections.abc import Collection, Generator, Mapping
from dataclasses import replace

from rules import combine
from rules.assemble import increments
from rules.beforehand import asked_about
from rules.brief import Beat, Brief, Setting
from rules.gate import gated
from rules.model import Consequence, Indicator, Rule, RuleSet
from rules.objectives.history import Past, Span
from rules.objectives.prepared import opened
from rules.objectives.registry import judge_of
from rules.sample import Bucket, Counts, Reading, Value

_Named = tuple[Indicator, float | None]  # one series: an indicator, and the bound where it is a latency


def prepare(rules: RuleSet, setting: Setting, histories: Mapping[str, Reading]) -> Brief:
    """Fix what the watch will be judged by.

    Args:
        rules: What is promised.
        setting: The circumstances.
        histories: By indicator, the provider's answer over an older range, when a release served that was well. An
            indicator that is not there, or whose answer holds no counts, has no history.

    Raises:
        KeyError: The setting lacks the bucket or the settle time of an indicator that a rule looks at.
    """
    slices = preparing(rules, setting, histories)
    while True:
        try:
            next(slices)
        except StopIteration as done:
            brief: Brief = done.value
            return brief


def preparing(
    rules: RuleSet, setting: Setting, histories: Mapping[str, Reading]
) -> Generator[None, None, Brief]:
    """As `prepare`, in slices, for whoever has other things to do meanwhile: none looks at more than one past, once."""
    pasts: dict[_Named, Past] = {}
    for name in _series(rules):
        pasts[name] = _past(name, setting, histories)
        yield
    while True:
        brief = yield from _prepared(rules, setting, pasts)
        softened = {case.rule.id: case.only_asks for case in brief.cases.values() if case.only_asks}
        # Those that are left have more of the level, at which the past may say so of one of them too.
        asking = _asking(rules, softened)
        if asking == rules:
            return brief
        rules = asking


def _series(rules: RuleSet) -> list[_Named]:
    """What rules look at, each once."""
    looked_at = {indicator.id: indicator for _, indicator in _measured(rules)}
    return [(indicator, bound) for indicator in looked_at.values() for bound in _bounds(indicator)]


def _asking(rules: RuleSet, softened: Collection[str]) -> RuleSet:
    """*rules*; those that may only ask, by what the past says of them, ask."""
    silent = set(softened) | {
        rule.id for rule in rules.rules if combine.rests_on(rule, rules.rules, softened)
    }
    return replace(
        rules,
        rules=tuple(
            replace(rule, on_breach=Consequence.ASK)
            if rule.id in silent and rule.on_breach is Consequence.ROLLBACK
            else rule
            for rule in rules.rules
        ),
    )


def _prepared(rules: RuleSet, setting: Setting, pasts: Mapping[_Named, Past]) -> Generator[None, None, Brief]:
    keys = {
        rule.id: [_key(rule, indicator, bound) for bound in _bounds(indicator)]
        for rule, indicator in _measured(rules)
    }
    voices = combine.voices(rules.rules, keys, setting.false_rollback_probability)
    heard = {voice.rule.id: voice for voice in voices}
    beats = {indicator.id: _beat(indicator, setting) for _, indicator in _measured(rules)}
    cases = []
    for rule, indicator in _measured(rules):
        for bound in _bounds(indicator):
            past = pasts[indicator, bound]
            case = opened(heard[rule.id], _key(rule, indicator, bound), indicator, bound, setting)
            prepared = asked_about(judge_of(case).prepare(case, past), past, setting.suspects)
            yield
            cases.append(gated(prepared, past))
            yield
    return Brief(
        alpha=setting.false_rollback_probability,
        opened_at=setting.opened_at,
        at_least=setting.at_least,
        at_most=setting.at_most,
        voices=voices,
        cases={case.key: case for case in cases},
        beats=beats,
        early=setting.early,
    )


def _measured(rules: RuleSet) -> list[tuple[Rule, Indicator]]:
    return [(rule, rules.indicator(rule.indicator)) for rule in rules.rules if rule.indicator is not None]


def _bounds(indicator: Indicator) -> tuple[float | None, ...]:
    return indicator.bounds or (None,)


def _key(rule: Rule, indicator: Indicator, bound: float | None) -> str:
    return f"{rule.id}@{bound:g}" if len(indicator.bounds) > 1 else rule.id


def _beat(indicator: Indicator, setting: Setting) -> Beat:
    return Beat(indicator.id, indicator.kind, setting.buckets[indicator.id], setting.settles[indicator.id])


def _past(name: _Named, setting: Setting, histories: Mapping[str, Reading]) -> Past:
    """What each past bucket of a series held, but for those that are suspected."""
    indicator, bound = name
    history = histories.get(indicator.id)
    if not isinstance(history, tuple):
        return Past()
    beat = _beat(indicator, setting)
    spans = (
        span
        for series in history
        if series.bound == bound
        for bucket in increments(beat, series)
        if (span := _span(bucket))
    )
    return Past(tuple(spans)).without(setting.suspects)


def _span(bucket: Bucket) -> Span | None:
    """Requests and bad of both arms together, for a history is of the service; of a gauge, the one that serves alone."""
    match bucket.canary, bucket.baseline:
        case (Counts(bad, total), Counts(beside_bad, beside_total)):
            return Span(bucket.start, bucket.end, total + beside_total, bad + beside_bad)
        case (Counts(bad, total), _) | (_, Counts(bad, total)):
            return Span(bucket.start, bucket.end, total, bad)
        case (Value(x), _) | (_, Value(x)):
            return Span(bucket.start, bucket.end, 0.0, 0.0, x)
        case _:
            return None
