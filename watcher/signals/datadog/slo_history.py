"""How an SLO stood: the moments at which one of monitors, or of time slices, turned, as states of its minutes. Pure.

Source:
    https://docs.datadoghq.com/api/latest/service-level-objectives/#get-an-slos-history
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite

from pydantic import BaseModel, ConfigDict

from rules.sample import Bucket, NoData, Reading, Series, State, Unavailable, Who
from watcher.signals.datadog.slo import plain

UP, DOWN, SILENT = 0, 1, 2
NAMES = {UP: "Up", DOWN: "Down", SILENT: "No Data"}
_MOST_BUCKETS = 24 * 60
_EPOCH = datetime.fromtimestamp(0, UTC)


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Error(_Loose):
    error_message: str = ""


class _Sli(_Loose):
    history: list[tuple[float, float]] | None = None
    errors: list[_Error] | None = None
    group: str | None = None
    name: str | None = None
    sli_value: float | None = None


class _History(_Loose):
    to_ts: int
    overall: _Sli = _Sli()
    groups: list[_Sli] | None = None
    monitors: list[_Sli] | None = None


class History(_Loose):
    """An answer of ``/api/v1/slo/{id}/history``."""

    data: _History


@dataclass(frozen=True, slots=True)
class Turns:
    """One SLO, or one group of it: when it came into which state, oldest first. *tags*: those of the group."""

    of: str
    tags: frozenset[str]
    turns: tuple[tuple[datetime, int], ...]

    def at(self, moment: datetime) -> tuple[datetime, int] | None:
        """Its state just before then, and since when; ``None``: nobody knows."""
        return next((turn for turn in reversed(self.turns) if turn[0] < moment), None)


@dataclass(frozen=True, slots=True)
class Stood:
    """How one SLO stood.

    Attributes:
        start: From when on was asked. until: Until when it is told.
        read_at: When.
        trouble: In Datadog's words, why a part of it is not known; empty: all is.
        sli: The share that was good, in percent; ``None``: not known.
    """

    start: datetime
    until: datetime
    read_at: datetime
    overall: Turns
    groups: tuple[Turns, ...]
    trouble: str
    sli: float | None


def stood(told: History, of: str, start: datetime, now: datetime) -> Stood:
    """What *told* says at *now* of the SLO called *of*, since *start*.

    Raises:
        ValueError: Its times or states are none.
    """
    data = told.data
    name = plain(data.overall.name or "") or of
    parts = (data.overall, *(data.monitors or ()), *(data.groups or ()))
    troubles = [plain(error.error_message) for part in parts for error in part.errors or ()]
    return Stood(
        start,
        min(_time(data.to_ts), now),
        now,
        Turns(name, frozenset(), _turns(data.overall)),
        tuple(
            Turns(f"{name} ({plain(each.group)})", _tags(each.group), _turns(each))
            for each in data.groups or ()
            if each.group
        ),
        "; ".join(dict.fromkeys(each or "an error that says nothing" for each in troubles)),
        data.overall.sli_value,
    )


def _turns(sli: _Sli) -> tuple[tuple[datetime, int], ...]:
    found: list[tuple[datetime, int]] = []
    for at, state in sorted(sli.history or ()):
        if state not in NAMES:
            raise ValueError(f"a state {state:g}")
        if not found or found[-1][1] != state:  # what is told again has not turned
            found.append((_time(at), int(state)))
    return tuple(found)


def _time(seconds: float) -> datetime:
    if not isfinite(seconds):
        raise ValueError("a time that is none")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("a time that is none") from error


def _tags(group: str) -> frozenset[str]:
    return frozenset(tag.strip() for tag in group.split(","))


def reading(
    indicator: str,
    slo: Stood,
    tags: frozenset[str],
    bucket: timedelta,
    after: datetime,
    end: datetime,
    where: str,
) -> Reading:
    """The buckets of *slo* that end in ``(after, end]``, each as it was just before its end; the worst of several groups.

    Args:
        indicator: Whose.
        slo: Of monitors, or of time slices.
        tags: That a group must have; none: all of it.
        bucket: Their length.
        after: Those that end at or before it are known.
        end: The newest that is wanted.
        where: Datadog, for people.
    """
    if slo.trouble:
        return Unavailable(
            Who.PROVIDER, f"{where} does not know all of the SLO {slo.overall.of}: {slo.trouble}"
        )
    looked_at = [group for group in slo.groups if tags <= group.tags] if tags else [slo.overall]
    if not looked_at:
        return NoData(f"the SLO {slo.overall.of} has no group with {', '.join(sorted(tags))}")
    buckets = tuple(_buckets(looked_at, bucket, after, min(end, slo.until)))
    if not buckets:
        return NoData(
            f"the SLO {slo.overall.of} has no data: it says neither that it is up nor that it is down"
        )
    return (Series(indicator, buckets),)


def _buckets(groups: Sequence[Turns], bucket: timedelta, after: datetime, end: datetime) -> Iterator[Bucket]:
    last = end - (end - _EPOCH) % bucket
    many = min(max(-((after - last) // bucket), 0), _MOST_BUCKETS)
    for place in reversed(range(many)):
        at = last - place * bucket
        state = _worst(groups, at)
        if state is not None:
            yield Bucket(at - bucket, at, canary=state)


def _worst(groups: Sequence[Turns], at: datetime) -> State | None:
    """Of those that are down the one that turned last; ``None``: one of them is not known, and none is down."""
    known = [(turn, group.of) for group in groups if (turn := group.at(at)) is not None]
    down = [(since, of) for (since, state), of in known if state == DOWN]
    if down:
        since, of = max(down)
        return State(NAMES[DOWN], since, bad=True, of=of)
    if len(known) < len(groups) or any(state == SILENT for (_, state), _ in known):
        return None
    since, of = max((since, of) for (since, _), of in known)
    return State(NAMES[UP], since, of=of)
