"""SLOs that a user has in Datadog: those of counts are counted by the minute, the others stand as their history says."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from rules.errors import Malformed
from rules.model import Kind
from rules.sample import Bucket, Counts, Invalid, NoData, Reading, State, Unavailable, Who
from tests.fakes.datadog import Monitor, Site, Slo
from tests.fakes.world import START, World
from tests.scenarios.virtual import in_virtual_time
from tests.watcher.signals.datadog.asking import (
    MINUTE,
    SECOND,
    a_site,
    a_world,
    asking,
    buckets,
    counts,
    indicator,
    truth,
)
from watcher.http import Answer, Http, Request
from watcher.runtime.inquiry import PATIENCE
from watcher.signals.datadog import Settings, open_datadog
from watcher.signals.datadog.provider import Datadog
from watcher.signals.datadog.query import mistake
from watcher.signals.datadog.slo import Definition, made_of, narrowed
from watcher.signals.datadog.slo_history import History, stood
from watcher.signals.datadog.slo_history import reading as slo_reading
from watcher.signals.datadog.slos import DEFINED_FOR
from watcher.signals.provider import Opening, Question, Window

COUNTED, UP_OR_DOWN, SLICED, DELETED = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)
HITS, ERRORS = (
    f"sum:trace.http.request.{each}{{env:prod,service:shop}}.as_count()" for each in ("hits", "errors")
)
OF_VERSION = {"slo": COUNTED, "groups": "version:${arm.version}"}


def a_promising_site(world: World | None = None, **slos: Slo) -> Site:
    of = world or a_world()
    known = {
        COUNTED: Slo("shop answers", formula=("a - b", "a", {"a": HITS, "b": ERRORS}), targets={"7d": 99.0}),
        UP_OR_DOWN: Slo("shop is up", monitor=Monitor("errors of shop", 0.1)),
        SLICED: Slo("most minutes are good", above=0.05),
    }
    return a_site(of, slos=known | {name * 32: slo for name, slo in slos.items()})


def both(world: World, minute: int) -> Counts:
    """What happened in the minute that ends at *minute*, of both releases."""
    parts = [each for version in ("v1", "v2") if (each := truth(world, version, minute)) is not None]
    return Counts(sum(each.bad for each in parts), sum(each.total for each in parts))


def slo_of(name: str = COUNTED, **more: Any) -> dict[str, Any]:
    return {"slo": name, **more}


# ------------------------------------------------------------------------------------------------------------ of counts


async def test_an_slo_of_counts_is_counted_by_the_minute_as_what_happened():
    async with asking(a_promising_site()) as life:
        found = counts(await life.one(slo_of(), baseline=None))

        world = life.site.world
        assert found == [(minute, both(world, minute), None) for minute in range(1, 11)]


async def test_both_releases_are_counted_where_its_groups_name_the_release():
    async with asking(a_promising_site()) as life:
        found = counts(await life.one(OF_VERSION))

        world = life.site.world
        assert found == [
            (minute, truth(world, "v2", minute), truth(world, "v1", minute)) for minute in range(1, 11)
        ]


@pytest.mark.parametrize(
    "slo",
    [
        Slo("two queries", good=f"{HITS} - {ERRORS}", total=HITS),
        Slo("wrapped", good=f"default_zero({HITS}) - default_zero({ERRORS})", total=f"default_zero({HITS})"),
        Slo("grouped", good=f"{HITS} - {ERRORS}", total=HITS.replace("}.", "} by {version}.")),
        Slo("of parts", formula=("(a - b)", "(a - b) + b", {"a": HITS, "b": ERRORS})),
        Slo("put together", good=f"{HITS} - {ERRORS}", total=f"{HITS} + {ERRORS} - {ERRORS}"),
    ],
    ids=lambda slo: slo.name,
)
async def test_however_its_sums_are_written_the_counts_are_the_same(slo):
    async with asking(a_promising_site(e=slo)) as life:
        told = await life.all(
            indicator(slo_of(), name="one"), indicator(slo_of("e" * 32), name="other"), baseline=None
        )

        assert counts(told["one"])
        assert counts(told["other"]) == counts(told["one"])


async def test_what_is_good_is_never_more_than_all():
    async with asking(a_promising_site(e=Slo("odd", good=HITS, total=ERRORS))) as life:
        found = counts(await life.one(slo_of("e" * 32), baseline=None))

        assert found
        assert all(own is not None and own.bad == 0 for _, own, _ in found)


async def test_a_minute_without_requests_is_no_data_though_datadog_itself_fills_it_with_zeros():
    world = a_world()
    world.log = [each for each in world.log if not 2 * MINUTE <= each.at - START < 5 * MINUTE]
    async with asking(a_promising_site(world)) as life:
        found = counts(await life.one(slo_of(), baseline=None))

        assert [minute for minute, _, _ in found] == [1, 2, 6, 7, 8, 9, 10]


async def test_a_minute_that_may_still_grow_is_shown_and_not_judged():
    async with asking(a_promising_site(a_world(now=6))) as life:
        found = buckets(await life.one(slo_of(), minutes=6, baseline=None))

        assert [bucket.incomplete for bucket in found] == [False] * 5 + [True]


async def test_where_nothing_is_good_of_either_release_its_sums_have_other_tags_and_no_release_is_bad():
    elsewhere = Slo("elsewhere", good=HITS.replace("env:prod", "env:test"), total=HITS)
    world = a_world()
    world.log = [each if each.version == "v1" else replace(each, status=500) for each in world.log]
    good = HITS.replace("env:prod", "env:prod,http.status_class:2xx")
    async with asking(a_promising_site(world, e=elsewhere, f=Slo("bad", good=good, total=HITS))) as life:
        odd = await life.one({**OF_VERSION, "slo": "e" * 32})
        bad = counts(await life.one({**OF_VERSION, "slo": "f" * 32}))

        assert isinstance(odd, Invalid)
        assert odd.words.startswith(
            "of neither release anything is good by trace.http.request.hits: has it the tags env,"
        )
        assert bad
        assert all(own is not None and own.bad == own.total > 0 for _, own, _ in bad)
        assert any(old is not None and old.bad < old.total for _, _, old in bad)


async def test_an_slo_is_read_every_ten_minutes_and_counted_with_all_others_in_one_call():
    site = a_promising_site(e=Slo("another", good=f"{HITS} - {ERRORS}", total=HITS))
    async with asking(site) as life:
        asked = [
            indicator(slo_of(), name="one"),
            indicator(OF_VERSION, name="two"),
            indicator(slo_of("e" * 32), name="three"),
        ]
        for _ in range(5):
            await life.all(*asked)
            life.on(1)
        paths = [path for path, _ in site.calls]
        assert len([path for path in paths if "/slo/" in path]) == 2
        assert len(paths) == 2 + 5

        life.on(DEFINED_FOR / MINUTE)
        await life.all(*asked)
        assert len([path for path, _ in site.calls if "/slo/" in path]) == 4


async def test_what_somebody_changes_of_an_slo_is_counted_ten_minutes_later():
    async with asking(a_promising_site()) as life:
        await life.one(slo_of(), baseline=None)
        life.site.slos[COUNTED] = Slo("changed", good=HITS, total=HITS)
        life.on(DEFINED_FOR / MINUTE)
        found = counts(await life.one(slo_of(), baseline=None))

        assert all(own is not None and own.bad == 0 for _, own, _ in found)


async def test_what_cannot_be_read_again_goes_on_as_it_was_but_one_that_is_deleted_does_not():
    async with asking(a_promising_site()) as life:
        await life.one(slo_of(), baseline=None)
        life.on(DEFINED_FOR / MINUTE)
        life.site.refuse = lambda path, _body: (
            web.Response(status=503) if path.startswith("/api/v1/slo") else None
        )
        goes_on = await life.one(slo_of(), baseline=None)
        life.site.refuse = lambda _path, _body: None
        life.site.slos.clear()
        gone = await life.one(slo_of(), baseline=None)

        assert isinstance(goes_on, tuple)
        assert isinstance(gone, Invalid)


async def test_what_could_not_be_read_again_for_an_hour_is_not_counted_as_it_was():
    async with asking(a_promising_site()) as life:
        await life.one(slo_of(), baseline=None)
        life.site.refuse = lambda path, _body: (
            web.Response(status=503) if path.startswith("/api/v1/slo") else None
        )
        told = []
        for _ in range(2):
            life.on(35)
            told.append(await life.one(slo_of(), baseline=None))

        assert [type(each) for each in told] == [tuple, Unavailable]


async def test_what_the_doctor_alone_has_read_is_forgotten_too():
    async with asking(a_promising_site()) as life:
        assert isinstance(life.provider, Datadog)
        slos = life.provider._slos
        await slos.promise(COUNTED, 10 * SECOND)
        assert slos.known(COUNTED) is not None

        life.on(61)
        await slos.promise(SLICED, 10 * SECOND)
        assert slos.known(COUNTED) is None


class Hanging(Http):
    """It tells once what the SLO is, and then never again; its metrics take a second."""

    def __init__(self, known: Any) -> None:
        """It has no sessions."""
        self.known = [known]

    async def send(self, request: Request) -> Answer:
        if "/slo/" not in request.url:
            await asyncio.sleep(1)
            series = [{"group_tags": ["env:prod", "service:shop"], "query_index": 0}]
            numbers = {"series": series, "times": [int(START.timestamp() * 1000)], "values": [[7.0]]}
            return Answer(200, {}, json.dumps({"data": {"attributes": numbers}}).encode(), 0.0)
        if not self.known:
            await asyncio.sleep(3600)
        return Answer(200, {}, json.dumps(self.known.pop()).encode(), 0.0)


def test_what_is_known_is_counted_though_nobody_answers_when_it_is_read_again():
    async def story() -> list[Reading]:
        loop = asyncio.get_running_loop()

        def now() -> datetime:
            return START + 2 * MINUTE + timedelta(seconds=loop.time())

        http = Hanging(Slo("x", good=HITS, total=HITS).defined(COUNTED))
        settings = Settings(url="http://dog", api_key=SecretStr("a"), application_key=SecretStr("b"))
        found = []
        async with open_datadog(settings, Opening(http, now, loop.time)) as provider:
            for _ in range(2):
                window = Window(START, START + MINUTE, now() + PATIENCE)
                question = Question("one", indicator(slo_of()), {}, None)
                found.append((await provider.read([question], window))["one"])
                await asyncio.sleep(DEFINED_FOR.total_seconds())
        return found

    first, again = in_virtual_time(story())

    assert counts(first) == [(1, Counts(0, 7), None)]
    assert again == first


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"type": "metric"}, "does not say what it counts"),
        ({"type": "monitor"}, "made of monitors, and counts nothing"),
        ({"type": "new"}, "made of new, and counts nothing"),
        *(
            ({"type": "metric", "query": {"numerator": text, "denominator": HITS}}, words)
            for text, words in (
                (f"{HITS} / 2", "no sum of counts"),
                (f"{HITS} * {HITS}", "no sum of counts"),
                (f"{HITS} {HITS}", "no sum of counts"),
                (f"({HITS}", "no sum of counts"),
                (f"{HITS})", "no sum of counts"),
                (f"{HITS} -", "no sum of counts"),
                (f"{HITS} - {HITS}", "no sum of counts"),
                ("", "no sum of counts"),
                ("a", "not a query of one metric"),
                (HITS.replace(".as_count()", ""), "takes the mean over time"),
                (HITS + " " * 20_000 + f"- {ERRORS}", "no sum of counts"),
                (" + ".join(HITS.replace("shop", f"s{n}") for n in range(21)), "no sum of counts"),
            )
        ),
    ],
)
def test_an_slo_that_counts_otherwise_is_the_authors_to_mend(told, words):
    with pytest.raises(Malformed, match=words) as wrong:
        made_of(Definition.model_validate({"id": COUNTED, "name": "x", **told}))

    assert str(wrong.value).startswith("the SLO x")
    assert wrong.value.remedy


def test_groups_narrow_a_query():
    assert narrowed("sum:m{*}.as_count()", ["a:b", "c:d"]) == "sum:m{a:b,c:d}.as_count()"
    assert narrowed("sum:m{x:y}.as_count()", ["a:b"]) == "sum:m{x:y,a:b}.as_count()"
    assert narrowed("sum:m{x:y}.as_count()", []) == "sum:m{x:y}.as_count()"


# ------------------------------------------------------------------------------------------------------------ of states


def worsening(now: float = 6) -> World:
    """From the third minute on the new release fails; before, nobody does."""
    world = a_world(now=now)
    world.log = [
        each if each.version == "v2" and each.at >= START + 2 * MINUTE else replace(each, status=200)
        for each in world.log
    ]
    return world


def states(reading: Reading) -> list[tuple[int, str]]:
    """The minute at which each bucket ends, and what is said of it."""
    found = []
    for bucket in buckets(reading):
        assert isinstance(bucket.canary, State)
        found.append((round((bucket.end - START) / MINUTE), bucket.canary.name))
    return found


def histories(site: Site) -> int:
    """How often one was asked for."""
    return sum(path.endswith("/history") for path, _ in site.calls)


def last(reading: Reading) -> State:
    newest: Bucket = buckets(reading)[-1]
    assert isinstance(newest.canary, State)
    return newest.canary


async def test_each_minute_of_a_time_slice_is_as_its_requests_were():
    async with asking(a_promising_site(worsening())) as life:
        reading = await life.one(slo_of(SLICED), Kind.STATE, minutes=5)

        world = life.site.world
        is_down = [(counted := both(world, n)).bad > 0.05 * counted.total for n in range(1, 6)]
        assert any(is_down)
        assert not all(is_down)
        assert states(reading) == [(n, "Down" if down else "Up") for n, down in enumerate(is_down, 1)]
        assert last(reading).since == START + is_down.index(True) * MINUTE


async def test_slices_of_five_minutes_are_read_by_five_minutes_once_they_are_over():
    site = a_promising_site(worsening(now=11), e=Slo("slow", above=0.02, slice=5 * MINUTE))
    async with asking(site) as life:
        reading = await life.one(slo_of("e" * 32, bucket="5m"), Kind.STATE, minutes=10)
        by_minutes = await life.one(slo_of("e" * 32), Kind.STATE, minutes=10)

        assert states(reading) == [(5, "Down"), (10, "Down")]
        assert [bucket.end - bucket.start for bucket in buckets(reading)] == [5 * MINUTE] * 2
        assert last(reading).since == START
        assert isinstance(by_minutes, Invalid)
        assert (
            "the SLO slow has slices of 5m, and buckets of 1m are asked for: write `bucket: 5m`"
            in by_minutes.words
        )


async def test_an_slo_of_a_monitor_tells_when_it_turned_and_which_group_did():
    async with asking(a_promising_site(worsening())) as life:
        whole = await life.one(slo_of(UP_OR_DOWN), Kind.STATE, minutes=5)
        query = slo_of(UP_OR_DOWN, groups="version:${arm.version}")
        bad, well, none = [
            await life.one(query, Kind.STATE, minutes=5, canary={"version": version})
            for version in ("v2", "v1", "v9")
        ]

        since = last(bad).since
        assert since is not None
        assert START + 2 * MINUTE < since < START + 3 * MINUTE
        assert (last(bad).bad, last(bad).of) == (True, "shop is up (version:v2)")
        assert (last(well).name, last(well).bad) == ("Up", False)
        assert states(whole)[:2] == [(1, "Up"), (2, "Up")]
        assert isinstance(none, NoData)
        assert "no group with version:v9" in none.words


def of_turns(*groups: tuple[str, list[tuple[int, int]]]) -> Reading:
    """Five minutes of an SLO whose *groups* came into these states at these minutes."""
    parts = [
        {
            "group": name,
            "history": [[(START + minute * MINUTE).timestamp(), state] for minute, state in turns],
        }
        for name, turns in groups
    ]
    end = START + 5 * MINUTE
    told = {"data": {"to_ts": round(end.timestamp()), "overall": parts[0], "groups": parts}}
    found = stood(History.model_validate(told), "x", START, end)
    return slo_reading("i", found, frozenset({"env:prod"}), MINUTE, START, end, "Datadog")


def test_what_is_told_again_has_not_turned():
    told = of_turns(("env:prod", [(0, 0), (1, 1), (3, 1)]))

    assert states(told) == [(1, "Up"), (2, "Down"), (3, "Down"), (4, "Down"), (5, "Down")]
    assert last(told).since == START + MINUTE


def test_of_several_groups_that_are_down_the_one_that_turned_last_is_told():
    told = of_turns(
        ("env:prod,a:1", [(0, 0), (1, 1)]),
        ("env:prod,a:2", [(0, 0), (3, 1)]),
        ("env:prod,a:3", [(0, 2)]),
        ("env:test,a:4", [(0, 1)]),
    )

    assert states(told) == [(2, "Down"), (3, "Down"), (4, "Down"), (5, "Down")]
    assert (last(told).of, last(told).since) == ("x (env:prod,a:2)", START + 3 * MINUTE)


async def test_what_was_down_before_the_window_is_told_with_when_it_went_down():
    world = worsening(now=9)
    async with asking(a_promising_site(world)) as life:
        down = START + 2 * MINUTE
        reading = await life.one(slo_of(SLICED), Kind.STATE, start=START + 6 * MINUTE, minutes=2)

        assert [name for _, name in states(reading)] == ["Down", "Down"]
        assert last(reading).since == down


async def test_what_has_no_data_is_neither_up_nor_down():
    async with asking(a_promising_site(worsening(now=30))) as life:
        late = await life.one(slo_of(SLICED), Kind.STATE, start=START + 12 * MINUTE, minutes=15)
        partly = await life.one(slo_of(SLICED), Kind.STATE, start=START + 8 * MINUTE, minutes=10)

        assert isinstance(late, NoData)
        assert "neither that it is up nor that it is down" in late.words
        assert [minute for minute, _ in states(partly)] == [9, 10]


async def test_an_slo_is_read_once_a_minute_however_many_watches_ask():
    async with asking(a_promising_site(worsening())) as life:
        asked = [indicator(slo_of(UP_OR_DOWN), Kind.STATE, f"i{n}") for n in range(20)]
        for begins in (4, 1, 4):
            await life.all(*asked, start=START + begins * MINUTE, minutes=5 - begins)
        assert histories(life.site) == 1

        for _ in range(3):
            life.on(1)
            for begins in (1, 4):
                end = (life.site.world.now - START) // MINUTE
                await life.all(*asked, start=START + begins * MINUTE, minutes=end - begins)
        assert histories(life.site) == 4
        assert len(life.site.calls) == 4 + 1


async def test_a_minute_is_never_told_by_what_was_read_before_it_was_final():
    """Five seconds after its end its slice may not be known yet; it is final after sixty."""
    async with asking(a_promising_site(worsening(now=6 + 5 / 60))) as life:
        for minute in (5, 6, 7):
            told = await life.one(slo_of(SLICED), Kind.STATE, start=START + (minute - 1) * MINUTE, minutes=1)
            assert [n for n, _ in states(told)] == [minute]
            life.on(1)

        assert histories(life.site) == 3


async def test_who_asks_for_more_of_the_past_is_told_it_and_from_then_on_that_is_one_call_too():
    async with asking(a_promising_site(worsening(now=9))) as life:

        async def asked_by_two() -> tuple[Reading, int]:
            before, now = histories(life.site), (life.site.world.now - START) / MINUTE
            await life.one(slo_of(SLICED), Kind.STATE, start=START + (now - 1) * MINUTE, minutes=1)
            told = await life.one(slo_of(SLICED), Kind.STATE, start=START - 120 * MINUTE, minutes=now + 120)
            return told, histories(life.site) - before

        first, two = await asked_by_two()
        life.on(1)
        then, one = await asked_by_two()

        assert (two, one) == (2, 1)
        assert states(first) == states(then)[:-1]


async def test_a_part_that_datadog_does_not_know_is_no_answer():
    async with asking(a_promising_site(e=Slo("x", trouble="monitor 7 timed out"))) as life:
        reading = await life.one(slo_of("e" * 32), Kind.STATE, minutes=5)

        assert isinstance(reading, Unavailable)
        assert reading.who is Who.PROVIDER
        assert "does not know all of the SLO x: monitor 7 timed out" in reading.words


def answered_instead(path: str, content: Any) -> web.Response | None:
    """*content* for a history; all else is as it was."""
    if not path.endswith("/history"):
        return None
    return web.Response(text=json.dumps(content), content_type="application/json")


@pytest.mark.parametrize("seconds", [10**20, 0, -60])
def test_a_slice_that_is_none_is_refused_at_the_door(seconds):
    specification = {"time_slice": {"query_interval_seconds": seconds}}

    with pytest.raises(ValidationError, match="query_interval_seconds"):
        Definition.model_validate({"id": "x", "type": "time_slice", "sli_specification": specification})


def test_a_query_that_is_very_long_is_refused_and_not_searched_for_its_groups():
    queries = [{"name": "a", "query": "sum:m{*}" + " " * 200_000 + ".as_count()"}]
    sums = {
        "good_events_formula": {"formula": "a"},
        "total_events_formula": {"formula": "a"},
        "queries": queries,
    }

    with pytest.raises(Malformed, match="not a query of one metric"):
        made_of(
            Definition.model_validate({"id": "x", "type": "metric", "sli_specification": {"count": sums}})
        )


def test_the_words_of_datadog_stay_in_one_line():
    with pytest.raises(Malformed) as wrong:
        made_of(Definition.model_validate({"id": "x", "type": "a\x1b[2J\nOK"}))

    assert str(wrong.value).isprintable()


@pytest.mark.parametrize(
    ("content", "reading", "words"),
    [
        ({"data": None, "errors": [{"error": "please try again"}]}, Unavailable, "please try again"),
        ({"data": None, "errors": [{"error": "no such thing"}]}, Invalid, "no such thing"),
        ({"data": {"to_ts": 1, "overall": {"history": [[1, 7]]}}}, Unavailable, "a state 7"),
        ({"data": {"to_ts": 1, "overall": {"history": [[1e300, 1]]}}}, Unavailable, "a time that is none"),
        ({"data": {"to_ts": 1, "overall": {"history": [[1]]}}}, Unavailable, "something else"),
        ({"data": {"to_ts": 10**30, "overall": {"history": []}}}, Unavailable, "a time that is none"),
    ],
)
async def test_an_answer_that_is_none_is_never_taken_for_up(content, reading, words):
    async with asking(a_promising_site()) as life:
        life.site.refuse = lambda path, _body: answered_instead(path, content)
        told = await life.one(slo_of(SLICED), Kind.STATE, minutes=5)

        assert isinstance(told, reading)
        assert words in told.words


async def test_what_is_told_until_an_earlier_moment_only_is_told_no_further():
    async with asking(a_promising_site(worsening())) as life:
        until = round((START + 3 * MINUTE).timestamp())
        history = [[round(START.timestamp()) - 60, 0]]
        content = {"data": {"to_ts": until, "overall": {"history": history}}}
        life.site.refuse = lambda path, _body: answered_instead(path, content)
        told = await life.one(slo_of(SLICED), Kind.STATE, minutes=5)

        assert states(told) == [(1, "Up"), (2, "Up"), (3, "Up")]


# ------------------------------------------------------------------------------------------------------- of either type


@pytest.mark.parametrize(
    ("slo", "kind", "words"),
    [
        (COUNTED, Kind.STATE, "is made of counts, and has no states: read it as a `ratio`"),
        (
            UP_OR_DOWN,
            Kind.RATIO,
            "the SLO shop is up is made of monitors, and counts nothing: read it as a `state`",
        ),
        (SLICED, Kind.EVENTS, "is made of time slices, and counts nothing: read it as a `state`"),
        (DELETED, Kind.RATIO, f"knows no SLO {DELETED}: was it deleted"),
        (DELETED, Kind.STATE, f"knows no SLO {DELETED}: was it deleted"),
    ],
)
async def test_what_an_slo_cannot_say_is_the_authors_to_mend(slo, kind, words):
    async with asking(a_promising_site()) as life:
        told = await life.one(slo_of(slo), kind, minutes=5)

        assert isinstance(told, Invalid)
        assert told.who is Who.AUTHOR
        assert words in told.words


@pytest.mark.parametrize(("slo", "kind"), [(COUNTED, Kind.RATIO), (SLICED, Kind.STATE)])
async def test_a_key_without_the_scope_says_which_and_blinds_nothing_else(slo, kind):
    site = a_promising_site()
    site.scopes = frozenset({"timeseries_query"})
    async with asking(site) as life:
        told = await life.all(indicator(slo_of(slo), kind, "slo"), indicator({"total": HITS}, Kind.REQUESTS))

        assert isinstance(told["slo"], Unavailable)
        assert told["slo"].who is Who.OPERATOR
        assert "the scope slos_read" in told["slo"].words
        assert isinstance(told["errors"], tuple)


JSON = "application/json"
WAYS: dict[str, dict[str, Any]] = {
    "500 as HTML": {"status": 500, "text": "<html>oops", "content_type": "text/html"},
    "200 as HTML": {"text": "<html>log in", "content_type": "text/html"},
    "half an answer": {"text": '{"data": {"id": "', "content_type": JSON},
    "a list": {"text": "[]", "content_type": JSON},
    "nothing": {"text": "", "content_type": JSON},
    "a token that expired": {"status": 403, "text": '{"errors": ["Forbidden"]}', "content_type": JSON},
    "a gateway": {"status": 502},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("slo", "kind"), [(COUNTED, Kind.RATIO), (SLICED, Kind.STATE)])
async def test_a_fault_is_blindness_and_never_good(slo, kind, way):
    site = a_promising_site()
    site.refuse = lambda path, _body: web.Response(**WAYS[way]) if "/slo/" in path else None
    async with asking(site) as life:
        told = await life.one(slo_of(slo), kind, minutes=5)

        assert isinstance(told, Unavailable)
        assert isinstance(await life.one(minutes=5), tuple)


class Patient(Site):
    """It tells of SLOs once somebody has asked it for metrics."""

    asked: asyncio.Event

    async def answer(self, request: web.Request) -> web.Response:
        if "/slo/" in request.path:
            await self.asked.wait()
        elif request.path.startswith("/api/v2/query/"):
            self.asked.set()
        return await super().answer(request)


async def test_nobody_else_waits_for_what_an_slo_is_made_of():
    known = a_promising_site()
    site = Patient(known.world, known.metrics, slos=known.slos)
    site.asked = asyncio.Event()
    async with asking(site) as life:
        told = await life.all(
            indicator(slo_of(), name="slo"), indicator({"total": HITS}, Kind.REQUESTS), baseline=None
        )

        assert isinstance(told["errors"], tuple)
        assert isinstance(told["slo"], tuple)


@pytest.mark.parametrize(("slo", "kind"), [(COUNTED, Kind.RATIO), (SLICED, Kind.STATE)])
async def test_a_clock_that_is_wrong_is_no_ground_to_say_how_it_stands(slo, kind):
    site = a_promising_site()
    site.ahead = 600
    async with asking(site) as life:
        told = await life.one(slo_of(slo), kind, minutes=5)

        assert isinstance(told, Unavailable)
        assert "clock" in told.words


@pytest.mark.parametrize(("slo", "kind"), [(COUNTED, Kind.RATIO), (SLICED, Kind.STATE)])
async def test_who_has_no_time_left_is_told_so_and_the_next_one_is_not_held_up(slo, kind):
    async with asking(a_promising_site()) as life:
        late = await life.one(slo_of(slo), kind, minutes=5, patience=0)

        assert isinstance(late, Unavailable)
        assert "no answer in time" in late.words
        assert isinstance(await life.one(slo_of(slo), kind, minutes=5, baseline=None), tuple)


@pytest.mark.parametrize(("slo", "kind"), [(COUNTED, Kind.RATIO), (SLICED, Kind.STATE)])
async def test_a_limit_that_is_used_up_is_waited_for_and_nobody_is_refused_twice(slo, kind):
    site = a_promising_site()
    site.allowed = []
    site.refuse = lambda path, _body: (
        web.Response(status=429, headers={"X-RateLimit-Name": "slo", "X-RateLimit-Reset": "50"})
        if "/slo/" in path
        else None
    )
    async with asking(site) as life:
        first = await life.one(slo_of(slo), kind, minutes=5)
        second = await life.one(slo_of(slo), kind, minutes=5)

        assert isinstance(first, Unavailable)
        assert isinstance(second, Unavailable)
        assert first.retry_at == second.retry_at == site.world.now + 50 * SECOND
        assert len(site.calls) == 1
        assert isinstance(await life.one(minutes=5), tuple)


@pytest.mark.parametrize(
    ("query", "kind", "words"),
    [
        (slo_of(), Kind.LATENCY, "an SLO of counts is a `ratio`"),
        (slo_of(), Kind.VALUE, "one of monitors or of time slices a `state`"),
        (slo_of(bucket="90s"), Kind.STATE, "by whole minutes"),
        (slo_of(bucket="5m"), Kind.STATE, None),
        (slo_of(bucket="5m"), Kind.RATIO, None),
        (slo_of(), Kind.STATE, None),
    ],
)
def test_check_says_what_an_slo_can_measure(query, kind, words):
    wrong = mistake(indicator(query, kind))

    assert wrong is None if words is None else words in ": ".join(wrong or ())


@pytest.mark.parametrize(
    "query", [slo_of("shop"), slo_of("../" + "a" * 29), slo_of(good=["OK"]), slo_of(bad=["Alert"])]
)
def test_a_query_that_is_none_is_refused(query):
    with pytest.raises(ValueError, match=r"slo|good|bad"):
        mistake(indicator(query, Kind.STATE))


async def test_the_doctor_tells_what_the_slo_itself_promises_and_how_it_stands():
    async with asking(a_promising_site()) as life:
        assert isinstance(life.provider, Datadog)
        promise, of_states, none, gone = [
            await life.provider.promise(indicator(query, kind))
            for query, kind in (
                (slo_of(), Kind.RATIO),
                (slo_of(SLICED), Kind.STATE),
                ({"total": HITS}, Kind.REQUESTS),
                (slo_of(DELETED), Kind.RATIO),
            )
        ]

        log = [each for each in life.site.world.log if each.at < life.site.world.now]
        good = 100 * (1 - sum(each.status >= 500 for each in log) / len(log))
        assert promise is not None
        assert promise.objectives == {"7d": 0.99}
        assert promise.words == f"the SLO shop answers (metric): {good:.6g}% over the last 7 days"
        assert of_states is not None
        assert of_states.words.startswith("the SLO most minutes are good (time_slice): ")
        assert (none, gone) == (None, None)


async def test_how_long_it_is_promised_is_told_in_one_line():
    odd = Slo("odd", targets={"7d\x1b[2J\n": 99.0}).defined(SLICED)
    async with asking(a_promising_site()) as life:
        assert isinstance(life.provider, Datadog)
        life.site.refuse = lambda _path, _body: web.json_response(odd)
        promise = await life.provider.promise(indicator(slo_of(SLICED), Kind.STATE))

        assert promise is not None
        assert promise.objectives == {"7d [2J": 0.99}


async def test_the_doctor_names_what_of_an_slo_is_not_there():
    async with asking(a_promising_site()) as life:
        assert isinstance(life.provider, Datadog)
        told = {
            words: await life.provider.unknown(indicator(query, kind), {"version": "v22"})
            for words, query, kind in (
                ("no SLO", slo_of(DELETED), Kind.RATIO),
                ("counts nothing", slo_of(SLICED), Kind.RATIO),
                ("whose version is v22: did you mean v2?", OF_VERSION, Kind.RATIO),
                ("None", slo_of(SLICED), Kind.STATE),
                ("None", slo_of(), Kind.RATIO),
            )
        }

        assert all(words in str(each) for words, each in told.items())


async def test_what_a_watch_spends_is_a_call_for_each_slo_whose_states_are_read():
    async with asking(a_promising_site()) as life:
        assert isinstance(life.provider, Datadog)
        window = Window(START, START + MINUTE, START + timedelta(hours=1))
        asked = [
            Question(f"{n}", indicator(slo_of(name), kind), {}, None)
            for n, (name, kind) in enumerate(
                [(SLICED, Kind.STATE), (SLICED, Kind.STATE), (UP_OR_DOWN, Kind.STATE), (COUNTED, Kind.RATIO)]
            )
        ]
        before = life.provider.spends(asked, window)
        await life.one(slo_of(), baseline=None)
        after = life.provider.spends(asked, window)

        assert [each.calls for each in before] == [2]
        assert [each.calls for each in after] == [1, 2]
        assert life.provider.spends(asked, window) == after
