"""What a watch can see, before it sees it and while it lasts.

"At 12 requests a second and 10 % of them: 0.1 % → 1 % is found within 11 min, 0.1 % → 0.2 % not in this watch."
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from rules.brief import Brief
from rules.evidence import UnreadableEvidence, decode_brief, decode_evidence
from rules.foresight import Foresight, Rung, Source, acting, by_the_past, by_what_was_seen, foresee, rates
from rules.model import Kind
from rules.objectives.wording import bound_words, share_words, span_words
from rules.sample import Reading
from watcher.core.watch import GOING_BACK, Message, Watch

_MINUTE, _HOUR = 60.0, 3600.0  # seconds
_NOTHING = timedelta(0)
_SHOWN = 3  # effects that are found


def in_advance(
    watch: Watch, brief: Brief, histories: Mapping[str, Reading], now: datetime
) -> tuple[Foresight, ...]:
    """What the rules of *watch* will see, by the traffic of the past. *histories*: what the brief was prepared with."""
    flows = by_the_past(brief, _share(watch), rates(brief, histories))
    return foresee(brief, flows, now, *_rest(watch, brief, now))


def foreseen(watch: Watch, now: datetime) -> tuple[Foresight, ...]:
    """What the rules of *watch* can still see, by the traffic that it saw so far; before that, by that of the past.

    Nothing of a watch that is not prepared, has breached, or is over; and nothing of what another version wrote down, which
    the patrol reports.
    """
    if watch.brief is None or watch.breach is not None or watch.state.is_final or watch.state in GOING_BACK:
        return ()
    try:
        brief, evidence = decode_brief(watch.brief), decode_evidence(watch.evidence or "")
    except UnreadableEvidence:
        return ()
    seen = by_what_was_seen(brief, evidence, now)
    past = by_the_past(brief, _share(watch))
    unseen = {key: flow for key, flow in past.items() if evidence.memories[key].tally.buckets == 0}
    return foresee(brief, unseen | seen, now, *_rest(watch, brief, now))


def _share(watch: Watch) -> float | None:
    """Of the traffic that the release gets, as far as that is known."""
    if watch.shares:
        return watch.shares[-1][1] or None
    staged = watch.stages[watch.stage].share
    return staged if staged < 1 else None


def _rest(watch: Watch, brief: Brief, now: datetime) -> tuple[timedelta, timedelta]:
    """What remains of the shortest bake, and of the longest: all of them, until the release has its traffic."""
    gone = now - watch.complete_at if watch.complete_at is not None else _NOTHING
    return max(brief.at_least - gone, _NOTHING), max(brief.at_most - gone, _NOTHING)


def in_words(sights: Sequence[Foresight]) -> list[str]:
    """A sentence for each; what sees nothing useful first, with what would help."""
    blunt = [_useless(sight) for sight in sights if is_blunt(sight)]
    if blunt and len(blunt) == len(sights):
        blunt = ["This watch can see nothing useful", *blunt]
    return [*blunt, *(_sees(sight) for sight in sights if not is_blunt(sight))]


def refused(brief: Brief) -> dict[str, str]:
    """Rules that act, or are part of one that does, and cannot be judged at all: why, in a sentence, by their ids."""
    return {
        case.rule.id: f"“{case.rule.name}” can see nothing useful: {case.refusal.words}"
        for case in acting(brief)
        if case.refusal is not None
    }


def told_of(messages: Iterable[Message], words: Sequence[str]) -> tuple[Message, ...]:
    """*messages* with these lines more."""
    return tuple(
        replace(each, notice=replace(each.notice, lines=(*each.notice.lines, *words))) for each in messages
    )


def is_blunt(sight: Foresight) -> bool:
    """It is known that it can see nothing useful."""
    return not sight.useful and sight.flow.source is not Source.AT_LEAST


def _useless(sight: Foresight) -> str:
    return (
        f"{_name(sight)} can see nothing useful: {_traffic(sight)} not even {_effect(sight, sight.worth)} would be found"
        f" within {span_words(sight.rest)}. What helps: {_helps(sight)}"
    )


def _name(sight: Foresight) -> str:
    slow = f" (slower than {bound_words(sight.bound)})" if sight.bound is not None else ""
    return f"“{sight.name}”{slow}"


def _helps(sight: Foresight) -> str:
    more = "more traffic to the new release"
    if sight.flow.beside > 0:
        more = "more traffic to the new release while the old one still serves"
    return f"{more}, a longer bake (`bake: {{at_most: …}}`), or a coarser objective (`must_have_seen`)"


def _sees(sight: Foresight) -> str:
    if not sight.useful:
        return f"{_name(sight)}: what it can see is told once the release has traffic"
    spans = ((sight.least, sight.soon), (sight.most, sight.rest))
    least = [
        f"{share_words(level)} within {span_words(within)}" for level, within in spans if level is not None
    ]
    return f"{_name(sight)}: {_traffic(sight)} {', '.join(_rungs(sight))}. The least: {', '.join(least)}{_acceptable(sight)}"


def _acceptable(sight: Foresight) -> str:
    return "" if sight.kind is Kind.REQUESTS else f" ({share_words(sight.allowed)} is acceptable)"


def _rungs(sight: Foresight) -> Iterator[str]:
    """Some effects that are found, of those that take equally long the smallest; and the largest that is not."""
    times = {rung.within: rung.level for rung in reversed(sight.rungs) if rung.within is not None}
    found = sorted((level, within) for within, level in times.items())
    for place, (level, within) in enumerate([*found[: _SHOWN - 1], *found[_SHOWN - 1 :][-1:]]):
        yield f"{_effect(sight, level)}{'' if place else ' is found'} within {span_words(within)}"
    missed = _missed(sight.rungs)
    if missed is not None:
        yield f"{_effect(sight, missed)} not in this watch"


def _missed(rungs: Sequence[Rung]) -> float | None:
    return max((rung.level for rung in rungs if rung.within is None), default=None)


def _effect(sight: Foresight, level: float) -> str:
    """What changes: ``0.1 % → 1 %``."""
    if sight.kind is Kind.REQUESTS:
        return f"a loss of {share_words(level)} of its traffic"
    return f"{share_words(sight.flow.usual)} → {share_words(level)}"


def _traffic(sight: Foresight) -> str:
    flow = sight.flow
    rate = _rate(flow.mine + flow.beside if flow.beside > 0 else flow.mine / flow.due, sight.unit)
    part = flow.mine / (flow.mine + flow.beside) if flow.beside > 0 else flow.due
    share = f" and {'perhaps ' if flow.assumed else ''}{share_words(part)} of them" if part < 1 else ""
    more = " or more" if flow.source is Source.AT_LEAST else ""
    return f"at {rate}{more}{share}{' (as in the past)' if flow.source is Source.PAST else ''}:"


def _rate(second: float, unit: str) -> str:
    """As many a second, a minute or an hour, so that it is a number of at least 1 where it can be."""
    for seconds, name in ((1.0, "second"), (_MINUTE, "minute")):
        if second * seconds >= 1:
            return f"{_counted(second * seconds, unit)} a {name}"
    return f"{_counted(second * _HOUR, unit)} an hour"


def _counted(count: float, unit: str) -> str:
    rounded = float(f"{count:.2g}")
    return f"{rounded:,g} {unit.removesuffix('s') if rounded == 1 else unit}"
