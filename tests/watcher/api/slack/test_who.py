"""Who is obeyed: the people whom the team names, of one workspace, at the button that they were shown. All others hear why not."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.slack import ADA, BOB, GUEST, ON_CALL, ROOM, delivered, press
from tests.fakes.slack.trouble import down, rate_limited, refuses, slow
from tests.watcher.api.slack.scene import MAY, NAME, Scene, a_scene, until
from watcher.core.watch import State

LABEL = "Roll back to v42"


async def refused(scene: Scene, by: str = ADA, **changes: Any) -> str:
    """What whoever pressed is told; nobody else is told anything, and nothing else happens."""
    payload = press(scene.world, scene.world.room()[0], LABEL, by)
    for path, value in changes.items():
        *outer, last = path.split("__")
        inner: Any = payload
        for key in outer:
            inner = inner[int(key) if key.isdigit() else key]
        inner[last] = value
    before = scene.replica.count("refused")
    answer = await scene.replica.sent(delivered(scene.world, payload))
    words = (await scene.whispered(int(before) + 1))[-1]
    assert answer.status == 200
    assert scene.replica.count("refused") == before + 1
    assert (await scene.watch()).state is State.WATCHING
    assert {row.by for row in await scene.audit()} == {"rollbackd"}
    return words


async def test_who_is_not_named_is_refused_told_why_and_by_whom_it_can_be_done():
    async with a_scene(may=(f"{NAME}:{ADA}",)) as scene:
        await scene.offers()

        words = await refused(scene, BOB)

        assert words == (
            "Not done: U0BOB may not order anything of checkout in production. "
            "To do: ask somebody whom `may_order` of the team shop names: slack:U0ADA."
        )
        (whispered,) = [deed for deed in scene.world.log if getattr(deed, "user", None)]
        assert whispered.user == BOB  # type: ignore[union-attr]


@pytest.mark.parametrize("may", [(), ("token:on-call", "local"), (f"other:{ADA}",), (ADA,), (f"{NAME}:ada",)])
async def test_a_team_that_names_nobody_of_this_connection_is_ordered_by_nobody_of_it(may):
    async with a_scene(may=may) as scene:
        await scene.offers()

        assert "U0ADA may not order anything of checkout in production" in await refused(scene)


async def test_the_people_of_another_workspace_are_not_heard_though_their_ids_are_ours():
    async with a_scene() as scene:
        await scene.offers()

        assert "one workspace" in await refused(scene, team__id="T0OTHER", user__team_id="T0OTHER")
        assert "one workspace" in await refused(scene, team__id="T0OTHER")


async def test_a_guest_in_a_shared_channel_is_not_heard_even_where_they_are_named():
    async with a_scene(may=(f"{NAME}:{GUEST}",)) as scene:
        await scene.offers()

        assert "no guests of another" in await refused(scene, GUEST)


async def test_a_button_of_another_app_is_not_ours():
    async with a_scene() as scene:
        await scene.offers()

        assert "of another app" in await refused(scene, message__app_id="A0OTHER")
        assert "of another app" in await refused(scene, api_app_id="A0OTHER")


async def test_a_button_is_pressed_where_it_was_told():
    async with a_scene() as scene:
        await scene.offers()

        assert "told in another channel" in await refused(scene, channel__id="C0ELSEWHERE")


@pytest.mark.parametrize(("channel", "obeyed"), [(ROOM, True), ("C0ELSEWHERE", False)])
async def test_where_a_team_names_no_channel_it_is_the_one_of_the_connection(channel, obeyed):
    async with a_scene(by="nothing") as scene:
        await scene.hears(channel=channel)
        await scene.offers(told_in=NAME)

        await scene.replica.sent(scene.pressed())

        (words,) = await scene.whispered()
        assert ("told in another channel" in words) is not obeyed
        assert (await scene.watch()).state is (State.ROLLING_BACK if obeyed else State.WATCHING)


async def test_a_message_of_another_connection_is_not_obeyed_through_this_one():
    async with a_scene() as scene:
        await scene.offers(told_in="partner:C0ROOM")

        assert "told in another channel" in await refused(scene)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("w_1.1.0/7", "there is no such button"),
        ("w_9.1.0/0", "out of date"),  # of another daemon
        ("w_1.0.9/0", "the watch is watching by now"),
        ("../../0", "out of date"),
        ("w_1.1.0/-1", "out of date"),
        ("w_1.1.0", "out of date"),
        ("w_1.1.0/0\n", "out of date"),
        ("", "out of date"),
        ("x" * 181 + "/0", "out of date"),
        ("' OR 1=1 --/0", "out of date"),
    ],
)
async def test_a_value_that_we_did_not_write_is_refused(value, words):
    async with a_scene() as scene:
        await scene.offers()

        assert words in await refused(scene, actions__0__value=value)


async def test_a_service_that_is_not_configured_any_more_is_left_alone():
    async with a_scene() as scene:
        await scene.offers()
        scene.replica.daemon.services.clear()

        assert "not configured any more" in await refused(scene)


# ------------------------------------------------------------------------------------------------------------ user groups


async def test_who_is_in_a_user_group_may_and_the_audit_names_the_person():
    async with a_scene() as scene:
        await scene.offers()

        await scene.replica.sent(scene.pressed(by=BOB))

        assert await scene.whispered() == [f"“{LABEL}”: done, by your word."]
        assert (await scene.watch()).ordered_by == "slack:U0BOB (bob)"


async def test_a_group_is_asked_for_once_in_five_minutes():
    async with a_scene() as scene:
        scene.world.groups[ON_CALL] = []
        await scene.offers()

        for _ in range(3):
            assert "may not order" in await refused(scene, BOB)
        scene.world.groups[ON_CALL] = [BOB]
        scene.now += timedelta(minutes=5)
        await scene.replica.sent(scene.pressed(by=BOB))

        assert (await scene.watch()).state is State.ROLLING_BACK
        assert scene.world.methods().count("usergroups.users.list") == 2


async def test_who_has_left_a_group_may_no_longer_after_five_minutes():
    async with a_scene(may=MAY) as scene:
        await scene.offers()
        assert await scene.replica.ear.voice.members(ON_CALL) == frozenset({BOB})

        scene.world.groups[ON_CALL] = []
        scene.now += timedelta(minutes=5)

        assert "may not order" in await refused(scene, BOB)


@pytest.mark.parametrize(
    "trouble",
    [
        down("usergroups.users.list"),
        refuses("missing_scope", "usergroups.users.list", needed="usergroups:read"),
        refuses("no_such_subteam", "usergroups.users.list"),
        rate_limited(30, "usergroups.users.list"),
        replace(down("usergroups.users.list"), status=200),
        replace(refuses("x", "usergroups.users.list"), body="[]"),
        replace(refuses("x", "usergroups.users.list"), body="[" * 20_000),
        replace(refuses("x", "usergroups.users.list"), body='{"ok": true}'),
        replace(refuses("x", "usergroups.users.list"), body='{"ok": true, "users": "U0BOB"}'),
    ],
    ids=[
        "down",
        "no scope",
        "no group",
        "limited",
        "a page",
        "a list",
        "an abyss",
        "no users",
        "users as text",
    ],
)
async def test_where_slack_does_not_say_who_is_in_a_group_nobody_is_believed_to_be(trouble):
    async with a_scene() as scene:
        await scene.offers()
        scene.world.trouble = trouble

        words = await refused(scene, BOB)
        again = await refused(scene, BOB)

        assert "Slack does not say who is in slack:S0ONCALL, so nobody is believed to be" in words
        assert again == words
        assert scene.world.methods().count("usergroups.users.list") == 1  # no storm

        await scene.replica.sent(scene.pressed(by=ADA))  # who is named needs no group
        assert (await scene.watch()).state is State.ROLLING_BACK


async def test_a_group_that_is_told_again_is_believed_again():
    async with a_scene() as scene:
        await scene.offers()
        scene.world.once = [refuses("fatal_error", "usergroups.users.list")]
        await refused(scene, BOB)

        scene.now += timedelta(seconds=10)
        await scene.replica.sent(scene.pressed(by=BOB))

        assert (await scene.watch()).state is State.ROLLING_BACK


async def test_a_group_that_slack_is_slow_about_holds_up_nobody_else():
    async with a_scene() as scene, asyncio.TaskGroup() as tasks:
        await scene.offers()
        scene.world.trouble = slow(1.0, "usergroups.users.list")
        waiting = [tasks.create_task(scene.replica.sent(scene.pressed(by=BOB))) for _ in range(3)]
        await until(lambda: "usergroups.users.list" in scene.world.methods())

        await scene.replica.sent(scene.pressed(by=ADA))

        assert (await scene.watch()).state is State.ROLLING_BACK
        assert not any(each.done() for each in waiting)
        for each in waiting:
            each.cancel()
