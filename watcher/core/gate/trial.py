"""How a release stands in an environment that comes before: whether what is to be deployed has passed there.

Passed is what a watch has proven there: its rules were healthy to the end of its bake. Whether its tasks and a smoke suite were
among them the configuration knows (`Gating.unlooked`), and the gate says. Unproven, served without a watch, or good by a person's word is not passed: then a person is asked here too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from deploy.model import Release
from deploy.tags import BAD, PASSED, Entry, Grade, Ledger, grade
from rules.duration import duration_text
from watcher.core.gate.candidate import Candidate, contents, entries, is_same
from watcher.core.watch import State, Watch


class Trial(StrEnum):
    """What became of it there. From best to worst."""

    PASSED = "passed"
    UNPROVEN = "unproven"
    UNSEEN = "unseen"
    WATCHED = "watched"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of an environment that comes before.

    Attributes:
        ledgers: Of the service's parts there.
        living: The watch that lives there.
        served_after: When a release is known-good there without a watch.
    """

    environment: str
    ledgers: tuple[Ledger, ...]
    living: Watch | None = None
    served_after: timedelta = timedelta(hours=24)

    @property
    def releases(self) -> tuple[Release, ...]:
        """All that are known there."""
        return tuple(entry.release for ledger in self.ledgers for entry in ledger.entries)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it, and when there will be more to say, at the earliest."""

    environment: str
    trial: Trial
    words: str
    until: datetime | None = None


def tried(candidate: Candidate, before: Before, now: datetime) -> Tried:
    """How *candidate* stands in an environment. Of names that may mean several releases the worst is taken."""
    watched = _watched(candidate, before, now)
    if watched is not None:
        return watched
    found = [each for each in entries(candidate, before.ledgers) if is_same(candidate, each[1].release)]
    if not found:
        return _told(before, Trial.UNSEEN, f"{candidate.words} was never seen{_otherwise(candidate, before)}")
    each_part = [_newest(ledger, of) for ledger, of in _by_part(found)]
    results = [_result(before, ledger, entry, now) for ledger, chosen in each_part for entry in chosen]
    worst = max(results, key=lambda result: list(Trial).index(result.trial))
    several = any(len(chosen) > 1 for _, chosen in each_part)
    if several and worst.trial is not Trial.PASSED:
        words = f"several releases are called {candidate.words}, and not all of them passed; name it by its digest"
        return _told(before, worst.trial, words)
    return worst


def _otherwise(candidate: Candidate, before: Before) -> str:
    """What is called so there, where the content that is named is not known."""
    if not candidate.contents or not entries(candidate, before.ledgers, ()):
        return ""
    return (
        " with the content that is named, only with another: of an image for several platforms name the digest"
        " that runs (`rollbackd tags`), or its tag alone"
    )


def _by_part(found: Sequence[tuple[Ledger, Entry]]) -> Iterable[tuple[Ledger, list[Entry]]]:
    parts: dict[str, tuple[Ledger, list[Entry]]] = {}
    for ledger, entry in found:
        parts.setdefault(ledger.part, (ledger, []))[1].append(entry)
    return parts.values()


def _newest(ledger: Ledger, found: list[Entry]) -> tuple[Ledger, list[Entry]]:
    """Of one content, under several settings, what was last; of several contents all, for nobody knows which is meant."""
    if not set[str].intersection(*(set(contents(entry.release)) for entry in found)):
        return ledger, found

    def last(entry: Entry) -> datetime:
        of = entry.release.fingerprint
        ends = (each.at for each in ledger.endings if each.fingerprint == of)
        starts = (span.start for span in ledger.spans if span.fingerprint == of)
        return max((entry.first_seen, *ends, *starts))

    return ledger, [max(found, key=last)]


def _watched(candidate: Candidate, before: Before, now: datetime) -> Tried | None:
    watch = before.living
    if watch is None or not any(is_same(candidate, part.after) for part in watch.deployment.parts):
        return None
    if watch.state is not State.WATCHING:
        return _told(before, Trial.WATCHED, f"{watch.tag} is {watch.state.words}: {watch.id}")
    ends = watch.switched_at + watch.policy.bake.at_least
    if watch.policy.bake.runs is not None or ends <= now:
        latest = watch.switched_at + watch.policy.bake.at_most
        words = f"{watch.tag} is still watched, until enough was seen"
        return _told(before, Trial.WATCHED, words, latest if latest > now else None)
    return _told(before, Trial.WATCHED, f"{watch.tag} is still watched, {_rest(ends - now)} more", ends)


def _rest(left: timedelta) -> str:
    """In words: "12 min"."""
    whole = timedelta(seconds=max(round(left.total_seconds()), 1))
    if whole > timedelta(minutes=2):
        return f"{round(whole.total_seconds() / 60)} min"
    return duration_text(whole)


def _result(before: Before, ledger: Ledger, entry: Entry, now: datetime) -> Tried:
    release, mark = entry.release, entry.quarantined or entry.distrusted
    if mark is not None:
        word = "quarantined" if entry.quarantined is not None else "distrusted"
        return _told(before, Trial.FAILED, f"{release.tag} is {word}: {mark.why}")
    if grade(ledger, release.fingerprint, before.served_after, now) is Grade.PROVEN:
        return _told(before, Trial.PASSED, f"{release.tag} passed")
    ends = [each for each in ledger.endings if each.fingerprint == release.fingerprint]
    if not ends:
        return _told(before, Trial.UNPROVEN, f"{release.tag} was seen, and no watch of it has ended")
    end = max(ends, key=lambda each: each.at)
    forgiven = entry.allowed is not None and end.at <= entry.allowed.at
    if (end.breached or end.state in BAD) and end.state != PASSED and not forgiven:
        return _told(before, Trial.FAILED, f"{release.tag} ended {State(end.state).words} there")
    if end.state == PASSED:
        return _told(before, Trial.UNPROVEN, f"{release.tag} passed by a person's word")
    return _told(before, Trial.UNPROVEN, f"the watch of {release.tag} ended {State(end.state).words}")


def _told(before: Before, trial: Trial, words: str, until: datetime | None = None) -> Tried:
    return Tried(before.environment, trial, f"{before.environment}: {words}", until)
