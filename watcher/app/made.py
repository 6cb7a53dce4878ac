"""What the daemon is made of once everything is open: the app calls this with what it opened, tests with their own.

No socket is in sight, and no configuration.
"""

import os
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from deploy.model import Gone, Unreadable
from deploy.rollout import Beside, beside
from deploy.source import Barrier, Feed, Source
from rules.model import RuleSet
from watcher.api.auth import Token
from watcher.api.deps import Deps, Status
from watcher.app.ports import Ports
from watcher.changes import Hearing
from watcher.core.facts import Beat, Facts
from watcher.core.service import Service
from watcher.core.watch import Watch
from watcher.http import Http
from watcher.notify.notifier import Notifier
from watcher.runtime.alerts import Alerts
from watcher.runtime.answers import Answers
from watcher.runtime.bells import Bells
from watcher.runtime.crew import Crew, Pace
from watcher.runtime.daemon import Daemon
from watcher.runtime.feeder import Asides, unwanted
from watcher.runtime.firing import Firing
from watcher.runtime.fleet import Current
from watcher.runtime.inquiry import Inquiry
from watcher.runtime.janitor import Janitor
from watcher.signals.alert.senders.sender import Sender
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
    senders: Callable[[], Mapping[str, Sender]] = dict
    kinds: Callable[[], Mapping[str, str]] = dict
    barriers: Callable[[], Mapping[str, Barrier]] = dict

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
    answers: Answers = field(default_factory=Answers)

    def crew(
        self,
        pace: Pace = Pace(),  # noqa: B008 - a value, never changed
        feeds: Callable[[], Mapping[str, tuple[Source, Feed]]] = dict,
        asides: Asides = unwanted,
        barriers: Callable[[], Mapping[str, Barrier]] = dict,
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
            asides=asides,
            barriers=barriers,
            answers=self.answers,
            pace=pace,
            timing=self.ports.timing,
        )

    def alerts(self, heard: Heard, http: Http, others: Asides = unwanted) -> Alerts:
        """Who hears of alerts that are pushed. *others* may want what is no alarm."""
        return Alerts(
            store=self.store,
            senders=heard.senders,
            kinds=heard.kinds,
            services=lambda: self.current.services,
            http=http,
            bells=self.bells,
            metrics=self.metrics,
            now=self.ports.now,
            others=others,
        )

    def changes(self) -> Hearing:
        """Who hears of what else moved."""
        return Hearing(self._services, self.store.add_change)

    def lookup(self) -> Lookup:
        """What a step needs to know."""
        firing = Firing(self.store)
        return Lookup(self.store, lambda: self.current.services, self._beats, self.answers.is_deaf, firing)

    def deps(self, heard: Heard, daemon: Daemon, janitor: Janitor) -> Deps:
        """What the API works with."""
        return Deps(
            store=self.store,
            services=lambda: self.current.services,
            tokens=heard.tokens,
            sources=heard.sources,
            foretell=self.current.foretell,
            beside=self._beside,
            facts_for=self._facts,
            wake_listener=self.bells.inbox.set,
            wake_doorkeeper=self.bells.barriers.set,
            wake_performer=self._wake,
            metrics=self.metrics.render,
            status=lambda: self.status(daemon, janitor),
            now=self.ports.now,
            monotonic=self.ports.monotonic,
            new_id=self.ports.new_id,
            counted=self._counted,
            heard=self._heard,
            relayed=self._relayed,
            deaf=self.answers.is_deaf,
            fires=Firing(self.store),
        )

    def status(self, daemon: Daemon, janitor: Janitor) -> Status:
        """How the daemon is, now."""
        age = self.ports.now() - janitor.checked_at if janitor.checked_at else None
        return Status(daemon.beat_age, age, draining=daemon.stop.is_set())

    def _services(self) -> Iterable[Service]:
        return self.current.services.values()

    async def _facts(self, watch: Watch) -> Facts:
        return await self.lookup().facts(watch, self.ports.now())

    async def _beside(self, service: Service, hints: Mapping[str, str]) -> Beside | Unreadable | Gone:
        targets = self.current.targets(service.key)
        target = targets.get(service.parts[0])
        if target is None:
            return Unreadable(f"{service.name} has no targets in {service.environment} yet")
        return await beside(target, hints)

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

    def _relayed(self, samples: Mapping[str, int]) -> None:
        for result, many in samples.items():
            self.metrics.samples.labels(result).inc(many)

    def _counted(self, route: str, method: str, status: int, seconds: float) -> None:
        self.metrics.requests.labels(route, method, str(status)).inc()
        self.metrics.request_seconds.labels(route).observe(seconds)

    def _beats(self, rules: RuleSet) -> tuple[Beat, ...]:
        judged = {rule.indicator for rule in rules.rules}
        return tuple({self.inquiry.beat(each) for each in rules.indicators if each.id in judged})
