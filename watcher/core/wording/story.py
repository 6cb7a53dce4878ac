"""The story of a watch, for `show` on the command line: what happened when, and each rule's verdict in one line."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime

from rules.objectives.wording import share_words
from rules.verdict import Verdict
from watcher.core.change import Beside
from watcher.core.watch import Watch
from watcher.core.wording.evidence import fault, name, way
from watcher.core.wording.figures import moment, said
from watcher.core.wording.foreseen import foreseen, in_words
from watcher.core.wording.moved import in_the_story
from watcher.core.wording.reasons import would_have_words
from watcher.core.wording.stages import stands
from watcher.core.wording.text import in_a_freeze, obstacles

NOTHING = Beside()


def story(watch: Watch, now: datetime, beside: Beside = NOTHING) -> tuple[str, ...]:
    """All lines of the story; "UTC" stands in the first line that tells a time."""
    sights = foreseen(watch, now)
    rules = _rules(watch, {sight.rule for sight in sights})
    lines = [
        headline(watch),
        *_timeline(watch, now),
        *(f"  {line}" for line in in_the_story(watch, beside, now)),
        *rules,
        *(f"  {line}" for line in in_words(sights)),
    ]
    return tuple(said("\n".join(lines)).split("\n"))


def headline(watch: Watch) -> str:
    """The first line of the story."""
    return f"{name(watch)}: {watch.tag} is {watch.state.words}"


def _timeline(watch: Watch, now: datetime) -> Iterator[str]:
    moments = sorted(_moments(watch, now), key=lambda told: told[0])
    yield from (f"  {moment(at, now)}  {what}" for at, what in moments)
    if not watch.state.is_final:
        yield from (f"  {line}" for line in stands(watch, now))
        yield f"  {way(watch)}"
        yield from (f"  {line}" for line in obstacles(watch))


def _moments(watch: Watch, now: datetime) -> Iterator[tuple[datetime, str]]:
    yield (
        watch.opened_at,
        f"deployed{_author(watch)}{in_a_freeze(watch, now)}, heard from {watch.deployment.source}",
    )
    yield from _of_the_question(watch, now)
    by = f", ordered by {watch.ordered_by}" if watch.ordered_by else ""
    told = (
        (watch.traffic_at, f"{watch.tag} takes traffic"),
        (watch.complete_at, f"{watch.tag} has all its traffic"),
        (watch.decided_at, f"going back to {watch.goes_to}{by}"),
        (watch.back_at, f"{watch.goes_to} serves again"),
        (watch.ended_at, f"{watch.state.words}: {watch.ending.words if watch.ending else ''}"),
    )
    yield from ((at, what) for at, what in told if at is not None)


def _of_the_question(watch: Watch, now: datetime) -> Iterator[tuple[datetime, str]]:
    if watch.breach is not None:
        would = f"; {would_have_words(watch, now)}" if watch.would_have or watch.would_have_asked else ""
        yield watch.breach.at, f"breached: {fault(watch)}{would}"
    if watch.question is not None:
        yield watch.question.asked_at, f"asked, because {watch.question.words}"
    if watch.hold is not None:
        yield watch.hold.since, f"held by {watch.hold.by} until {moment(watch.hold.until, now)}"


def _author(watch: Watch) -> str:
    return f" by {watch.deployment.author}" if watch.deployment.author else ""


def _rules(watch: Watch, told: Collection[str]) -> Iterator[str]:
    if watch.judgement is None:
        yield "  nothing was judged yet"
        return
    for verdict in watch.judgement.verdicts:
        yield _rule(replace(verdict, can_see=None) if verdict.rule in told else verdict)


def _rule(verdict: Verdict) -> str:
    figures = ", ".join(_figures(verdict))
    told = f" [{figures}]" if figures else ""
    return f"  {verdict.outcome.value:9} {verdict.name}: {verdict.words}{told}"


def _figures(verdict: Verdict) -> Iterator[str]:
    if verdict.spent:
        yield "spent"
    if verdict.log10_e is not None and verdict.threshold is not None:
        yield f"log10 E {verdict.log10_e:.1f} of {verdict.threshold:.1f}"
    if verdict.can_see is not None:
        minutes = round(verdict.can_see.within.total_seconds() / 60)
        yield f"can see {share_words(verdict.can_see.level)} within {minutes} min"
