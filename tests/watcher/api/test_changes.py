"""What else moved: told over HTTP, read, and shown with the watch that it stands beside."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.verdict import Judgement, Outcome
from tests.watcher.api.daemon import NOON, AToken, a_service, a_watch, an_api
from watcher.api.handlers.show import MOST_CHANGES
from watcher.core.change import Change, ChangeKind
from watcher.core.service import Around
from watcher.core.watch import Breach

FLAG = {"what": "flag `new-pricing` 0 → 50 %", "kind": "flag", "name": "new-pricing"}
CHECKOUT = AToken("checkout", services=("checkout/production",))
STAGING = a_service("checkout", "staging")
CART = a_service("cart")


async def kept(api):
    return await api.daemon.store.changes(NOON - timedelta(days=99), NOON + timedelta(days=99))


# --------------------------------------------------------------------------------------------------------------- telling


async def test_a_change_is_kept_as_it_was_told_and_by_whom(api):
    answer = await api.post("/v1/changes", {**FLAG, "at": "2026-11-24T12:58:00+01:00"})

    (change,) = await kept(api)
    assert answer.status == 201
    assert change == Change(
        NOON - timedelta(minutes=2),
        FLAG["what"],
        kind=ChangeKind.FLAG,
        name="new-pricing",
        told_by="token:ada",
    )
    assert answer.json == {
        "at": "2026-11-24T11:58:00Z",
        "what": FLAG["what"],
        "kind": "flag",
        "name": "new-pricing",
        "service": None,
        "environment": None,
        "account": None,
        "region": None,
        "told_by": "token:ada",
        "duplicate": False,
    }
    assert [row.what for row in await api.daemon.store.audit()] == ["change.recorded"]


async def test_without_a_time_it_moved_now(api):
    await api.post("/v1/changes", {"what": "migration run"})

    assert [change.at for change in await kept(api)] == [NOON]


async def test_one_key_is_one_change_though_the_answer_was_forgotten(api):
    first = await api.post("/v1/changes", FLAG, Idempotency_Key="run-1")
    second = await api.post("/v1/changes", FLAG, Idempotency_Key="run-1")
    api.daemon.now = NOON + timedelta(days=2)  # answers are remembered for a day
    third = await api.post("/v1/changes", FLAG, Idempotency_Key="run-1")
    other = await api.post("/v1/changes", FLAG, Idempotency_Key="run-2")

    assert [each.json["duplicate"] for each in (first, second, third, other)] == [False, False, True, False]
    assert len(await kept(api)) == 2


async def test_without_a_key_each_telling_is_a_change(api):
    for _ in range(2):
        await api.post("/v1/changes", FLAG)

    assert len(await kept(api)) == 2


@pytest.mark.parametrize(
    ("told", "where"),
    [
        ({"what": "ab"}, "what"),
        ({"what": "x" * 301}, "what"),
        ({"what": "two\nlines"}, "what"),
        ({"what": "a flag", "name": "x" * 257}, "name"),
        ({"what": "a flag", "kind": "coffee"}, "kind"),
        ({"what": "a flag", "at": "2026-11-24T12:00:00"}, "at"),
        ({"what": "a flag", "value": "secret"}, "value"),
        ({}, "what"),
    ],
)
async def test_what_is_not_written_as_one_is_told_at_its_place(api, told, where):
    answer = await api.post("/v1/changes", told)

    assert answer.status == 400
    assert [each["where"] for each in answer.json["mistakes"]] == [where]
    assert await kept(api) == []


@pytest.mark.parametrize(
    ("at", "kind"),
    [("2026-11-24T12:06:00Z", "ahead"), ("2026-10-24T11:59:00Z", "stale"), ("2026-11-24T12:04:00Z", None)],
)
async def test_a_time_that_cannot_be_is_not_believed(api, at, kind):
    answer = await api.post("/v1/changes", {**FLAG, "at": at})

    assert (answer.status, answer.json.get("type")) == (
        (201, None) if kind is None else (422, f"urn:rollbackd:{kind}")
    )


@pytest.mark.parametrize(
    ("whose", "status"),
    [
        ({"service": "checkout", "environment": "production"}, 201),
        ({"service": "checkout", "environment": "staging"}, 403),
        ({"service": "cart", "environment": "production"}, 403),
        ({"service": "checkout"}, 403),
        ({"environment": "production"}, 403),
        ({}, 403),
    ],
)
async def test_a_token_of_some_services_speaks_for_these_alone(whose, status):
    async with an_api(tokens=[CHECKOUT], services=[a_service(), STAGING, CART]) as api:
        answer = await api.post("/v1/changes", {**FLAG, **whose}, token=CHECKOUT)

        assert answer.status == status
        assert len(await kept(api)) == (status == 201)


async def test_a_token_of_all_that_there_is_of_a_service_speaks_for_it_everywhere():
    both = AToken("both", services=("checkout",))
    async with an_api(tokens=[both], services=[a_service(), STAGING, CART]) as api:
        assert (await api.post("/v1/changes", {**FLAG, "service": "checkout"}, token=both)).status == 201


@pytest.mark.parametrize(
    "whose", [{"service": "chekout", "environment": "production"}, {"service": "chekout"}]
)
async def test_of_a_service_that_nobody_knows_nothing_moves(api, whose):
    answer = await api.post("/v1/changes", {**FLAG, **whose})

    assert answer.status == 404
    assert "checkout/production" in answer.json["remedy"]


async def test_of_an_environment_that_nobody_knows_only_who_may_speak_for_all_may_speak():
    async with an_api(tokens=[CHECKOUT]) as api:
        answer = await api.post("/v1/changes", {**FLAG, "environment": "moon"}, token=CHECKOUT)

        assert answer.status == 403


# --------------------------------------------------------------------------------------------------------------- reading


async def has(api, *changes):
    for change in changes:
        await api.daemon.store.add_change(change, NOON)


def at(before: float, what: str, **more) -> Change:
    return Change(NOON - timedelta(minutes=before), what, **more)


async def read(api, query="", token=None):
    answer = await api.get(f"/v1/changes{query}", *([token] if token else []))
    assert answer.status == 200, answer.json
    return [each["what"] for each in answer.json["changes"]]


async def test_changes_are_listed_newest_first_of_a_day_if_nothing_else_is_said(api):
    await has(api, at(1, "new"), at(24 * 60, "of yesterday"), at(24 * 60 + 1, "old"))

    assert await read(api) == ["new", "of yesterday"]
    assert await read(api, "?limit=1") == ["new"]
    assert await read(api, "?since=2026-11-20T00:00:00Z&until=2026-11-24T11:59:00Z") == [
        "of yesterday",
        "old",
    ]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-12:00"])
async def test_the_ends_of_time_are_times_too(api, at):
    for query in (f"?since={at}", f"?until={at}"):
        assert await read(api, query) == []
    assert (await api.post("/v1/changes", {**FLAG, "at": at.replace("%2B", "+")})).status == 422


@pytest.mark.parametrize("at", ["0.5", "1764000000", "2026-11-24", "2026-11-24T12:00:00", "yesterday"])
async def test_what_is_no_time_with_its_zone_is_refused(api, at):
    assert (await api.get(f"/v1/changes?since={at}")).status == 400


async def test_deployments_are_among_them(api):
    await api.daemon.has(a_watch("w_1", opened_at=NOON - timedelta(minutes=1)))

    assert await read(api) == ["checkout v43 deployed"]


async def test_they_are_found_by_service_and_by_environment():
    async with an_api(services=[a_service(), CART]) as api:
        await has(
            api,
            at(1, "everybody's"),
            at(2, "checkout's", service="checkout", environment="production"),
            at(3, "cart's", service="cart", environment="production"),
            at(4, "of staging", environment="staging"),
        )

        assert await read(api, "?service=cart") == ["cart's"]
        assert await read(api, "?environment=production") == ["everybody's", "checkout's", "cart's"]
        assert await read(api, "?service=cart&environment=production") == ["everybody's", "cart's"]


async def test_what_is_of_a_service_out_of_reach_is_not_seen():
    async with an_api(tokens=[CHECKOUT], services=[a_service(), CART]) as api:
        await has(
            api,
            at(1, "everybody's"),
            at(2, "cart's", service="cart", environment="production"),
            at(3, "cart's everywhere", service="cart"),
        )

        assert await read(api, token=CHECKOUT) == ["everybody's"]
        assert (await api.get("/v1/changes?service=cart&environment=production", CHECKOUT)).status == 403


# ------------------------------------------------------------------------------------------------------------- the watch


async def test_a_watch_is_shown_with_what_moved_beside_it():
    around = Around(told_by=("events",), own=("/checkout/*",))
    async with an_api(services=[replace(a_service(), around=around), CART]) as api:
        await api.daemon.has(a_watch("w_1"))
        limits = at(
            4, "parameter `/checkout/limits`, changed", kind=ChangeKind.PARAMETER, name="/checkout/limits"
        )
        await has(
            api, limits, at(30, "database `db` failover"), at(5, "cart's", service="cart"), at(99, "long ago")
        )

        told = (await api.get("/v1/watches/w_1")).json

    assert [each["what"] for each in told["changes"]] == ["database `db` failover", limits.what]
    assert "  Moved besides: database `db` failover 11:30:00" in told["story"]
    assert "  Does not undo: parameter `/checkout/limits`, changed 11:56:00" in told["story"]


async def test_of_very_much_that_moved_beside_a_watch_the_nearest_is_shown(api):
    await api.daemon.has(a_watch("w_1"))
    await has(api, *(at(0.1 * number, f"change {number}") for number in range(1, MOST_CHANGES + 2)))

    told = (await api.get("/v1/watches/w_1")).json["changes"]

    assert [told[0]["what"], told[-1]["what"]] == [f"change {MOST_CHANGES}", "change 1"]


@pytest.mark.parametrize("breach", [None, Breach(NOON, Judgement(NOON, Outcome.BREACHED, ()))])
async def test_that_nothing_moved_is_said_of_a_watch_only_where_something_is_wrong(breach):
    service = replace(a_service(), around=Around(told_by=("http",)))
    async with an_api(services=[service]) as api:
        await api.daemon.has(a_watch("w_1", breach=breach))
        told = (await api.get("/v1/watches/w_1")).json

    assert told["changes"] == []
    assert ("  No other change in the hour" in told["story"]) is (breach is not None)


# ------------------------------------------------------------------------------------------------------- beside a way back


def setting(ago, name="/checkout/limits", kind=ChangeKind.PARAMETER, **more):
    return Change(NOON - ago, f"parameter `{name}`, changed", kind=kind, name=name, **more)


async def left(*changes, to=""):
    """What a plan says is not undone, and whether there may be more. ``v42`` served until two days ago, ``v41`` two days longer ago."""
    service = replace(a_service(), around=Around(told_by=("events",), own=("/checkout/*",)))
    async with an_api(services=[service, CART]) as api:
        await api.daemon.serves(service, "v41", "v42", "v43")
        for change in changes:
            await api.daemon.store.add_change(change, NOON)
        told = (await api.get(f"/v1/plan/checkout/production{to}")).json
    return [(each["what"], each["at"]) for each in told["not_undone"]], told["more"]


async def test_a_plan_names_the_settings_that_moved_since_the_way_back_served_oldest_first():
    late, early = setting(timedelta(hours=3), "/checkout/prices"), setting(timedelta(hours=47))

    assert await left(late, early) == (
        [
            ("parameter `/checkout/limits`, changed", "2026-11-22T13:00:00Z"),
            ("parameter `/checkout/prices`, changed", "2026-11-24T09:00:00Z"),
        ],
        False,
    )


async def test_a_setting_that_moved_in_the_hour_before_the_release_came_is_one_and_one_long_before_is_not():
    just_before, long_before = timedelta(days=2, minutes=50), timedelta(days=2, minutes=70)

    assert [at for _, at in (await left(setting(just_before), setting(long_before)))[0]] == [
        "2026-11-22T11:10:00Z"
    ]


async def test_how_far_back_is_told_goes_by_the_release_that_is_named():
    change = setting(timedelta(days=3))

    assert (await left(change))[0] == []
    assert len((await left(change, to="?to=v41"))[0]) == 1


@pytest.mark.parametrize(
    "change",
    [
        setting(timedelta(hours=1), "/cart/limits"),
        setting(timedelta(hours=1), service="cart", environment="production"),
        setting(timedelta(hours=1), kind=ChangeKind.SCALING),
        setting(-timedelta(hours=1)),
    ],
    ids=["nobody's own", "another service's", "no setting", "to come"],
)
async def test_what_is_no_setting_of_its_own_or_has_not_moved_is_none(change):
    assert await left(change) == ([], False)


async def test_of_many_the_newest_are_told_and_that_there_are_more():
    told, more = await left(
        *(setting(timedelta(minutes=each), f"/checkout/{each}") for each in range(1, MOST_CHANGES + 2))
    )

    assert len(told) == MOST_CHANGES
    assert told[-1][0] == "parameter `/checkout/1`, changed"
    assert more
