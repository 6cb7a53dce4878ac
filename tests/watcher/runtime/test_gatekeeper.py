"""The gatekeeper: what is at the gates goes on by itself; freezes that come again are told once."""

import asyncio
from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from tests.builders import NOON, a_service, minutes
from tests.watcher.runtime.at_work import at_work, now, virtual
from watcher.core.freeze import Weekly, Window
from watcher.core.gate import Because, Candidate, Passing
from watcher.core.service import Approval, Gating, Team
from watcher.errors import NoSuchPassage
from watcher.runtime.fleet import Fleet
from watcher.runtime.gatekeeper import Gatekeeper
from watcher.store.gates import Gates

LUNCH = Window(
    "lunch",
    "nobody is there",
    UTC,
    (Weekly(NOON.weekday(), NOON.time(), NOON.weekday(), (NOON + minutes(30)).time()),),
)
TEAM = Team("shop", ("room", "chart"), boards=frozenset({"chart"}))
PERSON = a_service(team=TEAM, gate=Gating(approval=Approval.PERSON, asking=minutes(10)))


def a_gatekeeper(work):
    return Gatekeeper(work.store, work.current, work.bells, work.boundary, now, work.new_id)


def gates(work):
    return Gates(work.store, lambda: work.current.services, work.new_id)


async def told(work):
    claimed = await work.store.claim_messages(now(), 20, "me", timedelta(seconds=30))
    return [(each.message.channel, each.message.notice.event) for each in claimed]


@virtual
async def test_a_question_ends_by_itself_and_is_told_where_people_are_told():
    async with at_work(services=[PERSON]) as work:
        asked = await gates(work).ask(PERSON, Candidate("v43"), "token:ci", now())
        work.bells.messages.clear()
        await a_gatekeeper(work).go_round()
        assert not work.bells.messages.is_set(), "nothing is new"
        await asyncio.sleep(600)
        await a_gatekeeper(work).go_round()
        after = await gates(work).get(asked.id)

        assert (after.state, after.because) == (Passing.REFUSED, Because.UNANSWERED)
        assert work.bells.messages.is_set()
        assert await told(work) == [("room", "gate.asked"), ("room", "gate.refused")]


@virtual
async def test_all_of_them_are_looked_at_however_many_ask():
    services = [replace(PERSON, name=f"shop-{number}") for number in range(3)]
    async with at_work(services=services) as work:
        for service in services:
            for number in range(50):
                await gates(work).ask(service, Candidate(f"v{number}"), "token:ci", now())
        await asyncio.sleep(600)
        await a_gatekeeper(work).go_round()

        assert await work.store.passages(state=Passing.OPEN) == []


@virtual
async def test_a_service_that_is_gone_from_the_configuration_lets_nothing_pass():
    async with at_work(services=[PERSON]) as work:
        asked = await gates(work).ask(PERSON, Candidate("v43"), "token:ci", now())
        work.current.swap(Fleet({}, {}))
        await a_gatekeeper(work).go_round()

        assert (await gates(work).get(asked.id)).because is Because.UNCONFIGURED


@virtual
async def test_a_window_is_told_once_in_each_channel_by_whichever_replica_is_first():
    services = [
        a_service(team=TEAM, gate=Gating(windows=(LUNCH,))),
        a_service(name="cart", team=TEAM, gate=Gating(windows=(LUNCH,))),
        a_service(name="quiet", team=TEAM),
    ]
    async with at_work(services=services) as work:
        replicas = [a_gatekeeper(work) for _ in range(2)]
        for each in (*replicas, *replicas):
            await each.go_round()
        asked = work.store.asked.count("tell_once")
        claimed = await work.store.claim_messages(now(), 20, "me", timedelta(seconds=30))

        assert [each.message.channel for each in claimed] == ["room"]
        assert claimed[0].message.notice.headline.startswith(
            "checkout · production and 1 more: nothing is to be"
        )
        assert asked == 2, "each replica asks once, not at each round"
        await asyncio.sleep(1800)
        await replicas[0].go_round()
        assert not replicas[0]._told, "what is over is forgotten"


@virtual
async def test_what_is_not_there_is_said():
    async with at_work(services=[PERSON]) as work:
        with pytest.raises(NoSuchPassage, match="nothing 'g_9' at a gate"):
            await gates(work).get("g_9")
