"""Monitors: only what turned bad by itself and after the switch is evidence, and silence is none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from rules.model import Kind
from rules.sample import Bucket, Invalid, NoData, Reading, State, Unavailable
from tests.fakes.datadog import Monitor, Site
from tests.fakes.datadog.limits import Allowed
from tests.fakes.world import START, World
from tests.watcher.signals.datadog.asking import MINUTE, SECOND, a_site, a_world, asking, buckets
from watcher.signals.datadog.monitors import Group, Told, monitor_of, reading
from watcher.signals.datadog.monitors import Monitor as Monitored
from watcher.signals.datadog.query import parsed

ERRORS = {"monitors": 7}


def a_monitored_site(world: World | None = None, **changes: Any) -> Site:
    """A monitor that alerts for the new release from its second minute on, and one of all together."""
    of = world or _worsening()
    return a_site(
        of, monitors={7: Monitor("errors of shop", 0.1, **changes), 8: Monitor("all", 0.1, multi=False)}
    )


def _worsening(now: float = 6) -> World:
    world = a_world(now=now)
    calm = [replace(each, status=200) for each in world.log if each.at < START + 2 * MINUTE]
    rest = [
        each if each.version == "v2" else replace(each, status=200)
        for each in world.log
        if each.at >= START + 2 * MINUTE
    ]
    world.log = calm + rest
    return world


def last(reading: Reading) -> State:
    newest: Bucket = buckets(reading)[-1]
    assert isinstance(newest.canary, State)
    return newest.canary


async def test_the_worst_group_is_told_with_when_it_turned_so():
    async with asking(a_monitored_site()) as life:
        reading = await life.one(ERRORS, Kind.STATE, minutes=5)

        state = last(reading)
        assert (state.name, state.bad, state.of) == ("Alert", True, "errors of shop (version:v2)")
        assert state.since is not None
        assert START + 2 * MINUTE < state.since < START + 3 * MINUTE
        assert [bucket.end for bucket in buckets(reading)] == [START + n * MINUTE for n in (3, 4, 5)]


async def test_a_group_that_was_bad_before_is_told_with_the_time_before():
    async with asking(a_monitored_site()) as life:
        life.site.world.log = [replace(each, status=500) for each in life.site.world.log]
        since = last(await life.one(ERRORS, Kind.STATE, minutes=5)).since

        assert since is not None
        assert since < START + MINUTE


def test_what_is_bad_is_worse_than_what_is_well_since_later():
    def group(state: str, minute: int) -> Group:
        return Group(state, frozenset(), state, START + minute * MINUTE, is_muted=False)

    monitor = Monitored(
        7, "m", START, (group("Alert", 1), group("OK", 3), group("Alert", 2), group("Warn", 4))
    )
    told = reading(
        "i",
        parsed('{"monitors": [7]}'),
        [monitor],
        frozenset(),
        START,
        START + 5 * MINUTE,
        START + 5 * MINUTE,
    )

    assert last(told) == State("Alert", START + 2 * MINUTE, bad=True, of="Alert")


async def test_groups_are_narrowed_by_their_tags():
    async with asking(a_monitored_site()) as life:
        query = {**ERRORS, "groups": "version:${arm.version}"}

        assert last(await life.one(query, Kind.STATE, minutes=5)).bad
        well = last(await life.one(query, Kind.STATE, minutes=5, canary={"version": "V1"}))
        assert (well.name, well.bad) == ("OK", False)
        none = await life.one(query, Kind.STATE, minutes=5, canary={"version": "v9"})
        assert isinstance(none, NoData)
        assert "has no group with version:v9" in none.words


async def test_a_monitor_without_groups_is_one():
    async with asking(a_monitored_site()) as life:
        state = last(await life.one({"monitors": [8], "bad": ["Alert", "Warn"]}, Kind.STATE, minutes=5))

        assert state.of == "all"


async def test_a_monitor_without_data_says_nothing():
    async with asking(a_monitored_site(_worsening(now=30))) as life:
        reading = await life.one(ERRORS, Kind.STATE, minutes=29)

        assert isinstance(reading, NoData)
        assert "'No Data', which is neither bad nor well" in reading.words


@pytest.mark.parametrize(
    ("silencing", "is_silent"),
    [
        ({"downtimes": [{"id": 1, "scope": ["version:v2"]}]}, True),
        ({"silenced": {"*": None}}, True),
        ({"silenced": {"version:v2": START.timestamp() + 3600}}, True),
        ({"silenced": {"*": START.timestamp()}}, False),
        ({"silenced": {"version:v3": None}}, False),
    ],
)
async def test_a_muted_monitor_says_nothing(silencing, is_silent):
    async with asking(a_monitored_site(**silencing)) as life:
        reading = await life.one(ERRORS, Kind.STATE, minutes=5)

        assert isinstance(reading, NoData) is is_silent


async def test_one_that_is_not_there_is_the_authors_to_mend():
    async with asking(a_monitored_site()) as life:
        reading = await life.one({"monitors": [7, 404]}, Kind.STATE, minutes=5)

        assert isinstance(reading, Invalid)
        assert "knows no monitor 404" in reading.words


async def test_a_key_without_the_scope_says_so():
    site = a_monitored_site()
    site.scopes = frozenset({"timeseries_query"})
    async with asking(site) as life:
        reading = await life.one(ERRORS, Kind.STATE, minutes=5)

        assert isinstance(reading, Unavailable)
        assert "monitors_read" in reading.words


async def test_a_monitor_is_read_once_a_minute_however_many_ask():
    async with asking(a_monitored_site()) as life:
        for _ in range(4):
            await life.one({"monitors": [7, 8]}, Kind.STATE, minutes=5)
        assert len(life.site.calls) == 2

        life.on(1)
        await life.one({"monitors": [7, 8]}, Kind.STATE, minutes=7)
        assert len(life.site.calls) == 4


async def test_the_past_is_told_by_when_it_turned_alone():
    async with asking(a_monitored_site(_worsening(now=9))) as life:
        past = await life.one(ERRORS, Kind.STATE, minutes=2)

        assert isinstance(past, NoData)
        assert "not how they were" in past.words


async def test_the_limit_of_monitors_does_not_close_metrics():
    site = a_monitored_site()
    site.allowed = []
    site.refuse = lambda path, _body: (
        web.Response(status=429, headers={"X-RateLimit-Name": "monitor", "X-RateLimit-Reset": "50"})
        if "monitor" in path
        else None
    )
    async with asking(site) as life:
        told = await life.one(ERRORS, Kind.STATE, minutes=5)
        assert isinstance(told, Unavailable)
        assert told.retry_at == site.world.now + 50 * SECOND
        assert isinstance(await life.one(minutes=5), tuple)


async def test_ways_of_asking_that_share_a_limit_are_closed_together():
    site = a_monitored_site()
    site.allowed = [Allowed("shared", 2, 60)]
    async with asking(site) as life:
        await life.one(ERRORS, Kind.STATE, minutes=5)
        await life.one(minutes=5)
        life.on(0.4)
        third = await life.one({"monitors": [8]}, Kind.STATE, minutes=5)

        assert isinstance(third, Unavailable)
        assert len(site.calls) == 2


def test_a_monitor_that_never_ran_is_unknown_and_times_that_are_none_are_none():
    now = datetime(2026, 11, 24, tzinfo=UTC)
    new = monitor_of(Told.model_validate({"id": 1, "overall_state": None}), now)
    odd = monitor_of(
        Told.model_validate(
            {
                "id": 2,
                "name": "odd",
                "overall_state": "Alert",
                "overall_state_modified": "2024-03-08T20:52:46+00:00",
                "state": {"groups": {"a:b": {"status": "Alert", "last_triggered_ts": 1e300}}},
            }
        ),
        now,
    )
    plain = monitor_of(
        Told.model_validate(
            {"id": 3, "overall_state": "OK", "overall_state_modified": "2024-03-08T20:52:46"}
        ),
        now,
    )

    assert (new.groups[0].state, new.groups[0].since) == ("Unknown", None)
    assert odd.groups[0].since is None
    assert plain.groups[0].since == datetime(2024, 3, 8, 20, 52, 46, tzinfo=UTC)
    assert now - timedelta(days=1) > plain.groups[0].since
