"""Recorded samples: CSV or JSON lines, a line a bucket and release; every mistake with its line.

=============  ==========================================================================================
``end``        when the bucket ended: ISO 8601 with its offset, or seconds since 1970 (UTC)
``indicator``  as the rule file calls it
``release``    which release it is of; empty or absent: the service as a whole
``total``      requests, probes, users; for a latency too
``bad``        how many of them failed, or were slower than ``bound``
``bound``      for a latency, in seconds
``value``      for a gauge, instead of ``total`` and ``bad``
``state``      for an alarm, in the vendor's word; with ``is_bad`` (true or false)
=============  ==========================================================================================

Lines may stand in any order; of two of the same bucket the later counts, as a revision does.
"""

import csv
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from rules.assemble import LARGEST
from rules.model import Indicator, Kind, RuleSet
from rules.sample import Counts, Measure, State, Value
from watcher.errors import WatcherError

COLUMNS = ("end", "indicator", "release", "total", "bad", "bound", "value", "state", "is_bad")
LISTED = 20  # mistakes that are told; the others are counted
LONGEST_LINE = 4096
YEARS = range(1970, 2200)  # others are slips, and reckoning with them leaves the calendar
_EPOCH = datetime.fromtimestamp(0, UTC)
SERVICE = ""  # the release of what is recorded of the service as a whole
Key = tuple[str, float | None, str]  # indicator, bound, release


class UnreadableSamples(WatcherError):
    """The recorded samples cannot be used."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What was recorded.

    Attributes:
        measures: By indicator, bound and release: the measure of each bucket, by its end (aware UTC).
        buckets: The length of a bucket, by indicator.
        ends: The ends of the buckets, ascending: what was recorded in a span is found without a search.
    """

    measures: Mapping[Key, Mapping[datetime, Measure]]
    buckets: Mapping[str, timedelta]
    ends: Mapping[Key, Sequence[datetime]] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "ends", {key: sorted(found) for key, found in self.measures.items()})

    @property
    def first(self) -> datetime:
        """The start of the oldest bucket."""
        return min(ends[0] - self.buckets[indicator] for (indicator, _, _), ends in self.ends.items())

    @property
    def last(self) -> datetime:
        """The end of the newest."""
        return max(ends[-1] for ends in self.ends.values())

    def grid(self, indicator: str) -> datetime:
        """When one of its buckets ended: the others did whole buckets away from it. Any moment, where none was recorded."""
        return next((ends[0] for (name, _, _), ends in self.ends.items() if name == indicator), _EPOCH)

    def ends_within(self, key: Key, since: datetime, until: datetime) -> Sequence[datetime]:
        """The ends of its buckets in ``(since, until]``, ascending."""
        ends = self.ends.get(key, ())
        return ends[bisect_right(ends, since) : bisect_right(ends, until)]

    def releases(self, indicator: str) -> set[str]:
        """Of which it was recorded; empty if of the service as a whole alone."""
        return {release for name, _, release in self.measures if name == indicator} - {SERVICE}


@dataclass(slots=True)
class _Reading:
    """One file, line by line."""

    path: Path
    indicators: Mapping[str, Indicator]
    measures: dict[Key, dict[datetime, Measure]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    passed_over: int = 0

    def take(self, number: int, row: Mapping[str, str]) -> None:
        """One line."""
        try:
            _refuse_unknown(row)
            indicator = self.indicators.get(row.get("indicator", ""))
            if indicator is None:
                self.passed_over += 1  # of another rule file
                return
            bound = _bound(indicator, row.get("bound", ""))
            end, measure = moment_of("end", row.get("end", "")), _measure(indicator, row)
        except ValueError as error:
            self.wrong.append(f"{self.path}:{number}: {error}")
            return
        self.measures.setdefault((indicator.id, bound, row.get("release", "")), {})[end] = measure


def read_samples(
    paths: Iterable[Path], rules: RuleSet, lengths: Mapping[str, timedelta], usual: timedelta | None
) -> Samples:
    """The samples in *paths*.

    Args:
        paths: ``.csv``, or ``.jsonl`` and anything else as JSON lines.
        rules: Whose indicators are looked for; lines of others are passed over.
        lengths: Of a bucket, by indicator, where somebody said it.
        usual: Of all others; ``None``: the shortest time between two of its buckets.

    Raises:
        UnreadableSamples: A file cannot be read, lines are wrong (each is told), or nothing in it is of these rules.
    """
    measures: dict[Key, dict[datetime, Measure]] = {}
    wrong: list[str] = []
    for path in paths:
        reading = _Reading(path, {indicator.id: indicator for indicator in rules.indicators})
        try:
            for number, row in _rows(path, reading.wrong):
                reading.take(number, row)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise UnreadableSamples(
                f"{path} cannot be read: {error}", remedy="name a file of CSV or JSON lines in UTF-8"
            ) from error
        wrong += reading.wrong
        for key, ends in reading.measures.items():
            measures.setdefault(key, {}).update(ends)
    if wrong:
        more = f"\n… and {len(wrong) - LISTED:,} more" if len(wrong) > LISTED else ""
        raise UnreadableSamples(
            "\n".join(wrong[:LISTED]) + more,
            remedy="correct these lines; `rollbackd replay --help` has the columns",
        )
    if not measures:
        names = ", ".join(indicator.id for indicator in rules.indicators)
        raise UnreadableSamples(
            "no line is of an indicator of these rules", remedy=f"the rules measure: {names}"
        )
    buckets = {name: _length(name, measures, lengths, usual) for name, _, _ in measures}
    return Samples(measures, buckets)


def _rows(path: Path, wrong: list[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix == ".csv":
            rows = csv.DictReader(file)
            for row in rows:
                if None in row or None in row.values():
                    wrong.append(
                        f"{path}:{rows.line_num}: {len(rows.fieldnames or ())} columns were expected"
                    )
                else:
                    yield rows.line_num, row
            return
        for number, line in enumerate(file, start=1):
            if line.strip():
                try:
                    yield number, _object(line)
                except ValueError as error:
                    wrong.append(f"{path}:{number}: {error}")


def _refuse_unknown(row: Mapping[str, str]) -> None:
    unknown = [name for name in row if name not in COLUMNS]
    if unknown:
        raise ValueError(f"unknown column {unknown[0][:30]!r}; known: {', '.join(COLUMNS)}")


def _object(line: str) -> Mapping[str, str]:
    if len(line) > LONGEST_LINE:
        raise ValueError(f"a line of more than {LONGEST_LINE:,} characters")
    try:
        found = json.loads(line)
    except RecursionError:
        raise ValueError("not a JSON object of numbers and text") from None
    if not isinstance(found, dict) or any(isinstance(value, dict | list) for value in found.values()):
        raise ValueError("not a JSON object of numbers and text")
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in found.items()
        if value is not None
    }


def moment_of(name: str, text: str) -> datetime:
    """The moment that *text* writes, in UTC.

    Raises:
        ValueError: With *name*, and the right form.
    """
    try:
        is_number = text.replace(".", "", 1).isdigit()
        moment = datetime.fromtimestamp(float(text), UTC) if is_number else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"{name} {text[:40]!r} is no time: write 2026-11-29T18:00:00Z, or seconds since 1970"
        ) from None
    if moment.tzinfo is None:
        raise ValueError(f"{name} {text[:40]!r} has no offset: write Z for UTC")
    if moment.year not in YEARS:
        raise ValueError(f"{name} {text[:40]!r} is in no year from {YEARS[0]} to {YEARS[-1]}")
    return moment.astimezone(UTC)


def _bound(indicator: Indicator, text: str) -> float | None:
    if indicator.kind is not Kind.LATENCY:
        return None
    if not text and len(indicator.bounds) == 1:
        return indicator.bounds[0]
    bound = _number("bound", text)
    if bound not in indicator.bounds:
        known = ", ".join(f"{each:g}" for each in indicator.bounds)
        raise ValueError(f"bound {bound:g} is none of {indicator.id}: {known} (seconds)")
    return bound


def _measure(indicator: Indicator, row: Mapping[str, str]) -> Measure:
    match indicator.kind:
        case Kind.VALUE:
            return Value(_number("value", row.get("value", "")))
        case Kind.STATE:
            if not row.get("state"):
                raise ValueError("state is missing")
            if row.get("is_bad", "false").lower() not in {"true", "false"}:
                raise ValueError("is_bad is neither true nor false")
            return State(row["state"], None, row.get("is_bad", "false").lower() == "true")
        case Kind.REQUESTS:
            return Counts(0.0, _count("total", row.get("total", "")))
        case _:
            counts = Counts(_count("bad", row.get("bad", "")), _count("total", row.get("total", "")))
            if counts.bad > counts.total and indicator.kind is not Kind.EVENTS:
                raise ValueError(
                    f"{counts.bad:g} bad of {counts.total:g}: no more can be bad than there were"
                )
            return counts


def _count(name: str, text: str) -> float:
    number = _number(name, text)
    if number < 0:
        raise ValueError(f"{name} is {number:g}: a count is 0 or more")
    return number


def _number(name: str, text: str) -> float:
    if not text:
        raise ValueError(f"{name} is missing")
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{name} {text[:40]!r} is no number") from None
    if not -LARGEST <= number <= LARGEST:
        raise ValueError(f"{name} {text[:40]} is no measurement")
    return number


def _length(
    name: str,
    measures: Mapping[Key, Mapping[datetime, Measure]],
    lengths: Mapping[str, timedelta],
    usual: timedelta | None,
) -> timedelta:
    """How long a bucket of the indicator is."""
    said = lengths.get(name, usual)
    gaps = [
        after - before
        for (indicator, _, _), ends in measures.items()
        if indicator == name
        for before, after in pairwise(sorted(ends))
    ]
    if said is not None:
        if gaps and min(gaps) < said:
            raise UnreadableSamples(
                f"windows of {name} overlap: two end {min(gaps)} apart, and each lasts {said}; what is counted twice is no evidence",
                remedy="record counts of disjoint buckets, such as increase() over one, and leave --bucket out",
            )
        return said
    if not gaps:
        raise UnreadableSamples(
            f"how long is a bucket of {name}? There is one alone", remedy=f"say --bucket {name}=1m"
        )
    return min(gaps)
