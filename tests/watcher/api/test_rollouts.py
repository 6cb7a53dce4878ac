"""A rollout is ordered to begin over HTTP: through the gate, once, and with words where something stands against it."""

from dataclasses import replace
from typing import Any

import pytest

from deploy.model import Gone, Live, Unreadable
from deploy.rollout import Beside
from tests.builders import a_breach
from tests.watcher.api.daemon import NOON, PART, AToken, a_release, a_service, a_watch, an_api
from tests.watcher.api.test_orders import Forgetful
from watcher.core.freeze import Freeze
from watcher.core.service import Approval, Gating, Mode, Rollout, Stage, Team
from watcher.core.watch import Breach, Quarantine, State, Step
from watcher.errors import StoreUnavailable
from watcher.store.store import Saved

PATH = "/v1/services/checkout/production/rollout"
STAGES = Rollout(stages=(Stage(0.05), Stage(1.0)))
SERVICE = a_service(policy=replace(a_service().policy, rollout=STAGES))
ALONE = Live(a_release("v42"), None, {"sha256:v42": 1.0})


def in_mode(mode: Mode):
    return replace(SERVICE, policy=replace(SERVICE.policy, mode=mode))


@pytest.fixture
async def api():
    async with an_api(services=[SERVICE]) as api:
        await api.daemon.serves(SERVICE, "v41", "v42")
        yield api


async def test_it_is_begun_and_the_answer_says_with_what(api):
    answer = await api.post(PATH, {"tag": "v43", "reason": "run 7"})

    (watch,) = await api.daemon.store.list()
    assert answer.status == 202
    assert answer.json == {
        "watch": watch.id,
        "state": "watching",
        "revision": 1,
        "tag": "v43",
        "fingerprint": "sha256:v43",
        "begun": False,
        "first": 0.05,
        "gate": answer.json["gate"],
        "warnings": [],
        "links": answer.json["links"],
    }
    assert watch.at.ordered_by == "token:ada"
    assert ("token:ada", "start: run 7") in [(row.by, row.why) for row in await api.daemon.store.audit()]
    shown = (await api.get(f"/v1/watches/{watch.id}")).json
    assert (shown["share"], shown["stage"], [each["share"] for each in shown["stages"]]) == (
        0.0,
        0,
        [0.05, 1.0],
    )


async def test_with_one_key_it_is_begun_once_and_without_one_too(api):
    first = await api.post(PATH, {"tag": "v43"}, Idempotency_Key="run-7")
    again = await api.post(PATH, {"tag": "v43"}, Idempotency_Key="run-7")
    without = await api.post(PATH, {"tag": "v43"})

    assert again.raw == first.raw
    assert again.status == 202
    assert (without.json["watch"], without.json["begun"]) == (first.json["watch"], True)
    assert without.json["warnings"] == ["v43 was begun before: nothing is done a second time"]
    assert len(await api.daemon.store.list()) == 1


async def test_a_daemon_that_is_killed_once_it_has_begun_answers_the_same_key_the_same():
    heard = a_watch("w_9", of=SERVICE, traffic_at=None, complete_at=None, stages=STAGES.stages)
    answers = []
    for living in (None, heard):
        async with an_api(services=[SERVICE], around=Forgetful) as api:
            if living is not None:
                await api.daemon.store.open(Step(watch=living, before=0), NOON)
            answers += [await api.post(PATH, {"tag": "v43"}, Idempotency_Key="run-7") for _ in range(2)]

    first, again, joined, joined_again = answers
    assert (again.raw, joined_again.raw) == (first.raw, joined.raw)
    assert (first.json["begun"], joined.json["begun"]) == (False, False)


class Late:
    """A store that is looked at just before somebody else opens a watch."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, operation):
        return getattr(self._store, operation)

    async def living(self, *_key):
        return None


async def test_of_two_that_are_begun_at_once_one_is_told_so():
    async with an_api(services=[SERVICE], around=Late) as api:
        first = await api.post(PATH, {"tag": "v43"})
        second = await api.post(PATH, {"tag": "v44"})
        (watch,) = await api.daemon.store.list()

    assert (first.status, watch.tag) == (202, "v43")
    assert (second.status, second.json["type"]) == (409, "urn:rollbackd:changed-meanwhile")


class Overtaken(Late):
    """The same, until somebody's watch could not be opened."""

    async def living(self, *key):
        return await self._store.living(*key) if self.is_told else None

    is_told = False

    async def open(self, *step):
        saving = await self._store.open(*step)
        self.is_told = not isinstance(saving, Saved)
        return saving


async def test_the_same_order_that_came_by_another_replica_just_then_has_begun_it():
    async with an_api(services=[SERVICE], around=Overtaken) as api:
        first = await api.post(PATH, {"tag": "v43"}, Idempotency_Key="run-7")
        second = await api.post(PATH, {"tag": "v43"}, Idempotency_Key="run-8")
        assert len(await api.daemon.store.list()) == 1
    async with an_api(services=[SERVICE], around=Overtaken) as api:
        await api.post(PATH, {"tag": "v43"})
        other = await api.post(PATH, {"tag": "v44"})

    assert (second.status, second.json["watch"]) == (202, first.json["watch"])
    assert (first.json["begun"], second.json["begun"]) == (False, True)
    assert (other.status, other.json["type"]) == (409, "urn:rollbackd:cannot-start")
    assert "another rollout is under way: v43 is watching" in other.json["detail"]


async def test_an_answer_that_the_store_lost_is_not_given_and_the_same_key_begins_it(api):
    real = api.daemon.store

    class Full:
        def __getattr__(self, name):
            return getattr(real, name)

        async def open(self, *_args):
            raise StoreUnavailable("the disk is full", remedy="make room")

    async with an_api(services=[SERVICE], around=lambda _: Full()) as full:
        refused = await full.post(PATH, {"tag": "v43"}, Idempotency_Key="run-7")

    assert refused.status == 503
    assert await real.list() == []
    assert (await api.post(PATH, {"tag": "v43"}, Idempotency_Key="run-7")).status == 202


async def test_it_takes_the_scope_to_order_and_the_teams_word():
    pipeline, other = AToken("ci", frozenset({"announce", "read"})), AToken("other")
    team = Team("shop", may_order=("token:ada",))
    async with an_api(services=[replace(SERVICE, team=team)], tokens=[pipeline, other]) as api:
        assert (await api.post(PATH, {"tag": "v43"}, pipeline)).status == 403
        assert "may not order" in (await api.post(PATH, {"tag": "v43"}, other)).json["detail"]
        assert await api.daemon.store.list() == []


# --------------------------------------------------------------------------------------------------- what stands against


async def refused(api, status=409, **body) -> dict[str, Any]:
    answer = await api.post(PATH, {"tag": "v43", **body}, Idempotency_Key="run-7")
    assert answer.status == status, answer.json
    assert answer.json["remedy"]
    told: dict[str, Any] = answer.json
    return told


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (a_service(), "has no stages"),
        (in_mode(Mode.SHADOW), "it would have given v43 5 % of the traffic, and left the rest to v42"),
    ],
)
async def test_where_it_cannot_be_begun_by_us_it_says_so(service, words):
    async with an_api(services=[service]) as api:
        told = await refused(api)

    assert told["type"] == "urn:rollbackd:cannot-start"
    assert words in told["detail"]


async def test_what_is_not_there_or_cannot_be_read_is_not_begun(api):
    api.daemon.found_beside = lambda *_: Gone("checkout has no version 9: publish it first")
    gone = await refused(api)
    api.daemon.found_beside = lambda *_: Unreadable("throttled")
    unread = await refused(api, 503)

    assert gone["detail"] == "v43 cannot be begun with: checkout has no version 9: publish it first"
    assert (unread["type"], "throttled" in unread["detail"]) == ("urn:rollbackd:platform-unreadable", True)


async def test_while_it_is_disarmed_nothing_is_begun(api):
    await api.post("/v1/services/*/*/orders", {"order": "disarm", "reason": "a migration"})

    assert "disarmed by token:ada" in (await refused(api))["detail"]


async def test_another_rollout_is_not_disturbed_and_what_bakes_gives_way(api):
    living = a_watch(of=SERVICE, before="v41", after="v42", complete_at=None)
    await api.daemon.has(living)
    told = await refused(api)
    whole = replace(living, revision=2, complete_at=NOON)
    await api.daemon.store.save(Step(whole, before=1), NOON)
    begun = await api.post(PATH, {"tag": "v43"})

    assert "v42 is watching, watched as w_1" in told["detail"]
    assert begun.status == 202
    assert (await api.daemon.store.get("w_1")).superseded_by == begun.json["watch"]


async def test_what_serves_and_breached_is_decided_about_first_and_a_hotfix_is_refused_meanwhile(api):
    bad: dict[str, Any] = {"state": State.HELD, "complete_at": NOON, "breach": Breach(NOON, a_breach())}
    living = await api.daemon.has(a_watch(of=SERVICE, before="v41", after="v42", **bad))

    waits = await api.post(PATH, {"tag": "v43"})
    hotfix = await api.post(PATH, {"tag": "v43", "hotfix": "the fix of v42"})

    assert waits.json["type"] == "urn:rollbackd:at-the-gate"
    assert hotfix.json["type"] == "urn:rollbackd:cannot-start"
    assert "v42 serves, and breached: it is held, watched as w_1" in hotfix.json["detail"]
    assert await api.daemon.store.get("w_1") == living


# ----------------------------------------------------------------------------------------------------------- the gate


async def test_a_quarantined_release_is_refused_by_the_gate(api):
    watch = await api.daemon.has(a_watch(of=SERVICE))
    over = replace(watch, revision=2, state=State.ROLLED_BACK, due_at=None, ended_at=NOON)
    lays = (Quarantine(PART, "sha256:v43", "it failed 5 % of requests"),)
    await api.daemon.store.save(Step(over, before=1, quarantines=lays), NOON)

    told = await refused(api)

    assert told["type"] == "urn:rollbackd:gate-refused"
    assert "v43 is quarantined since" in told["detail"]
    assert len(await api.daemon.store.list()) == 1


async def test_what_waits_for_a_person_begins_when_it_is_ordered_again_with_the_same_key():
    service = replace(SERVICE, gate=Gating(approval=Approval.PERSON))
    async with an_api(services=[service]) as api:
        waits = await refused(api)
        await api.post(f"/v1/gates/{waits['gate']}/orders", {"order": "approve"})
        begun = await api.post(PATH, {"tag": "v43"}, Idempotency_Key="run-7")

    assert waits["type"] == "urn:rollbackd:at-the-gate"
    assert "a person approves each release" in waits["detail"]
    assert (begun.status, begun.json["begun"]) == (202, False)


async def test_a_freeze_keeps_it_out_but_for_a_hotfix(api):
    await api.daemon.store.freeze(
        Freeze("f_1", "*", "*", "ann", "the sale", NOON, NOON.replace(day=25)), NOON
    )

    frozen = await refused(api)
    hotfix = await api.post(PATH, {"tag": "v43", "hotfix": "payments fail"})

    assert "frozen until" in frozen["detail"]
    assert hotfix.status == 202
    assert any("passed over by the hotfix" in words for words in hotfix.json["warnings"])
    assert (await api.daemon.store.get(hotfix.json["watch"])).frozen is not None


async def test_in_the_mode_ask_it_is_said_that_the_order_is_for_the_first_stage():
    async with an_api(services=[in_mode(Mode.ASK)]) as api:
        told = (await api.post(PATH, {"tag": "v43"})).json

    assert told["warnings"][0].startswith("a person is asked before each of its further stages")
    assert "no known-good release is known to go back to" in told["warnings"]


async def test_by_the_fingerprint_too(api):
    asked = []

    def found(_service, hints):
        asked.append(dict(hints))
        return Beside(a_release("v43"), ALONE)

    api.daemon.found_beside = found
    await api.post(PATH, {"tag": "v43", "fingerprint": "sha256:v43"})

    assert asked == [{"tag": "v43", "fingerprint": "sha256:v43"}]


async def test_a_watch_that_heard_of_it_begins(api):
    watch = a_watch(of=SERVICE, traffic_at=None, complete_at=None, stages=STAGES.stages)
    await api.daemon.store.open(Step(watch=watch, before=0), NOON)

    begun = await api.post(PATH, {"tag": "v43"}, Idempotency_Key="run-7")
    again = await api.post(PATH, {"tag": "v43"}, Idempotency_Key="run-7")

    assert (begun.json["watch"], begun.json["revision"], begun.json["begun"]) == ("w_1", 2, False)
    assert again.raw == begun.raw
    assert (await api.daemon.store.get("w_1")).at.is_before
