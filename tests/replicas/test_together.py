"""All three are well, and do the same thing at once: what only one may do is done by one."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from tests.replicas.conftest import SERVICES_OF
from tests.replicas.house import House, a_house, within
from tests.replicas.promises import BUSY, JUDGES, rolled_back
from tests.replicas.town import a_town

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]
OBEYS = 10.0  # seconds, after which a disarm is in force everywhere


async def test_the_same_news_at_all_three_in_the_same_moment_is_one_watch(house):
    (once, thrice, _), town = SERVICES_OF["told"], house.town
    for service in (once, thrice):
        town.deploy(service, "v2", bad=True)
    same = [house.announce(replica, once) for replica in house.living]
    other = [house.announce(replica, thrice, run=f"run-{replica.name}") for replica in house.living]

    assert set(await asyncio.gather(*same, *other)) == {202}

    await within(60, lambda: house.is_over([once, thrice]))
    assert not await rolled_back(house, [once, thrice])


async def test_disarmed_at_one_none_starts_by_itself(house):
    services, town = SERVICES_OF["switched"], house.town
    await house.release(services)
    await within(30, lambda: house.are_judged(services))
    for service in services:
        assert (
            await house.order(house.living[0], f"{service}/production", order="disarm", reason="an incident")
            == 202
        )

    town.turn_bad(services)

    await within(JUDGES + BUSY, lambda: all_are(house, services, "asking"))
    assert not town.movers(services)
    people = [
        house.order(house.living[n], f"{each}/production", order="roll_back")
        for n, each in enumerate(services)
    ]
    assert set(await asyncio.gather(*people)) == {202}
    await within(60, lambda: house.is_over(services))
    assert {service: len(town.calls("move", service)) for service in services} == dict.fromkeys(services, 1)


async def test_what_one_quarantined_none_goes_back_to(house):
    (service, *_), town = SERVICES_OF["marked"], house.town
    await house.release([service], bad=True)
    await within(60, lambda: house.is_over([service]))
    town.deploy(service, "v3", bad=True)
    news = [house.announce(replica, service, "v3", f"again-{replica.name}") for replica in house.living]
    assert set(await asyncio.gather(*news)) == {202}

    await within(60, lambda: all_are(house, [service], "rolled_back", many=2))
    assert [move.tag for move in town.calls("move", service)] == ["v1", "v1"]


async def test_a_ceiling_of_the_fleet_holds_however_many_replicas_breach_at_once(tmp_path, server):
    services = [f"s{number}" for number in range(6)]
    async with a_town(tmp_path / "town", services, ceiling=2) as town, a_house(town, server) as house:
        await house.release(services)
        await within(30, lambda: house.are_judged(services))

        town.turn_bad(services)

        await within(JUDGES + BUSY, lambda: none_is(house, "watching"))
        await within(30, lambda: is_spread(house, {"asking": 4, "rolled_back": 2}))
        assert len(town.calls("move")) == 2


async def test_watches_are_spread_over_whoever_lives(house):
    services = SERVICES_OF["spread"]
    for service in services:
        house.town.deploy(service, "v2")
        assert await house.announce(house.living[0], service) == 202

    await within(60, lambda: is_even(house, services))


async def all_are(house: House, services, state: str, many: int = 1) -> bool:
    found = await house.states()
    return all(found[service] == [state] * many for service in services)


async def none_is(house: House, state: str) -> bool:
    return all(state not in states for states in (await house.states()).values())


async def is_spread(house: House, expected: dict[str, int]) -> bool:
    return Counter(state for states in (await house.states()).values() for state in states) == expected


async def is_even(house: House, services: Sequence[str]) -> bool:
    """Whether these are watched, and each has its share of all watches that live."""
    found = await house.owners()
    owners = Counter(found.values())
    return found.keys() >= set(services) and all(
        owners[each.name] >= len(found) // len(house.living) for each in house.living
    )
