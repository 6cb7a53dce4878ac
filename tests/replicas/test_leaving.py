"""SIGTERM: what a replica held is another's at once."""

import signal
from collections import Counter

import pytest

from tests.replicas.conftest import SERVICES_OF
from tests.replicas.house import within
from tests.replicas.promises import BUSY, JUDGES, rolled_back

pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]


async def test_what_one_leaves_is_taken_up_at_once_and_nothing_is_late(house):
    services, town = SERVICES_OF["left"], house.town
    await house.release(services)
    await within(30, lambda: house.are_judged(services))
    owners = Counter(name for name in (await house.owners()).values() if name)
    leaving = house.named(owners.most_common(1)[0][0])
    before = sum([await house.metric(each, "takeovers_total") for each in house.living])

    leaving.signal(signal.SIGTERM)
    await within(10, lambda: not leaving.is_alive)
    town.turn_bad(services)

    await within(JUDGES + BUSY, lambda: town.were_moved(services))
    await within(60, lambda: house.is_over(services))
    assert leaving.process.returncode == 0
    assert not await rolled_back(house, services)
    assert sum([await house.metric(each, "takeovers_total") for each in house.living]) <= before
