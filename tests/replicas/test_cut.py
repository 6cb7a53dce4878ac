"""What is between the replicas and their work breaks: the link of one to the database, or the database under all of them."""

import asyncio

import pytest

from tests.replicas.conftest import SERVICES_OF
from tests.replicas.house import House, within
from tests.replicas.promises import BUSY, JUDGES, LEASE, POLL, rolled_back

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


async def test_one_is_refused_and_one_is_swallowed_and_the_third_does_it_all(house):
    services, town = SERVICES_OF["cut"], house.town
    await house.release(services)
    await within(30, lambda: house.are_judged(services))
    refused, swallowed, third = house.living

    refused.link.refuse()
    swallowed.link.swallow()
    town.turn_bad(services)

    await within(LEASE + POLL + JUDGES + BUSY, lambda: town.were_moved(services))
    assert town.movers(services) == {third.pid}
    await within(15, lambda: all_say(house, "/readyz", [503, 503, 200]))
    assert await all_say(house, "/livez", [200, 200, 200])

    refused.link.heal()
    swallowed.link.heal()
    await within(20, house.are_ready)
    await within(60, lambda: house.is_over(services))
    assert not await rolled_back(house, services)


async def all_say(house: House, path: str, statuses: list[int]) -> bool:
    return [await house.status(each, path) for each in house.living] == statuses


async def test_an_immediate_restart_of_the_database_loses_nothing_and_repeats_nothing(house):
    services, town = SERVICES_OF["crashed"], house.town
    await house.release(services, bad=True)
    await within(20, lambda: bool(town.movers(services)))

    await asyncio.to_thread(_crash, house.server)

    await within(LEASE + JUDGES + BUSY, lambda: town.were_moved(services))
    await within(20, house.are_ready)
    await within(60, lambda: house.is_over(services))
    assert not await rolled_back(house, services)


def _crash(server) -> None:
    server.ctl("-m", "immediate", "stop")
    server.start()
