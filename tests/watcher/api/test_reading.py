"""What people and pipelines read: watches, verdicts, ledgers, plans, the audit."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deploy.model import Foretold, Pause
from rules.evaluate import start
from rules.evidence import encode_brief, encode_evidence
from rules.model import CanaryVsBaseline, Consequence, Statistics
from rules.verdict import Because, Judgement, Outcome, Verdict
from tests.rules.building import a_brief, a_history, a_rule
from tests.watcher.api.daemon import ADA, NOON, AToken, a_service, a_watch, an_api
from watcher.core.service import Mode
from watcher.core.watch import Breach, Ending, State, Step


def a_final_watch(id: str, **changes):
    return a_watch(
        id, state=State.PASSED, due_at=None, ended_at=NOON, ending=Ending("every rule was healthy"), **changes
    )


def a_judgement(outcome: Outcome = Outcome.BREACHED, log10_e: float = 3.2) -> Judgement:
    verdict = Verdict(
        "errors", "no more errors", Consequence.ROLLBACK, outcome, Because.EVIDENCE, "5.2 %", log10_e=log10_e
    )
    return Judgement(NOON, outcome, (verdict,), log10_e=log10_e, threshold=3.0, breached_by=("errors",))


# ------------------------------------------------------------------------------------------------------------- watches


async def test_watches_are_listed_newest_first_page_by_page(api):
    for number in range(5):
        await api.daemon.has(a_final_watch(f"w_{number}", opened_at=NOON + timedelta(minutes=number)))

    first = await api.get("/v1/watches?limit=2")
    second = await api.get(f"/v1/watches?limit=2&after={first.json['after']}")
    third = await api.get(f"/v1/watches?limit=2&after={second.json['after']}")

    pages = [[watch["id"] for watch in page.json["watches"]] for page in (first, second, third)]
    assert pages == [["w_4", "w_3"], ["w_2", "w_1"], ["w_0"]]
    assert third.json["after"] is None


async def test_watches_are_found_by_service_environment_and_state():
    staging = a_service("checkout", "staging")
    async with an_api(services=[a_service(), staging]) as api:
        await api.daemon.has(a_watch("w_1"))
        await api.daemon.has(a_watch("w_2", of=staging))
        await api.daemon.has(a_final_watch("w_3", of=staging))
        found = {
            query: {watch["id"] for watch in (await api.get(f"/v1/watches?{query}")).json["watches"]}
            for query in (
                "service=checkout",
                "environment=staging",
                "state=watching",
                "state=kept",
                "service=x",
            )
        }

    assert found == {
        "service=checkout": {"w_1", "w_2", "w_3"},
        "environment=staging": {"w_2", "w_3"},
        "state=watching": {"w_1", "w_2"},
        "state=kept": set(),
        "service=x": set(),
    }


async def test_a_token_of_few_services_turns_pages_of_its_own():
    limited, others = AToken("dev", services=("catalog",)), a_service("catalog")
    async with an_api(tokens=[limited], services=[a_service(), others]) as api:
        for number in range(20):
            service = others if number % 4 == 0 else a_service()
            await api.daemon.has(
                a_final_watch(f"w_{number:02}", of=service, opened_at=NOON + timedelta(minutes=number))
            )
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            page = await api.get(f"/v1/watches?limit=2{after and f'&after={after}'}", limited)
            seen += [watch["id"] for watch in page.json["watches"]]
            after = page.json["after"]

    assert seen == ["w_16", "w_12", "w_08", "w_04", "w_00"]


async def test_a_watch_is_shown_whole(api):
    judgement = a_judgement(log10_e=float("-inf"))
    await api.daemon.has(a_watch(judgement=judgement, breach=Breach(NOON, judgement)))

    told = (await api.get("/v1/watches/w_1")).json

    assert (told["from"], told["to"], told["state"], told["revision"]) == ("v42", "v43", "watching", 1)
    assert told["parts"][0]["from"]["fingerprint"] == "sha256:v42"
    assert told["headline"] == told["story"][0] == "checkout · production: v43 is watching"
    assert told["judgement"]["verdicts"][0]["log10_e"] is None
    assert told["orders_allowed"] == ["hold", "pass", "keep", "roll_back"]
    assert told["author"] == "grace"
    assert "evidence" not in told
    assert "brief" not in told


async def test_what_stands_in_the_way_and_what_shadow_would_have_done_are_shown_while_it_lives(api):
    pause = Pause("hook-1", "POST_SCALE_UP", NOON + timedelta(hours=1), go_on="aws ecs continue")
    await api.daemon.has(a_watch(obstacles=("it pauses",), pauses=(pause,), would_have=NOON))

    told = (await api.get("/v1/watches/w_1")).json

    assert told["obstacles"] == ["it pauses"]
    assert [(each["stage"], each["go_on"]) for each in told["pauses"]] == [
        ("POST_SCALE_UP", "aws ecs continue")
    ]
    assert told["would_have"] == "2026-11-24T12:00:00Z"


async def test_the_actions_of_a_watch_are_shown_with_it(api):
    await api.daemon.has(a_watch())
    await api.post("/v1/watches/w_1/orders", {"order": "roll_back"})

    [action] = (await api.get("/v1/watches/w_1")).json["actions"]

    assert (action["state"], action["ordered_by"]) == ("planned", "token:ada")
    assert [(move["from"]["tag"], move["to"]["tag"]) for move in action["moves"]] == [("v43", "v42")]


async def test_the_links_of_a_watch_lead_somewhere(api):
    await api.daemon.has(a_watch())

    links = (await api.get("/v1/watches/w_1")).json["links"]

    assert (await api.get(links["self"])).status == 200
    assert (await api.get(links["verdict"])).status == 200
    assert (await api.post(links["orders"], {"order": "hold"})).status == 202
    assert (await api.post(links["notes"], {"call": "right"})).status == 201


# ------------------------------------------------------------------------------------------------------------- verdicts


@pytest.mark.parametrize(
    ("changes", "decided", "breached"),
    [
        ({}, False, False),
        ({"judgement": a_judgement(Outcome.HEALTHY)}, False, False),
        ({"judgement": a_judgement()}, False, True),
        ({"state": State.HELD, "breach": Breach(NOON, a_judgement())}, False, True),
        ({"state": State.PASSED}, True, False),
        ({"state": State.UNPROVEN}, True, False),
        ({"state": State.SUPERSEDED}, True, False),
        ({"state": State.ROLLED_BACK}, True, True),
        ({"state": State.KEPT, "breach": Breach(NOON, a_judgement())}, True, True),
        ({"state": State.KEPT, "would_have": NOON}, True, True),
    ],
)
async def test_a_verdict_says_what_is_decided(api, changes, decided, breached):
    await api.daemon.has(a_watch(**changes))

    told = (await api.get("/v1/watches/w_1/verdict")).json

    assert (told["decided"], told["breached"]) == (decided, breached)


async def test_what_can_still_be_found_is_told_with_the_verdict_and_the_watch(api):
    rule = a_rule(CanaryVsBaseline(), statistics=Statistics("independent"))
    brief = a_brief(rule, histories={"errors": (a_history([(720.0, 2.0)] * 60),)})
    fresh = encode_evidence(start(brief))
    await api.daemon.has(a_watch(brief=encode_brief(brief), evidence=fresh, complete_at=None))

    verdict = (await api.get("/v1/watches/w_1/verdict")).json
    whole = (await api.get("/v1/watches/w_1")).json

    (sees,) = verdict["can_see"]
    assert (sees["rule"], sees["bound"], sees["useful"]) == ("errors", None, True)
    assert (sees["within"], 0.004 < sees["smallest"] < 0.05) == ("P1D", True)
    assert sees["words"].startswith("“errors are well”: at ")
    assert whole["can_see"] == verdict["can_see"]
    assert whole["story"][-1] == f"  {sees['words']}"


async def test_where_nothing_is_prepared_nothing_is_foretold(api):
    await api.daemon.has(a_watch())

    assert (await api.get("/v1/watches/w_1/verdict")).json["can_see"] == []


async def test_who_waits_for_a_verdict_hears_it_when_it_comes(api):
    await api.daemon.has(a_watch())
    loop = asyncio.get_running_loop()
    began = loop.time()
    waiting = asyncio.ensure_future(api.get("/v1/watches/w_1/verdict?wait=30s"))
    await asyncio.sleep(0.1)
    await api.post("/v1/watches/w_1/orders", {"order": "hold"})
    await asyncio.sleep(0.1)
    await api.post("/v1/watches/w_1/orders", {"order": "pass"})

    told = (await waiting).json

    assert (told["state"], told["decided"]) == ("passed", True)
    assert loop.time() - began < 2


async def test_who_waits_in_vain_is_answered_that_nothing_is_decided(api):
    await api.daemon.has(a_watch())

    answer = await api.get("/v1/watches/w_1/verdict?wait=100ms")

    assert answer.status == 200
    assert answer.json["decided"] is False


async def test_a_verdict_that_is_there_is_not_waited_for(api):
    await api.daemon.has(a_final_watch("w_1"))

    async with asyncio.timeout(1):
        answer = await api.get("/v1/watches/w_1/verdict?wait=30s")

    assert answer.json["decided"] is True


# ----------------------------------------------------------------------------------------------- ledgers, plans, services


async def test_the_ledger_tells_grades_and_the_way_back(api):
    await api.daemon.serves(a_service(), "v41", "v42", "v43")

    [part] = (await api.get("/v1/tags/checkout/production")).json["parts"]

    assert part["live"] == "v43"
    assert part["way_back"]["release"]["tag"] == "v42"
    assert [(release["tag"], release["live"]) for release in part["releases"]] == [
        ("v43", True),
        ("v42", False),
        ("v41", False),
    ]


async def test_a_ledger_of_nothing_is_empty(api):
    [part] = (await api.get("/v1/tags/checkout/production")).json["parts"]

    assert part == {"part": "service", "live": None, "way_back": None, "releases": []}


async def test_a_plan_tells_what_the_targets_foretell(api):
    await api.daemon.serves(a_service(), "v42", "v43")
    api.daemon.foretold = lambda plan: {
        move.part: Foretold(
            ("UpdateService checkout:42",), "3 min", "100 %", "aws ecs …", ("the image is gone",)
        )
        for move in plan.moves
    }

    told = (await api.get("/v1/plan/checkout/production")).json

    [move] = told["moves"]
    assert (move["from"]["tag"], move["to"]["tag"]) == ("v43", "v42")
    assert move["foretold"] == {
        "calls": ["UpdateService checkout:42"],
        "takes": "3 min",
        "capacity": "100 %",
        "by_hand": "aws ecs …",
        "obstacles": ["the image is gone"],
        "gone": [],
        "unread": False,
        "sessions": "",
        "not_undone": "",
        "permissions": [],
    }
    assert told["asks"] == []


async def test_a_plan_may_name_where_to_go_and_says_what_it_leaves_out(api):
    await api.daemon.serves(a_service(), "v40", "v41", "v42", "v43")

    told = (await api.get("/v1/plan/checkout/production?to=v40")).json

    assert told["moves"][0]["to"]["tag"] == "v40"
    assert told["crosses"] == 2


async def test_a_plan_says_why_the_daemon_would_ask():
    service = a_service(policy=replace(a_service().policy, mode=Mode.ASK))
    async with an_api(services=[service]) as api:
        await api.daemon.serves(service, "v42", "v43")
        told = (await api.get("/v1/plan/checkout/production")).json

    assert told["asks"] == ["mode"]


@pytest.mark.parametrize(
    ("tags", "to", "status"), [((), "", 409), (("v43",), "", 409), (("v42", "v43"), "?to=v0", 404)]
)
async def test_a_plan_to_nowhere_says_why(api, tags, to, status):
    await api.daemon.serves(a_service(), *tags)

    answer = await api.get(f"/v1/plan/checkout/production{to}")

    assert answer.status == status
    assert answer.json["remedy"]


async def test_a_plan_moves_nothing(api):
    await api.daemon.serves(a_service(), "v42", "v43")

    await api.get("/v1/plan/checkout/production")

    assert not await api.daemon.store.list()
    assert not api.daemon.woken


async def test_services_tell_how_they_stand_within_reach():
    limited, catalog = AToken("dev", services=("checkout",)), a_service("catalog")
    async with an_api(tokens=[ADA, limited], services=[a_service(), catalog]) as api:
        await api.daemon.has(a_watch())
        mine = (await api.get("/v1/services", limited)).json["services"]
        all_ = (await api.get("/v1/services")).json["services"]

    assert [service["service"] for service in all_] == ["catalog", "checkout"]
    assert mine == [
        {
            "service": "checkout",
            "environment": "production",
            "mode": "auto",
            "armed": True,
            "disarmed": None,
            "team": "shop",
            "live": {"service": "v43"},
            "watch": "w_1",
            "state": "watching",
            "frozen": None,
        }
    ]


# ---------------------------------------------------------------------------------------------------------------- audit


async def test_the_audit_is_read_in_order_page_by_page(api):
    await api.daemon.has(a_watch())
    for order in ("hold", "resume", "hold"):
        await api.post("/v1/watches/w_1/orders", {"order": order, "reason": f"to {order}"})

    rows: list[Any] = []
    after: int | None = 0
    while after is not None:
        page = (await api.get(f"/v1/audit?subject=w_1&limit=2&after={after}")).json
        rows, after = rows + page["rows"], page["after"]

    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    assert [row["why"] for row in rows if row["by"] == "token:ada"] == ["to hold", "to resume", "to hold"]


@pytest.mark.parametrize(
    ("subject", "status"),
    [
        ("", 403),
        ("w_1", 200),
        ("checkout/production", 200),
        ("w_9", 403),
        ("catalog/production", 403),
        ("*/*", 403),
    ],
)
async def test_a_token_of_one_service_reads_the_audit_of_that_service(subject, status):
    limited = AToken("dev", services=("checkout",))
    async with an_api(tokens=[limited]) as api:
        await api.daemon.has(a_watch())
        answer = await api.get(f"/v1/audit{subject and f'?subject={subject}'}", limited)

    assert answer.status == status
    assert answer.status != 200 or "rows" in answer.json


async def test_a_step_that_is_saved_meanwhile_is_what_is_read(api):
    watch = await api.daemon.has(a_watch())
    await api.daemon.store.save(Step(replace(watch, revision=2, state=State.HELD), before=1), NOON)

    told = (await api.get("/v1/watches/w_1")).json

    assert (told["revision"], told["state"]) == (2, "held")
