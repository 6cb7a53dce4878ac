"""kill -9, in the middle of a watch and in the middle of a rollback: another goes on where the killed one was."""

import pytest

from tests.replicas.conftest import SERVICES_OF
from tests.replicas.house import within
from tests.replicas.promises import A_SAVE, BUSY, JUDGES, LEASE, POLL, THE_INTENT, THE_OUTCOME, rolled_back

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


async def test_an_owner_that_is_killed_in_the_middle_of_a_round_is_followed_by_another(house):
    services, town = SERVICES_OF["killed"], house.town
    await house.release(services)
    await within(30, lambda: house.are_judged(services))
    killing = house.trap(A_SAVE, house.kill, answered=False)
    await within(30, killing.sprung.is_set)
    killed = house.named(killing.whose)

    town.turn_bad(services)

    await within(LEASE + POLL + JUDGES + BUSY, lambda: town.were_moved(services))
    await within(60, lambda: house.is_over(services))
    assert not await rolled_back(house, services)
    assert killed.pid not in town.movers(services)
    assert sum([await house.metric(each, "takeovers_total") for each in house.living]) > 0


async def test_killed_before_the_call_and_after_it_and_the_call_is_made_once(house):
    services, town = SERVICES_OF["called"], house.town
    before = house.trap(THE_INTENT, house.kill)
    after = house.trap(THE_OUTCOME, house.kill, answered=False)
    await house.release(services, bad=True)
    await within(30, before.sprung.is_set)
    await within(LEASE + POLL + JUDGES + BUSY, after.sprung.is_set)

    await within(2 * (LEASE + POLL) + JUDGES + BUSY, lambda: town.were_moved(services))
    await within(60, lambda: house.is_over(services))
    assert not await rolled_back(house, services)
    assert len(house.living) == 1
