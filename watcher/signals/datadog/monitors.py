"""Monitors: each read once a minute at most, however many watches ask.

A monitor tells of each of its groups since when it is in its state, so a reading also tells of the minutes since then. One
that is muted, or under a downtime, says nothing: somebody expects it to be bad.

Source:
    https://docs.datadoghq.com/api/latest/monitors/#get-a-monitors-details
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from rules.sample import Bucket, Invalid, NoData, Reading, Series, State, Unavailable, Who
from watcher.signals.arms import filled
from watcher.signals.datadog.answer import Failed, Trouble
from watcher.signals.datadog.metric import as_tag
from watcher.signals.datadog.query import MINUTE, Query
from watcher.signals.datadog.server import Server

PATH, SCOPE = "/api/v1/monitor", "monitors_read"
_FORGOTTEN = timedelta(minutes=10)  # what nobody asked for since then
_NOW = timedelta(minutes=3)  # a window that ends before this asks of the past
_MOST_MINUTES = 24 * 60


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Group(_Loose):
    status: str | None = None
    last_triggered_ts: float | None = None
    last_resolved_ts: float | None = None
    last_nodata_ts: float | None = None


class _Groups(_Loose):
    groups: dict[str, _Group] | None = None


class _Options(_Loose):
    silenced: dict[str, float | None] | None = None


class Told(_Loose):
    """A monitor, as Datadog tells it."""

    id: int
    name: str = ""
    overall_state: str | None = None
    overall_state_modified: datetime | None = None
    state: _Groups | None = None
    options: _Options | None = None
    matching_downtimes: list[Any] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a monitor, or the monitor itself where it has none. *tags*: those by which it was made."""

    of: str
    tags: frozenset[str]
    state: str
    since: datetime | None
    is_muted: bool


@dataclass(frozen=True, slots=True)
class Monitor:
    """One as it was last read."""

    id: int
    name: str
    read_at: datetime
    groups: tuple[Group, ...]


def monitor_of(told: Told, now: datetime) -> Monitor:
    """What *told* says at *now*."""
    name = " ".join(told.name.split())[:100] or str(told.id)
    groups = told.state.groups if told.state is not None else None
    if not groups or set(groups) == {"*"}:
        one = next(iter(groups.values()), None) if groups else None
        state = told.overall_state or (one.status if one else None) or "Unknown"
        since = _since(one, state) if one else None
        alone = Group(
            name, frozenset(), state, since or _aware(told.overall_state_modified), _is_muted(told, "*", now)
        )
        return Monitor(told.id, name, now, (alone,))
    return Monitor(
        told.id,
        name,
        now,
        tuple(
            Group(
                f"{name} ({key[:100]})",
                frozenset(tag.strip() for tag in key.split(",")),
                group.status or "Unknown",
                _since(group, group.status or ""),
                _is_muted(told, key, now),
            )
            for key, group in sorted(groups.items())
        ),
    )


def _since(group: _Group, state: str) -> datetime | None:
    seconds = {
        "OK": group.last_resolved_ts,
        "Alert": group.last_triggered_ts,
        "Warn": group.last_triggered_ts,
        "No Data": group.last_nodata_ts,
    }.get(state)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds else None
    except (OverflowError, OSError, ValueError):
        return None


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def _is_muted(told: Told, key: str, now: datetime) -> bool:
    """Downtimes that match are in force; which of the groups they are of is not told, so it is all."""
    silenced = (told.options.silenced if told.options is not None else None) or {}
    ends = [end for scope, end in silenced.items() if scope in {"*", key}]
    return bool(told.matching_downtimes) or any(end is None or end > now.timestamp() for end in ends)


class Monitors:
    """All that are asked for at one site."""

    def __init__(self, server: Server, now: Callable[[], datetime]) -> None:
        self._server = server
        self._now = now
        self._read: dict[int, Monitor] = {}
        self._wanted: dict[int, datetime] = {}
        self._one = asyncio.Lock()

    async def read(
        self, ids: Collection[int], end: datetime, patience: timedelta
    ) -> Mapping[int, Monitor | Trouble]:
        """Those called *ids*, as they were at *end* or after it: an older reading is made again.

        Args:
            ids: Any number.
            end: Of the window.
            patience: After which what is not answered yet is unavailable.
        """
        self._want(ids)
        found: dict[int, Monitor | Trouble] = {}
        try:
            async with asyncio.timeout(max(patience.total_seconds(), 0.0)), self._one:
                async with asyncio.TaskGroup() as tasks:
                    asked = {
                        number: tasks.create_task(self.ask(number, patience))
                        for number in ids
                        if number not in self._read or self._read[number].read_at < end
                    }
                found |= {number: task.result() for number, task in asked.items()}
        except TimeoutError:
            words = f"{self._server.where} gave no answer in time"
            found |= dict.fromkeys(ids, Unavailable(Who.PROVIDER, words))
        fresh = {number: each for number, each in self._read.items() if number in ids and each.read_at >= end}
        return found | fresh

    async def ask(self, number: int, patience: timedelta) -> Monitor | Trouble:
        """The one called *number*, now."""
        parameters = {"group_states": "all", "with_downtimes": "true"}
        told = await self._server.get(f"{PATH}/{number}", parameters, Told, SCOPE, patience, way=PATH)
        if isinstance(told, Failed):
            if told.status == HTTPStatus.NOT_FOUND:
                return Invalid(Who.AUTHOR, f"{self._server.where} knows no monitor {number}")
            return told.trouble
        self._read[number] = monitor_of(told, self._now())
        return self._read[number]

    def _want(self, ids: Collection[int]) -> None:
        now = self._now()
        self._wanted |= dict.fromkeys(ids, now)
        for number in [number for number, at in self._wanted.items() if now - at > _FORGOTTEN]:
            del self._wanted[number]
            self._read.pop(number, None)


def wanted_tags(query: Query, names: Mapping[str, str]) -> frozenset[str]:
    """The tags that a group must have to be looked at.

    Raises:
        ArmUnnamed: The release lacks a name that is asked for.
    """
    return frozenset(filled(tag, names, as_tag) for tag in query.groups or ())


def reading(
    indicator: str,
    query: Query,
    monitors: Sequence[Monitor],
    tags: frozenset[str],
    after: datetime,
    end: datetime,
    now: datetime,
) -> Reading:
    """What *monitors* say together: the worst of their groups, and of those the newest.

    Args:
        indicator: Whose.
        query: Says which states are bad, and which are well.
        monitors: At least one.
        tags: That a group must have.
        after: Minutes that end at or before it are known.
        end: The newest minute that is wanted.
        now: The time.
    """
    groups: list[Group] = []
    for monitor in monitors:
        own = [group for group in monitor.groups if tags <= group.tags]
        if not own:
            return NoData(f"the monitor {monitor.name} has no group with {', '.join(sorted(tags))}")
        groups += own
    muted = [group for group in groups if group.is_muted]
    if muted:
        return NoData(f"the monitor {muted[0].of} is muted, or under a downtime: it says nothing")
    bad = [group for group in groups if group.state in query.states_bad]
    unsure = [group for group in groups if group.state not in (*query.states_bad, *query.states_good)]
    if unsure and not bad:
        return NoData(
            f"the monitor {unsure[0].of} is in {unsure[0].state[:20]!r}, which is neither bad nor well; narrow it by "
            "`groups`, or name that state under `good`"
        )
    worst = max(bad or groups, key=lambda group: group.since or end)
    state = State(worst.state, worst.since, bad=bool(bad), of=worst.of)
    buckets = tuple(
        Bucket(at - MINUTE, at, canary=state)
        for at in _minutes(after, end)
        if (at == end and end > now - _NOW) or (worst.since is not None and worst.since <= at)
    )
    if not buckets:
        return NoData("monitors tell how they are, and not how they were")
    return (Series(indicator, buckets),)


def _minutes(after: datetime, end: datetime) -> list[datetime]:
    """The ends of the minutes in ``(after, end]``, oldest first; at most a day of them."""
    many = min(max(-((after - end) // MINUTE), 0), _MOST_MINUTES)
    return [end - place * MINUTE for place in range(many)][::-1]
