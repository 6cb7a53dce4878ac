"""What the daemon is made of once everything is open: the app calls this with what it opened, tests with their own.

No socket is in sight, and no configuration.
"""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deploy.model import Foretold, RollbackPlan
from deploy.rollback import foretell
from deploy.source import Feed, Source
from rules.model import RuleSet
from watcher.api.auth import Token
from watcher.api.deps import Deps, Status
from watcher.app.ports import Ports
from watcher.core.facts import Beat, Facts
from watcher.core.watch import Watch
from watcher.notify.notifier import Notifier
from watcher.runtime.bells import Bells
from watcher.runtime.crew import Crew, Pace
from watcher.runtime.daemon import Daemon
from watcher.runtime.fleet import Current
from watcher.runtime.inquiry import Inquiry
from watcher.runtime.janitor import Janitor
from watcher.store.facts import Lookup
from watcher.store.store import Store
from watcher.telemetry.metrics import Metrics

Crashed = Callable[[BaseException], object]


@dataclass(frozen=True, slots=True)
class Heard:
    """Whom the daemon hears: asked anew each time, because a reload may swap them."""

    tokens: Callable[[], Sequence[Token]]
    sources: Callable[[], Mapping[str, Source]]
    feeds: Callable[[], Mapping[str, Feed]] = dict

    def fed(self) -> Mapping[str, tuple[Source, Feed]]:
        """The sources that are asked in a loop, each with what reads what it says."""
        sources = self.sources()
        return {name: (sources[name], feed) for name, feed in self.feeds().items()}


@dataclass(frozen=True, slots=True)
class Made:
    """What was opened, and what is made of it: the loops, and what the API works with."""

    store: Store
    current: Current
    inquiry: Inquiry
    notifiers: Mapping[str, Notifier]
    bells: Bells
    metrics: Metrics
    ports: Ports
    crashed: Crashed

    def crew(
        self,
        pace: Pace = Pace(),  # noqa: B008 - a value, never changed
        feeds: Callable[[], Mapping[str, tuple[Source, Feed]]] = dict,
    ) -> Crew:
        """What the loops are made of. Their owner is another one for each process, also on one machine."""
        new_id, now = self.ports.new_id, self.ports.now
        return Crew(
            store=self.store,
            lookup=self.lookup(),
            current=self.current,
            inquiry=self.inquiry,
            notifiers=lambda: self.notifiers,
            bells=self.bells,
            metrics=self.metrics,
            owner=f"{socket.gethostname()}:{os.getpid()}:{new_id('o', now())[-8:]}",
            now=now,
            new_id=new_id,
            failed=self.failed,
            feeds=feeds,
            pace=pace,
            timing=self.ports.timing,
        )

    def lookup(self) -> Lookup:
        """What a step needs to know."""
        return Lookup(self.store, lambda: self.current.services, self._beats)

    def deps(self, heard: Heard, daemon: Daemon, janitor: Janitor) -> Deps:
        """What the API works with."""
        return Deps(
            store=self.store,
            services=lambda: self.current.services,
            tokens=heard.tokens,
            sources=heard.sources,
            foretell=self._foretell,
            facts_for=self._facts,
            wake_listener=self.bells.inbox.set,
            wake_performer=self._wake,
            metrics=self.metrics.render,
            status=lambda: self.status(daemon, janitor),
            now=self.ports.now,
            monotonic=self.ports.monotonic,
            new_id=self.ports.new_id,
            counted=self._counted,
            heard=self._heard,
        )

    def status(self, daemon: Daemon, janitor: Janitor) -> Status:
        """How the daemon is, now."""
        age = self.ports.now() - janitor.checked_at if janitor.checked_at else None
        return Status(daemon.beat_age, age, draining=daemon.stop.is_set())

    async def _facts(self, watch: Watch) -> Facts:
        return await self.lookup().facts(watch, self.ports.now())

    async def _foretell(self, plan: RollbackPlan) -> Mapping[str, Foretold]:
        return await foretell(plan, self.current.targets((plan.service, plan.environment)))

    def _wake(self) -> None:
        self.bells.watches.set()
        self.bells.after_step()

    def failed(self, loop: str, error: Exception) -> None:
        """A round of a loop ended in a bug: it is counted, and reported."""
        self.metrics.loop_failures.labels(loop).inc()
        self.crashed(error)

    def _heard(self, source: str, result: str, seconds: float) -> None:
        self.metrics.events.labels(source, result).inc()
        self.metrics.event_seconds.observe(seconds)
        self.metrics.source_last_event.labels(source).set(self.ports.now().timestamp())

    def _counted(self, route: str, method: str, status: int, seconds: float) -> None:
        self.metrics.requests.labels(route, method, str(status)).inc()
        self.metrics.request_seconds.labels(route).observe(seconds)

    def _beats(self, rules: RuleSet) -> tuple[Beat, ...]:
        judged = {rule.indicator for rule in rules.rules}
        return tuple({self.inquiry.beat(each) for each in rules.indicators if each.id in judged})
