"""From probes to the buckets of one question: whose each is, and whether it says anything. Pure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rules.sample import Bucket, Counts, Invalid, NoData, Reading, Series, Unavailable, Who
from watcher.signals.probe.check import Hosted, Probed, Reason, Seen
from watcher.signals.provider import Looked
from watcher.signals.sampling import Track

_ROUNDING = 1e-9  # 60 % of 5 are 3, whatever floating point makes of it
LISTED = 5  # versions or words that a message lists
Tracks = Sequence[Track[Seen]]


@dataclass(frozen=True, slots=True)
class Span:
    """When a task that was found has to answer: after it began to, or had the time to; and until it is told to stop."""

    begun: datetime
    ended: datetime | None

    def holds(self, end: datetime) -> bool:
        """A probe at *end* says something of it."""
        return self.begun <= end and (self.ended is None or end <= self.ended)


@dataclass(frozen=True, slots=True)
class Arm:
    """Where one release is probed, and what it calls itself there; ``None`` where the check does not ask.

    Attributes:
        start_takes: From an answer that says so an address may be starting for so long, until it answers well.
        spans: Of tasks that were found, by the track's id: probes outside of them say nothing.
        until: Up to when it is known who runs; ``None`` where addresses are named.
        trouble: Why none is found.
    """

    tracks: Tracks
    version: str | None
    start_takes: timedelta = timedelta(0)
    spans: Mapping[int, Span] = field(default_factory=dict)
    until: datetime | None = None
    trouble: NoData | Unavailable | Invalid | None = None

    def lives_at(self, track: Track[Seen]) -> bool:
        """It may be this release that answers there."""
        return any(track is own for own in self.tracks)


@dataclass
class _Strange:
    """What was seen and counted for nobody."""

    troubles: list[Unavailable | Invalid] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    nameless: bool = False
    starting: bool = False
    few: bool = False


def read(
    indicator: str,
    canary: Arm,
    baseline: Arm | None,
    others: Tracks,
    after: datetime,
    until: datetime,
    quorum: float | None = None,
) -> Reading:
    """The buckets of *indicator* that end after *after* and not after *until*; or why there are none.

    Args:
        indicator: Its id.
        canary: The release under watch.
        baseline: What serves beside it, where arms are compared.
        others: All that is probed, to tell whether the network here is well.
        after: What ends before is known.
        until: What ends later is not final.
        quorum: How many of a release's probes (`int`), or which share of them (`float`), have to be good for all of them
            together to be one good probe; ``None``: each is counted.
    """
    strange, buckets = _Strange(), []
    if not canary.tracks and not (baseline and baseline.tracks):
        return canary.trouble or NoData("nothing is probed")
    every = next(track.every for arm in (canary, baseline) if arm for track in arm.tracks)
    until = min([until, *(arm.until for arm in (canary, baseline) if arm and arm.until)])
    starts = _starts(canary, baseline)
    for end, probes in _rounds(canary, baseline, after, until):
        sound = [
            (track, seen)
            for track, seen in probes
            if _lives(canary, baseline, track, end)
            and _is_under_way(starts[id(track)], end, strange)
            and _is_sound(track, seen, others, end, strange)
        ]
        own = _counts(canary, sound, quorum, strange, answers_for_all=True)
        beside = None if baseline is None else _counts(baseline, sound, quorum, _Strange())
        if own is not None or beside is not None:
            buckets.append(Bucket(end - every, end, own, beside))
    if buckets:
        return (Series(indicator, tuple(buckets)),)
    return _why_none(canary, strange)


def looked(arm: Arm, others: Tracks, end: datetime) -> tuple[Looked, ...]:
    """What each probe came to that `read` counts for *arm*, of the bucket that ends at *end*. *others*: all that is probed."""
    starts, strange = _starts(arm, None), _Strange()
    return tuple(
        Looked(_host(track), seen.words if seen.reason is not None else "")
        for track in arm.tracks
        for seen in (beat.seen for beat in track.beats if beat.end == end)
        if isinstance(seen, Probed)
        and _lives(arm, None, track, end)
        and _is_under_way(starts[id(track)], end, strange)
        and _is_sound(track, seen, others, end, strange)
        and _is_counted(arm, track, seen, strange, answers_for_all=True)
    )


def _starts(canary: Arm, baseline: Arm | None) -> Mapping[int, frozenset[datetime]]:
    """By the track's id: when its address was starting."""
    return {
        id(track): starting(track, arm.start_takes, named=arm.version is not None)
        for arm in (canary, baseline)
        if arm
        for track in arm.tracks
    }


def _rounds(
    canary: Arm, baseline: Arm | None, after: datetime, until: datetime
) -> Iterator[tuple[datetime, list[tuple[Track[Seen], Seen]]]]:
    """The boundaries for which all probes are done, with what they came to."""
    tracks = list({id(track): track for arm in (canary, baseline) if arm for track in arm.tracks}.values())
    seen: dict[datetime, list[tuple[Track[Seen], Seen]]] = {}
    for track in tracks:
        for beat in track.beats:
            if after < beat.end <= until:
                seen.setdefault(beat.end, []).append((track, beat.seen))
    for end in sorted(seen):
        if not all(track.is_done(end) for track in tracks):
            return
        yield end, seen[end]


def _lives(canary: Arm, baseline: Arm | None, track: Track[Seen], end: datetime) -> bool:
    """It has to answer: a task that is starting or stopping need not."""
    spans = [arm.spans.get(id(track)) for arm in (canary, baseline) if arm]
    return all(span is None or span.holds(end) for span in spans)


def starting(track: Track[Seen], start_takes: timedelta, *, named: bool) -> frozenset[datetime]:
    """The boundaries at which the address of *track* was starting: what it came to then says nothing of a release.

    A start begins with an answer that says so, whatever comes behind it (a process that is cold hangs, a check that warms up
    fails), and ends with the first good answer; where answers are *named*, with one that says whose it is, for a splash page
    is good too. A start that takes longer than *start_takes* counts from then on.
    """
    begun: datetime | None = None
    ends = set()
    for beat in track.beats:
        if isinstance(beat.seen, Probed):
            is_up = beat.seen.reason is None and (beat.seen.version is not None or not named)
            says_so = beat.seen.reason is Reason.STARTING
            begun = None if is_up else begun or (beat.end if says_so else None)
        if begun is not None and beat.end < begun + start_takes:
            ends.add(beat.end)
    return frozenset(ends)


def _is_under_way(starts: frozenset[datetime], end: datetime, strange: _Strange) -> bool:
    """Nothing is starting there; if something is, *strange* gets to know."""
    strange.starting |= end in starts
    return end not in starts


def _is_sound(track: Track[Seen], seen: Seen, others: Tracks, end: datetime, strange: _Strange) -> bool:
    """The probe says something of the service; if not, *strange* gets why."""
    if not isinstance(seen, Probed):
        strange.troubles.append(seen)
        return False
    if seen.got_through or not _is_ours(track, seen, others, end):
        return True
    words = f"{seen.words}; nothing else can be reached from here, so it may be the daemon's network"
    strange.troubles.append(Unavailable(Who.OPERATOR, words))
    return False


def _is_ours(track: Track[Seen], seen: Probed, others: Tracks, end: datetime) -> bool:
    """No sign of life came back, and it is more likely that the network here is to blame."""
    beside = [
        latest
        for other in others
        if _host(other) != _host(track) and (latest := _latest(other, end)) is not None
    ]
    if not beside:
        return seen.reason is Reason.UNREACHABLE
    return not any(isinstance(each, Probed) and each.got_through for each in beside)


def _host(track: Track[Seen]) -> str:
    return track.subject.host if isinstance(track.subject, Hosted) else ""


def _latest(track: Track[Seen], end: datetime) -> Seen | None:
    """What was seen last before *end*, if that is not long ago."""
    recent = timedelta(seconds=1) + 2 * track.every
    return next((beat.seen for beat in reversed(track.beats) if end - recent < beat.end <= end), None)


def _counts(
    arm: Arm,
    probes: Sequence[tuple[Track[Seen], Seen]],
    quorum: float | None,
    strange: _Strange,
    *,
    answers_for_all: bool = False,
) -> Counts | None:
    """How many of the *probes* are the arm's, and how many of them bad.

    Args:
        arm: Whose.
        probes: Of one beat.
        quorum: See `read`.
        strange: Gets what is nobody's.
        answers_for_all: A page of another release whose files are gone is counted too. It lies in some cache, and its
            files were there until this release came.
    """
    own = [
        seen
        for track, seen in probes
        if isinstance(seen, Probed)
        and _is_counted(arm, track, seen, strange, answers_for_all=answers_for_all)
    ]
    bad = sum(seen.reason is not None for seen in own)
    if quorum is None:
        return Counts(float(bad), float(len(own))) if own else None
    wanted = quorum if isinstance(quorum, int) else math.ceil(quorum * len(own) - _ROUNDING)
    if not own or len(own) < wanted:  # of a release that is only just coming so many do not run yet
        strange.few |= bool(own)
        return None
    return Counts(float(len(own) - bad < wanted), 1.0)


def _is_counted(
    arm: Arm, track: Track[Seen], seen: Probed, strange: _Strange, *, answers_for_all: bool
) -> bool:
    """For *arm*: see `_counts`."""
    gone = answers_for_all and seen.reason is Reason.ASSET and arm.lives_at(track)
    return _belongs(arm, track, seen, strange) or gone


def _belongs(arm: Arm, track: Track[Seen], seen: Probed, strange: _Strange) -> bool:
    if arm.version is None:
        return arm.lives_at(track)
    if seen.version is None:
        # An answer that is good and does not say whose it is proves nothing for anybody.
        strange.nameless |= seen.reason is None
        return seen.reason is not None and arm.lives_at(track)
    if seen.version != arm.version:
        strange.versions[seen.version] = seen.words if seen.reason is None else ""
    return seen.version == arm.version


def _why_none(canary: Arm, strange: _Strange) -> Reading:
    if canary.trouble is not None:
        return canary.trouble
    if strange.troubles:
        return _worst(strange.troubles)
    if strange.versions:
        there = ", ".join(_called(*each) for each in list(strange.versions.items())[-LISTED:])
        return NoData(f"the answers are of {there}, none of {canary.version!r}")
    whys = (
        (strange.nameless, "the answers do not say which release they are of"),
        (strange.starting, "a release is starting there, and has not answered well yet"),
        (strange.few, "fewer are probed than the quorum names"),
    )
    return NoData(next((words for holds, words in whys if holds), "no probe has come back yet"))


def _called(version: str, words: str) -> str:
    return f"{version[:40]!r} ({words})" if words else repr(version[:40])


def _worst(troubles: Sequence[Unavailable | Invalid]) -> Reading:
    newest = troubles[-LISTED:]
    words = "; ".join(dict.fromkeys(each.words for each in newest))
    invalid = [each for each in newest if isinstance(each, Invalid)]
    if invalid:
        return Invalid(invalid[-1].who, words)
    remedy = next((each.remedy for each in reversed(newest) if isinstance(each, Unavailable)), "")
    return Unavailable(newest[-1].who, words, remedy=remedy)
