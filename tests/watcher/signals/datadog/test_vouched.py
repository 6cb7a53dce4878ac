"""What is good of an SLO is silent: a release of which nothing is good is found, and one whose good requests have other tags is not blamed."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from rules.model import Kind
from rules.sample import Invalid, Reading, Unavailable, Who
from tests.fakes.datadog import Site, Slo
from tests.fakes.world import START, World
from tests.watcher.signals.datadog.asking import (
    MINUTE,
    SECOND,
    Asking,
    a_site,
    a_world,
    asking,
    counts,
    indicator,
)
from watcher.signals.datadog.plan import Sums, Unit, arm_of
from watcher.signals.datadog.provider import Datadog
from watcher.signals.datadog.query import parsed
from watcher.signals.datadog.scalar import PATH
from watcher.signals.datadog.slo import Definition
from watcher.signals.datadog.vouched import AGAIN, HEARD_FOR, MOST_LOOKS, Vouched

HITS = "sum:trace.http.request.hits{env:prod,service:shop}.as_count()"
WELL, ELSEWHERE = (
    HITS.replace("trace.http.request.hits", f"shop.answered.{each}") for each in ("well", "elsewhere")
)
SLO = "a" * 32
WHOLE: dict[str, Any] = {"slo": SLO}
BOTH: dict[str, Any] = {**WHOLE, "groups": "version:${arm.version}"}


def moved_at_once(status: int) -> World:
    """Five minutes of the old release, and then the new one alone, of which all requests are answered with *status*."""
    world = a_world()
    world.log = [
        replace(each, version="v1", status=200)
        if each.at < START + 5 * MINUTE
        else replace(each, version="v2", status=status)
        for each in world.log
    ]
    return world


def site_of(world: World, good: str = WELL, untagged: Sequence[str] = ()) -> Site:
    site = a_site(world, slos={SLO: Slo("shop answers", good=good, total=HITS)})
    site.metrics.untagged = untagged
    return site


async def afterwards(life: Asking, query: dict[str, Any] = BOTH, **more: Any) -> Reading:
    """Three minutes of which the old release has none."""
    return await life.one(query, start=START + 6 * MINUTE, minutes=3, **more)


def all_bad(reading: Reading) -> bool:
    found = [own for _, own, _ in counts(reading)]
    assert len(found) == 3
    return all(own is not None and own.bad == own.total > 0 for own in found)


def looks(site: Site) -> int:
    return sum(path == PATH for path, _ in site.calls)


@pytest.mark.parametrize("query", [WHOLE, BOTH], ids=["of whatever serves", "of the release"])
async def test_a_release_of_which_nothing_is_good_is_found_though_nobody_asked_before(query):
    async with asking(site_of(moved_at_once(500))) as life:
        assert all_bad(await afterwards(life, query))
        assert all_bad(await afterwards(life, query))
        assert looks(life.site) == 1


async def test_what_was_heard_of_another_release_needs_no_look():
    async with asking(site_of(moved_at_once(500))) as life:
        await life.one(BOTH, minutes=4, canary={"version": "v1"}, baseline=None)

        assert all_bad(await afterwards(life))
        assert looks(life.site) == 0


@pytest.mark.parametrize("baseline", [{"version": "v1"}, None])
async def test_a_good_release_whose_good_requests_are_counted_without_its_tag_is_never_bad(baseline):
    async with asking(site_of(moved_at_once(200), untagged=["shop.answered.well"])) as life:
        told = await afterwards(life, baseline=baseline)

        assert isinstance(told, Invalid)
        assert told.who is Who.AUTHOR
        assert "shop.answered.well counts what is good, and has no series with the tag version" in told.words


@pytest.mark.parametrize("query", [WHOLE, BOTH])
async def test_where_nothing_was_good_for_an_hour_nobody_knows_that_it_could_be(query):
    async with asking(site_of(moved_at_once(200), WELL.replace("env:prod", "env:test"))) as life:
        told = await afterwards(life, query)

        assert isinstance(told, Invalid)
        assert (
            "nothing was good in the last hour by shop.answered.well, of any release: has it the tags env:test, service:shop"
            in told.words
        )


async def test_until_datadog_says_so_nothing_is_bad_and_then_all_of_it_is():
    site = site_of(moved_at_once(500))
    site.refuse = lambda path, _body: web.Response(status=500) if path == PATH else None
    async with asking(site) as life:
        unknown = await afterwards(life)
        late = await afterwards(life, patience=2)
        site.refuse = lambda _path, _body: None

        assert isinstance(unknown, Unavailable)
        assert "has not said yet whether it ever was" in unknown.words
        assert isinstance(late, Unavailable)
        assert looks(site) == 1
        assert all_bad(await afterwards(life))


async def test_what_is_not_there_is_looked_for_every_five_minutes_and_believed_once_it_is():
    world = moved_at_once(500)
    async with asking(site_of(world)) as life:
        world.log = [replace(each, status=500) for each in world.log]
        for _ in range(3):
            assert isinstance(await afterwards(life), Invalid)
        assert looks(life.site) == 2  # with the tag, and without it

        world.log = [replace(each, status=200) if each.version == "v1" else each for each in world.log]
        life.on(AGAIN / MINUTE)
        assert all_bad(await afterwards(life))


@pytest.mark.parametrize("status", [200, 300, 500])
async def test_what_was_never_sent_is_none_as_long_as_something_else_was_good(status):
    """Answers of 3xx are good too, and there are none, or no others."""
    async with asking(site_of(moved_at_once(status), f"{WELL} + {ELSEWHERE}")) as life:
        told = await afterwards(life)

        if status == 500:
            assert all_bad(told)
        else:
            assert [own.bad for _, own, _ in counts(told) if own is not None] == [0, 0, 0]


async def test_what_was_heard_a_day_ago_is_looked_for_again():
    world = moved_at_once(500)
    async with asking(site_of(world)) as life:
        await life.one(BOTH, minutes=4, canary={"version": "v1"}, baseline=None)
        life.on(HEARD_FOR / MINUTE + 10)

        assert isinstance(await afterwards(life), Invalid)
        assert looks(life.site) == 2


async def test_what_is_remembered_is_bounded():
    world = moved_at_once(500)
    async with asking(site_of(world)) as life:
        assert isinstance(life.provider, Datadog)
        vouched = Vouched(life.provider._server, lambda: world.now, most=3)
        for n in range(5):
            for good in (WELL, WELL.replace("shop.", "none.")):
                definition = {"id": SLO, "type": "metric", "query": {"numerator": good, "denominator": HITS}}
                asked = indicator({**BOTH, "groups": ["version:${arm.version}", f"env:prod*{'*' * n}"]})
                arm = arm_of(
                    asked, parsed(asked.query), {"version": "v2"}, Definition.model_validate(definition)
                )
                await vouched.unknown(asked, arm, 10 * SECOND)

        assert (len(vouched._heard), len(vouched._missing)) == (3, 3)


async def test_a_part_of_what_is_good_that_lacks_the_tag_makes_no_release_half_bad():
    world = moved_at_once(200)
    world.log = [replace(each, status=300) if n % 2 else each for n, each in enumerate(world.log)]
    async with asking(site_of(world, f"{WELL} + {ELSEWHERE}", untagged=["shop.answered.elsewhere"])) as life:
        told = await afterwards(life)

        assert isinstance(told, Invalid)
        assert (
            "shop.answered.elsewhere counts what is good, and has no series with the tag version"
            in told.words
        )


async def test_a_part_that_lacks_the_tag_is_told_though_another_was_heard():
    world = moved_at_once(500)
    world.log = [replace(each, status=300) if n % 2 else each for n, each in enumerate(world.log)]
    world.log = [replace(each, status=500) if each.version == "v2" else each for each in world.log]
    async with asking(site_of(world, f"{WELL} + {ELSEWHERE}", untagged=["shop.answered.elsewhere"])) as life:
        told = await afterwards(life)

        assert isinstance(told, Invalid)
        assert "shop.answered.elsewhere counts what is good" in told.words


async def test_a_minute_in_which_nothing_is_good_of_either_release_is_left_out_and_the_next_one_is_not():
    world = moved_at_once(500)
    first = next(each for each in world.log if each.version == "v2" and each.at >= START + 6 * MINUTE)
    world.log.append(replace(first, version="v1"))  # the old one's last request fails too
    async with asking(site_of(world)) as life:
        found = counts(await afterwards(life))

        assert [minute for minute, _, _ in found] == [8, 9]
        assert all(own is not None and own.bad == own.total > 0 for _, own, _ in found)


async def test_few_are_looked_for_in_one_reading():
    many = 2 * MOST_LOOKS
    world = moved_at_once(500)
    site = site_of(world)
    site.slos = {
        f"{n:032x}": Slo(
            f"{n}", good=WELL.replace("env:prod", f"env:prod,http.status_class:2xx,!x:{n}"), total=HITS
        )
        for n in range(many)
    }
    async with asking(site) as life:
        asked = [indicator({**BOTH, "slo": name}, name=name) for name in site.slos]
        for done in (MOST_LOOKS, many):
            told = await life.all(*asked, start=START + 6 * MINUTE, minutes=3)
            assert looks(site) == done
            assert sum(isinstance(each, tuple) for each in told.values()) == done


async def test_the_doctor_says_that_what_is_good_lacks_the_tag():
    async with asking(site_of(moved_at_once(200), untagged=["shop.answered.well"])) as life:
        assert isinstance(life.provider, Datadog)
        unknown = await life.provider.unknown(indicator(BOTH), {"version": "v2"})
        life.site.metrics.untagged = ()
        known = await life.provider.unknown(indicator(BOTH), {"version": "v2"})

        assert unknown is not None
        assert (
            "shop.answered.well counts what is good, and has no series with the tag version" in unknown.words
        )
        assert known is None


@pytest.mark.parametrize(("untagged", "lacks"), [(["trace.http.request.errors"], True), ([], False)])
async def test_the_doctor_says_that_what_is_bad_lacks_the_tag_for_then_nothing_ever_fails(untagged, lacks):
    errors = HITS.replace(".hits", ".errors")
    async with asking(site_of(moved_at_once(500), f"{HITS} - {errors}", untagged)) as life:
        assert isinstance(life.provider, Datadog)
        unknown = await life.provider.unknown(indicator(BOTH), {"version": "v2"})

        told = "trace.http.request.errors has no series with the tag version: of every release it would look like none"
        assert (unknown is not None and unknown.words == told) is lacks
        assert lacks or unknown is None


def owed_of(good: str, total: str) -> set[str]:
    definition = Definition.model_validate(
        {"id": SLO, "type": "metric", "query": {"numerator": good, "denominator": total}}
    )
    (pair,) = arm_of(indicator(WHOLE, Kind.RATIO), parsed(indicator(WHOLE).query), {}, definition)
    assert isinstance(pair.sums, Sums)
    units: Sequence[Unit] = pair.sums.owed
    return {unit.family.metric for unit in units}


def test_what_owes_a_word_is_what_is_good_and_what_is_taken_from_all():
    a, b, c = (f"sum:{name}{{*}}.as_count()" for name in "abc")

    assert owed_of(a, b) == {"a"}
    assert owed_of(f"{a} + {b}", c) == {"a", "b"}
    assert owed_of(f"{a} - {b}", a) == {"a"}
    assert owed_of(a, f"{a} + {b}") == {"a"}
    assert owed_of(a, f"{b} - {c}") == {"a", "c"}
    assert owed_of(f"{a} - {c}", f"{b} - {c}") == {"a"}
