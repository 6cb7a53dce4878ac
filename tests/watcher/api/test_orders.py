"""What people order: once, by name, of what they saw; and when two order at once, one of them is told so."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.tags import Back, Grade
from rules.verdict import Judgement, Outcome
from tests.watcher.api.daemon import NOON, PART, a_release, a_service, a_watch, an_api
from watcher.core.service import Mode
from watcher.core.watch import ActionState, Breach, State, Watch
from watcher.errors import StoreUnavailable

ORDERS = "/v1/watches/w_1/orders"
OF_SERVICE = "/v1/services/checkout/production/orders"
OF_ALL = "/v1/services/*/*/orders"


def a_breached_watch(**changes) -> Watch:
    judgement = Judgement(NOON, Outcome.BREACHED, ())
    return a_watch(breach=Breach(NOON, judgement), judgement=judgement, **changes)


def shadowed(mode=Mode.SHADOW):
    return replace(a_service().policy, mode=mode)


# ------------------------------------------------------------------------------------------------------------- a watch


async def test_a_hold_is_in_force_when_it_is_answered_and_the_audit_says_by_whom(api):
    await api.daemon.has(a_watch())

    answer = await api.post(ORDERS, {"order": "hold", "for": "30m", "reason": "looking at it"})

    held = await api.daemon.store.get("w_1")
    assert answer.status == 202
    assert (answer.json["state"], answer.json["revision"]) == ("held", 2)
    assert held.hold.until == NOON + timedelta(minutes=30)
    assert held.hold.by == "token:ada"
    assert ("token:ada", "looking at it") in [(row.by, row.why) for row in await api.daemon.store.audit()]
    assert api.daemon.woken == ["performer"]


async def test_a_hold_needs_no_reason(api):
    await api.daemon.has(a_watch())

    answer = await api.post(ORDERS, {"order": "hold"})

    assert answer.status == 202


@pytest.mark.parametrize(
    ("order", "state"),
    [("pass", "passed"), ("keep", "kept"), ("hold", "held"), ("roll_back", "rolling_back")],
)
async def test_an_order_leads_where_the_table_says(api, order, state):
    await api.daemon.has(a_breached_watch())

    answer = await api.post(ORDERS, {"order": order})

    assert answer.json["state"] == state


async def test_a_rollback_is_queued_in_the_same_step_with_who_ordered_it(api):
    await api.daemon.has(a_watch())

    await api.post(ORDERS, {"order": "roll_back"})

    [claimed] = await api.daemon.store.actions("w_1")
    assert claimed.state is ActionState.PLANNED
    assert claimed.action.ordered_by == "token:ada"
    assert [move.to.tag for move in claimed.action.plan.moves] == ["v42"]


@pytest.mark.parametrize("to", ["v41", "sha256:v41", "checkout@v41"])
async def test_a_rollback_may_name_a_release_by_any_of_its_names(api, to):
    await api.daemon.serves(a_service(), "v41", "v42")
    await api.daemon.has(a_watch())

    answer = await api.post(ORDERS, {"order": "roll_back", "to": to})

    [claimed] = await api.daemon.store.actions("w_1")
    assert answer.status == 202, answer.raw
    assert [move.to.tag for move in claimed.action.plan.moves] == ["v41"]


async def test_an_order_that_does_not_fit_is_answered_with_those_that_do(api):
    await api.daemon.has(a_watch())

    answer = await api.post(ORDERS, {"order": "resume"})

    assert answer.status == 409
    assert answer.json["allowed"] == ["hold", "pass", "roll_back"]


async def test_a_final_watch_takes_no_orders(api):
    await api.daemon.has(a_watch())
    await api.post(ORDERS, {"order": "pass"})

    answers = [await api.post(ORDERS, {"order": order}) for order in ("pass", "hold", "keep", "roll_back")]

    assert {answer.status for answer in answers} == {409}
    assert [answer.json["allowed"] for answer in answers] == [[]] * 4


async def test_an_order_of_what_was_seen_is_refused_when_it_changed_meanwhile(api):
    await api.daemon.has(a_watch())
    await api.post(ORDERS, {"order": "hold", "expect_revision": 1})

    late = await api.post(ORDERS, {"order": "roll_back", "expect_revision": 1})
    right = await api.post(ORDERS, {"order": "roll_back", "expect_revision": 2})

    assert late.status == 409
    assert late.json["type"] == "urn:rollbackd:changed-meanwhile"
    assert "roll_back" in late.json["allowed"]
    assert right.status == 202


async def test_of_two_orders_at_once_that_exclude_each_other_one_wins(tmp_path):
    async with an_api(tmp_path) as api:
        await api.daemon.has(a_breached_watch())
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(api.post(ORDERS, {"order": order})) for order in ["pass", "roll_back"] * 10
            ]
        actions = await api.daemon.store.actions("w_1")
        watch = await api.daemon.store.get("w_1")

    statuses = sorted(task.result().status for task in tasks)
    assert watch is not None
    assert statuses == [202, *[409] * 19]
    assert watch.revision == 2
    assert len(actions) == (1 if watch.state is State.ROLLING_BACK else 0)


async def test_of_two_orders_of_the_same_sight_one_wins(tmp_path):
    async with an_api(tmp_path) as api:
        await api.daemon.has(a_watch())
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(api.post(ORDERS, {"order": "hold", "expect_revision": 1}))
                for _ in range(10)
            ]

    assert sorted(task.result().status for task in tasks) == [202, *[409] * 9]


async def test_a_person_does_not_go_back_to_a_release_in_quarantine(api):
    await api.daemon.serves(a_service(), "v41", "v42")
    await api.daemon.has(a_watch())
    await api.post(ORDERS, {"order": "roll_back"})

    answer = await api.post(OF_SERVICE, {"order": "roll_back", "to": "v43"})

    assert answer.status == 409


async def test_a_rollback_while_the_daemon_is_disarmed_passes_with_a_warning(api):
    await api.daemon.has(a_watch())
    await api.post(OF_SERVICE, {"order": "disarm", "reason": "an incident"})

    answer = await api.post(ORDERS, {"order": "roll_back"})

    assert answer.status == 202
    assert "an incident" in answer.json["warnings"][0]


async def test_a_rollback_in_shadow_passes_with_a_warning():
    service = a_service(policy=shadowed())
    async with an_api(services=[service]) as api:
        await api.daemon.has(a_watch(of=service))
        answer = await api.post(ORDERS, {"order": "roll_back"})

    assert answer.status == 202
    assert "shadow" in answer.json["warnings"][0]


# ------------------------------------------------------------------------------------------------------------ its key


async def test_an_order_sent_twice_with_one_key_is_obeyed_once_and_answered_the_same(api):
    await api.daemon.has(a_watch())
    first = await api.post(ORDERS, {"order": "hold"}, Idempotency_Key="k-1")
    second = await api.post(ORDERS, {"order": "hold"}, Idempotency_Key="k-1")

    assert second.status == first.status == 202
    assert second.raw == first.raw
    assert (await api.daemon.store.get("w_1")).revision == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (ORDERS, {"order": "pass"}),
        (OF_SERVICE, {"order": "roll_back"}),
        (ORDERS, {"order": "hold", "for": "1h"}),
    ],
)
async def test_a_key_that_comes_with_another_order_is_a_conflict(api, path, body):
    await api.daemon.has(a_watch())
    await api.post(ORDERS, {"order": "hold"}, Idempotency_Key="k-1")

    answer = await api.post(path, body, Idempotency_Key="k-1")

    assert answer.status == 409
    assert answer.json["type"] == "urn:rollbackd:key-used"


async def test_a_refused_order_may_be_tried_again_under_its_key(api):
    await api.daemon.has(a_watch())
    refused = await api.post(ORDERS, {"order": "resume"}, Idempotency_Key="k-1")
    await api.post(ORDERS, {"order": "hold"})

    obeyed = await api.post(ORDERS, {"order": "resume"}, Idempotency_Key="k-1")

    assert [refused.status, obeyed.status] == [409, 202]


async def test_many_at_once_with_one_key_are_obeyed_once(api):
    await api.daemon.has(a_watch())
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(api.post(ORDERS, {"order": "hold"}, Idempotency_Key="k-1")) for _ in range(20)
        ]

    assert {task.result().status for task in tasks} <= {202, 409}
    assert (await api.daemon.store.get("w_1")).revision == 2


class Forgetful:
    """A store that does what it is told, and cannot remember afterwards what it answered: the daemon was killed in between."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, operation):
        return getattr(self._store, operation)

    async def answered(self, *_given):
        raise StoreUnavailable("the disk is full", remedy="make room")


async def test_an_order_that_was_obeyed_is_never_answered_as_refused():
    async with an_api(around=Forgetful) as api:
        await api.daemon.has(a_watch())
        answer = await api.post(ORDERS, {"order": "hold"}, Idempotency_Key="k-1")
        watch = await api.daemon.store.get("w_1")

    assert answer.status == 202
    assert watch is not None
    assert watch.state is State.HELD


@pytest.mark.parametrize(
    ("path", "body", "lives"),
    [(ORDERS, {"order": "resume"}, True), (OF_SERVICE, {"order": "roll_back"}, False)],
)
async def test_an_order_that_was_obeyed_is_answered_the_same_though_the_daemon_was_killed_before_it_answered(
    path, body, lives
):
    async with an_api(around=Forgetful) as api:
        if lives:
            await api.daemon.has(a_watch())
            await api.post(ORDERS, {"order": "hold"})
        else:
            await api.daemon.serves(a_service(), "v42", "v43")
        first = await api.post(path, body, Idempotency_Key="k-1")
        again = await api.post(path, body, Idempotency_Key="k-1")
        other = await api.post(path, body, Idempotency_Key="k-2")

    assert (again.status, again.raw) == (202, first.raw)
    assert other.status == 409


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "schlüssel"])
async def test_a_key_that_is_none_is_refused(api, key):
    await api.daemon.has(a_watch())

    answer = await api.post(ORDERS, {"order": "hold"}, Idempotency_Key=key)

    assert answer.status == 400
    assert "without blanks" in answer.json["remedy"]
    assert (await api.daemon.store.get("w_1")).revision == 1


# ----------------------------------------------------------------------------------------------------------- a service


async def test_a_rollback_of_a_service_goes_through_the_watch_that_lives(api):
    await api.daemon.has(a_watch())

    answer = await api.post(OF_SERVICE, {"order": "roll_back"})

    assert (answer.json["watch"], answer.json["state"]) == ("w_1", "rolling_back")


async def test_a_rollback_of_a_service_that_nobody_watches_opens_a_watch(api):
    await api.daemon.serves(a_service(), "v41", "v42", "v43")

    answer = await api.post(OF_SERVICE, {"order": "roll_back", "reason": "customers call"})

    watch = await api.daemon.store.get(answer.json["watch"])
    [claimed] = await api.daemon.store.actions(watch.id)
    assert answer.status == 202
    assert watch.state is State.ROLLING_BACK
    assert watch.way_back == Back(a_release("v42"), Grade.SERVED, 0, floor=False)
    assert claimed.action.plan.moves[0].expect.tag == "v43"
    assert api.daemon.woken == ["performer"]


async def test_two_people_who_roll_one_service_back_open_one_watch(tmp_path):
    async with an_api(tmp_path) as api:
        await api.daemon.serves(a_service(), "v42", "v43")
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(api.post(OF_SERVICE, {"order": "roll_back"})) for _ in range(10)]
        watches = await api.daemon.store.list()

    assert sorted(task.result().status for task in tasks) == [202, *[409] * 9]
    assert len(watches) == 1


@pytest.mark.parametrize(
    ("tags", "to", "kind"),
    [
        ((), None, "live-unknown"),
        (("v43",), None, "order-incomplete"),
        (("v42", "v43"), "v0", "order-incomplete"),
        (("v42", "v43"), "v43", "order-incomplete"),
        (("v42", "v43"), "sha256:v43", "order-incomplete"),
    ],
)
async def test_a_rollback_to_nowhere_says_why(api, tags, to, kind):
    await api.daemon.serves(a_service(), *tags)

    answer = await api.post(OF_SERVICE, {"order": "roll_back"} | ({"to": to} if to else {}))

    assert answer.status == 409
    assert answer.json["type"] == f"urn:rollbackd:{kind}"
    assert not await api.daemon.store.list()


async def test_a_tag_that_means_two_releases_is_to_be_named_by_its_content(api):
    await api.daemon.serves(a_service(), "v41", "v42", "v43")
    again = replace(a_release("v41"), fingerprint="sha256:rebuilt")
    await api.daemon.store.adopt("checkout", "production", PART, again, NOON, adopted=False)

    answer = await api.post(OF_SERVICE, {"order": "roll_back", "to": "v41"})

    assert answer.json["type"] == "urn:rollbackd:ambiguous"
    assert "sha256:rebuilt" in answer.json["remedy"]


async def test_an_order_of_a_watch_that_ended_meanwhile_opens_none(api):
    await api.daemon.serves(a_service(), "v42", "v43")

    answer = await api.post(OF_SERVICE, {"order": "roll_back", "expect_revision": 3})

    assert answer.status == 409
    assert not await api.daemon.store.list()


@pytest.mark.parametrize(
    ("lasting", "minutes"), [({}, 60), ({"for": "15m"}, 15), ({"for": "7d"}, 7 * 24 * 60)]
)
async def test_a_service_is_disarmed_for_a_while(api, lasting, minutes):
    answer = await api.post(OF_SERVICE, {"order": "disarm", "reason": "an incident", **lasting})

    [switch] = await api.daemon.store.disarmed(NOON)
    assert answer.status == 202
    assert switch.until == NOON + timedelta(minutes=minutes)
    assert (switch.service, switch.by, switch.reason) == ("checkout", "token:ada", "an incident")


async def test_arming_ends_it_and_says_when_there_was_nothing_to_end(api):
    await api.post(OF_SERVICE, {"order": "disarm", "reason": "an incident"})
    first = await api.post(OF_SERVICE, {"order": "arm"})
    second = await api.post(OF_SERVICE, {"order": "arm"})

    assert first.json["warnings"] == []
    assert second.json["warnings"] == ["it was armed already"]
    assert not await api.daemon.store.disarmed(NOON)


async def test_arming_one_service_says_that_all_are_disarmed(api):
    await api.post(OF_ALL, {"order": "disarm", "reason": "an incident"})

    answer = await api.post(OF_SERVICE, {"order": "arm"})

    assert "all services are disarmed" in answer.json["warnings"][1]


async def test_all_services_are_disarmed_and_armed_at_once(api):
    await api.post(OF_ALL, {"order": "disarm", "reason": "an incident"})
    during = await api.get("/v1/services")
    await api.post(OF_ALL, {"order": "arm", "reason": "over"})
    after = await api.get("/v1/services")

    assert during.json["services"][0]["armed"] is False
    assert during.json["services"][0]["disarmed"]["reason"] == "an incident"
    assert after.json["services"][0]["armed"] is True


# ----------------------------------------------------------------------------------------------------------- a release


async def test_a_release_that_is_distrusted_is_not_gone_back_to_until_it_is_allowed(api):
    await api.daemon.serves(a_service(), "v42", "v43")
    path = "/v1/releases/sha256:v42/orders"

    await api.post(path, {"order": "distrust", "reason": "it leaks"})
    distrusted = await api.get("/v1/tags/checkout/production")
    await api.post(path, {"order": "allow", "reason": "it does not"})
    allowed = await api.get("/v1/tags/checkout/production")

    assert distrusted.json["parts"][0]["way_back"] is None
    assert distrusted.json["parts"][0]["releases"][1]["distrusted"]["why"] == "it leaks"
    assert allowed.json["parts"][0]["way_back"]["release"]["tag"] == "v42"


async def test_a_release_that_several_services_know_needs_the_service():
    services = [a_service(), a_service("checkout", "staging")]
    async with an_api(services=services) as api:
        for service in services:
            await api.daemon.serves(service, "v42", "v43")
        order = {"order": "distrust", "reason": "it leaks"}
        unnamed = await api.post("/v1/releases/v42/orders", order)
        named = await api.post("/v1/releases/v42/orders", order | {"environment": "staging"})
        marked = [
            bool(entry.distrusted)
            for service in services
            for entry in (await api.daemon.store.ledger(*service.key, PART)).entries
        ]

    assert unnamed.json["type"] == "urn:rollbackd:ambiguous"
    assert named.status == 202
    assert marked == [False, False, True, False]


async def test_a_tag_that_means_two_releases_is_not_marked(api):
    await api.daemon.serves(a_service(), "v42", "v43")
    again = replace(a_release("v42"), fingerprint="sha256:rebuilt")
    await api.daemon.store.adopt("checkout", "production", PART, again, NOON, adopted=False)

    answer = await api.post("/v1/releases/v42/orders", {"order": "allow", "reason": "it is fine"})

    assert answer.json["type"] == "urn:rollbackd:ambiguous"


# ---------------------------------------------------------------------------------------------------------------- notes


async def test_a_call_is_kept_with_the_watch(api):
    await api.daemon.has(a_watch())

    answer = await api.post("/v1/watches/w_1/notes", {"call": "wrong", "words": "the database was"})

    told = await api.get("/v1/watches/w_1")
    assert answer.status == 201
    assert told.json["notes"] == [
        {"by": "token:ada", "at": "2026-11-24T12:00:00Z", "call": "wrong", "words": "the database was"}
    ]
