"""New issues of a release: bad once one of them, seen first in it, has enough events; and believed to be none only where it is known."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from rules.sample import Invalid, NoData, Reading, State, Unavailable, Who
from tests.fakes.sentry import Shop
from tests.fakes.world import START, Happened, World
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.sentry.asking import (
    ISSUES,
    MINUTE,
    SECOND,
    a_log,
    a_shop,
    asking,
    buckets,
    indicator,
    read_one,
)
from watcher.signals.provider import Question, Window


def state(reading: Reading) -> State:
    (bucket,) = buckets(reading)
    assert isinstance(bucket.canary, State)
    return bucket.canary


def fails(at: timedelta, status: int, times: int, version: str = "2") -> list[Happened]:
    return [Happened(START + at + number * SECOND, version, status, 0.1) for number in range(times)]


def well(minutes: int = 10) -> list[Happened]:
    return a_log(minutes, fails=0)


def test_a_release_with_a_new_unhandled_issue_is_bad_since_it_was_first_seen():
    found = state(read_one(a_shop([*well(), *fails(4 * MINUTE, 500, 3)]), ISSUES))

    assert found == State("NEW", START + 4 * MINUTE, bad=True, of="CHECKOUT-500")


@pytest.mark.parametrize(
    ("log", "why"),
    [
        ([], "there is none"),
        (fails(4 * MINUTE, 500, 2), "it has too few events"),
        (fails(4 * MINUTE, 502, 9), "somebody caught it"),
        (fails(MINUTE, 500, 1, "1") + fails(4 * MINUTE, 500, 9), "the old release had it before"),
        (fails(11 * MINUTE, 500, 9), "it came after the bucket"),
    ],
)
def test_a_release_is_quiet_otherwise(log, why):
    assert state(read_one(a_shop([*well(), *log]), ISSUES)) == State("QUIET"), why


def test_handled_ones_count_if_that_is_asked():
    query = {**ISSUES, "new_issues": {"unhandled": False, "events": 3}}

    assert state(read_one(a_shop([*well(), *fails(4 * MINUTE, 502, 3)]), query)).of == "CHECKOUT-502"


def test_what_was_there_before_the_switch_hides_nothing_that_came_after():
    log = [
        *well(),
        *fails(timedelta(0), 502, 5),
        *fails(5 * MINUTE, 503, 5),
        *fails(9 * MINUTE + 30 * SECOND, 504, 5),
    ]
    query = {**ISSUES, "new_issues": {"unhandled": False, "events": 3}}
    found = state(read_one(a_shop(log), query))

    assert (
        found.of == "CHECKOUT-503"
    )  # the newest that has lasted a minute: one a minute must not begin it anew each time
    assert found.since == START + 5 * MINUTE


def test_a_release_that_sentry_does_not_know_is_no_data_and_not_quiet():
    found = read_one(a_shop([each for each in well() if each.version == "1"]), ISSUES)

    assert isinstance(found, NoData)
    assert "knows no release checkout@2" in found.words


def test_one_that_the_pipeline_has_announced_is_known():
    shop = a_shop([each for each in well() if each.version == "1"], created={"checkout@2"})

    assert state(read_one(shop, ISSUES)) == State("QUIET")


def test_one_that_is_known_in_another_project_alone_is_not_known_here():
    shop = a_shop(well(), projects={"checkout": 1, "web": 2}, project_of=lambda _: "web")

    assert isinstance(read_one(shop, ISSUES), NoData)


def a_fleet(bad: dict[int, int]) -> Shop:
    """Sixty services, each a project; *bad*: how many events the new issue of one has."""
    log = [
        each
        for name in range(60)
        for each in (
            Happened(START, f"{name}.2", 200, 0.1),
            *(
                Happened(START + MINUTE + number * SECOND, f"{name}.2", 500, 0.1)
                for number in range(bad.get(name, 0))
            ),
        )
    ]
    shop = Shop(
        World(log),
        projects={f"service-{name}": name + 1 for name in range(60)},
        project_of=lambda each: f"service-{each.version.partition('.')[0]}",
        named=lambda version: f"service@{version}",
    )
    shop.world.now = START + 30 * MINUTE
    return shop


def read_fleet(
    shop: Shop, times: int = 1, end: datetime = START + 10 * MINUTE
) -> tuple[dict[int, Reading], list[str]]:
    async def story() -> tuple[dict[int, Reading], list[str]]:
        async with asking(shop) as ask:
            questions = [
                Question(
                    str(name),
                    indicator({**ISSUES, "project": f"service-{name}"}),
                    {"sentry": f"service@{name}.2"},
                    None,
                )
                for name in range(60)
            ]
            readings: Mapping[str, Reading] = {}
            for _ in range(times):
                ask.shop.asked.clear()
                window = Window(end - MINUTE, end, shop.now + 6 * SECOND)
                readings = await ask.provider.read(questions, window)
            return {int(name): reading for name, reading in readings.items()}, ask.asked

    return in_virtual_time(story())


def test_a_fleet_is_asked_at_once_and_only_those_alone_that_have_issues():
    found, asked = read_fleet(a_fleet({7: 5, 33: 2}), times=2)

    assert {name for name, reading in found.items() if state(reading).bad} == {7}
    assert len(asked) == 3  # fifty, ten, and the seventh; who is known stays known


def test_one_wrong_project_is_not_the_others_trouble():
    shop = a_fleet({7: 5})
    del shop.projects["service-50"]
    shop.world.log = [each for each in shop.world.log if not each.version.startswith("50.")]
    found, _ = read_fleet(shop)

    assert isinstance(found[50], Invalid)
    assert state(found[7]).bad
    assert sum(isinstance(each, tuple) for each in found.values()) == 59


def test_a_token_without_the_scope_is_said_and_does_not_cost_a_call_for_each():
    shop = a_fleet({})
    shop.scopes = frozenset({"org:read", "project:releases"})
    found, asked = read_fleet(shop)

    assert all(isinstance(each, Unavailable) and each.who is Who.OPERATOR for each in found.values())
    assert "event:read" in getattr(found[0], "words", "")
    assert asked.count("issues/") <= 45


def test_a_sentry_that_takes_no_list_of_releases_is_asked_for_one_at_a_time():
    shop = a_shop([*well(), *fails(4 * MINUTE, 500, 3)], lists=False, created={"checkout@9"})

    async def story() -> Mapping[str, Reading]:
        async with asking(shop) as ask:
            questions = [
                Question(name, indicator(ISSUES), {"sentry": f"checkout@{name}"}, None) for name in "29"
            ]
            window = Window(START + 9 * MINUTE, START + 10 * MINUTE, shop.now + 6 * SECOND)
            return await ask.provider.read(questions, window)

    readings = in_virtual_time(story())

    assert [state(readings[name]).bad for name in "29"] == [True, False]


def read_one_by_one(patience: timedelta) -> list[Reading]:
    """Of fifty releases of a project in which there is a new issue, of the first of them."""
    names = [f"checkout@3.{number:02}" for number in range(50)]
    shop = a_shop([*well(), *fails(4 * MINUTE, 500, 3, "3.00")], created=set(names), limit=None)

    async def story() -> Mapping[str, Reading]:
        async with asking(shop) as ask:
            asked = [Question(each, indicator(ISSUES, each), {"sentry": each}, None) for each in names]
            return await ask.provider.read(asked, Window(START, START + 10 * MINUTE, shop.now + patience))

    found = in_virtual_time(story())
    return [found[each] for each in names]


def test_releases_that_have_to_be_asked_about_one_by_one_are_asked_about_side_by_side():
    # One after the other they would take three seconds.
    found = read_one_by_one(2.5 * SECOND)

    assert [state(each).name for each in found] == ["NEW"] + 49 * ["QUIET"]


def test_of_those_that_are_asked_about_one_by_one_what_came_in_time_is_told_and_the_others_are_late():
    found = read_one_by_one(1.6 * SECOND)

    late = [isinstance(each, Unavailable) for each in found]
    assert state(found[0]).name == "NEW"
    assert late == sorted(late)
    assert 10 < sum(late) < 40
