"""Alerts as they are remembered. Builders show only what matters."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rules.model import Indicator, Kind
from rules.sample import Bucket, NoData, Reading, State
from tests.builders import NOON, minutes
from watcher.core.alerts import Alert, Mood, Pushed, Remembered, heard
from watcher.signals.alert.provider import Alerts
from watcher.signals.alert.query import placed
from watcher.signals.provider import Question, Window

FIRING, WELL, UNKNOWN = Mood.FIRING, Mood.WELL, Mood.UNKNOWN


def at(minute: float) -> datetime:
    return NOON + minutes(minute)


def a_query(*, repeats: bool = False, **more: Any) -> Indicator:
    """Alerts of ``am`` for checkout; *repeats*: as configured with a sender that repeats itself."""
    query = {"source": "am", "match": {"service": "checkout"}, **more}
    return placed(Indicator("pushed", Kind.STATE, "alert", json.dumps(query)), repeats)


def an_alert(key: str, mood: Mood, minute: float, **changes: Any) -> Pushed:
    labels = {"service": "checkout", **changes.pop("labels", {})}
    told = {"name": key, "since": at(minute), "sent_at": at(minute), "labels": labels}
    return Pushed(key=key, mood=mood, dedup_key=f"{key} {mood} {minute}", **{**told, **changes})


@dataclass
class Memory:
    """A store of one sender: hears, and is asked."""

    heard_at: datetime | None = None
    lacking_at: datetime | None = None
    alerts: dict[str, Alert] = field(default_factory=dict)
    is_deaf: bool = False

    def hears(self, *pushed: Pushed, minute: float) -> "Memory":
        self.heard_at = at(minute)
        for each in pushed:
            self.alerts[each.key] = heard(self.alerts.get(each.key), each, at(minute))[1]
        return self

    async def __call__(self, source: str, _known: Remembered | None = None) -> Remembered:
        assert source == "am"
        return Remembered(self.heard_at, self.lacking_at, tuple(self.alerts.values()), is_deaf=self.is_deaf)

    async def reads(
        self, indicator: Indicator, minute: float = 10, since: float | None = None, **arm: str
    ) -> Reading:
        """The answer in that minute, to somebody who knows what ended until *since*."""
        question = Question("q", indicator, arm, None, None if since is None else at(since))
        window = Window(at(minute - 1 if since is None else since), at(minute), at(minute + 1))
        return (await Alerts(self, lambda: at(minute)).read([question], window))["q"]

    async def newest(self, indicator: Indicator, minute: float = 10, **arm: str) -> State:
        state = buckets(await self.reads(indicator, minute, None, **arm))[-1].canary
        assert isinstance(state, State)
        return state

    async def silence(self, indicator: Indicator, minute: float = 10, **arm: str) -> str:
        """Why nothing is known."""
        reading = await self.reads(indicator, minute, None, **arm)
        assert isinstance(reading, NoData)
        return reading.words


def buckets(reading: Reading) -> Sequence[Bucket]:
    assert isinstance(reading, tuple)
    [series] = reading
    return series.buckets


def states(reading: Reading) -> Sequence[tuple[str, bool]]:
    """Of whom, and whether it is bad, bucket by bucket."""
    measures = [bucket.canary for bucket in buckets(reading)]
    return [(each.of, each.bad) for each in measures if isinstance(each, State)]
