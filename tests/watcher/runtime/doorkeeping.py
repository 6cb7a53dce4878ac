"""A doorkeeper for tests, the small GitHub whose protection rule it keeps, and the time of both."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic import SecretStr

from deploy.source import Barrier, Whose
from deploy.source import Opening as SourceOpening
from deploy.sources.github import KIND, Settings
from deploy.sources.github.settings import Gate, of_environment
from tests.builders import NOON, a_plan, a_service, a_watch
from tests.deploy.sources.github.said import CHECKOUT
from tests.fakes.github import REPOSITORY, SECRET, Actions, GitHubWorld, Run, app
from tests.fakes.github.key import an_app, drawn
from tests.fakes.serve import http_to_loopback, serving_app
from tests.watcher.runtime.at_work import a_new_watch
from watcher.core.freeze import Freeze
from watcher.core.service import Gating, Service
from watcher.core.watch import Serves, State, Step, Watch
from watcher.notify.github.connection import rest
from watcher.runtime.bells import Bells
from watcher.runtime.doorkeeper import Doorkeeper
from watcher.runtime.fleet import Current, Fleet
from watcher.runtime.rounds import Boundary
from watcher.store.gates import Gates
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening, Saved, Store


@dataclass
class Door:
    """A doorkeeper, the small GitHub whose rule it keeps, and the time of both."""

    store: Store
    service: Service
    time: list[datetime] = field(default_factory=lambda: [NOON])
    bugs: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.github = GitHubWorld(lambda: self.time[0])
        self.github.permissions |= {"actions": "write"}
        self.actions = Actions(self.github, rule=True)
        self.ids = itertools.count(1)
        self.barrier: Barrier | None = None
        self.current = Current(Fleet({self.service.key: self.service}, {self.service.key: {}}))

    def new_id(self, prefix: str, _at: datetime) -> str:
        return f"{prefix}_{next(self.ids):032x}"

    def keeper(self) -> Doorkeeper:
        """One that has just been started: it remembers nothing."""
        assert self.barrier is not None
        boundary = Boundary("doorkeeper", lambda _loop, bug: self.bugs.append(bug))
        barriers = {"github": self.barrier}
        return Doorkeeper(
            self.store, self.current, lambda: barriers, Bells(), boundary, lambda: self.time[0], self.new_id
        )

    @property
    def gates(self) -> Gates:
        return Gates(self.store, lambda: self.current.services, self.new_id)

    def run(self, ref: str = "v1", **inputs: str) -> Run:
        return self.actions.begin(ref, inputs)

    async def freeze(self) -> None:
        end = self.time[0] + timedelta(hours=2)
        freeze = Freeze("f_1", "*", "*", "olga", "the fair", self.time[0], end)
        await self.store.freeze(freeze, self.time[0])

    async def goes_back(self, state: State = State.ROLLING_BACK) -> Watch:
        """A watch that has ordered the way back to v42, under the key ``w_1.6.0``."""
        watch = replace(a_watch(state), revision=1, action="w_1.6.0", plan=a_plan())
        step = Step(
            watch, before=0, serves=(Serves("service", a_new_watch().deployment.parts[0].after, NOON),)
        )
        saved = await self.store.open(step, NOON)
        assert isinstance(saved, Saved), saved
        return saved.watch


@contextlib.asynccontextmanager
async def a_door(
    gating: Gating = Gating(),  # noqa: B008 - a value
    dispatched: str | None = "commit",
    whose: tuple[Whose, ...] = (CHECKOUT,),
    **settings: Any,
) -> AsyncIterator[Door]:
    async with open_memory(MemorySettings(), Opening(lambda: NOON, threads=False)) as store:
        door = Door(store, a_service(gate=gating))
        now: Callable[[], datetime] = lambda: door.time[0]  # noqa: E731 - a clock
        async with (
            serving_app(app(door.github, drawn()[1], door.actions)) as port,
            http_to_loopback(now) as http,
        ):
            url = f"http://127.0.0.1:{port}"
            given = Settings(
                secret=SecretStr(SECRET),
                repositories=[REPOSITORY],
                gate=Gate.model_validate({"app": an_app(), "url": url, "dispatched": dispatched}),
                **settings,
            )
            where = {of_environment(REPOSITORY, "production"): whose}
            assert KIND.barrier is not None
            opening = SourceOpening("github", lambda address: where.get(address, ()))
            door.barrier = KIND.barrier(given, opening, partial(rest, http, now), now)
            yield door
    assert door.bugs == []
