"""What a rollback would do and not do, asked of the targets. Nothing is moved."""

from collections.abc import Mapping
from datetime import datetime

from deploy.model import Release, RollbackPlan
from deploy.tags import Back, Ledger
from watcher.api.asked import WayBack
from watcher.api.bodies import NoBody
from watcher.api.handlers.backs import Imagined, imagined, named_back, plan_of
from watcher.api.handlers.reach import known_service
from watcher.api.handlers.show import MOST_CHANGES, change_told, stages_told
from watcher.api.problems import conflict, not_found
from watcher.api.route import Call
from watcher.api.told import MoveTold, Plan
from watcher.core.change import HOUR, Change, is_left, nearest
from watcher.core.facts import furthest
from watcher.core.lifecycle import doubts
from watcher.store.besides import Besides


async def plan(call: Call[WayBack, NoBody]) -> Plan:
    """The rollback that would be made of a service now."""
    deps, now = call.deps, call.deps.now()
    service = known_service(call, call.asked.service, call.asked.environment)
    would = await imagined(deps, service, now)
    backs = _backs(call, would)
    made = plan_of(would.watch, backs)
    foretold = await deps.foretell(made)
    moved, more = await _not_undone(call, would, made, now)
    furthest_back = furthest(tuple(backs.values()))
    if furthest_back is None:
        raise AssertionError("a service has a part")
    return Plan(
        service=service.name,
        environment=service.environment,
        grade=furthest_back.grade,
        crosses=furthest_back.crosses,
        floor=furthest_back.floor,
        moves=[
            MoveTold(part=move.part, from_=move.expect, to=move.to, foretold=foretold[move.part])
            for move in made.moves
        ],
        not_undone=[change_told(each) for each in moved],
        more=more,
        asks=[doubtful.value for doubtful in doubts(would.watch, would.facts)],
        hooks=service.policy.rollout.hooks,
        stages=stages_told(service.policy.rollout.stages, service.policy.rollout),
        forward=service.policy.rollout.forward or service.policy.mode,
    )


def _backs(call: Call[WayBack, NoBody], would: Imagined) -> Mapping[str, Back]:
    to = call.asked.to
    if to is None:
        backs = would.facts.backs(would.watch.deployment)
        if backs is None:
            raise conflict(
                "no-way-back",
                "there is no known-good release to go back to",
                "`rollbackd tags` lists what is known, and why each is not gone back to",
            )
        return backs
    back = named_back(would.watch, would.ledgers, to, call.deps.now())
    if back is None:
        raise not_found(f"nobody knows a release {to!r}", "`rollbackd tags` lists those that are known")
    return {would.watch.deployment.parts[0].part: back}


async def _not_undone(
    call: Call[WayBack, NoBody], would: Imagined, made: RollbackPlan, now: datetime
) -> tuple[tuple[Change, ...], bool]:
    """What of the service's own moved since what is put back last served, and whether more may have; a setting moves before its release does."""
    last = [max(ends) for move in made.moves if (ends := _ends(would.ledgers[move.part], move.to, now))]
    beside = await Besides(call.deps.store, call.deps.services).of(
        would.watch.key, min(last, default=now) - HOUR, now
    )
    left = [each for each in beside.changes if is_left(each, beside.around)]
    return nearest(left, now, MOST_CHANGES), beside.more or len(left) > MOST_CHANGES


def _ends(ledger: Ledger, release: Release, now: datetime) -> list[datetime]:
    """Until when *release* served, each time."""
    return [span.end or now for span in ledger.spans if span.fingerprint == release.fingerprint]
