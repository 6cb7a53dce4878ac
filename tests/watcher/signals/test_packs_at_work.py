"""The packs for .NET and Angular over HTTP: real requests, real queries of the packs, and what their rules make of them."""

from datetime import datetime, timedelta

import pytest

from rules.replay import asks
from rules.sample import NoData
from rules.verdict import Outcome
from tests.fakes.aspnet import Deployed, Instance, Reported
from tests.fakes.edge import INDEX, Denied, Edge, Invalidated, Uploaded
from tests.fakes.world import START, World
from tests.watcher.signals.packs import breaches, judged, the_pack, told, watching

V2, V1 = {"version": "v2", "bundle": "main-2.js"}, {"version": "v1", "bundle": "main-1.js"}
YESTERDAY = START - timedelta(days=1)


def second(number: float) -> datetime:
    return START + timedelta(seconds=number)


def deployed(takes: float = 0, warms: float = 0, *reported: Reported, splash: float = 0) -> Instance:
    """An instance on which v1 ran since yesterday, and v2 is put 15 s after the start."""
    new = Deployed(second(15), "v2", timedelta(seconds=takes), timedelta(seconds=warms))
    return Instance(World(), [Deployed(YESTERDAY, "v1"), new, *reported], splash=timedelta(seconds=splash))


# ------------------------------------------------------------------------------------------------------------- aspnet-core


@pytest.mark.parametrize("writes_json", [False, True], ids=["one word", "JSON"])
async def test_degraded_is_a_question_and_unhealthy_a_rollback(writes_json):
    instance = Instance(World(), [Deployed(YESTERDAY, "v2")], writes_json)
    instance.log += [Reported(second(35), "Degraded"), Reported(second(75), "Unhealthy")]

    async with watching(instance.world, lambda _asked: instance.answer()) as checks:
        pack = the_pack("aspnet-core", ready=[f"{checks.base}/health/ready"])
        readings = await checks.until(110, pack, V2, V1)

    assert told(readings["aspnet_ready"]) == ["0/1 -"] * 7 + ["1/1 -"] * 4
    assert told(readings["aspnet_whole"]) == ["0/1 -"] * 3 + ["1/1 -"] * 8
    played = judged(pack, readings, 110)
    assert breaches(played) == {"aspnet-degraded": 60, "aspnet-ready": 110}
    first = next(each for each in played if each.judgement.outcome is Outcome.BREACHED)
    assert asks(first.judgement, START)


# --------------------------------------------------------------------------------------------------------------------- iis


async def test_app_offline_and_a_cold_start_are_neither_good_nor_bad():
    """15 s: offline; 45 s: v2 begins, and its check warms up; 65 s: it is healthy."""
    instance = deployed(takes=30, warms=20)

    async with watching(instance.world, lambda _asked: instance.answer()) as checks:
        pack = the_pack("iis", urls=[f"{checks.base}/health/ready"])
        readings = await checks.until(100, pack, V2, V1)

    assert told(readings["iis_health"]) == ["- 0/1"] + ["0/1 -"] * 4
    assert breaches(judged(pack, readings, 100)) == {}


async def test_a_release_that_does_not_come_back_within_its_grace_is_bad_from_then_on():
    instance = deployed(30, 9999)

    async with watching(instance.world, lambda _asked: instance.answer()) as checks:
        pack = the_pack("iis", urls=[f"{checks.base}/health/ready"], grace="1m")
        early = await checks.until(70, pack, V2, V1)
        readings = await checks.until(110, pack, V2, V1)

    assert told(early["iis_health"]) == ["- 0/1"]
    assert told(readings["iis_health"])[1:] == ["1/1 -"] * 4  # 20 s + 1 min: at 80, 90, 100, 110
    assert breaches(judged(pack, readings, 110))["iis-probe"] <= 110


async def test_a_start_that_was_never_announced_is_a_failure():
    """No app_offline.htm: the check fails, and that is all that is known."""
    instance = deployed(0, 30)

    async with watching(instance.world, lambda _asked: instance.answer()) as checks:
        pack = the_pack("iis", urls=[f"{checks.base}/health/ready"])
        readings = await checks.until(60, pack, V2, V1)

    assert told(readings["iis_health"]) == ["- 0/1"] + ["1/1 -"] * 3 + ["0/1 -"] * 2


async def test_what_fails_after_the_first_good_answer_is_bad_at_once():
    instance = deployed(30, 0, Reported(second(65), "Unhealthy"))

    async with watching(instance.world, lambda _asked: instance.answer()) as checks:
        pack = the_pack("iis", urls=[f"{checks.base}/health/ready"])
        readings = await checks.until(80, pack, V2, V1)

    assert told(readings["iis_health"]) == ["- 0/1"] + ["0/1 -"] * 2 + ["1/1 -"] * 2


async def test_while_a_release_only_starts_it_is_said_so():
    instance = Instance(World(), [Deployed(second(1), "v2", timedelta(minutes=1))])

    async with watching(instance.world, lambda _asked: instance.answer()) as checks:
        readings = await checks.until(40, the_pack("iis", urls=[f"{checks.base}/ready"]), V2, V1)

    assert readings["iis_health"] == NoData("a release is starting there, and has not answered well yet")


async def test_a_splash_page_with_status_200_makes_nobody_healthy_and_ends_no_start():
    """15 s: offline; 25 s: the page; 45 s: the check warms up; 65 s: it is healthy."""
    instance = deployed(takes=10, warms=40, splash=20)

    async with watching(instance.world, lambda _asked: instance.answer()) as checks:
        readings = await checks.until(80, the_pack("iis", urls=[f"{checks.base}/ready"]), V2, V1)

    assert told(readings["iis_health"]) == ["- 0/1"] + ["0/1 -"] * 2


# ----------------------------------------------------------------------------------------------------------------- angular


def released(*more: Uploaded | Invalidated | Denied, whole: bool = True) -> Edge:
    """A site that has v1 since yesterday, and gets v2 15 s after the start."""
    old, new = Uploaded(YESTERDAY, "v1", "main-1.js"), Uploaded(second(15), "v2", "main-2.js", whole)
    return Edge(World(), [old, new, *more])


FRESH = (Invalidated(second(25), "/"), Invalidated(second(25), INDEX))


async def seen(edge: Edge, seconds: int = 50):
    async with watching(edge.world, lambda asked: edge.answer(asked.path, asked)) as checks:
        pack = the_pack("angular", site=checks.base, account="edge", distribution="E1")
        return pack, await checks.until(seconds, pack, V2, V1)


async def test_a_release_that_is_whole_is_well_once_the_cache_lets_go_of_the_old_page():
    pack, readings = await seen(released(*FRESH))

    assert told(readings["angular_page"]) == ["- 0/2"] * 2 + ["0/2 -"] * 3
    assert told(readings["angular_bundle"])[2:] == ["0/1 0/1"] * 3
    assert breaches(judged(pack, readings, 50)) == {}


async def test_a_page_that_names_a_bundle_which_is_not_there_is_a_white_screen_though_all_is_200():
    pack, readings = await seen(released(*FRESH, whole=False))

    assert told(readings["angular_page"])[2:] == ["0/2 -"] * 3
    assert told(readings["angular_bundle"]) == ["1/1 0/1"] * 5
    assert set(breaches(judged(pack, readings, 50))) == {"angular-bundle"}


async def test_a_page_that_stays_in_the_cache_is_nobodys_health_and_is_seen():
    """Only one of the two objects was invalidated."""
    _, readings = await seen(released(FRESH[0]), 40)

    assert told(readings["angular_page"]) == ["- 0/2", "- 0/2", "0/1 0/1", "0/1 0/1"]
    assert told(readings["angular_fresh"]) == ["2/2 0/2", "2/2 0/2", "1/2 1/2", "1/2 1/2"]


async def test_a_page_that_is_denied_is_bad():
    pack, readings = await seen(released(*FRESH, Denied(second(35))))

    assert told(readings["angular_page"])[3:] == ["2/2 2/2"] * 2
    assert "angular-page" in breaches(judged(pack, readings, 50))
