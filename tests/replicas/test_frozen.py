"""A process that stands still for longer than its leases, and goes on: what it was about to do is not done a second time."""

import signal

import pytest

from tests.replicas.conftest import SERVICES_OF
from tests.replicas.house import within
from tests.replicas.promises import A_SAVE, BUSY, JUDGES, LEASE, POLL, THE_INTENT, rolled_back

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


async def test_frozen_between_its_intent_and_its_call_it_does_nothing_when_it_goes_on(house):
    services, town = SERVICES_OF["frozen"], house.town
    in_a_rollback = house.trap(THE_INTENT, house.stop)
    await house.release(services[:1], bad=True)
    await within(30, in_a_rollback.sprung.is_set)
    in_a_round = house.trap(A_SAVE, house.stop, answered=False)
    await house.release(services[1:], bad=True)
    await within(30, in_a_round.sprung.is_set)
    frozen = [house.named(each.whose) for each in (in_a_rollback, in_a_round)]

    await within(LEASE + POLL + JUDGES + BUSY, lambda: town.were_moved(services))
    for replica in frozen:
        replica.signal(signal.SIGCONT)

    await within(
        10, lambda: bool(frozen[0].events("action.too_late")) or frozen[0].pid in town.movers(services)
    )
    await within(60, lambda: house.is_over(services))
    assert town.movers(services).isdisjoint(each.pid for each in frozen)
    assert not await rolled_back(house, services)
    await within(20, house.are_ready)
    assert all(each.is_alive for each in frozen)
