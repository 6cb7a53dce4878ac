"""Limits are Sentry's to tell, by its own clock: who is refused waits, alone goes first, and gives up in time."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from rules.sample import Reading, Unavailable, Who
from tests.fakes.sentry import Shop
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.sentry.asking import REQUESTS, SESSIONS, Asking, a_shop, arms, asking, indicator
from watcher.signals.sentry import open_sentry


def many(number: int) -> list[object]:
    """Indicators that share no call."""
    return [
        indicator({**REQUESTS, "project": 1, "where": f"tag:{each}"}, f"i{each}") for each in range(number)
    ]


def read_many(shop: Shop, number: int, patience: float = 6) -> tuple[list[Reading], float]:
    async def story() -> tuple[list[Reading], float]:
        async with asking(shop) as ask:
            readings = await ask.all(*many(number), patience=patience)  # type: ignore[arg-type]
            return list(readings.values()), asyncio.get_running_loop().time()

    return in_virtual_time(story())


@pytest.mark.parametrize("ahead", [0, 20, -20])
def test_who_has_used_up_a_window_waits_for_the_next_by_the_clock_that_sets_it(ahead):
    """Ten calls where three are allowed in a second."""
    shop = a_shop(limit=3, ahead=timedelta(seconds=ahead))
    found, seconds = read_many(shop, 10)

    assert [len(arms(reading)) for reading in found] == [10] * 10
    assert 2.5 <= seconds <= 5
    assert len(shop.asked) <= 10 + 4  # and those that were under way when it was refused


def test_a_storm_of_refusals_costs_one_call_a_window_and_ends_before_the_deadline():
    shop = a_shop(limit=0)
    found, seconds = read_many(shop, 12)

    assert all(isinstance(each, Unavailable) and each.who is Who.PROVIDER for each in found)
    assert all(
        getattr(each, "retry_at", None) is not None or "in time" in getattr(each, "words", "")
        for each in found
    )
    assert seconds <= 6
    assert len(shop.asked) <= 4 + 6  # those that were under way, and one a second


def test_too_many_at_once_is_no_used_up_window():
    shop = a_shop(concurrent=2)
    found, _ = read_many(shop, 6)

    assert [len(arms(reading)) for reading in found] == [10] * 6


def test_an_endpoint_that_refuses_closes_no_other():
    shop = a_shop()
    shop.limit = 2  # calls a second to each
    shop.counted["events-timeseries"] = (int(shop.now.timestamp()) + 3600, 0)

    async def story() -> tuple[Reading, float]:
        async with asking(shop) as ask:
            await asyncio.gather(*(ask.one(REQUESTS) for _ in range(3)))
            began = asyncio.get_running_loop().time()
            return await ask.one(SESSIONS), asyncio.get_running_loop().time() - began

    reading, seconds = in_virtual_time(story())

    assert len(arms(reading)) == 10
    assert seconds < 0.5


def test_a_refusal_is_json_that_calls_itself_a_page_and_says_until_when():
    shop = a_shop(limit=0)
    found, _ = read_many(shop, 1, patience=1.2)

    assert isinstance(found[0], Unavailable)
    assert "asks for patience" in found[0].words
    assert found[0].retry_at is not None


def test_an_own_sentry_without_limits_is_still_asked_four_at_a_time():
    shop = a_shop(limit=None)
    _, seconds = read_many(shop, 16)

    assert seconds >= 0.05 * 16 / 4 - 1e-6
    assert shop.open["events-timeseries"] == 0


def test_what_is_left_of_each_endpoint_is_in_our_metrics_by_the_connection():
    shop = a_shop(limit=7)

    async def story() -> Callable[[str, dict[str, str]], float | None]:
        async with asking(shop) as ask:
            await ask.one(REQUESTS)
            await ask.one(SESSIONS)
            return ask.opening.metrics.registry.get_sample_value

    told = in_virtual_time(story())

    for endpoint in ("events-timeseries", "sessions"):
        labels = {"provider": "sentry", "connection": "errors", "limit": endpoint}
        _, asked = shop.counted[endpoint]
        assert told("rollbackd_signal_limit_remaining_requests", labels) == 7 - asked < 7
        assert told("rollbackd_signal_limit_allowed_requests", labels) == 7


def test_connections_with_one_token_wait_together():
    """One is refused, and has no time to wait for the next window; the other does not even ask."""
    shop = a_shop(limit=0)

    async def story() -> tuple[int, Reading]:
        async with asking(shop) as ask:
            await ask.one(REQUESTS, patience=0.7)
            before = len(shop.asked)
            async with open_sentry(ask.settings, ask.opening) as other:
                beside = Asking(other, shop, ask.line, ask.opening, ask.settings)
                reading = await beside.one(REQUESTS, patience=0.7)
            return len(shop.asked) - before, reading

    more, reading = in_virtual_time(story())

    assert more == 0
    assert isinstance(reading, Unavailable)
    assert "asks for patience" in reading.words
