"""What sidecars cost the central daemon: two hundred of one service, four indicators each, a bucket every ten seconds.

How long one telling takes to be durable, in a file, and how long a round of the patrol takes to read the newest bucket; and
all that is kept, which is read when a watch is opened. Without HTTP: ``intake`` says what that takes.
"""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figure import Figure
from rules.model import Indicator, Kind
from watcher.clock import monotonic
from watcher.core.relayed import KEPT, Counted, Sample, Telling
from watcher.http import Guard, Http
from watcher.signals.provider import Opening as ProviderOpening
from watcher.signals.provider import Provider, Question, Window
from watcher.signals.relay.provider import SETTLE, open_relay
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening, Store
from watcher.telemetry.metrics import Metrics

RUNS, SIDECARS, INDICATORS = 3, 200, 4
BEAT = timedelta(seconds=10)
START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SERVICE = ("shop", "production")
QUERY = {
    "scrape": {"url": "http://127.0.0.1:9102/metrics", "counter": "c_total", "bad": {"code": "5.."}},
    "where": {"version": "${arm.version}"},
}


class Clock:
    """The time that the store and the provider believe in."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        """Now."""
        return self.at


def figures() -> list[Figure]:
    """A telling, a round, and the opening of a watch."""
    runs = [asyncio.run(_measured()) for _ in range(RUNS)]
    what = ("a sidecar's telling made durable", "its newest bucket read, of all", "what is kept read, of all")
    return [
        Figure(f"{SIDECARS} sidecars: {words}", "ms", [run[nth] * 1000 for run in runs])
        for nth, words in enumerate(what)
    ]


async def _measured() -> tuple[float, float, float]:
    clock = Clock()
    with tempfile.TemporaryDirectory() as made:
        settings = SqliteSettings(path=Path(made) / "state.db")
        async with (
            open_sqlite(settings, Opening(clock)) as store,
            Http.open(Guard(), Metrics(), clock) as http,
            open_relay(None, ProviderOpening(http, clock, monotonic, relayed=store.relayed)) as provider,
        ):
            telling = await _told(store, clock)
            newest = await _read(provider, clock, clock.at - SETTLE - BEAT)
            return telling, newest, await _read(provider, clock, clock.at - KEPT)


async def _told(store: Store, clock: Clock) -> float:
    """Seconds: of one telling, on average; afterwards a quarter of an hour is there."""
    buckets = KEPT // BEAT
    began = monotonic()
    for bucket in range(1, buckets + 1):
        end = START + BEAT * bucket
        clock.at = end + SETTLE
        for number in range(SIDECARS):
            await store.relay(_telling(number, end), "token:sidecars", clock.at)
    return (monotonic() - began) / (SIDECARS * buckets)


def _telling(number: int, end: datetime) -> Telling:
    samples = [Sample(f"i{nth}", end - BEAT, end, (Counted(1, 100),)) for nth in range(INDICATORS)]
    names = {"version": "v1" if number % 2 else "v2"}
    return Telling(*SERVICE, f"task-{number}", f"r_{number}", names, samples)


async def _read(provider: Provider, clock: Clock, since: datetime) -> float:
    questions = _questions(since)
    began = monotonic()
    await provider.read(questions, Window(since, clock.at - SETTLE, clock.at + BEAT))
    return monotonic() - began


def _questions(since: datetime) -> Sequence[Question]:
    text = json.dumps(QUERY)
    return [
        Question(
            f"i{nth}",
            Indicator(f"i{nth}", Kind.RATIO, "relay", text, compares_arms=True),
            {"version": "v2"},
            {"version": "v1"},
            since,
            SERVICE,
        )
        for nth in range(INDICATORS)
    ]
