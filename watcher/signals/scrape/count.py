"""From what was seen on pages to the buckets of one question: which series belong to which arm, and what is bad.

Pure: what was seen goes in, a reading comes out.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf, isclose

from rules.model import Indicator, Kind
from rules.sample import Bucket, Counts, Invalid, Measure, NoData, Reading, Series, Unavailable, Value, Who
from watcher.signals.exposed import Not, no_bound
from watcher.signals.pattern import compiled, matches
from watcher.signals.sampling import Beat, Track
from watcher.signals.scrape.endpoint import Endpoint, Scraped, Seen
from watcher.signals.scrape.page import Labels
from watcher.signals.scrape.query import Matchers, Query

PATIENCE = timedelta(minutes=5)  # after which a name that nobody knows is a mistake, and not a late start
LISTED = 5  # endpoints, values or names that words list
Pages = Sequence[Track[Seen]]


@dataclass(frozen=True, slots=True)
class Arm:
    """Where one release's series are, and which of a page's are its own. *trouble*: why no page of it is found."""

    pages: Pages
    query: Query
    names: Mapping[str, str]
    trouble: NoData | Unavailable | Invalid | None = None

    def owns(self, labels: Labels) -> bool:
        """The series is this release's."""
        return _match(self.query.where, dict(labels), self.names)

    def is_bad(self, labels: Labels) -> bool:
        """What it counts is bad."""
        return self.query.bad is not None and _match(self.query.bad, dict(labels), self.names)


@dataclass(frozen=True, slots=True)
class Span:
    """What is asked about: buckets that end after *after* and not after *until*. *asked* is when it was first asked."""

    after: datetime
    until: datetime
    asked: datetime


class Unfit(Exception):
    """The series cannot answer the question; *reading* says why."""

    def __init__(self, reading: Invalid) -> None:
        super().__init__(reading.words)
        self.reading = reading


def read(indicator: Indicator, canary: Arm, baseline: Arm | None, span: Span) -> Reading:
    """The buckets of *indicator* in *span*; or why there are none."""
    arms = [canary] if baseline is None else [canary, baseline]
    try:
        series = _series(indicator, canary, baseline, span)
    except Unfit as unfit:
        return unfit.reading
    if any(bucket.canary is not None for bucket in series[0].buckets):
        return series
    strange = _strange(canary, span)
    if isinstance(strange, Invalid) or not series[0].buckets:
        return strange or _why_none(arms, span.until)
    return series


def _series(indicator: Indicator, canary: Arm, baseline: Arm | None, span: Span) -> tuple[Series, ...]:
    bounds: tuple[float | None, ...] = indicator.bounds if indicator.kind is Kind.LATENCY else (None,)
    found: dict[float | None, list[Bucket]] = {bound: [] for bound in bounds}
    for part in _parts(canary, baseline, span.until):
        if part.end > span.after:
            for bound, buckets in found.items():
                own = part.measure(canary, bound)
                beside = None if baseline is None else part.measure(baseline, bound)
                if own is not None or beside is not None:
                    buckets.append(Bucket(part.start, part.end, own, beside, incomplete=part.is_partial))
    return tuple(Series(indicator.id, tuple(buckets), bound) for bound, buckets in found.items())


@dataclass(frozen=True, slots=True)
class _Part:
    """One bucket to be: what each page contributes to it."""

    start: datetime
    end: datetime
    seen: Mapping[int, Scraped]  # by the track that it comes from
    is_partial: bool

    def measure(self, arm: Arm, bound: float | None) -> Measure | None:
        """What was measured of *arm*; ``None`` if none of its series was there."""
        query, metric = arm.query, arm.query.metric
        pages = [self.seen[id(track)] for track in arm.pages if id(track) in self.seen]
        broken = [page.broken[metric] for page in pages if metric in page.broken]
        if broken:
            raise Unfit(Invalid(Who.SERVICE, broken[0]))
        if query.gauge is not None:
            return _gauge(
                query, [x for page in pages for x in _owned(arm, page.values.get(metric, {})).values()]
            )
        owned = [_owned(arm, page.increments.get(metric, {})) for page in pages]
        return _slow(owned, bound) if bound is not None else _counted(arm, owned)


def _parts(canary: Arm, baseline: Arm | None, until: datetime) -> Iterator[_Part]:
    """The buckets that are complete, oldest first.

    A bucket reaches back to the last look of the page whose look is the most recent, but not into the bucket before: what
    a page counted over a look that it missed is added to the bucket in which it answers again.
    """
    tracks = {id(track): track for arm in (canary, baseline) if arm for track in arm.pages}
    seen = {key: {beat.end: beat.seen for beat in track.beats} for key, track in tracks.items()}
    last: datetime | None = None
    for end in sorted({end for ends in seen.values() for end in ends if end <= until}):
        if not all(track.is_done(end) for track in tracks.values()):
            return
        here = {key: page for key, ends in seen.items() if (page := _useful(ends.get(end), canary.query))}
        if here:
            starts = [page.since or end - canary.query.every for page in here.values()]
            start = max(starts) if last is None else max(last, *starts)
            is_whole = min(starts) == start and all(
                key in here for key, track in tracks.items() if _is_expected(track, end)
            )
            yield _Part(start, end, here, canary.query.needs_all and not is_whole)
            last = end


def _is_expected(track: Track[Seen], end: datetime) -> bool:
    """There was something to see: it was born before, and is not gone."""
    born = track.subject.born if isinstance(track.subject, Endpoint) else None
    return (born is None or born < end) and (track.ended is None or end <= track.ended)


def _useful(seen: Seen | None, query: Query) -> Scraped | None:
    """What one look contributes to its bucket: a gauge says something at once, a counter only against a look before."""
    if isinstance(seen, Scraped) and (query.gauge is not None or seen.since is not None):
        return seen
    return None


def _owned(arm: Arm, values: Mapping[Labels, float]) -> dict[Labels, float]:
    return {labels: value for labels, value in values.items() if arm.owns(labels)}


def _match(matchers: Matchers, labels: Mapping[str, str], names: Mapping[str, str]) -> bool:
    for name, wanted in matchers.items():
        text, want = (wanted.not_, False) if isinstance(wanted, Not) else (wanted, True)
        if matches(compiled(text, names), labels.get(name, "")) is not want:
            return False
    return True


def _counted(arm: Arm, owned: Iterable[Mapping[Labels, float]]) -> Counts | None:
    series = [pair for page in owned for pair in page.items()]
    if not series:
        return None
    return Counts(
        sum(value for labels, value in series if arm.is_bad(labels)), sum(value for _, value in series)
    )


def _gauge(query: Query, values: Sequence[float]) -> Value | None:
    if not values:
        return None
    if query.take is None and len(values) > 1:
        words = f"{query.gauge} has {len(values)} series where one was expected: narrow `where`, or say `take: max`"
        raise Unfit(Invalid(Who.AUTHOR, words))
    return Value(float(_TAKEN[query.take or "sum"](values)))


_TAKEN: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "max": max,
    "min": min,
    "mean": lambda values: sum(values) / len(values),
}


def _slow(owned: Iterable[Mapping[Labels, float]], bound: float) -> Counts | None:
    """Those slower than *bound*, exactly: the bound is one of the histogram's own."""
    slow, total = 0.0, 0.0
    histograms = [each for page in owned for each in _histograms(page)]
    for histogram in histograms:
        if inf not in histogram:
            raise Unfit(Invalid(Who.SERVICE, 'a histogram without its bucket le="+Inf"'))
        within = next((count for le, count in histogram.items() if isclose(le, bound, rel_tol=1e-9)), None)
        if within is None:
            raise Unfit(Invalid(Who.AUTHOR, no_bound(bound, sorted(histogram))))
        slow += max(histogram[inf] - within, 0.0)
        total += histogram[inf]
    return Counts(slow, total) if histograms else None


def _histograms(page: Mapping[Labels, float]) -> Iterable[Mapping[float, float]]:
    """Counts by upper bound, for each histogram of a page."""
    found: dict[Labels, dict[float, float]] = {}
    for labels, value in page.items():
        others = tuple(pair for pair in labels if pair[0] != "le")
        le = dict(labels).get("le", "")
        try:
            found.setdefault(others, {})[float(le)] = value
        except ValueError:
            raise Unfit(Invalid(Who.SERVICE, f"a bucket of a histogram whose bound is {le[:20]!r}")) from None
    return found.values()


def _strange(canary: Arm, span: Span) -> NoData | Invalid | None:
    """What the pages of *canary* say instead, where they answer and have nothing of it."""
    metric = canary.query.metric
    looks = [
        (end, seen)
        for end, seen in _scraped(canary, span)
        if metric in seen.missing or _series_of(metric, seen)
    ]
    series = [labels for _, seen in looks for labels in _series_of(metric, seen)]
    if not looks or any(canary.owns(labels) for labels in series):
        return None
    names = frozenset[str]().union(*(seen.names for _, seen in looks))
    words = _no_series(canary, series) if series else _no_metric(metric, names)
    busy = not series or any(sum(seen.increments.get(metric, {}).values()) > 0 for _, seen in looks)
    if busy and looks[-1][0] - looks[0][0] >= PATIENCE:
        return Invalid(Who.AUTHOR, words)
    return NoData(words)


def _scraped(arm: Arm, span: Span) -> list[tuple[datetime, Scraped]]:
    """The looks at the arm's pages that were answered since it was asked for, oldest first."""
    beats = [beat for track in arm.pages for beat in track.beats if span.asked <= beat.end <= span.until]
    looks = [(beat.end, beat.seen) for beat in beats if isinstance(beat.seen, Scraped)]
    return sorted(looks, key=lambda look: look[0])


def _series_of(metric: str, seen: Scraped) -> Iterable[Labels]:
    return {**seen.values.get(metric, {}), **seen.increments.get(metric, {})}


def _no_metric(metric: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(metric, sorted(names), n=LISTED, cutoff=0.5)
    return f"no page has {metric}" + (f"; nearest: {', '.join(near)}" if near else "")


def _no_series(arm: Arm, series: Sequence[Labels]) -> str:
    """Names the first label whose pattern nothing matches, with the values that there are."""
    for name, wanted in arm.query.where.items():
        values = sorted({dict(labels).get(name, "") for labels in series})
        if not any(_match({name: wanted}, {name: value}, arm.names) for value in values):
            there = ", ".join(repr(value[:60]) for value in values[:LISTED])
            return f"{arm.query.metric} has no series whose {name} is what was asked for; it is {there}"
    return f"{arm.query.metric} has no series that fits all of `where`"


def _why_none(arms: Sequence[Arm], until: datetime) -> Reading:
    """Why there is no bucket: what the newest looks came to."""
    tracks = {id(track): track for arm in arms for track in arm.pages}.values()
    newest = [beat.seen for track in tracks if (beat := _newest(track, until)) is not None]
    if not newest:
        return NoData("sampling has begun; no look has come back yet")
    troubles = [seen for seen in newest if not isinstance(seen, Scraped)]
    if len(troubles) < len(newest):
        words = [seen.words for seen in newest if isinstance(seen, Scraped) and seen.words]
        return NoData(words[0] if words else "no bucket is complete yet")
    words_of_all = "; ".join(dict.fromkeys(seen.words for seen in troubles[:LISTED]))
    for seen in troubles:
        if isinstance(seen, Invalid):
            return Invalid(seen.who, words_of_all, seen.remedy)
    for seen in troubles:
        if isinstance(seen, Unavailable):
            return Unavailable(seen.who, words_of_all, seen.retry_at, seen.remedy)
    return NoData(words_of_all)


def _newest(track: Track[Seen], until: datetime) -> Beat[Seen] | None:
    return next((beat for beat in reversed(track.beats) if beat.end <= until), None)
