"""What is counted is what happened; what was not said is not zero."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from rules.model import Kind
from rules.sample import Counts, Invalid, NoData, Unavailable, Value
from tests.fakes.world import START
from tests.watcher.signals.datadog.asking import (
    LATENCY,
    MINUTE,
    NEW,
    RATIO,
    SECOND,
    a_site,
    a_world,
    asking,
    buckets,
    counts,
    indicator,
    truth,
)
from watcher.signals.provider import Question, Window

TRAFFIC = {"total": RATIO["total"]}


async def test_both_releases_are_counted_as_they_were():
    async with asking() as life:
        reading = await life.one()

        world = life.site.world
        assert counts(reading) == [
            (minute, truth(world, "v2", minute), truth(world, "v1", minute)) for minute in range(1, 11)
        ]
        assert not any(bucket.approximate or bucket.incomplete for bucket in buckets(reading))


async def test_a_minute_without_an_error_has_none_where_there_were_requests():
    world = a_world()
    world.log = [replace(each, status=200) for each in world.log if each.at >= START + 5 * MINUTE]
    async with asking(a_site(world)) as life:
        found = counts(await life.one())

        assert [minute for minute, _, _ in found] == [6, 7, 8, 9, 10]
        assert all(new is not None and new.bad == 0 < new.total for _, new, _ in found)


async def test_errors_without_requests_are_no_data():
    world = a_world()
    query = {**RATIO, "total": "sum:shop.orders{env:prod,version:${arm.version}}.as_count()"}
    async with asking(a_site(world)) as life:
        reading = await life.one(query)

        assert isinstance(reading, NoData)
        assert "shop.orders (env:prod, version:v2)" in reading.words


async def test_an_arm_that_is_silent_is_none_and_not_zero():
    world = a_world()
    world.log = [each for each in world.log if each.version == "v1" or each.at < START + 2 * MINUTE]
    async with asking(a_site(world)) as life:
        found = counts(await life.one())

        assert [minute for minute, new, _ in found if new is not None] == [1, 2]
        assert len(found) == 10


async def test_a_null_is_no_number():
    def nulls(_path: str, body: object) -> web.Response:
        told = {
            "series": [
                {"group_tags": ["version:v2", "service:shop", "env:prod"], "query_index": index}
                for index in (0, 1)
            ],
            "times": [_ms(0), _ms(1), _ms(2)],
            "values": [[10, None, 7], [None, 3, 7.5]],
        }
        return web.json_response({"data": {"attributes": told}})

    async with asking(a_site(refuse=nulls)) as life:
        reading = await life.one(baseline=None)

        assert counts(reading) == [(1, Counts(0.0, 10.0), None), (3, Counts(7.0, 7.0), None)]


def _ms(minute: float) -> int:
    return round((START + minute * MINUTE).timestamp() * 1000)


async def test_traffic_is_counted_without_bad_ones():
    async with asking() as life:
        first = counts(await life.one(TRAFFIC, Kind.REQUESTS))[0]
        expected = truth(life.site.world, "v2", 1)

        assert expected is not None
        assert first[1] == Counts(0.0, expected.total)


async def test_a_latency_counts_what_is_slower_than_each_bound_and_says_that_it_is_told_from_a_sketch():
    async with asking() as life:
        reading = await life.one(LATENCY, Kind.LATENCY, bounds=(0.3, 1.0))

        assert isinstance(reading, tuple)
        assert [series.bound for series in reading] == [0.3, 1.0]
        for place, bound in enumerate((0.3, 1.0)):
            assert counts(reading, place) == [
                (
                    minute,
                    truth(life.site.world, "v2", minute, over=bound),
                    truth(life.site.world, "v1", minute, over=bound),
                )
                for minute in range(1, 11)
            ]
            assert all(bucket.approximate for bucket in buckets(reading, place))


async def test_a_percentile_is_a_value():
    async with asking() as life:
        reading = await life.one(
            {"value": "p50:trace.http.request{service:shop,version:${arm.version}}"}, Kind.VALUE
        )

        values = {bucket.canary for bucket in buckets(reading)}
        assert values <= {Value(x) for x in (0.05, 0.2, 0.4, 2.0)}
        assert len(buckets(reading)) == 10


async def test_a_bucket_that_may_still_grow_is_not_final_and_then_never_changes():
    world = a_world(now=0)
    async with asking(a_site(world, late=50 * SECOND)) as life:
        said: dict[object, object] = {}
        grew = False
        for _ in range(16):
            life.on(0.6)
            known = dict(said)
            reading = await life.one(minutes=min((world.now - START) / MINUTE, 9))
            for bucket in buckets(reading) if isinstance(reading, tuple) else ():
                if bucket.incomplete:
                    grew = grew or known.get(("young", bucket.end), bucket) != bucket
                    said["young", bucket.end] = bucket
                else:
                    assert said.setdefault(bucket.end, bucket) == bucket
                    minute = round((bucket.end - START) / MINUTE)
                    assert bucket.canary == truth(world, "v2", minute)

        assert grew


async def test_a_long_past_is_asked_in_parts_and_is_one_answer():
    world = a_world(now=500)
    async with asking(a_site(world)) as life:
        reading = await life.one(start=START - 480 * MINUTE, minutes=490)

        assert len(life.site.bodies) == 2
        assert all(body["data"]["attributes"]["interval"] == 60_000 for body in life.site.bodies)
        assert len(buckets(reading)) == 10


async def test_a_bucket_that_lies_outside_of_what_was_asked_for_is_not_counted_twice():
    def generous(_path: str, body: Any) -> web.Response:
        begin, end = (body["data"]["attributes"][key] for key in ("from", "to"))
        times = [begin - 60_000, begin, end]
        series = [{"group_tags": ["env:prod", "service:shop", "version:v2"], "query_index": 0}]
        told = {"series": series, "times": times, "values": [[1, 2, 3]]}
        return web.json_response({"data": {"attributes": told}})

    async with asking(a_site(refuse=generous)) as life:
        reading = await life.one(TRAFFIC, Kind.REQUESTS, start=START - 480 * MINUTE, minutes=490)

        assert [new for _, new, _ in counts(reading)] == [Counts(0.0, 2.0)] * 2


async def test_versions_that_datadog_tags_alike_are_not_compared():
    async with asking() as life:
        reading = await life.one(canary={"version": "V2"}, baseline={"version": "v2"})

        assert all(bucket.baseline is None for bucket in buckets(reading))
        assert counts(reading)[0][1] == truth(life.site.world, "v2", 1)


async def test_services_are_told_apart_in_one_query():
    world = a_world()
    world.log = [replace(each, instance=number % 3) for number, each in enumerate(world.log)]
    async with asking(a_site(world)) as life:
        texts = [
            json.dumps(RATIO).replace("service:shop", f"service:{name}")
            for name in ("shop", "shop-1", "shop-2")
        ]
        readings = await life.all(
            *[indicator(json.loads(text), name=f"i{number}") for number, text in enumerate(texts)]
        )

        assert len(life.site.bodies) == 1
        for number in range(3):
            own = a_world(log=[each for each in world.log if each.instance == number])
            assert counts(readings[f"i{number}"])[4] == (5, truth(own, "v2", 5), truth(own, "v1", 5))


@pytest.mark.parametrize(
    ("points", "kind"),
    [
        ([[1, float("inf"), 2], [0, 0, 0]], Invalid),
        ([[5, -3, 2], [0, 0, 0]], Invalid),
        ([[1, 2], [0, 0, 0]], Unavailable),
    ],
)
async def test_numbers_that_measure_nothing_are_no_counts(points, kind):
    def odd(_path: str, _body: object) -> web.Response:
        series = [
            {"group_tags": ["env:prod", "service:shop", "version:v2"], "query_index": index}
            for index in (0, 1)
        ]
        told = {"series": series, "times": [_ms(0), _ms(1), _ms(2)], "values": points}
        return web.json_response({"data": {"attributes": told}})

    async with asking(a_site(refuse=odd)) as life:
        assert isinstance(await life.one(baseline=None), kind)


async def test_buckets_of_another_length_are_refused():
    def shifted(_path: str, _body: object) -> web.Response:
        series = [{"group_tags": ["env:prod", "service:shop", "version:v2"], "query_index": 0}]
        told = {"series": series, "times": [_ms(0), _ms(1 / 3)], "values": [[1, 2]]}
        return web.json_response({"data": {"attributes": told}})

    async with asking(a_site(refuse=shifted)) as life:
        reading = await life.one(TRAFFIC, Kind.REQUESTS)

        assert isinstance(reading, Unavailable)
        assert "in other buckets than those of 60 s" in reading.words


async def test_a_bucket_shorter_than_metrics_are_sent_is_refused():
    async with asking() as life:
        reading = await life.one({**RATIO, "bucket": "5s"})

        assert isinstance(reading, Invalid)
        assert "metrics are sent every 10s" in reading.words
        assert life.site.calls == []


async def test_known_buckets_are_not_told_again():
    async with asking() as life:
        question = indicator(RATIO)
        window = Window(START, START + 10 * MINUTE, life.site.world.now + timedelta(seconds=6))
        asked = [Question("i", question, NEW, None, START + 7 * MINUTE)]
        reading = (await life.provider.read(asked, window))["i"]

        assert [minute for minute, _, _ in counts(reading)] == [8, 9, 10]
