"""A rollback of a service that nobody watches: of what runs, to where its ledger says, as if a watch had lived."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from deploy.model import Deployment, Move, PartChange, Release, RollbackPlan
from deploy.tags import Back, Ledger, back_to, find
from watcher.api.deps import Deps
from watcher.api.handlers.services import ledgers_of, live_of
from watcher.api.problems import Declined, conflict
from watcher.core.facts import Facts
from watcher.core.service import Service
from watcher.core.watch import Arms, State, Watch


@dataclass(frozen=True, slots=True)
class Imagined:
    """A watch of what runs now, which nobody opens: for the facts that a rollback of it needs, and what would be asked."""

    watch: Watch
    facts: Facts
    ledgers: Mapping[str, Ledger]


async def imagined(deps: Deps, service: Service, now: datetime) -> Imagined:
    """The watch that would live, had what runs been deployed just now.

    Raises:
        Declined: It is not known what runs (409).
    """
    ledgers = await ledgers_of(deps.store, service)
    parts = tuple(PartChange(part, None, _live(service, ledger)) for part, ledger in ledgers.items())
    watch = Watch(
        id=deps.new_id("w", now),
        revision=0,
        service=service.name,
        environment=service.environment,
        deployment=Deployment(service.name, service.environment, parts, now, "order"),
        policy=service.policy,
        arms=Arms(canary={}),
        state=State.WATCHING,
        opened_at=now,
        since=now,
        due_at=now,
        traffic_at=now,
        complete_at=now,
    )
    return Imagined(watch, await deps.facts_for(watch), ledgers)


def named_back(watch: Watch, ledgers: Mapping[str, Ledger], to: str, now: datetime) -> Back | None:
    """The release called *to*, as a way back of *watch*; ``None``: nobody knows it, or the service has several parts.

    Raises:
        Declined: Several releases go by that name (409).
    """
    if len(watch.deployment.parts) != 1:
        return None
    change = watch.deployment.parts[0]
    ledger = ledgers[change.part]
    found = find(ledger, to)
    if len(found) > 1:
        raise _ambiguous(to, found)
    if not found:
        return None
    served_after = watch.policy.known_good.served_after
    return back_to(
        ledger,
        found[0].fingerprint,
        change.after.fingerprint,
        served_after,
        now,
        reversible=change.after.reversible,
    )


def plan_of(watch: Watch, backs: Mapping[str, Back]) -> RollbackPlan:
    """The moves that undo what runs."""
    moves = tuple(
        Move(change.part, expect=change.after, to=backs[change.part].release)
        for change in watch.deployment.parts
    )
    return RollbackPlan(watch.service, watch.environment, moves)


def _live(service: Service, ledger: Ledger) -> Release:
    live = live_of(ledger)
    found = next((entry.release for entry in ledger.entries if entry.release.fingerprint == live), None)
    if found is None:
        raise conflict(
            "live-unknown",
            f"it is not known yet what runs of {ledger.part} of {service.name} in {service.environment}",
            "what is live is read every 30 s; the log says why where it cannot be",
        )
    return found


def _ambiguous(to: str, found: tuple[Release, ...]) -> Declined:
    names = ", ".join(release.fingerprint for release in found[:5])
    return Declined(
        HTTPStatus.CONFLICT,
        "ambiguous",
        f"several releases are called {to}",
        remedy=f"name one by its fingerprint: {names}",
    )
