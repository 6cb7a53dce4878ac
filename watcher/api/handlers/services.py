"""Services: how each stands, its ledger of tags, what a rollback would do; and the audit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deploy.tags import Ledger, grade, way_back
from watcher.api.asked import Nothing, OneService, SomeAudit
from watcher.api.auth import ALL, services_in_reach
from watcher.api.bodies import NoBody
from watcher.api.handlers.reach import known_service
from watcher.api.handlers.show import audit_told, release_told, switch_told
from watcher.api.problems import forbidden
from watcher.api.route import Call
from watcher.api.told import Audit, FrozenTold, PartTold, Services, ServiceTold, Tags
from watcher.core.freeze import Freeze, frozen
from watcher.core.service import Service
from watcher.store.store import Disarmed, Store


async def services(call: Call[Nothing, NoBody]) -> Services:
    """The services that the token may see, each on a line."""
    deps = call.deps
    now = deps.now()
    keeps = _Keeps(await deps.store.disarmed(now), await deps.store.freezes(now), now)
    found = services_in_reach(call.who, deps.services())
    return Services(services=[await _service(deps.store, service, keeps) for service in found])


@dataclass(frozen=True, slots=True)
class _Keeps:
    """What keeps the daemon from acting, and deployments out, now."""

    switches: Sequence[Disarmed]
    freezes: Sequence[Freeze]
    now: datetime

    def frozen(self, service: Service) -> FrozenTold | None:
        holds = frozen(self.freezes, service.gate.windows, *service.key, self.now)
        return FrozenTold(by=holds.by, reason=holds.reason, until=holds.until) if holds else None


async def _service(store: Store, service: Service, keeps: _Keeps) -> ServiceTold:
    ledgers = await ledgers_of(store, service)
    living = await store.living(*service.key)
    switch = next(
        (each for each in keeps.switches if (each.service, each.environment) in {service.key, (ALL, ALL)}),
        None,
    )
    return ServiceTold(
        service=service.name,
        environment=service.environment,
        mode=service.policy.mode,
        armed=switch is None,
        disarmed=switch_told(switch) if switch else None,
        team=service.team.name,
        live={part: live_tag(ledger) for part, ledger in ledgers.items()},
        watch=living.id if living else None,
        state=living.state if living else None,
        frozen=keeps.frozen(service),
    )


async def tags(call: Call[OneService, NoBody]) -> Tags:
    """The ledger of a service: all releases with their grades, and where a rollback would go."""
    service = known_service(call, call.asked.service, call.asked.environment)
    ledgers = await ledgers_of(call.deps.store, service)
    now = call.deps.now()
    parts = [_part(service, ledger, now) for ledger in ledgers.values()]
    return Tags(service=service.name, environment=service.environment, parts=parts)


async def ledgers_of(store: Store, service: Service) -> Mapping[str, Ledger]:
    """The ledgers of all its parts, in the order in which they move back."""
    return {part: await store.ledger(*service.key, part) for part in service.parts}


def live_of(ledger: Ledger) -> str | None:
    """The fingerprint that serves; ``None``: nothing is known to."""
    open_spans = [span for span in ledger.spans if span.end is None]
    return open_spans[-1].fingerprint if open_spans else None


def live_tag(ledger: Ledger) -> str | None:
    """The tag that serves."""
    live = live_of(ledger)
    return next((entry.release.tag for entry in ledger.entries if entry.release.fingerprint == live), None)


def _part(service: Service, ledger: Ledger, now: datetime) -> PartTold:
    served_after = service.policy.known_good.served_after
    live = live_of(ledger)
    return PartTold(
        part=ledger.part,
        live=live_tag(ledger),
        way_back=way_back(ledger, live, served_after, now) if live else None,
        releases=[
            release_told(
                entry,
                grade(ledger, entry.release.fingerprint, served_after, now),
                live=entry.release.fingerprint == live,
            )
            for entry in reversed(ledger.entries)
        ],
    )


async def audit(call: Call[SomeAudit, NoBody]) -> Audit:
    """The audit, in order."""
    asked = call.asked
    await _must_read_of(call, asked.subject)
    rows = await call.deps.store.audit(after=asked.after, subject=asked.subject, limit=asked.limit)
    after = rows[-1].seq if len(rows) == asked.limit else None
    return Audit(rows=[audit_told(row) for row in rows], after=after)


async def _must_read_of(call: Call[SomeAudit, NoBody], subject: str | None) -> None:
    """A token that is good for some services sees the audit of these, one at a time."""
    if call.who.covers_all:
        return
    watch = await call.deps.store.get(subject) if subject else None
    key = watch.key if watch else (subject or "").partition("/")[::2]
    if not call.who.covers(*key):
        raise forbidden(
            f"{call.who.name} is not for all services, and the audit is of all",
            "ask for one: ?subject=SERVICE/ENVIRONMENT, or ?subject=WATCH",
        )
