"""What is counted: each line once, in the minute in which it was written, for the release that wrote it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.model import Kind
from rules.sample import Counts, Invalid, NoData, Who
from tests.fakes.loki import Line
from tests.fakes.world import START, Happened
from tests.watcher.signals.loki.asking import MINUTE, RATIO, a_server, asking, buckets, indicator, truth

IN_LINES = {
    "stream": {"app": "shop"},
    "parser": "logfmt",
    "total": {"labels": {"version": "${arm.version}"}},
    "bad": {"contains": 'level="error"'},
}
OWN = 'sum(count_over_time({app="shop",version="${arm.version}"} |= "handled" %s[${bucket}]))'


@pytest.mark.parametrize(
    ("lines", "query"),
    [
        ({}, RATIO),
        ({"form": "logfmt", "in_stream": False}, IN_LINES),
        ({}, {**RATIO, "bad": {"lacks": '"level": "info"'}}),
        ({}, {**RATIO, "stream": {"app": "sh.p", "version": "${arm.version}", "env": {"not": "test"}}}),
        ({}, {"total_expr": OWN % "", "bad_expr": OWN % '|= `"level": "error"` '}),
    ],
)
async def test_each_minute_counts_what_was_written_in_it_by_each_release(lines, query):
    server = a_server(lines)
    async with asking(server) as ask:
        found = buckets(await ask.one(query))

    assert len(found) == 5
    for bucket in found:
        assert bucket.canary == truth(server.world, bucket, "v2")
        assert bucket.baseline == truth(server.world, bucket, "v1")


async def test_both_releases_all_and_bad_lines_are_one_query_of_the_length_of_its_step():
    server = a_server()
    async with asking(server) as ask:
        await ask.one(RATIO)

    assert len(server.forms) == 1
    assert server.forms[0]["query"].count('version=~"v1|v2"') == 2
    assert server.forms[0]["query"].count("[1m]") == 2
    assert server.forms[0]["step"] == "60s"


async def test_no_line_is_lost_between_buckets_and_none_counted_twice():
    server = a_server()
    async with asking(server) as ask:
        found = buckets(await ask.one({**RATIO, "bucket": "15s"}))

    total = sum(each.canary.total for each in found if isinstance(each.canary, Counts))
    assert total == sum(each.version == "v2" for each in server.world.log)


async def test_a_line_of_the_very_end_of_a_minute_is_of_that_minute():
    server = a_server()
    server.world.log = [Happened(START + MINUTE, "v2", 200, 0.1)]
    async with asking(server) as ask:
        found = buckets(await ask.one(RATIO))

    assert [(each.end, each.canary) for each in found] == [(START + MINUTE, Counts(0.0, 1.0))]


async def test_bad_lines_that_are_not_there_are_none_and_lines_that_are_not_there_are_no_data():
    server = a_server()
    server.world.log = [
        replace(each, status=200) for each in server.world.log if each.at < START + 2 * MINUTE
    ]
    async with asking(server) as ask:
        found = buckets(await ask.one(RATIO))
        later = await ask.one(RATIO, canary={"version": "v3"}, baseline=None)

    assert [each.end for each in found] == [START + MINUTE, START + 2 * MINUTE]
    assert all(isinstance(each.canary, Counts) and each.canary.bad == 0 for each in found)
    assert isinstance(later, NoData)


async def test_bad_lines_without_a_total_are_no_data():
    server = a_server()
    query = {"total_expr": OWN % '|= "nobody says this" ', "bad_expr": OWN % ""}
    async with asking(server) as ask:
        assert isinstance(await ask.one(query), NoData)


async def test_a_line_that_cannot_be_read_spoils_nothing_and_counts_for_nothing():
    server = a_server()
    server.lines.others = [
        Line(START + 90 * MINUTE / 60, {"app": "shop", "env": "prod", "version": "v2"}, "panic: handled!")
    ]
    async with asking(server) as ask:
        found = buckets(await ask.one(RATIO))

    assert [each.canary for each in found] == [truth(server.world, each, "v2") for each in found]


async def test_what_is_bad_and_no_part_of_the_total_counts_for_nothing():
    server = a_server()
    stream = {"app": "shop", "env": "prod", "version": "v2"}
    server.lines.others = [Line(START + MINUTE / 2, stream, '{"msg": "a job failed", "status": 500}')]
    async with asking(server) as ask:
        found = buckets(await ask.one(RATIO))

    assert found[0].canary == truth(server.world, found[0], "v2")


async def test_what_may_still_come_is_marked_and_what_is_final_is_whole():
    server = a_server({"late": timedelta(seconds=50)})
    server.world.now = START + 3 * MINUTE
    async with asking(server, settle="60s") as ask:
        found = buckets(await ask.one(RATIO, minutes=3))

    assert [each.incomplete for each in found] == [False, False, True]
    assert [each.canary for each in found[:2]] == [truth(server.world, each, "v2") for each in found[:2]]
    assert found[2].canary != truth(server.world, found[2], "v2")


async def test_requests_are_all_lines_of_a_stream():
    server = a_server()
    query = {"stream": {"app": "shop", "version": "${arm.version}"}}
    async with asking(server) as ask:
        found = buckets(await ask.one(query, Kind.REQUESTS))

    assert sum(each.canary.total for each in found if isinstance(each.canary, Counts)) == sum(
        each.version == "v2" for each in server.world.log
    )


async def test_two_services_are_told_apart_in_one_query():
    server = a_server()
    server.world.log = [replace(each, instance=number % 2) for number, each in enumerate(server.world.log)]
    both = [
        indicator({**RATIO, "stream": {**RATIO["stream"], "app": name}}, name=name)
        for name in ("shop", "shop-1")
    ]
    async with asking(server) as ask:
        readings = await ask.all(*both)

    assert len(server.forms) == 1
    for number, name in enumerate(("shop", "shop-1")):
        own = [each for each in server.world.log if each.instance == number and each.version == "v2"]
        found = buckets(readings[name])
        assert sum(each.canary.total for each in found if isinstance(each.canary, Counts)) == len(own)


async def test_an_expression_that_gives_lines_or_several_rows_is_the_authors_to_mend():
    several = 'count_over_time({app="shop"} [${bucket}])'
    async with asking(a_server()) as ask:
        rows = await ask.one({"total_expr": several}, Kind.REQUESTS)
        lines = await ask.one({"total_expr": '{app="shop"}'}, Kind.REQUESTS)

    for reading in (rows, lines):
        assert isinstance(reading, Invalid)
        assert reading.who is Who.AUTHOR
