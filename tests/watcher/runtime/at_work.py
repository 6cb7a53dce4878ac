"""A loop at work: virtual time, the real store in memory, and fakes that say what they were asked."""

import asyncio
import functools
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel
from structlog.testing import capture_logs

from deploy.model import Beginning, Begun, Foretold, Live, Move, Progress, Release, Serving, Unreadable
from deploy.target import Target
from rules.sample import Bucket, Counts, Reading, Series
from tests.builders import NOON, a_deployment, a_policy, a_release, a_service, a_watch, seconds
from tests.scenarios.virtual import in_virtual_time
from watcher.core.service import Service
from watcher.core.watch import Arms, Serves, State, Step, Watch
from watcher.errors import StoreUnavailable
from watcher.notify.notifier import Later, Never, Told
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current, Fleet
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.runtime.rounds import Boundary
from watcher.signals.provider import Kind, Question, Window
from watcher.store.facts import Lookup
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening, Saved, Store
from watcher.telemetry.metrics import Metrics

TEN = seconds(10)
SETTLE = seconds(1)
PLACE = ("checkout", "production", "service")


def virtual(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test, in virtual time: it waits for nothing."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> Any:
        return in_virtual_time(test(*args, **kwargs))

    return run


def now() -> datetime:
    """Virtual time begins at noon."""
    return NOON + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass
class AProvider:
    """Answers counts, well until noon; *does* comes before, by connection time: a wait, an error."""

    does: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
    bad: float = 0.0
    calls: list[tuple[list[str], Window]] = field(default_factory=list)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        self.calls.append(([question.id for question in questions], window))
        await self.does()
        return {question.id: self._counts(question, window) for question in questions}

    def _counts(self, question: Question, window: Window) -> Reading:
        starts = [window.start + TEN * number for number in range((window.end - window.start) // TEN)]
        beside = Counts(0, 100) if question.baseline is not None else None
        buckets = (
            Bucket(start, start + TEN, Counts(100 * self.bad if start >= NOON else 0, 100), beside)
            for start in starts
        )
        return (Series(question.indicator.id, tuple(buckets)),)


async def hang() -> None:
    await asyncio.Event().wait()


async def blunder() -> None:
    raise RuntimeError("a mistake of ours")


def a_kind(bucket: timedelta = TEN, *, looks_itself: bool = False) -> Kind:
    return Kind(
        query=BaseModel,
        fits=frozenset(),
        bucket=lambda _: bucket,
        settle=SETTLE,
        open=lambda *_: nullcontext(AProvider()),
        looks_itself=looks_itself,
    )


@dataclass
class ATarget:
    """A target that says what it is told to, after *does*."""

    part: str = "service"
    live: Live | Unreadable = field(default_factory=lambda: Live(a_release("v42")))
    does: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
    begins: Beginning = field(default_factory=Begun)
    goes: Progress | Unreadable = field(default_factory=Serving)
    sent: list[str] = field(default_factory=list)

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable:
        await self.does()
        return a_release(hints["tag"])

    async def observe(self) -> Live | Unreadable:
        await self.does()
        return self.live

    async def begin(self, move: Move, key: str) -> Beginning:
        self.sent.append(move.to.tag)
        await self.does()
        return self.begins

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        await self.does()
        return self.goes

    async def foretell(self, move: Move) -> Foretold:
        await self.does()
        return Foretold((f"put {move.to.tag}",), by_hand=f"put {move.to.tag}")


@dataclass
class ANotifier:
    """Takes messages as *moods* say, and then all of them."""

    moods: list[Told | Later | Never] = field(default_factory=list)
    does: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
    told: list[tuple[str, str]] = field(default_factory=list)

    async def tell(self, message: Any, narrowing: str, ref: str | None) -> Told | Later | Never:
        self.told.append((message.id, narrowing))
        await self.does()
        return self.moods.pop(0) if self.moods else Told()


@dataclass
class Broken:
    """A store that cannot be used while it is *away*: around the real one."""

    store: Store
    away: bool = False
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self.store, name)

        @functools.wraps(operation)
        async def asked(*args: Any, **kwargs: Any) -> Any:
            self.asked.append(name)
            if self.away:
                raise StoreUnavailable("the disk is full", remedy="free some space")
            return await operation(*args, **kwargs)

        return asked


@dataclass
class Work:
    """All that a loop is made of."""

    store: Any
    targets: Mapping[str, Any]
    services: list[Service]
    provider: AProvider = field(default_factory=AProvider)
    bells: Bells = field(default_factory=Bells)
    metrics: Metrics = field(default_factory=Metrics)
    bugs: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        fleet = {service.key: service for service in self.services}
        self.current = Current(Fleet(fleet, dict.fromkeys(fleet, self.targets)))
        connected = Connected(a_kind(), self.provider)
        self.inquiry = Inquiry({"scrape": connected, "http": connected}, self.metrics)
        self.lookup = Lookup(self.store, lambda: self.current.services, lambda _rules: ((TEN, SETTLE),))
        self.boundary = Boundary("loop", lambda _loop, bug: self.bugs.append(bug))
        self._ids = itertools.count(1)

    def new_id(self, prefix: str, _at: datetime) -> str:
        return f"{prefix}_{next(self._ids):032x}"

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"rollbackd_{name}", labels) or 0.0

    async def has(self, watch: Watch, **causes: Any) -> Watch:
        """*watch* is in the store, and all that the step into it *causes*. Before it v42 served, for days."""
        change = watch.deployment.parts[0]
        if change.before is not None:
            await self.store.adopt(
                *watch.key, change.part, change.before, NOON - timedelta(days=5), adopted=True
            )
        step = Step(
            replace(watch, revision=1), before=0, serves=(Serves(change.part, change.after, NOON),), **causes
        )
        saving = await self.store.open(step, NOON)
        assert isinstance(saving, Saved), saving
        return saving.watch


@asynccontextmanager
async def at_work(
    *targets: Target, services: Sequence[Service] = (), provider: AProvider | None = None
) -> AsyncIterator[Work]:
    """What a loop needs; the service is checkout, in production, on one target, unless something else is said."""
    async with open_memory(MemorySettings(), Opening(now, threads=False)) as store:
        with capture_logs():  # a traceback on a screen takes longer than the test
            yield Work(
                Broken(store),
                {target.part: target for target in targets or (ATarget(),)},
                list(services) or [a_service()],
                provider or AProvider(),
            )


def a_new_watch(name: str = "checkout", id: str = "w_1", **changes: Any) -> Watch:
    """A watch that was just opened, and is due."""
    deployment = replace(a_deployment(), service=name)
    fresh = {
        "opened_at": NOON,
        "since": NOON,
        "traffic_at": NOON,
        "complete_at": NOON,
        "due_at": NOON,
        "seen_at": NOON,
    }
    nothing = {"brief": None, "evidence": None, "judgement": None}
    arms = Arms({"version": "v43"}, {"version": "v42"})
    plain = a_watch(State.WATCHING, id=id, service=name, deployment=deployment, arms=arms, policy=a_policy())
    return replace(plain, **{**fresh, **nothing, **changes})
