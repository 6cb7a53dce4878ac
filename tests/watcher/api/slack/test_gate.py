"""Buttons at the gate: who may lets a release pass, or refuses it; once, and only what was asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.slack import ADA, ROOM
from tests.watcher.api.daemon import NOON, a_service
from tests.watcher.api.slack.scene import MAY, NAME, a_scene
from watcher.core.gate import Candidate, Passing
from watcher.core.service import Approval, Gating, Team
from watcher.core.watch import Order, OrderKind
from watcher.notify.commands import commands

PERSON = a_service(
    gate=Gating(approval=Approval.PERSON), team=Team("shop", (f"{NAME}:{ROOM}",), may_order=MAY)
)


async def asked(scene):
    """A pipeline asks, and the question stands in the room."""
    scene.services[:] = [PERSON]
    passage = await scene.replica.daemon.deps().gates.ask(PERSON, Candidate("v43"), "token:ci", scene.now)
    (outgoing,) = await scene.store.claim_messages(scene.now, 9, "me", timedelta(seconds=30))
    await scene.posts(outgoing.message, ROOM)
    return passage


@pytest.mark.parametrize(
    ("label", "state"), [("Let it pass", Passing.PASSED), ("Refuse it", Passing.REFUSED)]
)
async def test_a_press_is_the_answer(label, state):
    async with a_scene() as scene:
        passage = await asked(scene)
        answer = await scene.replica.sent(scene.pressed(label))
        (words,) = await scene.whispered()
        after = await scene.replica.daemon.deps().gates.get(passage.id)

    assert answer.status == 200
    assert after.decision is not None
    assert (after.state, after.decision.by) == (state, f"slack:{ADA} (ada)")
    assert words == f"“{label}”: done, by your word."


async def test_who_may_not_order_may_not_let_it_pass():
    async with a_scene(may=(f"{NAME}:U0NOBODY",)) as scene:
        passage = await asked(scene)
        scene.services[:] = [replace(PERSON, team=replace(PERSON.team, may_order=(f"{NAME}:U0NOBODY",)))]
        await scene.replica.sent(scene.pressed("Let it pass"))
        (words,) = await scene.whispered()
        after = await scene.replica.daemon.deps().gates.get(passage.id)

    assert "may not order anything" in words
    assert after.state is Passing.OPEN


async def test_what_is_over_is_not_answered_by_an_old_message():
    async with a_scene() as scene:
        passage = await asked(scene)
        scene.now = NOON + timedelta(hours=9)
        await scene.replica.daemon.deps().gates.again(passage, scene.now)
        await scene.replica.sent(scene.pressed("Let it pass"))
        (words,) = await scene.whispered()
        after = await scene.replica.daemon.deps().gates.get(passage.id)

    assert words.startswith("Not done: it is refused by now: nobody answered in time")
    assert after.state is Passing.REFUSED


@dataclass
class Meanwhile:
    """A store; just after a passage was read for the first time, somebody else is quicker."""

    store: Any
    quicker: Callable[[], Awaitable[object]] | None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def passage(self, id: str) -> Any:
        found = await self.store.passage(id)
        quicker, self.quicker = self.quicker, None
        if quicker is not None:
            await quicker()
        return found


async def test_of_two_that_press_at_once_one_is_obeyed():
    async with a_scene() as scene:
        passage = await asked(scene)
        gates = scene.replica.daemon.deps().gates
        no = Order(OrderKind.REFUSE, "slack:U0BOB", "not today")
        other = await scene.hears(Meanwhile(scene.store, lambda: gates.order(passage.id, no, scene.now)))
        await other.sent(scene.pressed("Let it pass"))
        (words,) = await scene.whispered()
        after = await gates.get(passage.id)

    assert words.startswith("Not done: it is at revision 2, not at 1: slack:U0BOB refused v43: not today")
    assert after.decision is not None
    assert not after.decision.approved


async def test_where_no_button_can_be_the_commands_are_printed():
    async with a_scene() as scene:
        passage = await scene.replica.daemon.deps().gates.ask(PERSON, Candidate("v43"), "ci", scene.now)
        (outgoing,) = await scene.store.claim_messages(scene.now, 9, "me", timedelta(seconds=30))

    assert commands(outgoing.message.notice) == [
        f"Let it pass: `rollbackd approve {passage.id}`",
        f"Refuse it: `rollbackd refuse {passage.id}`",
    ]
