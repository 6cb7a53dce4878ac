"""Each button that a message may have does what stands on it, by the handlers of the API: same guards, same audit."""

import ast
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.model import PartChange
from tests.fakes.slack import ADA
from tests.fakes.slack.trouble import slow
from tests.watcher.api.daemon import NOON, PART, a_release, a_watch
from tests.watcher.api.slack.scene import BACK, HOLD, Scene, a_scene, until
from tests.watcher.core.lifecycle.test_stages import HERE, in_stages
from watcher.core import wording
from watcher.core.watch import (
    Button,
    Doubtful,
    Hold,
    Message,
    Notice,
    OrderKind,
    Question,
    State,
    Step,
    Watch,
)

BY = f"slack:{ADA} (ada)"
QUARTER = timedelta(minutes=15)
ASK_AGAIN = Button("Ask again in 15 min", OrderKind.ASK_AGAIN, lasting=QUARTER)
KEEP = Button("Keep v43", OrderKind.KEEP)
RESUME = Button("Resume", OrderKind.RESUME)
ADVANCE = Button("Go on to 25 % of the traffic", OrderKind.ADVANCE)
TRY = Button("Try v41 (served)", OrderKind.ROLL_BACK, to="v41")
ALLOW = Button("Allow v43 again", OrderKind.ALLOW)
FORWARD = Button("Roll forward to v43", OrderKind.ROLL_BACK, to="v43")
QUESTION = Question((Doubtful.MODE,), "the mode is to ask", NOON, NOON + timedelta(hours=1))


async def press(scene: Scene, button: Button, watch: Watch) -> Watch:
    await scene.offers(button, watch=watch)
    answer = await scene.replica.sent(scene.pressed(button.label))
    assert answer.status == 200
    await scene.whispered()
    return await scene.watch(watch.id)


@pytest.mark.parametrize("state", [State.WATCHING, State.COUNTING_DOWN, State.ASKING, State.HELD])
async def test_roll_back(state):
    async with a_scene() as scene:
        after = await press(scene, BACK, a_watch(state=state, hold=Hold("x", "", NOON, NOON + QUARTER)))

        assert (after.state, after.goes_to, after.ordered_by) == (State.ROLLING_BACK, "v42", BY)
        assert "performer" in scene.replica.daemon.woken


async def test_hold_is_at_once_and_asks_for_the_reason_afterwards():
    async with a_scene() as scene:
        after = await press(scene, HOLD, a_watch(state=State.COUNTING_DOWN))

        assert after.state is State.HELD
        assert after.hold == Hold(BY, "", NOON, NOON + QUARTER)
        assert scene.world.whispers == ['Held, by your word. Say why: `rollbackd note w_1 note "…"`']


async def test_resume():
    async with a_scene() as scene:
        after = await press(
            scene, RESUME, a_watch(state=State.HELD, hold=Hold("x", "", NOON, NOON + QUARTER))
        )

        assert after.state is State.WATCHING


async def test_advance():
    async with a_scene() as scene:
        after = await press(scene, ADVANCE, in_stages(spoken=True))

        assert after.at is not None
        assert (after.at.action, after.at.ordered_by) == ("w_1.3.0", BY)


async def test_a_button_of_an_earlier_stage_moves_nothing_on():
    async with a_scene() as scene:
        await scene.offers(ADVANCE, watch=in_stages(spoken=True))
        watch = await scene.watch("w_1")
        later = replace(watch, revision=3, at=replace(HERE, share=0.25), stage=1)
        await scene.store.save(Step(later, 2), NOON)

        await scene.replica.sent(scene.pressed(ADVANCE.label))

        await scene.whispered()
        assert "at 25 % of the traffic by now" in scene.world.whispers[-1]
        assert await scene.store.actions("w_1") == []


async def test_what_is_bad_is_taken_back_by_its_button_whichever_stage_it_has_reached_since():
    """A move that was on its way lands after the message was written, and no newer message says so."""
    async with a_scene() as scene:
        counting = replace(a_watch(state=State.COUNTING_DOWN), at=HERE)
        await scene.offers(BACK, watch=counting)
        later = replace(await scene.watch("w_1"), revision=3, at=replace(HERE, share=0.25))
        await scene.store.save(Step(later, 2), NOON)

        await scene.replica.sent(scene.pressed(BACK.label))

        await until(lambda: scene.world.whispers)
        assert (await scene.watch("w_1")).state is State.ROLLING_BACK


async def test_keep():
    async with a_scene() as scene:
        after = await press(scene, KEEP, a_watch(state=State.ASKING, question=QUESTION))

        assert after.state is State.KEPT
        assert after.ending is not None
        assert after.ending.by == BY


async def test_ask_again():
    async with a_scene() as scene:
        after = await press(scene, ASK_AGAIN, a_watch(state=State.ASKING, question=QUESTION))

        assert after.state is State.ASKING
        assert after.question is not None
        assert after.question.again_at == NOON + QUARTER


async def test_try_another_way_back():
    async with a_scene() as scene:
        watch = a_watch(state=State.STUCK)
        for number, tag in enumerate(("v41", "v42")):
            at = NOON - timedelta(days=9 - number)
            await scene.store.adopt(*watch.key, PART, a_release(tag), at, adopted=number == 0)

        after = await press(scene, TRY, watch)

        assert (after.state, after.goes_to) == (State.ROLLING_BACK, "v41")


async def test_allow_lifts_the_quarantine_and_the_message_says_by_whom():
    async with a_scene() as scene:
        watch = a_watch(state=State.ROLLED_BACK)
        fingerprint = watch.deployment.parts[0].after.fingerprint
        await press(scene, ALLOW, watch)

        audited = [row for row in await scene.audit() if row.what == "release.allowed"]
        assert [(row.by, row.why) for row in audited] == [(BY, "pressed in Slack")]
        assert fingerprint in str(audited[0])
        await until(lambda: "Allow v43 again: slack:U0ADA (ada)" in scene.world.room()[0].words)
        assert scene.world.room()[0].buttons == []


TWO = tuple(PartChange(part, a_release(f"{part}-42"), a_release(f"{part}-43")) for part in ("api", "worker"))


def of_two_parts(state: State) -> Watch:
    watch = a_watch(state=state)
    return replace(watch, deployment=replace(watch.deployment, parts=TWO))


async def test_allow_is_of_each_part_of_a_deployment():
    async with a_scene() as scene:
        scene.services[0] = replace(scene.services[0], parts=("api", "worker"))
        await press(scene, ALLOW, of_two_parts(State.ROLLED_BACK))

        audited = [row for row in await scene.audit() if row.what == "release.allowed"]
        assert {row.subject for row in audited} == {"sha256:api-43", "sha256:worker-43"}
        assert scene.world.whispers == ["“Allow v43 again”: done, by your word."]


async def test_a_button_that_names_no_release_is_refused_in_words():
    async with a_scene() as scene:
        forward = Button("Roll forward", OrderKind.ROLL_BACK, to="api-43 + worker-43")
        await press(scene, forward, of_two_parts(State.ROLLED_BACK))

        (words,) = scene.world.whispers
        assert "cannot be ordered by a button" in words
        assert "rollbackd rollback" in words


@pytest.mark.parametrize("call", ["right", "wrong"])
async def test_right_and_wrong_call_are_kept_and_the_message_says_by_whom(call):
    async with a_scene() as scene:
        button = Button(f"{call.title()} call", call=call)
        await press(scene, button, a_watch(state=State.KEPT))

        assert [(note.by, note.call) for note in await scene.store.notes("w_1")] == [(BY, call)]
        await until(lambda: f"{button.label}: {BY}" in scene.world.room()[0].words)


async def test_that_somebody_stays_with_what_serves_is_noted_and_moves_nothing():
    async with a_scene() as scene:
        await press(scene, Button("Stay on v42"), a_watch(state=State.ROLLED_BACK))

        (note,) = await scene.store.notes("w_1")
        assert (note.by, note.call, note.words) == (BY, "note", "Stay on v42")
        assert await scene.store.actions("w_1") == []
        await until(lambda: f"Stay on v42: {BY}" in scene.world.room()[0].words)


async def test_of_two_buttons_the_other_one_stays():
    async with a_scene() as scene:
        await scene.offers(ALLOW, Button("Wrong call", call="wrong"), watch=a_watch(state=State.ROLLED_BACK))

        await scene.replica.sent(scene.pressed("Wrong call"))

        await until(lambda: "Wrong call: slack" in scene.world.room()[0].words)
        assert [button.label for button in scene.world.room()[0].buttons] == ["Allow v43 again"]
        await scene.replica.sent(scene.pressed(ALLOW.label))
        await until(lambda: not scene.world.room()[0].buttons)
        assert "Wrong call: slack" in scene.world.room()[0].words


async def test_roll_forward_moves_the_service_though_its_watch_has_ended():
    async with a_scene() as scene:
        watch = a_watch(state=State.ROLLED_BACK)
        await scene.offers(FORWARD, watch=watch)
        # What runs is v42 again; v43 is no longer blocked.
        await scene.store.adopt(*watch.key, PART, a_release("v42"), NOON, adopted=False)

        await scene.replica.sent(scene.pressed(FORWARD.label))

        (words,) = await scene.whispered()
        living = await scene.store.living(*watch.key)
        assert living is not None, words
        assert (living.state, living.goes_to, living.ordered_by) == (State.ROLLING_BACK, "v43", BY)
        assert "done, by your word" in words


async def test_roll_forward_is_out_of_date_once_something_newer_is_deployed():
    async with a_scene() as scene:
        await scene.offers(FORWARD, watch=a_watch(state=State.ROLLED_BACK))
        newer = replace(a_watch("w_2", before="v43", after="v44"), revision=1)
        await scene.replica.daemon.has(newer)

        await scene.replica.sent(scene.pressed(FORWARD.label))

        (words,) = await scene.whispered()
        assert "a newer deployment is watched by now" in words
        assert (await scene.watch("w_2")).state is State.WATCHING


async def test_a_newer_message_is_not_overwritten_by_who_pressed_in_the_older_one():
    async with a_scene() as scene:
        await scene.offers(ALLOW, watch=a_watch(state=State.ROLLED_BACK))
        scene.world.trouble = slow(0.3, "response")
        await scene.replica.sent(scene.pressed(ALLOW.label))
        watch = await scene.watch()
        newer = Message("w_1.3.0", "show", "slack:C0ROOM", Notice("newer", watch="w_1"))
        await scene.store.save(Step(replace(watch, revision=3), 2, messages=(newer,)), NOON)

        await scene.whispered()
        await scene.replica.ends()

        assert "chat.update" not in scene.world.methods()


def test_no_kind_of_button_is_left_out():
    """Each order that stands on a button somewhere has its test here."""
    found: set[str] = set()
    for path in Path(wording.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Button":
                arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
                found |= {
                    each.attr
                    for each in arguments
                    if isinstance(each, ast.Attribute) and each.attr in OrderKind.__members__
                }

    assert found == {
        each.order.name
        for each in (BACK, HOLD, ASK_AGAIN, KEEP, RESUME, ADVANCE, TRY, ALLOW, FORWARD)
        if each.order
    }
