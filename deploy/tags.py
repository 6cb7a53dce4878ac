"""The ledger's logic: which release is known-good, which is quarantined, where to go back to. Pure.

A grade is *computed* from spans (when a release served) and ends of watches, never stored beside them. So it is never
out of date, and a better way to compute it needs no migration.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from deploy.model import Release, Standing


class Grade(StrEnum):
    """How well a release is known to be good. From best to worst."""

    PROVEN = "proven"  # its watch passed
    SERVED = "served"  # it served long enough without a breach, or a person vouched for it
    ADOPTED = "adopted"  # it was live when the daemon arrived
    UNKNOWN = "unknown"  # not to be gone back to by itself


@dataclass(frozen=True, slots=True)
class Mark:
    """What was laid on a release by whom and why: quarantine, distrust, allowance."""

    at: datetime
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class Span:
    """A release of one part served from *start* to *end* (``None``: still does)."""

    fingerprint: str
    start: datetime
    end: datetime | None = None
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """How a watch of a release ended: the state's value (``passed``, ``kept``...), and whether it ever breached."""

    fingerprint: str
    at: datetime
    state: str
    breached: bool
    by_person: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One release in the ledger of a part, with what lies on it now: a mark that was lifted is gone from here."""

    release: Release
    first_seen: datetime
    quarantined: Mark | None = None
    distrusted: Mark | None = None
    allowed: Mark | None = None  # a person said so: what ended badly before is not held against it
    proven: Mark | None = None  # its watch passed, says its mark on the platform: in a store that was lost


@dataclass(frozen=True, slots=True)
class Ledger:
    """All that is remembered of the releases of one part of one service in one environment, oldest first."""

    service: str
    environment: str
    part: str
    entries: tuple[Entry, ...] = ()
    spans: tuple[Span, ...] = ()
    endings: tuple[Ending, ...] = ()


@dataclass(frozen=True, slots=True)
class Back:
    """Where a rollback would go: *crosses* counts the releases that it leaves out; *floor* says that it goes past a release that cannot be undone."""

    release: Release
    grade: Grade
    crosses: int
    floor: bool


# The states of a watch (`watcher.core.watch.State`) that say something of the release; the others say nothing.
PASSED = "passed"
BAD = frozenset({"rolled_back", "kept"})

QUARANTINED = "quarantined"  # beside the grades, on the platform's marks

_EVER = datetime.min.replace(tzinfo=UTC)
_BEST_FIRST = (Grade.PROVEN, Grade.SERVED, Grade.ADOPTED)


def grade(ledger: Ledger, fingerprint: str, served_after: timedelta, now: datetime) -> Grade:
    """How well a release is known to be good, now. Of the marks only an allowance counts, and that it was proven before.

    Its last bad ending counts, and what came after it: a release that passed, and later was rolled back, is not good until
    it passes again, serves long enough again, or a person allows it. An allowance forgives all that ended before it.

    Args:
        ledger: Of the part.
        fingerprint: Of the release; ``UNKNOWN`` if the ledger has none such.
        served_after: How long it must have served, all its spans together.
        now: The end of a span that has none.
    """
    entry = _entry(ledger, fingerprint)
    if entry is None:
        return Grade.UNKNOWN
    endings = [ending for ending in ledger.endings if ending.fingerprint == fingerprint]
    bad = max((ending.at for ending in endings if _is_bad(ending, entry.allowed)), default=_EVER)

    if entry.proven is not None and entry.proven.at > bad:
        return Grade.PROVEN
    passed = [ending for ending in endings if ending.state == PASSED and ending.at > bad]
    if passed:
        return Grade.SERVED if all(ending.by_person for ending in passed) else Grade.PROVEN
    spans = [span for span in ledger.spans if span.fingerprint == fingerprint and span.start >= bad]
    return _by_spans(spans, served_after, now)


def way_back(
    ledger: Ledger,
    live: str,
    served_after: timedelta,
    now: datetime,
    *,
    reversible: bool = True,
    without: Collection[str] = (),
) -> Back | None:
    """The nearest release of the best grade that may be gone back to from *live* (a fingerprint); ``None`` if there is none.

    Never a quarantined or distrusted release, never *live* itself, never one of no grade. The nearest is the one that
    served last, wherever it stands in the list. What it crosses are the releases that began to serve after it did,
    without *live*: also those that were undone meanwhile, for what they did to a database may not have been.

    Args:
        ledger: Of the part.
        live: What is to be undone. The ledger need not know it yet.
        served_after: As in `grade`.
        now: As in `grade`.
        reversible: ``False`` if *live* says that it cannot be undone, where the ledger does not know it yet.
        without: Fingerprints of releases that are known and not there any more: as if they had no grade.
    """
    graded = [
        (entry, grade(ledger, entry.release.fingerprint, served_after, now))
        for entry in ledger.entries
        if entry.release.fingerprint not in {live, *without}
        and entry.quarantined is None
        and entry.distrusted is None
    ]
    best = next((found for found in _BEST_FIRST if any(found is has for _, has in graded)), None)
    if best is None:
        return None

    last_first = [
        entry for entry, has in reversed(graded) if has is best
    ]  # of two that began at once, the later entry
    to = max(last_first, key=lambda entry: _began(ledger, entry))
    return _back(ledger, to, live, best, reversible=reversible)


def back_to(
    ledger: Ledger, to: str, live: str, served_after: timedelta, now: datetime, *, reversible: bool = True
) -> Back | None:
    """Going back from *live* to the release *to* (fingerprints), whatever its grade and its marks; ``None`` if nobody knows it.

    For a person's word: it is the guards that refuse a quarantined release. The other arguments are as in `way_back`.
    """
    entry = _entry(ledger, to)
    if entry is None:
        return None
    return _back(ledger, entry, live, grade(ledger, to, served_after, now), reversible=reversible)


def _back(ledger: Ledger, to: Entry, live: str, grade: Grade, *, reversible: bool) -> Back:
    crossed = _crossed(ledger, to, live)
    undone = [entry.release for entry in (*crossed, _entry(ledger, live)) if entry is not None]
    floor = not reversible or any(not release.reversible for release in undone)
    return Back(to.release, grade, len(crossed), floor)


def suspect(ledger: Ledger, live: str, served_after: timedelta, now: datetime) -> tuple[Span, ...]:
    """The spans that say nothing of what is usual: whatever is compared with the past leaves them out.

    A release served in them that ended badly, is quarantined or distrusted; or that came after the last known-good release
    (see `way_back`) and is not known to be good itself: what *live* took over from may have its defect already.

    Args:
        ledger: Of the part.
        live: What is under watch (a fingerprint).
        served_after: As in `grade`.
        now: As in `grade`.
    """
    back = way_back(ledger, live, served_after, now)
    good = _entry(ledger, back.release.fingerprint) if back else None
    since = _began(ledger, good) if good else _EVER
    return tuple(
        span
        for span in ledger.spans
        if _was_bad(ledger, span.fingerprint)
        or (span.start > since and grade(ledger, span.fingerprint, served_after, now) is Grade.UNKNOWN)
    )


def _was_bad(ledger: Ledger, fingerprint: str) -> bool:
    entry = _entry(ledger, fingerprint)
    if entry is None:
        return False
    endings = (ending for ending in ledger.endings if ending.fingerprint == fingerprint)
    marked = entry.quarantined is not None or entry.distrusted is not None
    return marked or any(_is_bad(ending, entry.allowed) for ending in endings)


def standings(ledger: Ledger, served_after: timedelta, now: datetime, many: int) -> tuple[Standing, ...]:
    """How the *many* releases stand that served last, the newest last: for the marks on the platform.

    One of which nothing can be said yet is left out. Of one that was said to be good, or bad, and is so no longer, the grade
    is ``unknown``.

    Args:
        ledger: Of the part.
        served_after: As in `grade`.
        now: As in `grade`.
        many: How many, at most.
    """
    newest = sorted(ledger.entries, key=lambda entry: _began(ledger, entry))[-many:]
    found = (_standing(ledger, entry, served_after, now) for entry in newest)
    return tuple(each for each in found if each is not None)


def best(ledger: Ledger, served_after: timedelta, now: datetime) -> Standing | None:
    """The known-good release: where a rollback of what comes next would go. It may be what serves now.

    Args:
        ledger: Of the part.
        served_after: As in `grade`.
        now: As in `grade`.
    """
    back = way_back(ledger, "", served_after, now)
    entry = _entry(ledger, back.release.fingerprint) if back else None
    return _standing(ledger, entry, served_after, now) if entry else None


def _standing(ledger: Ledger, entry: Entry, served_after: timedelta, now: datetime) -> Standing | None:
    release = entry.release
    if entry.quarantined is not None:
        return Standing(release, QUARANTINED, entry.quarantined.at, entry.quarantined.why)
    has = grade(ledger, release.fingerprint, served_after, now)
    ends = [ending for ending in ledger.endings if ending.fingerprint == release.fingerprint]
    if has is Grade.UNKNOWN:
        return Standing(release, has.value, max(each.at for each in ends)) if ends else None
    if has is not Grade.PROVEN:
        return Standing(release, has.value, _began(ledger, entry))
    passed = [each.at for each in ends if each.state == PASSED and not each.by_person]
    return Standing(release, has.value, max([*passed, *([entry.proven.at] if entry.proven else [])]))


def find(ledger: Ledger, name: str) -> tuple[Release, ...]:
    """The releases that go by *name* (a tag, a fingerprint, or a name in any system), the one that served last first.

    Several, where one tag was moved from one content to another, or a name is used twice: then a person must say which.
    """
    found = [entry for entry in ledger.entries if name in _names(entry.release).values()]
    return tuple(
        entry.release for entry in sorted(found, key=lambda entry: _began(ledger, entry), reverse=True)
    )


def _entry(ledger: Ledger, fingerprint: str) -> Entry | None:
    return next((entry for entry in ledger.entries if entry.release.fingerprint == fingerprint), None)


def _names(release: Release) -> Mapping[str, str]:
    return {**release.names, "tag": release.tag, "fingerprint": release.fingerprint}


def _is_bad(ending: Ending, allowed: Mark | None) -> bool:
    if ending.state == PASSED:
        return False
    if allowed is not None and ending.at <= allowed.at:
        return False
    return ending.breached or ending.state in BAD


def _by_spans(spans: Sequence[Span], served_after: timedelta, now: datetime) -> Grade:
    lengths = (max((span.end or now) - span.start, timedelta(0)) for span in spans)
    if spans and sum(lengths, timedelta(0)) >= served_after:
        return Grade.SERVED
    return Grade.ADOPTED if any(span.adopted for span in spans) else Grade.UNKNOWN


def _began(ledger: Ledger, entry: Entry) -> datetime:
    """When the release began to serve for the last time; when it was first seen, if it never did."""
    starts = (span.start for span in ledger.spans if span.fingerprint == entry.release.fingerprint)
    return max(starts, default=entry.first_seen)


def _crossed(ledger: Ledger, to: Entry, live: str) -> list[Entry]:
    since = _began(ledger, to)
    return [
        entry
        for entry in ledger.entries
        if entry.release.fingerprint not in {live, to.release.fingerprint} and _began(ledger, entry) > since
    ]
