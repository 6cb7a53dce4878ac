"""What a thousand watches of four rules cost, each judged every ten seconds.

All loops of the daemon over a real store in a file, in a process of its own. Watches are opened by the real intake and
prepared by the patrol; the provider derives its counts from the time, and settles like ``scrape``. What real providers,
targets and notifiers would take is not in it. Six ticks in real time; all watches are due in the same moment of each.
"""

import asyncio
import multiprocessing
import resource
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from pydantic import BaseModel

from bench.figure import Figure
from bench.process import weight
from deploy.model import WHOLE, Announcement, Live, Phase, Release
from deploy.target import Target
from rules.model import (
    CanaryVsBaseline,
    Consequence,
    Indicator,
    Rule,
    RuleSet,
    Slo,
    Threshold,
)
from rules.model import Kind as IndicatorKind
from rules.sample import Bucket, Counts, Measure, Reading, Series, Value
from watcher.app import Ports
from watcher.core.facts import Beat
from watcher.core.intake import DOOR, Known, Opened, Part, intake
from watcher.core.service import Bake, Mode, Policy, Service, Team
from watcher.errors import StoreUnavailable
from watcher.runtime.bells import Bells
from watcher.runtime.crew import Crew, Leaving
from watcher.runtime.fleet import Current, Fleet, Key
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.runtime.janitor import Janitor
from watcher.signals.provider import Kind, Opening, Provider, Question, Window
from watcher.store.facts import Lookup
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import Opening as StoreOpening
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics

WATCHES = 1000
TICKS = 6
TICK = timedelta(seconds=10)
SETTLE = timedelta(seconds=1)
PREPARES_WITHIN = 120.0  # seconds
MEMORY = timedelta(minutes=15)  # a history as `scrape` has it
OLD, NEW = Release("sha256:1", "web:1"), Release("sha256:2", "web:2")
PORTS = Ports()
_EPOCH = datetime.fromtimestamp(0, UTC)

RULES = RuleSet(
    indicators=(
        Indicator("errors", IndicatorKind.RATIO, "bench", "{}", compares_arms=True),
        Indicator("slow", IndicatorKind.RATIO, "bench", "{}", compares_arms=True),
        Indicator("objective", IndicatorKind.RATIO, "bench", "{}"),
        Indicator("memory", IndicatorKind.VALUE, "bench", "{}"),
    ),
    rules=(
        Rule("errors", "no more errors", Consequence.ROLLBACK, "errors", CanaryVsBaseline()),
        Rule("slow", "not slower", Consequence.ROLLBACK, "slow", CanaryVsBaseline(1.5, 0.01)),
        Rule("objective", "the objective holds", Consequence.ROLLBACK, "objective", Slo(0.999)),
        Rule("memory", "memory", Consequence.ASK, "memory", Threshold(above=0.9)),
    ),
)
POLICY = Policy(RULES, mode=Mode.AUTO, bake=Bake(timedelta(minutes=30), timedelta(hours=24)))
SERVICES = {
    (f"web-{number}", "production"): Service(f"web-{number}", "production", POLICY, (WHOLE,), Team("shop"))
    for number in range(WATCHES)
}


# ----------------------------------------------------------------------------------------------------------- provider


class Arithmetic:
    """A provider whose counts follow from the time: 100 requests a bucket of either arm, two of a thousand bad."""

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """See `Provider`."""
        return {question.id: _reading(question, window) for question in questions}


def _reading(question: Question, window: Window) -> Reading:
    first = max(window.start, question.since or window.start, window.end - MEMORY)
    buckets = tuple(
        _bucket(question, first + number * TICK) for number in range((window.end - first) // TICK)
    )
    return (Series(question.indicator.id, buckets),)


def _bucket(question: Question, start: datetime) -> Bucket:
    number = (start - _EPOCH) // TICK
    measure: Measure = (
        Value(0.5 + number % 10 / 100)
        if question.indicator.kind is IndicatorKind.VALUE
        else Counts(float(number % 5 == 0), 100.0)
    )
    return Bucket(start, start + TICK, measure, None if question.baseline is None else Counts(1.0, 500.0))


class Still:
    """A target that is only looked at, in the time that a fast platform takes: it runs what was deployed."""

    part = WHOLE

    async def observe(self) -> Live:
        """See `Target`."""
        await asyncio.sleep(0.02)
        return Live(NEW)


@asynccontextmanager
async def _open(_settings: BaseModel | None, _opening: Opening) -> AsyncIterator[Provider]:
    yield Arithmetic()


KIND = Kind(
    query=BaseModel,
    fits=frozenset(IndicatorKind),
    bucket=lambda _indicator: TICK,
    settle=SETTLE,
    open=_open,
)


# -------------------------------------------------------------------------------------------------------------- ticks


@dataclass(frozen=True, slots=True)
class Tick:
    """What happened from boundary to boundary.

    Attributes:
        cpu: CPU seconds, of all threads.
        rounds: How many watches were judged; less than there are where the machine did not keep up.
        late: When the last of them was, in seconds from when the bucket was final.
    """

    cpu: float
    rounds: float
    late: float


@dataclass(frozen=True, slots=True)
class Result:
    """All ticks, and what the process weighed at the end, in MiB."""

    ticks: Sequence[Tick]
    resident: float


@dataclass
class Timed:
    """The patrol's round; remembers when the last one ended that found work."""

    go_round: Callable[[], Awaitable[bool]]
    worked_at: datetime = field(default_factory=PORTS.now)

    async def __call__(self) -> bool:
        """One round."""
        found = await self.go_round()
        if found:
            self.worked_at = PORTS.now()
        return found


def figures() -> list[Figure]:
    """Measure in a process of its own, so that its memory is that of the watches."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        result = apart.submit(measured).result()
    tick = TICK.total_seconds()
    what = f"{WATCHES:,} watches × {len(RULES.rules)} rules every {tick:g} s"
    return [
        Figure(
            f"{what}: share of one core",
            "%",
            [each.cpu / each.rounds * WATCHES / tick * 100 for each in result.ticks],
        ),
        Figure(f"{what}: the last is judged after", "s", [each.late for each in result.ticks], aim=tick),
        Figure(f"{what}: resident memory", "MiB", [result.resident]),
    ]


def measured() -> Result:
    """Open, prepare, and let the patrol go round."""
    with tempfile.TemporaryDirectory() as made:
        return asyncio.run(_measured(Path(made)))


async def _measured(folder: Path) -> Result:
    async with open_sqlite(SqliteSettings(path=folder / "state.db"), StoreOpening(PORTS.now)) as store:
        for service in SERVICES.values():
            await deploy(store, service)
        ticks = await watched(store, "bench", SERVICES, TICKS)
        return Result(ticks, weight().resident)


async def watched(
    store: Store, owner: str, services: Mapping[Key, Service], many: int, prepared: int = WATCHES
) -> Sequence[Tick]:
    """Run all loops, of *owner*, until *many* ticks are over; they begin once all of the *prepared* newest watches are."""
    metrics = Metrics()
    inquiry = Inquiry({"bench": Connected(KIND, Arithmetic())}, metrics)

    def beats(rules: RuleSet) -> tuple[Beat, ...]:
        return tuple({inquiry.beat(indicator) for indicator in rules.indicators})

    crew = Crew(
        store=store,
        lookup=Lookup(store, lambda: services, beats),
        current=Current(Fleet(services, {key: {WHOLE: cast("Target", Still())} for key in services})),
        inquiry=inquiry,
        notifiers=dict,
        bells=Bells(),
        metrics=metrics,
        owner=owner,
        now=PORTS.now,
        new_id=PORTS.new_id,
        failed=_failed,
    )
    loops = {loop.name: loop for loop in crew.loops(Janitor(store, metrics, PORTS.now))}
    leaving, stop = loops["patrol"], asyncio.Event()
    if not isinstance(leaving, Leaving):
        raise TypeError(f"the loop of the patrol is a {type(leaving).__name__}")
    patrol = Timed(leaving.loop.go_round)
    loops["patrol"] = replace(leaving, loop=replace(leaving.loop, go_round=patrol))
    async with asyncio.TaskGroup() as tasks:
        for loop in loops.values():
            tasks.create_task(loop.run(stop))
        ticks = await _ticks(store, patrol, metrics, many, prepared)
        stop.set()
    return ticks


def _failed(loop: str, error: Exception) -> None:
    raise RuntimeError(f"the loop {loop} fails, and so its figures say nothing") from error


async def deploy(store: Store, service: Service) -> None:
    """A release that served, and one that was deployed beside it."""
    now, key = PORTS.now(), f"a-{service.name}"
    await store.adopt(*service.key, WHOLE, OLD, now - timedelta(days=2), adopted=True)
    part = Part(WHOLE, NEW, await store.ledger(*service.key, WHOLE), Live(NEW))
    announcement = Announcement(DOOR, key, *service.key, Phase.COMPLETE, now)
    meaning = intake(announcement, [part], Known(service), now, PORTS.new_id("w", now), key)
    if not isinstance(meaning, Opened):
        raise TypeError(f"{meaning} opens no watch")
    await store.open(meaning.step, now)


async def _ticks(store: Store, patrol: Timed, metrics: Metrics, many: int, prepared: int) -> Sequence[Tick]:
    """What each tick took, from boundary to boundary, once all watches are prepared."""
    async with asyncio.timeout(PREPARES_WITHIN):
        while not await _are_prepared(store, prepared):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(1)
    await _until_boundary()
    await _until_boundary()
    found = []
    for _ in range(many):
        cpu, rounds, final = _cpu(), _rounds(metrics), PORTS.now() + SETTLE
        await _until_boundary()
        late = (patrol.worked_at - final).total_seconds()
        found.append(Tick(_cpu() - cpu, _rounds(metrics) - rounds, late))
    return found


async def _are_prepared(store: Store, many: int) -> bool:
    """Whether the newest watches are; not, where the store has no time to say: it is asked again."""
    try:
        return all(watch.brief is not None for watch in await store.list(limit=many))
    except StoreUnavailable:
        return False


async def _until_boundary() -> None:
    now = PORTS.now()
    await asyncio.sleep((TICK - (now - _EPOCH) % TICK).total_seconds())


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _rounds(metrics: Metrics) -> float:
    """How many watches were judged so far."""
    samples = [sample for metric in metrics.verdicts.collect() for sample in metric.samples]
    return sum(each.value for each in samples if each.name.endswith("_total")) / len(RULES.rules)
