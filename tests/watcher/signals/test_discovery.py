"""Tasks that are found, scraped and probed: whose each is, and what becomes of it when it goes."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from rules.model import Indicator, Kind
from rules.sample import Counts, Invalid, NoData, Unavailable, Who
from tests.fakes.aws import AwsError, Behaviour, Direct
from tests.fakes.aws.ecs.state import Task as TaskThere
from tests.fakes.exposition import TEXT
from tests.fakes.world import START
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.ecs_tasks.shop import Shop
from tests.watcher.signals.town import (
    BASELINE,
    NEW,
    Town,
    an_indicator,
    buckets_of,
    living,
    second,
    where,
)
from watcher.http import Guard
from watcher.signals import probe, scrape
from watcher.signals.discovery import (
    EVERY,
    Census,
    Counted,
    Member,
    Roll,
    _nobody,
    _running,
    needs_account,
    placed,
)
from watcher.signals.ecs_tasks.reader import Reader
from watcher.signals.ecs_tasks.services import ServiceAt
from watcher.signals.ecs_tasks.task import Task
from watcher.signals.probe.provider import open_probe
from watcher.signals.probe.query import Query as ProbeQuery
from watcher.signals.sampling import MEMORY
from watcher.signals.scrape.provider import open_scrape
from watcher.signals.scrape.query import Query as ScrapeQuery

WEB = ServiceAt("shop", "prod", "web")


def counting(town: Town, *, fails: float = 0.5) -> Any:
    """Each task answers ten requests a second from its creation on; those of the new release fail in part. No version on the page."""

    def answer(task: TaskThere) -> web.Response:
        total = int(town.age(task) * 10)
        bad = int(total * fails) if task.task_definition.endswith(NEW) else 0
        page = f'c_total{{code="200"}} {total - bad}\nc_total{{code="500"}} {bad}\n'
        return web.Response(body=page.encode(), headers={"Content-Type": TEXT})

    return answer


def errors(town: Town, **changes: Any) -> Indicator:
    query = {"counter": "c_total", "bad": {"code": "5.."}, **changes}
    return an_indicator(Kind.RATIO, "scrape", town, where(), **query)


def health(town: Town, **changes: Any) -> Indicator:
    return an_indicator(Kind.PROBE, "http", town, where(path="/health"), **changes)


def scraping(town: Town, guard: Guard | None = None) -> Any:
    return living(scrape.KIND, open_scrape, town, guard)


def probing(town: Town) -> Any:
    return living(probe.KIND, open_probe, town)


# ---------------------------------------------------------------------------------------------------------- scraped


async def test_both_releases_are_told_apart_by_their_tasks_though_no_page_says_a_word_of_it():
    town = Town(desired=6, most=117)
    town.answers = counting(town)
    async with scraping(town) as found:
        await found.watch(errors(town), until=30)
        town.deploy(Behaviour(starts_in=timedelta(seconds=15)))  # one after the other
        reading = buckets_of(await found.watch(errors(town), until=120))

    early = [bucket for bucket in reading if second(bucket.end) <= 30]
    both = [bucket for bucket in reading if bucket.canary and bucket.baseline]
    assert all(bucket.canary is None for bucket in early)
    assert early[-1].baseline == Counts(0, 600)  # six tasks, ten a second each
    assert len(both) >= 3
    for bucket in both:
        assert isinstance(bucket.canary, Counts)
        assert isinstance(bucket.baseline, Counts)
        assert bucket.canary.bad == pytest.approx(bucket.canary.total / 2, abs=3)
        assert bucket.baseline.bad == 0


async def test_the_first_requests_of_a_new_task_are_counted_from_its_birth():
    town = Town()
    town.answers = counting(town)
    async with scraping(town) as found:
        await found.watch(errors(town), until=30)
        town.deploy()
        reading = await found.watch(errors(town), until=120)

    mine = [bucket.canary for bucket in buckets_of(reading) if isinstance(bucket.canary, Counts)]
    last = buckets_of(reading)[-1].end
    answered = sum(int((last - task.created_at).total_seconds() * 10) for task in town.tasks(NEW))
    assert sum(each.total for each in mine) == pytest.approx(answered, abs=20)
    assert sum(each.bad for each in mine) == pytest.approx(answered / 2, abs=20)


async def test_a_task_that_was_there_before_we_looked_is_no_newborn():
    town = Town()
    town.answers = counting(town)
    async with scraping(town) as found:
        reading = await found.watch(errors(town), until=60)

    others = [bucket.baseline for bucket in buckets_of(reading) if isinstance(bucket.baseline, Counts)]
    assert max(each.total for each in others) <= 210


async def test_a_task_that_was_born_a_moment_before_we_looked_is_no_newborn_either():
    town = Town()
    town.answers = counting(town)
    town.deploy()
    await town.clock.advance(town.world.now + timedelta(seconds=60))
    async with scraping(town) as found:
        reading = await found.watch(errors(town), until=120)

    mine = [bucket.canary for bucket in buckets_of(reading) if isinstance(bucket.canary, Counts)]
    assert mine
    assert max(each.total for each in mine) <= 210  # and not the 1,200 of its first minute besides


async def test_what_was_overlooked_for_long_is_not_told_all_at_once():
    town = Town()
    town.answers = counting(town)
    async with scraping(town) as found:
        await found.watch(errors(town), until=30, names=BASELINE, compares=False)
        town.deploy()
        await found.watch(errors(town), until=400, step=15, names=BASELINE, compares=False)
        reading = await found.watch(errors(town), until=460, compares=False)

    mine = [bucket.canary for bucket in buckets_of(reading) if isinstance(bucket.canary, Counts)]
    assert mine
    assert max(each.total for each in mine) <= 210


async def test_a_task_that_goes_keeps_what_was_seen_of_it_and_holds_nobody_up():
    town = Town()
    town.answers = counting(town)
    async with scraping(town) as found:
        before = buckets_of(await found.watch(errors(town), until=60))
        town.aws.ecs.kill(town.tasks()[0].arn, town.world.now)
        reading = buckets_of(await found.watch(errors(town), until=120))

    assert {bucket.end: bucket for bucket in before}.items() <= {
        bucket.end: bucket for bucket in reading
    }.items()
    assert second(reading[-1].end) >= 100
    late = reading[-1].baseline
    assert isinstance(late, Counts)
    assert 90 <= late.total <= 310  # the one that stays, and the one that came


async def test_a_task_that_is_gone_is_looked_at_no_more():
    town = Town()
    town.answers = counting(town)
    async with scraping(town) as found:
        await found.watch(errors(town), until=60)
        town.aws.ecs.kill(town.tasks()[0].arn, town.world.now)
        await found.watch(errors(town), until=80)
        before = town.nobody
        await found.watch(errors(town), until=180)

    assert before <= 2
    assert town.nobody == before


async def test_a_count_that_needs_all_tasks_is_whole_also_before_one_came_and_after_one_went():
    town = Town()
    town.answers = counting(town)
    async with scraping(town) as found:
        indicator = an_indicator(Kind.REQUESTS, "scrape", town, where(), counter="c_total")
        await found.watch(indicator, until=60)
        town.aws.ecs.scale("web", 3, town.world.now)
        await found.watch(indicator, until=120)
        town.aws.ecs.scale("web", 1, town.world.now)
        reading = buckets_of(await found.watch(indicator, until=210))

    whole = {second(bucket.end): bucket.baseline for bucket in reading if not bucket.incomplete}
    assert whole[50] == Counts(0, 200)
    assert whole[110] == Counts(0, 300)
    assert whole[200] == Counts(0, 100)


async def test_while_ecs_cannot_be_asked_the_tasks_that_are_known_go_on_to_be_scraped():
    town = Town()
    town.answers = counting(town)
    async with scraping(town) as found:
        await found.watch(errors(town), until=40)
        town.aws.faults.fail("ecs", error=AwsError("AccessDeniedException", "no"), times=None)
        reading = buckets_of(await found.watch(errors(town), until=100))

    assert second(reading[-1].end) >= 90


@pytest.mark.parametrize(
    ("code", "service", "expected", "words"),
    [
        ("AccessDeniedException", "web", Unavailable, "needs ecs:ListTasks"),
        ("", "wbe", Invalid, "no service wbe"),
    ],
)
async def test_why_no_task_can_be_found_is_said(code, service, expected, words):
    town = Town()
    if code:
        town.aws.faults.fail("ecs", error=AwsError(code, "no"), times=None)
    async with scraping(town) as found:
        query = {"counter": "c_total", "bad": {"code": "5.."}}
        reading = await found.watch(
            an_indicator(Kind.RATIO, "scrape", town, where(service=service), **query), until=20
        )

    assert isinstance(reading, expected)
    assert words in reading.words


async def test_a_release_of_which_no_task_runs_says_so():
    town = Town()
    async with scraping(town) as found:
        early = await found.ask(errors(town), compares=False)
        late = await found.watch(errors(town), until=20, compares=False)

    assert early == NoData("ECS is asked which tasks run")
    assert late == NoData("no task of web:2 runs")


def test_tasks_that_share_the_address_of_their_host_cannot_be_found_and_it_is_said_what_can_be_done():
    members = {"a": Member(Task("arn:a", NEW, START, START))}
    place = ScrapeQuery.model_validate(scrape_query()).discover

    assert place is not None
    reading = _nobody(members, place.ecs_tasks, NEW)
    assert isinstance(reading, Invalid)
    assert reading.who is Who.AUTHOR
    assert "not in this version; run them with awsvpc, or name the addresses" in reading.words


async def test_without_an_account_no_task_is_found():
    reading = await Roll(None, ServiceAt("", "prod", "web")).look(START)

    assert reading == Invalid(Who.OPERATOR, "no account of AWS is configured to find tasks in")


async def test_an_address_that_is_not_allowed_names_the_line_to_write():
    town = Town()
    async with scraping(town, Guard()) as found:
        reading = await found.watch(errors(town), until=30)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert "`reach: [127.1.0.0/16]`" in reading.words


async def test_finding_costs_two_calls_a_quarter_of_a_minute_whoever_asks():
    town = Town()
    town.answers = counting(town)
    async with scraping(town) as found:
        await found.watch(errors(town), until=60)
        town.aws.calls.clear()
        await found.watch(errors(town), until=120)

    assert len(town.aws.calls) == 8


# ----------------------------------------------------------------------------------------------------------- probed


def well(status: int = 200) -> web.Response:
    return web.Response(status=status)


async def test_a_probe_of_each_task_is_its_releases():
    town = Town(desired=6, most=117)
    town.answers = lambda task: well(503 if task.task_definition.endswith(NEW) else 200)
    async with probing(town) as found:
        await found.watch(health(town, grace="0s"), until=30)
        town.deploy(Behaviour(starts_in=timedelta(seconds=15)))
        reading = buckets_of(await found.watch(health(town, grace="0s"), until=120))

    both = [bucket for bucket in reading if bucket.canary and bucket.baseline]
    assert len(both) >= 3
    for bucket in both:
        assert isinstance(bucket.canary, Counts)
        assert isinstance(bucket.baseline, Counts)
        assert bucket.canary.bad == bucket.canary.total > 0
        assert bucket.baseline.bad == 0 < bucket.baseline.total


async def test_a_task_that_is_starting_has_its_grace_and_counts_from_its_first_good_answer():
    town = Town()
    town.answers = lambda task: well(
        200 if task.task_definition.endswith("web:1") or town.age(task) > 25 else 503
    )
    async with probing(town) as found:
        await found.watch(health(town, grace="10m"), until=30)
        town.deploy()
        slow = await found.watch(health(town, grace="10m"), until=150)

    mine = [bucket.canary for bucket in buckets_of(slow) if isinstance(bucket.canary, Counts)]
    assert len(mine) >= 5
    assert all(each.bad == 0 for each in mine)


async def test_a_task_that_says_later_that_it_starts_is_not_held_to_it_and_is_asked_several_times_in_a_beat():
    town = Town()
    town.answers = lambda _task: (
        web.Response(status=503, text="warming up") if 45 < second(town.clock.now()) < 65 else well()
    )
    async with probing(town) as found:
        query = health(town, starting={"text": "warming up"}, times=2)
        reading = buckets_of(await found.watch(query, until=120))

    told = [bucket.canary or bucket.baseline for bucket in reading]
    assert told
    assert set(told) == {Counts(0, 2.0 * len(town.tasks()))}


async def test_a_task_that_never_answers_is_bad_after_its_grace():
    town = Town()
    town.answers = lambda task: well(503 if task.task_definition.endswith(NEW) else 200)
    async with probing(town) as found:
        await found.watch(health(town, grace="30s"), until=30)
        town.deploy()
        reading = await found.watch(health(town, grace="30s"), until=150)

    mine = [bucket for bucket in buckets_of(reading) if isinstance(bucket.canary, Counts)]
    assert mine[0].end >= town.tasks(NEW)[0].created_at + timedelta(seconds=30)
    assert all(isinstance(each.canary, Counts) and each.canary.bad == each.canary.total for each in mine)


async def test_tasks_that_are_told_to_stop_need_not_answer():
    town = Town()
    town.answers = lambda _task: well()
    async with probing(town) as found:
        await found.watch(health(town), until=30)
        town.deploy()
        reading = await found.watch(health(town), until=180)

    assert town.nobody > 0  # some were asked when they were gone
    arms = [arm for bucket in buckets_of(reading) for arm in (bucket.canary, bucket.baseline) if arm]
    assert all(isinstance(arm, Counts) and arm.bad == 0 for arm in arms)


async def test_a_task_of_which_ecs_tells_a_moment_late_that_it_is_stopped_need_not_answer_either():
    town = Town()
    town.answers = lambda _task: well()
    town.aws.faults.stale("ecs", by=timedelta(seconds=4))
    async with probing(town) as found:
        await found.watch(health(town), until=59)
        town.aws.ecs.kill(town.tasks()[0].arn, town.world.now)
        await found.watch(health(town), until=62)
        town.aws.faults.fail("ecs", error=AwsError("InternalFailure", "no"), times=None)
        reading = await found.watch(health(town), until=100)

    assert town.nobody > 0
    others = [bucket.baseline for bucket in buckets_of(reading) if isinstance(bucket.baseline, Counts)]
    assert all(each.bad == 0 for each in others)


def test_a_bucket_of_tasks_that_are_found_is_final_once_ecs_has_been_asked_again():
    found = Indicator("i", Kind.PROBE, "http", json.dumps({"discover": where(port=1)}))
    named = Indicator("i", Kind.PROBE, "http", '{"url":"http://a/"}')

    assert probe.KIND.settle_of(named) == timedelta(seconds=2.5)
    assert probe.KIND.settle_of(found) == timedelta(seconds=22.5)


async def test_a_probe_is_told_only_when_ecs_has_said_who_runs():
    town = Town()
    town.answers = lambda _task: well()
    async with probing(town) as found:
        await found.watch(health(town), until=60)
        town.aws.faults.fail("ecs", error=AwsError("AccessDeniedException", "no"), times=None)
        reading = buckets_of(await found.watch(health(town), until=200))

    assert second(reading[-1].end) <= 60


# -------------------------------------------------------------------------------------------------------- the roll


async def test_a_task_that_is_gone_for_a_quarter_of_an_hour_is_forgotten():
    shop = Shop()
    roll = Roll(Reader(shop.aws, lambda: shop.now), WEB)
    shop.deploy(Behaviour(starts_in=timedelta(seconds=5), crashes_after=timedelta(seconds=30)))
    for moment in range(0, 1800, 15):
        shop.turn(moment)
        await roll.look(shop.now)
    census = await roll.look(shop.now)

    assert isinstance(census, Census)
    ended = [member.ended for member in census.members.values() if member.ended]
    assert ended
    assert min(ended) > shop.now - MEMORY


def test_a_roll_that_ecs_does_not_answer_is_given_up_within_the_beat():
    class Hangs(Direct):
        async def read(self, *_asked: Any, **_more: Any) -> Mapping[str, Any]:
            return await asyncio.sleep(3600, {})

    async def looked() -> tuple[Counted, float]:
        began = asyncio.get_running_loop().time()
        seen = await Roll(Reader(Hangs(shop.world), lambda: shop.now), WEB).look(shop.now)
        return seen, asyncio.get_running_loop().time() - began

    shop = Shop()
    seen, took = in_virtual_time(looked())

    assert seen == Unavailable(Who.PROVIDER, "ECS in shop did not tell all tasks of the cluster prod in time")
    assert took < EVERY.total_seconds()


def test_those_that_are_looked_at_stay_when_others_come():
    members = {
        name: Member(Task(f"arn:{name}", NEW, START, START, address="10.0.0.1")) for name in ("a", "b", "c")
    }

    assert _running(members, {"b": None}) == ["b", "a", "c"]


# ---------------------------------------------------------------------------------------------------------- grammar


def scrape_query(**changes: Any) -> dict[str, Any]:
    return {"counter": "c", "discover": where(port=8080), **changes}


@pytest.mark.parametrize(
    "broken",
    [
        scrape_query(url="http://a/"),
        scrape_query(discover={}),
        scrape_query(discover=where(port=0)),
        scrape_query(discover=where(port="8080")),
        scrape_query(discover=where(port=8080, path="metrics")),
        scrape_query(discover=where(port=8080, path="/a b")),
        scrape_query(discover=where(port=8080, cluster="a/b")),
        scrape_query(discover=where(port=8080, task_definition="web")),
        scrape_query(discover=where(port=8080, account="shop")),
        {"counter": "c", "url": "http://a/", "account": "shop"},
    ],
)
def test_what_is_no_way_to_find_tasks_is_refused(broken):
    with pytest.raises(ValidationError):
        ScrapeQuery.model_validate(broken)


def test_grace_is_for_tasks_that_are_found():
    assert ProbeQuery.model_validate({"discover": where(port=1), "grace": "2m"}).grace == timedelta(minutes=2)
    with pytest.raises(ValidationError, match="found"):
        ProbeQuery.model_validate({"url": "http://a/", "grace": "2m"})


def test_the_account_of_the_service_comes_into_a_query_that_finds_tasks_and_into_no_other():
    finds = Indicator("i", Kind.RATIO, "scrape", json.dumps(scrape_query()))
    names = Indicator("i", Kind.RATIO, "scrape", '{"counter":"c","url":"http://a/"}')

    assert ScrapeQuery.model_validate_json(placed(finds, "shop").query).account == "shop"
    assert placed(names, "shop") is names
    assert placed(finds, None) is finds
    assert (needs_account(finds), needs_account(names)) == (True, False)
