"""From what sidecars told to the buckets of one question. Pure: what was told goes in, a reading comes out."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, NoData, Reading, Series, Unavailable, Who
from watcher.core.relayed import GONE, SILENT, Instance, Relayed, Summed

PATIENCE = timedelta(
    seconds=15
)  # how long after it settled a bucket waits for who was heard lately: one more beat, and a half
LISTED = 5  # names that words list


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: buckets that end after *after*, and how far they must be.

    Attributes:
        canary, baseline: What the sidecars of either release call it; ``None``: there is nothing beside it.
        settled: How long after its end everybody can have told a bucket.
        whose: For words: the service.
    """

    indicator: Indicator
    canary: Mapping[str, str]
    baseline: Mapping[str, str] | None
    every: timedelta
    settled: timedelta
    after: datetime
    now: datetime
    whose: str


def read(asked: Asked, told: Relayed) -> Reading:
    """The buckets of the question; or why there are none."""
    hall = _Hall(asked, told)
    bounds: tuple[float | None, ...] = (
        asked.indicator.bounds if asked.indicator.kind is Kind.LATENCY else (None,)
    )
    found: dict[float | None, list[Bucket]] = {bound: [] for bound in bounds}
    for part in hall.parts():
        for bound, buckets in found.items():
            canary = _sum(part.sums, asked.canary, bound)
            baseline = None if asked.baseline is None else _sum(part.sums, asked.baseline, bound)
            if canary is not None or baseline is not None:
                buckets.append(Bucket(part.start, part.end, canary, baseline, incomplete=part.is_partial))
    if any(bucket.canary is not None for buckets in found.values() for bucket in buckets):
        return tuple(Series(asked.indicator.id, tuple(buckets), bound) for bound, buckets in found.items())
    return hall.why_none()


@dataclass(frozen=True, slots=True)
class _Part:
    """One bucket to be: what the instances of each release told of it."""

    start: datetime
    end: datetime
    sums: Sequence[Summed]
    is_partial: bool


class _Hall:
    """Who was heard, and what each release's instances told together."""

    def __init__(self, asked: Asked, told: Relayed) -> None:
        self._asked = asked
        self._heard = told.instances
        self._members = [each for each in told.instances if self._is_asked_for(each.names)]
        self._by_end: dict[datetime, list[Summed]] = {}
        self._newest: dict[int, datetime] = {}  # of each instance; they come in order of their ends
        for each in told.sums:
            if self._is_asked_for(each.names):
                self._by_end.setdefault(each.end, []).append(each)
                self._newest |= dict.fromkeys(each.tellers, each.end)

    def _is_asked_for(self, names: Mapping[str, str]) -> bool:
        baseline = self._asked.baseline
        return _goes_by(names, self._asked.canary) or (baseline is not None and _goes_by(names, baseline))

    def parts(self) -> Iterator[_Part]:
        """The buckets that nobody is waited for any more, oldest first.

        A bucket reaches back to where the newest of its samples begins, but not into the bucket before: what an instance
        counted over a look that it missed is added to the bucket in which it could be read again.
        """
        last: datetime | None = None
        for end in sorted(self._by_end):
            sums = self._by_end[end]
            missing = self._missing(sums, end)
            if any(self._is_waited_for(instance, end) for instance in missing):
                return
            start = max(each.start for each in sums)
            start = start if last is None else max(last, start)
            if end > self._asked.after:
                needs_all = self._asked.indicator.kind is Kind.REQUESTS
                yield _Part(start, end, sums, is_partial=needs_all and bool(missing))
            last = end

    def _missing(self, sums: Sequence[Summed], end: datetime) -> list[Instance]:
        """Those that should have told of the bucket that ends at *end*, and did not."""
        told = frozenset[int]().union(*(each.tellers for each in sums))
        return [each for each in self._members if each.number not in told and self._is_expected(each, end)]

    def _is_expected(self, instance: Instance, end: datetime) -> bool:
        """It was there for all of the bucket: its first look is a reference, so two beats after it came at the latest."""
        came = instance.first_at + 2 * self._asked.every < end
        stayed = instance.left_at is None or instance.left_at > end
        return came and stayed and self._asked.now - instance.heard_at < GONE

    def _is_waited_for(self, instance: Instance, end: datetime) -> bool:
        """It may still tell: it was heard lately, can read, and has told of nothing later."""
        newest = self._newest.get(instance.number)
        return (
            self._asked.now < end + self._asked.settled + PATIENCE
            and self._asked.now - instance.heard_at < SILENT
            and instance.left_at is None
            and self._asked.indicator.id not in instance.troubles
            and (newest is None or newest < end)
        )

    def why_none(self) -> Reading:
        """Why there is no bucket of the release."""
        now, whose = self._asked.now, self._asked.whose
        if not self._heard:
            return NoData(f"no sidecar of {whose} was heard")
        lately = [each for each in self._heard if now - each.heard_at < SILENT and each.left_at is None]
        if not lately:
            heard = max(each.heard_at for each in self._heard)
            words = f"no sidecar of {whose} was heard since {heard:%H:%M:%S} UTC"
            return Unavailable(Who.SERVICE, words)
        own = [each for each in lately if _goes_by(each.names, self._asked.canary)]
        if not own:
            return NoData(self._no_such_release(lately))
        return self._troubles(own) or NoData("sidecars are heard; no bucket is complete yet")

    def _no_such_release(self, lately: Sequence[Instance]) -> str:
        wanted = " and ".join(f"{name} {value}" for name, value in sorted(self._asked.canary.items()))
        there = Counter(_called(each, self._asked.canary) for each in lately)
        said = ", ".join(f"{name} ({many})" for name, many in there.most_common(LISTED))
        return f"no sidecar is of {wanted}; those that are heard are of {said}"

    def _troubles(self, own: Sequence[Instance]) -> Reading | None:
        """What most of those say that cannot read it."""
        indicator = self._asked.indicator.id
        troubles = [each.troubles[indicator] for each in own if indicator in each.troubles]
        if not troubles:
            return None
        usual, many = Counter(troubles).most_common(1)[0]
        return usual.reading(f"{many} of {len(own)} sidecars: {usual.words}")


def _goes_by(names: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    return all(names.get(system) == name for system, name in asked.items())


def _called(instance: Instance, asked: Mapping[str, str]) -> str:
    return " and ".join(f"{name} {instance.names.get(name, 'unknown')}" for name in sorted(asked)) or "any"


def _sum(sums: Iterable[Summed], names: Mapping[str, str], bound: float | None) -> Counts | None:
    """What the instances that go by *names* counted together; ``None`` if none of them told."""
    counted = [
        each for one in sums if _goes_by(one.names, names) for each in one.counts if each.bound == bound
    ]
    if not counted:
        return None
    return Counts(sum(each.bad for each in counted), sum(each.total for each in counted))
