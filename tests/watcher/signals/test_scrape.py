"""What counters counted between two looks, over several pages that come and go."""

import asyncio
import re
from datetime import timedelta

import pytest

from rules.model import Kind
from rules.sample import Counts, Invalid, NoData, Unavailable, Value, Who
from tests.fakes.faults import never, serving
from tests.fakes.serve import http_to_loopback
from tests.fakes.world import SECOND, START
from tests.waiting import passes
from tests.watcher.signals.scraping import bucket_of, counts, pages
from watcher.signals.late import REMEDY
from watcher.signals.scrape.endpoint import Endpoint, Scraped


async def test_the_first_sight_of_a_page_is_a_reference_and_not_an_increment():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(1000, 500))

        assert await service.read(service.ratio()) == NoData("seen for the first time; counting begins")


async def test_what_counters_grew_by_is_counted_by_arm():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10, 1) + counts(100, 2, "v1"))
        await service.beat(a=counts(15, 4) + counts(150, 2, "v1"))

        assert await service.buckets(service.ratio()) == [(10, 20, Counts(3, 8), Counts(0, 50))]


async def test_a_series_that_is_born_counts_from_zero_so_that_the_first_errors_are_seen():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10))
        await service.beat(a=counts(12, 3))

        assert bucket_of(await service.read(service.ratio())).canary == Counts(3, 5)


async def test_a_series_that_was_away_is_not_born_again():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10, 700))
        await service.beat(a=counts(12))
        await service.beat(a=counts(14, 701))

        assert [own for _, _, own, _ in await service.buckets(service.ratio())] == [
            Counts(0, 2),
            Counts(1, 3),
        ]


async def test_nan_and_infinite_values_are_no_reset_and_no_birth():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10, 700))
        await service.beat(a='c_total{version="v2",code="200"} 12\nc_total{version="v2",code="500"} NaN\n')
        await service.beat(a='c_total{version="v2",code="200"} +Inf\nc_total{version="v2",code="500"} 701\n')
        await service.beat(a=counts(14, 701))

        assert [own for _, _, own, _ in await service.buckets(service.ratio())] == [
            Counts(0, 2),
            Counts(1, 1),
            Counts(0, 2),
        ]


async def test_a_counter_that_fell_began_again_from_zero():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10, 5))
        await service.beat(a=counts(4, 2))

        assert bucket_of(await service.read(service.ratio())).canary == Counts(2, 6)


async def test_a_process_that_began_again_is_noticed_even_if_its_counters_have_passed_the_old_ones():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10, 5, born=-500))
        await service.beat(a=counts(50, 6, born=14))

        assert bucket_of(await service.read(service.ratio())).canary == Counts(6, 56)


async def test_an_older_process_at_the_same_address_is_another_instance_and_no_difference_is_taken():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10, 5, born=-500))
        await service.beat(a=counts(5000, 600, born=-900))
        await service.beat(a=counts(11, 5, born=-500))

        reading = await service.read(service.ratio())
        assert isinstance(reading, NoData)
        assert "several processes answer at one address" in reading.words


async def test_a_beginning_that_wobbles_with_the_clock_is_the_same_process():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10, 5, born=-500))
        await service.beat(a=counts(12, 5, born=-499.4))

        assert bucket_of(await service.read(service.ratio())).canary == Counts(0, 2)


async def test_a_clock_that_was_set_at_the_far_end_does_not_count_a_life_again():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(1000, 500, born=-5000))
        await service.beat(a=counts(1002, 500, born=-5000 + 3600))

        reading = await service.read(service.ratio())
        assert isinstance(reading, NoData)


async def test_an_instance_that_is_born_while_we_look_counts_from_its_birth():
    async with pages() as service:
        await service.read(service.ratio("a", "b"))
        await service.beat(a=counts(10), b=503)
        await service.beat(a=counts(11), b=counts(7, 7, born=12))

        assert await service.buckets(service.ratio("a", "b")) == [(10, 20, Counts(7, 15), None)]


async def test_an_instance_that_is_older_than_our_first_try_is_a_reference_first():
    async with pages() as service:
        await service.read(service.ratio("a", "b"))
        await service.beat(a=counts(10), b=503)
        await service.beat(a=counts(11), b=counts(7000, 700, born=-100))
        await service.beat(a=counts(12), b=counts(7001, 700, born=-100))

        assert [own for _, _, own, _ in await service.buckets(service.ratio("a", "b"))] == [
            Counts(0, 1),
            Counts(0, 2),
        ]


async def test_pages_are_summed_after_their_resets():
    async with pages() as service:
        await service.read(service.ratio("a", "b"))
        await service.beat(a=counts(100, 10), b=counts(100, 10))
        await service.beat(a=counts(3, 1), b=counts(110, 15))

        assert bucket_of(await service.read(service.ratio("a", "b"))).canary == Counts(6, 19)


async def test_a_page_that_does_not_answer_is_a_hole_and_its_counts_come_late_and_once():
    async with pages() as service:
        await service.read(service.ratio("a", "b"))
        await service.beat(a=counts(100), b=counts(100))
        await service.beat(a=counts(110), b=503)
        await service.beat(a=counts(120), b=counts(125, 5))

        assert await service.buckets(service.ratio("a", "b")) == [
            (10, 20, Counts(0, 10), None),
            (20, 30, Counts(5, 40), None),
        ]


async def test_if_no_page_answers_the_next_bucket_reaches_back():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(100))
        await service.beat(a=503)
        await service.beat(a=503)
        unavailable = await service.read(service.ratio(), since=START + timedelta(seconds=10))
        await service.beat(a=counts(125, 5))

        assert isinstance(unavailable, Unavailable)
        assert await service.buckets(service.ratio()) == [(10, 40, Counts(5, 30), None)]


async def test_a_page_that_does_not_come_while_this_machine_stands_still_is_the_operators_to_mend():
    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        passes(2.3)
        await never(reader, writer)

    async with serving(hangs) as port, http_to_loopback(lambda: START) as http:
        url = f"http://127.0.0.1:{port}/"
        seen = await Endpoint(url, timedelta(seconds=0.5), http, lambda: START).look(START)

        assert isinstance(seen, Unavailable)
        assert (seen.who, seen.remedy) == (Who.OPERATOR, REMEDY)
        assert re.match(r"this machine was late by 2\.[23] s: ", seen.words)


async def test_a_question_about_another_metric_of_a_known_page_begins_with_a_reference():
    async with pages() as service:
        other = service.ratio(counter="d_total")
        page = 'd_total{{version="v2",code="500"}} {}\n'
        await service.read(service.ratio())
        await service.beat(a=counts(10) + page.format(900))
        await service.read(other)
        await service.beat(a=counts(11) + page.format(901))
        await service.beat(a=counts(12) + page.format(903))

        assert await service.buckets(other) == [(20, 30, Counts(2, 2), None)]


async def test_zero_traffic_is_a_count_of_zero():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10, 5))
        await service.beat(a=counts(10, 5))

        assert bucket_of(await service.read(service.ratio())).canary == Counts(0, 0)


async def test_an_arm_that_is_on_no_page_is_no_data_and_not_zero():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10, version="v1"))
        await service.beat(a=counts(20, version="v1"))

        assert await service.buckets(service.ratio()) == [(10, 20, None, Counts(0, 10))]
        alone = await service.read(service.ratio(), baseline=None)
        assert alone == NoData("c_total has no series whose version is what was asked for; it is 'v1'")


async def test_an_arm_that_stays_unknown_while_others_have_traffic_is_a_mistake_and_says_what_there_is():
    async with pages() as service:
        await service.read(service.ratio())
        for beat in range(33):
            await service.beat(a=counts(10 * beat, version="v1"))

        reading = await service.read(service.ratio())
        assert reading == Invalid(
            Who.AUTHOR, "c_total has no series whose version is what was asked for; it is 'v1'"
        )


async def test_a_release_that_is_new_is_no_mistake_however_long_the_pages_were_looked_at_before():
    async with pages() as service:
        for beat in range(40):
            await service.read(service.ratio(), canary="v1", baseline=None)
            await service.beat(a=counts(10 * beat, version="v1"))
        first = await service.read(service.ratio(), baseline=None)
        await service.beat(a=counts(1000, version="v1"))

        assert isinstance(first, NoData)
        assert isinstance(await service.read(service.ratio(), baseline=None), NoData)


async def test_a_metric_that_no_page_has_is_named_with_the_nearest_and_becomes_a_mistake():
    async with pages() as service:
        typo = service.ratio(counter="c_totla")
        await service.read(typo)
        await service.beat(a=counts(10))
        early = await service.read(typo)
        for _ in range(31):
            await service.beat()

        assert early == NoData("no page has c_totla; nearest: c_total")
        assert await service.read(typo) == Invalid(Who.AUTHOR, "no page has c_totla; nearest: c_total")


async def test_a_metric_that_contradicts_itself_spoils_its_own_indicator_alone():
    async with pages() as service:
        other = service.ratio(counter="d_total")
        twice = 'd_total{version="v2"} 1\nd_total{version="v2"} 2\n'
        for indicator in (service.ratio(), other):
            await service.read(indicator)
        await service.beat(a=counts(10) + twice)
        await service.beat(a=counts(11) + twice)

        assert bucket_of(await service.read(service.ratio())).canary == Counts(0, 1)
        assert await service.read(other) == Invalid(
            Who.SERVICE, "a series of d_total stands twice on one page"
        )


async def test_a_counter_below_zero_is_no_counter():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10))
        await service.beat(a=counts(-3))

        assert await service.read(service.ratio()) == Invalid(
            Who.SERVICE, "c_total is below 0, which no counter can be"
        )


async def test_times_that_a_page_tells_are_not_believed():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a='c_total{version="v2",code="200"} 10 1000\n')
        await service.beat(a='c_total{version="v2",code="200"} 12 9999999999999\n')

        assert await service.buckets(service.ratio()) == [(10, 20, Counts(0, 2), None)]


async def test_where_takes_patterns_and_their_opposite():
    page = 'c_total{{path="/health"}} {0}\nc_total{{path="/api/a"}} {0}\nc_total{{path="/api/b"}} {0}\nc_total {0}\n'
    async with pages() as service:
        api = service.indicator(Kind.REQUESTS, counter="c_total", where={"path": "/api/.*"})
        others = service.indicator(Kind.REQUESTS, counter="c_total", where={"path": {"not": "/health"}})
        for indicator in (api, others):
            await service.read(indicator)
        await service.beat(a=page.format(0))
        await service.beat(a=page.format(1))

        assert bucket_of(await service.read(api)).canary == Counts(0, 2)
        assert bucket_of(await service.read(others)).canary == Counts(0, 3)


async def test_requests_of_which_a_page_is_missing_are_shown_and_not_judged():
    async with pages() as service:
        requests = service.indicator(Kind.REQUESTS, "a", "b", counter="c_total")
        await service.read(requests)
        await service.beat(a=counts(100), b=counts(100))
        await service.beat(a=counts(110), b=503)
        missing = bucket_of(await service.read(requests))
        await service.beat(a=counts(120), b=counts(120))
        late = bucket_of(await service.read(requests))
        await service.beat(a=counts(130), b=counts(130))
        whole = bucket_of(await service.read(requests))

        assert (missing.canary, missing.incomplete) == (Counts(0, 10), True)
        assert (late.canary, late.incomplete) == (Counts(0, 30), True)
        assert (whole.canary, whole.incomplete) == (Counts(0, 20), False)


def histogram(*counted: tuple[str, float]) -> str:
    return "".join(f'h_bucket{{version="v2",le="{le}"}} {count}\n' for le, count in counted)


async def test_a_latency_is_counted_exactly_at_each_of_its_bounds():
    async with pages() as service:
        slow = service.indicator(
            Kind.LATENCY,
            histogram="h",
            where={"version": "${arm.version}"},
            over=["300ms", "1s"],
            bounds=(0.3, 1.0),
        )
        await service.read(slow)
        await service.beat(a=histogram(("0.1", 1), ("0.30", 2), ("1.0", 3), ("+Inf", 4)))
        await service.beat(a=histogram(("0.1", 2), ("0.30", 5), ("1.0", 9), ("+Inf", 14)))

        reading = await service.read(slow)
        assert isinstance(reading, tuple)
        assert [(series.bound, series.buckets[0].canary) for series in reading] == [
            (0.3, Counts(7, 10)),
            (1.0, Counts(4, 10)),
        ]


async def test_the_buckets_of_a_histogram_begin_again_together():
    async with pages() as service:
        slow = service.indicator(Kind.LATENCY, histogram="h", over="300ms", bounds=(0.3,))
        await service.read(slow)
        await service.beat(a=histogram(("0.3", 2), ("+Inf", 100)))
        await service.beat(a=histogram(("0.3", 5), ("+Inf", 50)))

        assert bucket_of(await service.read(slow)).canary == Counts(45, 50)


async def test_a_bound_that_the_histogram_does_not_have_is_refused_with_the_nearest():
    async with pages() as service:
        slow = service.indicator(Kind.LATENCY, histogram="h", over="500ms", bounds=(0.5,))
        await service.read(slow)
        for count in (1, 2):
            await service.beat(a=histogram(("0.1", count), ("0.3", count), ("1", count), ("+Inf", count)))

        words = "the histogram has no bucket at 0.5 s, so nobody can say how many are slower; nearest: 0.3 s and 1 s"
        assert await service.read(slow) == Invalid(Who.AUTHOR, words)


@pytest.mark.parametrize(
    ("le", "words"), [("abc", "whose bound is 'abc'"), ("1", 'without its bucket le="+Inf"')]
)
async def test_a_histogram_that_is_none_is_the_services_to_mend(le, words):
    async with pages() as service:
        slow = service.indicator(Kind.LATENCY, histogram="h", over="1s", bounds=(1.0,))
        await service.read(slow)
        for count in (1, 2):
            await service.beat(a=histogram((le, count)))

        reading = await service.read(slow)
        assert isinstance(reading, Invalid)
        assert reading.who is Who.SERVICE
        assert words in reading.words


@pytest.mark.parametrize(("take", "value"), [("sum", 10), ("max", 7), ("min", 3), ("mean", 5)])
async def test_gauges_of_several_instances_are_taken_together_as_the_query_says(take, value):
    async with pages() as service:
        depth = service.indicator(Kind.VALUE, "a", "b", gauge="g", take=take)
        await service.read(depth)
        await service.beat(a="g 3\n", b="g 7\n")

        bucket = bucket_of(await service.read(depth))
        assert bucket.canary == Value(value)
        assert bucket.start == START


async def test_several_gauges_where_one_was_expected_are_the_authors_to_mend():
    async with pages() as service:
        depth = service.indicator(Kind.VALUE, gauge="g")
        await service.read(depth)
        await service.beat(a='g{a="1"} 3\ng{a="2"} 7\n')

        reading = await service.read(depth)
        assert isinstance(reading, Invalid)
        assert "2 series where one was expected" in reading.words


async def test_a_gauge_may_be_below_zero():
    async with pages() as service:
        depth = service.indicator(Kind.VALUE, gauge="g")
        await service.read(depth)
        await service.beat(a="g -3\n")

        assert bucket_of(await service.read(depth)).canary == Value(-3)


async def test_a_query_that_does_not_fit_its_kind_is_said_with_what_it_needs():
    async with pages() as service:
        reading = await service.read(service.indicator(Kind.RATIO, counter="c_total"))

        assert reading == Invalid(
            Who.AUTHOR, "ratio cannot be read with this query: it needs counter and bad"
        )


async def test_arms_may_be_told_apart_by_their_addresses():
    async with pages() as service:
        by_address = service.ratio("${arm.version}", where={})
        await service.read(by_address)
        await service.beat(v1=counts(100, version="x"), v2=counts(10, version="x"))
        await service.beat(v1=counts(150, version="x"), v2=counts(12, 2, version="x"))

        assert await service.buckets(by_address) == [(10, 20, Counts(2, 4), Counts(0, 50))]


async def test_no_bucket_reaches_over_a_moment_at_which_the_clock_was_set():
    async with pages() as service:
        await service.read(service.ratio())
        await service.beat(a=counts(10))
        await service.beat(a=counts(20))
        service.world.now += timedelta(hours=1)
        service.clock.jumped += timedelta(hours=1)
        await service.beat(a=counts(1000))
        await service.beat(a=counts(1003))

        counted = [
            own for _, _, own, _ in await service.buckets(service.ratio(), since=START + timedelta(minutes=5))
        ]
        assert counted == [Counts(0, 0), Counts(0, 3)]


async def test_a_task_known_from_its_birth_counts_from_there_unless_time_was_lost_meanwhile():
    async with pages() as served:
        served.say["a"] = counts(30)
        async with http_to_loopback(served.clock.now) as http:
            made = [
                Endpoint(f"{served.base}/a", SECOND, http, served.clock.now, START - 20 * SECOND)
                for _ in range(2)
            ]
            for endpoint in made:
                endpoint.counters.add("c_total")
            made[1].begin_anew()
            known, lost = [await endpoint.look(START) for endpoint in made]

    assert isinstance(known, Scraped)
    assert isinstance(lost, Scraped)
    assert known.since == START - 20 * SECOND
    assert sum(known.increments["c_total"].values()) == 30
    assert lost.since is None
