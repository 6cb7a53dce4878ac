"""The gate over HTTP: pipelines ask, persons answer, and a freeze keeps deployments out."""

import asyncio
from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from deploy.model import PartChange, Release
from tests.watcher.api.daemon import ADA, NOON, PART, AToken, a_release, a_service, a_watch, an_api
from watcher.core.freeze import Weekly, Window
from watcher.core.service import Approval, Gating, Team
from watcher.core.watch import Quarantine, Step

GATE = "/v1/services/checkout/production/gate"
PIPELINE = AToken("ci", frozenset({"announce", "read"}))
PEOPLE = Team("shop", tell=("room",))
PERSON = a_service(gate=Gating(approval=Approval.PERSON), team=PEOPLE)


async def told_in(api) -> list[str]:
    told = await api.daemon.store.claim_messages(api.daemon.now, 50, "me", timedelta(seconds=30))
    return [each.message.notice.headline for each in told]


async def quarantined(api) -> None:
    """v43 was rolled back."""
    watch = await api.daemon.has(a_watch())
    lays = (Quarantine(PART, "sha256:v43", "it failed 5 % of requests"),)
    after = replace(watch, revision=2)
    await api.daemon.store.save(Step(after, before=1, quarantines=lays), NOON)


async def test_a_pipeline_is_answered_and_asks_the_same_once(api):
    first = await api.post(GATE, {"tag": "v43"})

    assert first.status == 202
    assert (first.json["state"], first.json["decided"], first.json["answer"]) == ("passed", True, "pass")
    assert first.json["words"] == "v43 may be deployed"
    again = await api.get(first.json["links"]["self"])
    assert again.json == first.json


async def test_it_is_to_be_said_what_is_to_be_deployed(api):
    answer = await api.post(GATE, {})

    assert answer.status == 409
    assert answer.json["remedy"] == "name its tag, its image's digest, or its commit"
    assert (await api.get(GATE)).status == 409


async def test_a_quarantined_release_is_refused_by_its_image_too(api):
    await quarantined(api)

    answer = await api.post(GATE, {"tag": "v99", "names": {"sentry": "checkout@v43"}})

    assert answer.json["state"] == "refused"
    assert answer.json["because"] == "quarantined"
    assert answer.json["words"].startswith("v99 is v43, which is quarantined since 12:00:00 UTC")


async def test_looking_asks_nobody():
    async with an_api(services=[PERSON]) as api:
        answer = await api.get(f"{GATE}?tag=v43&digest=sha256:4&sha=1a2b3c4")

        assert (answer.json["answer"], answer.json["words"]) == ("ask", "a person approves each release")
        assert answer.json["reasons"][0]["because"] == "approval"
        assert await api.daemon.store.passages() == []
        assert await told_in(api) == []


async def test_a_person_is_asked_once_and_the_answer_holds_for_this_content():
    async with an_api(services=[PERSON]) as api:
        asked = [await api.post(GATE, {"tag": "v43"}) for _ in range(2)]
        gate = asked[0].json["gate"]
        orders = f"/v1/gates/{gate}/orders"
        approved = await api.post(orders, {"order": "approve", "reason": "looks good"}, Idempotency_Key="k1")
        replayed = await api.post(orders, {"order": "approve", "reason": "looks good"}, Idempotency_Key="k1")
        after = await api.post(GATE, {"tag": "v43"})
        other = await api.post(GATE, {"tag": "v44"})
        told = await told_in(api)

    assert [each.json["gate"] for each in asked] == [gate, gate]
    assert asked[0].json["expires_at"] is not None
    assert asked[0].json["orders_allowed"] == ["approve", "refuse", "hotfix"]
    assert (approved.status, approved.json["state"]) == (202, "passed")
    assert approved.json["answered_by"] == "token:ada"
    assert replayed.json == approved.json
    assert after.json["words"] == "v43 passes: token:ada approved it: looks good"
    assert other.json["answer"] == "ask"
    assert [each.partition(": ")[2][:25] for each in told] == [
        "may v43 be deployed? A pe",
        "v43 passes: token:ada app",
        "v43 passes: token:ada app",
        "may v44 be deployed? A pe",
    ]


async def test_what_was_refused_stays_refused_and_an_order_twice_is_refused():
    async with an_api(services=[PERSON]) as api:
        gate = (await api.post(GATE, {"tag": "v43"})).json["gate"]
        await api.post(f"/v1/gates/{gate}/orders", {"order": "refuse", "reason": "not today"})
        again = await api.post(GATE, {"tag": "v43"})
        twice = await api.post(f"/v1/gates/{gate}/orders", {"order": "refuse"})

    assert again.json["words"] == "token:ada refused v43: not today"
    assert twice.status == 409
    assert twice.json["allowed"] == ["approve"]


async def test_whoever_waits_hears_of_the_answer_when_it_comes():
    async with an_api(services=[PERSON]) as api:
        gate = (await api.post(GATE, {"tag": "v43"})).json["gate"]
        waiting = asyncio.ensure_future(api.get(f"/v1/gates/{gate}?wait=10s"))
        await api.post(f"/v1/gates/{gate}/orders", {"order": "approve"})
        answer = await waiting

    assert answer.json["state"] == "passed"


async def test_the_team_says_who_may_answer_and_who_may_freeze():
    theirs, bob = replace(PERSON, team=replace(PEOPLE, may_order=("token:ada",))), AToken("bob")
    freeze = {"service": "checkout", "environment": "production", "for": "1h", "reason": "the sale"}
    async with an_api(services=[theirs], tokens=[ADA, bob]) as api:
        gate = (await api.post(GATE, {"tag": "v43"}, bob)).json["gate"]
        statuses = [
            (await api.post(path, body, token)).status
            for path, body in ((f"/v1/gates/{gate}/orders", {"order": "approve"}), ("/v1/freezes", freeze))
            for token in (bob, ADA)
        ]

    assert statuses == [403, 202, 403, 201]


async def test_an_unknown_gate_is_not_there(api):
    assert (await api.get("/v1/gates/g_9")).status == 404
    answer = await api.post("/v1/gates/g_9/orders", {"order": "approve"})
    assert (answer.status, answer.json["type"]) == (404, "urn:rollbackd:not-found")


@pytest.mark.parametrize(
    "names",
    [
        {"X Y": "1"},
        {"sentry": "a\nb"},
        {"digest": "x" * 129},
        {"author": "eve"},
        {f"s{each}": "1" for each in range(33)},
    ],
)
async def test_a_name_that_is_none_is_refused(api, names):
    answer = await api.post(GATE, {"tag": "v43", "names": names})

    assert answer.status == 400
    assert "names" in answer.json["detail"]


async def test_an_approval_lets_nothing_pass_that_was_refused_meanwhile():
    async with an_api(services=[PERSON]) as api:
        gate = (await api.post(GATE, {"tag": "v43"})).json["gate"]
        await quarantined(api)
        refused = await api.get(f"/v1/gates/{gate}")
        approved = await api.post(f"/v1/gates/{gate}/orders", {"order": "approve"})
        after = await api.get(f"/v1/gates/{gate}")

    assert refused.json["because"] == "quarantined"
    assert (approved.status, approved.json["state"]) == (202, "refused")
    assert approved.json["words"] == "token:ada approved v43; ask again"
    assert after.json["state"] == "refused"


async def test_a_tag_that_is_moved_while_it_waits_is_judged_by_what_it_is_then(api):
    first, second = (Release(f"sha256:v43-{each}", "v43", {"digest": f"sha256:{each * 64}"}) for each in "12")
    store, key = api.daemon.store, ("checkout", "production", PART)
    await store.adopt(*key, first, NOON - timedelta(days=2), adopted=True)
    frozen = await api.post("/v1/freezes", {"for": "1h", "reason": "the sale"})
    asked = (await api.post(GATE, {"tag": "v43"})).json
    parts = (PartChange(PART, first, second),)
    watch = await api.daemon.has(a_watch(deployment=replace(a_watch().deployment, parts=parts)))
    lays = (Quarantine(PART, second.fingerprint, "it failed 5 % of requests"),)
    await store.save(Step(replace(watch, revision=2), before=1, quarantines=lays), NOON)
    await api.post(f"/v1/freezes/{frozen.json['id']}/orders", {"order": "thaw"})
    after = (await api.get(asked["links"]["self"])).json

    assert asked["because"] == "frozen"
    assert (after["state"], after["because"]) == ("refused", "quarantined")


async def test_an_order_to_what_is_not_any_more_as_it_was_seen_is_refused():
    async with an_api(services=[PERSON]) as api:
        asked = (await api.post(GATE, {"tag": "v43"})).json
        orders, seen = f"{asked['links']['self']}/orders", asked["revision"]
        statuses = [
            (await api.post(orders, {"order": order, "expect_revision": seen})).status
            for order in ("refuse", "approve")
        ]
        after = await api.get(asked["links"]["self"])

    assert statuses == [202, 409]
    assert after.json["because"] == "declined"


async def test_a_pipeline_gone_wild_is_stopped():
    async with an_api(services=[PERSON]) as api:
        statuses = [(await api.post(GATE, {"tag": f"v{number}"})).status for number in range(51)]

    assert statuses == [202] * 50 + [409]


# ------------------------------------------------------------------------------------------------------------- a hotfix


async def test_a_hotfix_is_an_order_and_passes_a_freeze():
    theirs = replace(PERSON, team=replace(PEOPLE, may_order=("token:ada",)), gate=Gating())
    bob = AToken("bob")
    async with an_api(services=[theirs], tokens=[ADA, PIPELINE, bob]) as api:
        await api.post("/v1/freezes", {"for": "1h", "reason": "the sale"})
        hot = {"tag": "v43", "hotfix": "payments are down"}
        waits = await api.post(GATE, {"tag": "v43"}, PIPELINE)
        refused = [await api.post(GATE, hot, token) for token in (PIPELINE, bob)]
        passed = await api.post(GATE, hot)
        rows = await api.daemon.store.audit(subject="checkout/production")
        told = await told_in(api)

    assert (waits.json["answer"], waits.json["because"]) == ("wait", "frozen")
    assert [each.status for each in refused] == [403, 403]
    assert "order" in refused[0].json["detail"]
    assert (passed.json["state"], passed.json["because"]) == ("passed", "hotfix")
    assert passed.json["gate"] == waits.json["gate"], "it joins what waits already"
    assert passed.json["notes"][0].startswith("passed over by the hotfix: frozen until 13:00:00 UTC")
    assert ("token:ada", "gate.hotfix_asked", "payments are down") in [
        (row.by, row.what, row.why) for row in rows
    ]
    assert told[-1] == "checkout · production: v43 passes as a hotfix: payments are down"


async def test_what_waits_is_made_a_hotfix_by_who_may_order():
    theirs = replace(PERSON, team=replace(PEOPLE, may_order=("token:ada",)), gate=Gating())
    bob = AToken("bob")
    async with an_api(services=[theirs], tokens=[ADA, PIPELINE, bob]) as api:
        await api.post("/v1/freezes", {"for": "1h", "reason": "the sale"})
        asked = (await api.post(GATE, {"tag": "v43"}, PIPELINE)).json
        orders = f"{asked['links']['self']}/orders"
        hot = {"order": "hotfix", "reason": "payments are down"}
        statuses = [
            (await api.post(orders, body, token)).status
            for body, token in ((hot, PIPELINE), (hot, bob), ({"order": "hotfix"}, ADA), (hot, ADA))
        ]
        after = (await api.get(asked["links"]["self"], PIPELINE)).json

    assert statuses == [403, 403, 400, 202]
    assert (after["state"], after["because"], after["by"]) == ("passed", "hotfix", "token:ci")


async def test_a_hotfix_says_why(api):
    assert (await api.post(GATE, {"tag": "v43", "hotfix": ""})).status == 400


# ---------------------------------------------------------------------------------------------------------------- freezes


async def test_a_freeze_is_told_listed_and_ended():
    services = [a_service(team=PEOPLE), a_service("cart", team=PEOPLE), a_service("cart", "staging")]
    async with an_api(services=services) as api:
        made = await api.post("/v1/freezes", {"environment": "production", "for": "2h", "reason": "the sale"})
        listed = (await api.get("/v1/freezes")).json
        shown = {
            (each["service"], each["environment"]): each["frozen"]
            for each in (await api.get("/v1/services")).json["services"]
        }
        thawed = await api.post(f"/v1/freezes/{made.json['id']}/orders", {"order": "thaw", "reason": "over"})
        gone = await api.post(f"/v1/freezes/{made.json['id']}/orders", {"order": "thaw"})
        told = await told_in(api)
        after = (await api.get("/v1/freezes")).json

    assert made.status == 201
    assert (made.json["service"], made.json["in_force"]) == ("*", True)
    assert listed["freezes"] == [made.json]
    assert shown[("cart", "staging")] is None
    assert shown[("cart", "production")]["reason"] == "the sale"
    assert (thawed.status, thawed.json["in_force"]) == (202, False)
    assert gone.status == 404
    assert told == [
        "all services · production: nothing is to be deployed until 14:00:00 UTC, by token:ada: the sale",
        "all services · production: deployments pass again, by token:ada",
    ], "once in the room, though two services are frozen"
    assert after == {"freezes": [], "windows": []}


async def test_a_freeze_may_begin_later_and_end_at_a_time(api):
    body = {
        "service": "checkout",
        "environment": "production",
        "from": "2026-11-25T00:00:00Z",
        "until": "2026-11-26T00:00:00Z",
        "reason": "the sale",
    }
    made = await api.post("/v1/freezes", body)

    assert (made.status, made.json["in_force"]) == (201, False)
    assert (await api.post(GATE, {"tag": "v43"})).json["answer"] == "pass"


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({}, 409, "a freeze ends at one time"),
        ({"for": "1h", "until": "2026-11-26T00:00:00Z"}, 409, "a freeze ends at one time"),
        ({"until": "2026-11-24T12:00:00Z"}, 409, "a freeze ends after it begins, and within 62d"),
        ({"from": "9999-12-31T23:00:00Z", "for": "1d"}, 400, "from"),
        ({"until": "0001-01-01T00:00:00+14:00"}, 400, "until"),
        ({"for": "63d"}, 409, "a freeze ends after it begins, and within 62d"),
        ({"for": "1h", "service": "card"}, 404, "no service card in production is configured"),
        ({"for": "1h", "service": "*", "environment": "nowhere"}, 404, "no service is configured"),
    ],
)
async def test_a_freeze_that_is_none_is_refused_with_a_remedy(api, said, status, words):
    body = {"service": "checkout", "environment": "production", "reason": "the sale", **said}
    answer = await api.post("/v1/freezes", body)

    assert answer.status == status
    assert words in answer.json["detail"]
    assert answer.json["remedy"]
    assert await api.daemon.store.freezes(NOON) == []


async def test_so_many_freezes_are_refused_with_a_remedy(api):
    body = {"service": "checkout", "environment": "production", "for": "1h", "reason": "the sale"}
    statuses = [(await api.post("/v1/freezes", body)).status for _ in range(201)]

    assert statuses == [201] * 200 + [409]


async def test_who_freezes_several_services_may_order_each_of_them():
    theirs = a_service("cart", team=Team("web", may_order=("token:web",)))
    limited, web = AToken("limited", services=("cart",)), AToken("web")
    body = {"environment": "production", "for": "1h", "reason": "the sale"}
    async with an_api(services=[a_service(), theirs], tokens=[ADA, limited, web]) as api:
        statuses = [(await api.post("/v1/freezes", body, token)).status for token in (limited, ADA, web)]
        seen = await api.get("/v1/freezes", limited)
        frozen = seen.json["freezes"][0]["id"]
        thaws = await api.post(f"/v1/freezes/{frozen}/orders", {"order": "thaw"}, limited)

    assert statuses == [403, 403, 201]
    assert thaws.status == 403, "it sees what keeps its own service out, and ends no freeze of others"


async def test_windows_are_told_with_when_they_are_next():
    weekend = Window("weekend", "nobody is there", UTC, (Weekly(4, NOON.time(), 0, NOON.time()),))
    services = [
        a_service(gate=Gating(windows=(weekend,))),
        a_service("cart", gate=Gating(windows=(weekend,))),
    ]
    async with an_api(services=services) as api:
        (window,) = (await api.get("/v1/freezes")).json["windows"]

    assert (window["name"], window["in_force"], window["from"]) == (
        "weekend",
        False,
        "2026-11-27T12:00:00Z",
    )
    assert window["services"] == ["cart/production", "checkout/production"]


# --------------------------------------------------------------------------------------------------------------- releases


async def test_it_is_told_where_a_release_is_known_and_how_it_stands():
    services = [a_service(), a_service(environment="staging")]
    async with an_api(services=services) as api:
        await quarantined(api)
        await api.daemon.serves(services[1], "v43")
        by_name = await api.get("/v1/releases/checkout@v43")
        by_content = await api.get("/v1/releases/sha256:v43")
        unknown = await api.get("/v1/releases/sha256:v99")

    assert unknown.status == 404
    here, there = by_content.json["where"]
    assert by_name.json["where"] == by_content.json["where"]
    assert (here["environment"], here["quarantined"]["why"]) == ("production", "it failed 5 % of requests")
    assert (there["environment"], there["grade"], there["live"]) == ("staging", "served", True)
    assert a_release("v43").fingerprint == there["fingerprint"]


async def test_a_list_is_of_what_is_within_reach_page_by_page():
    services = [a_service(), a_service("cart")]
    limited = AToken("limited", services=("cart",))
    async with an_api(services=services, tokens=[ADA, limited]) as api:
        for service, tag in (("checkout", "v1"), ("cart", "v2"), ("cart", "v3")):
            await api.post(f"/v1/services/{service}/production/gate", {"tag": tag})
        first = (await api.get("/v1/gates?limit=2")).json
        rest = (await api.get(f"/v1/gates?limit=2&after={first['after']}")).json
        theirs = (await api.get("/v1/gates?state=passed", limited)).json

    assert [each["what"] for each in first["gates"] + rest["gates"]] == ["v3", "v2", "v1"]
    assert rest["after"] is None
    assert [each["what"] for each in theirs["gates"]] == ["v3", "v2"]
