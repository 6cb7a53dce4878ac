"""What the commands that only read print: letter for letter."""

import asyncio
import json
import os
import pty
import subprocess
from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.model import Foretold, Pause, Permission
from tests.watcher.api.daemon import ADA, NOON, a_service, a_watch, an_api
from tests.watcher.commands.speaking import ROLLBACKD, speak
from watcher.api.handlers.show import MOST_CHANGES
from watcher.commands._screen import plain
from watcher.core.change import Change, ChangeKind
from watcher.core.service import Mode
from watcher.core.watch import State


async def test_watches():
    async with an_api() as api:
        await api.daemon.has(a_watch("w_1", state=State.PASSED))
        await api.daemon.has(a_watch("w_2", before="v43", after="v44"))
        said = await speak(api, "watches")

    assert said.out == (
        "WATCH  STATE     SERVICE              FROM  TO   OPENED (UTC)\n"
        "w_2    watching  checkout/production  v43   v44  2026-11-24 12:00:00\n"
        "w_1    passed    checkout/production  v42   v43  2026-11-24 12:00:00\n"
    )
    assert not said.err


async def test_watches_page_by_page():
    async with an_api() as api:
        await api.daemon.has(a_watch("w_1", state=State.PASSED))
        await api.daemon.has(a_watch("w_2", before="v43", after="v44"))
        first = await speak(api, "watches", "--limit", "1")
        second = await speak(api, "watches", "--limit", "1", "--after", "w_2")

    assert first.err == "more: --after w_2\n"
    assert "w_1" in second.out


async def test_no_watches_are_a_head_without_rows():
    async with an_api() as api:
        said = await speak(api, "watches", "--state", "stuck")

    assert said.out == "WATCH  STATE  SERVICE  FROM  TO  OPENED (UTC)\n"


async def test_show():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        await speak(api, "rollback", "w_1", "--reason", "customers call")
        await speak(api, "note", "w_1", "right", "they did")
        said = await speak(api, "show", "w_1")

    lines = said.out.splitlines()
    assert lines[0] == "checkout · production: v43 is rolling back"
    assert lines[-3:] == [
        "  w_1.2.0  planned: service to v42",
        "  2026-11-24 12:00:00  token:ada says right: they did",
        "  revision 2; allowed now: nothing",
    ]


async def test_show_says_where_it_is_paused_and_how_it_goes_on():
    pause = Pause("hook-1", "POST_SCALE_UP", NOON, go_on="aws ecs continue-service-deployment")
    async with an_api() as api:
        await api.daemon.has(a_watch(pauses=(pause, Pause())))
        said = await speak(api, "show", "w_1")

    assert (
        "  paused at POST_SCALE_UP until 2026-11-24 12:00:00; to go on: aws ecs continue-service-deployment\n"
        "  paused at a hook; to go on: by hand\n"
    ) in said.out


async def test_tags():
    async with an_api() as api:
        await api.daemon.serves(a_service(), "v41", "v42", "v43")
        said = await speak(api, "tags", "checkout", "production")

    assert said.out == (
        "PART     TAG  GRADE   MARKS     FIRST SEEN (UTC)     FINGERPRINT\n"
        "service  v43  served  live      2026-11-22 12:00:00  sha256:v43\n"
        "service  v42  served  way back  2026-11-20 12:00:00  sha256:v42\n"
        "service  v41  served  -         2026-11-18 12:00:00  sha256:v41\n"
    )
    assert said.err == "service: a rollback would go to v42\n"


async def test_services():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        said = await speak(api, "services")

    assert said.out == (
        "SERVICE              LIVE  MODE  ARMED  WATCH  STATE\n"
        "checkout/production  v43   auto  yes    w_1    watching\n"
    )


async def test_plan():
    service = a_service(policy=replace(a_service().policy, mode=Mode.ASK))
    async with an_api(services=[service]) as api:
        await api.daemon.serves(service, "v41", "v42", "v43")
        api.daemon.foretold = lambda plan: {
            move.part: Foretold(
                ("stop the rollout", "UpdateService checkout:41"),
                "about 3 min",
                "100 %",
                "aws ecs …",
                sessions="none is held",
                not_undone="migrations",
                permissions=(Permission("ecs:UpdateService", True, "ecs:UpdateService: allowed"),),
            )
            for move in plan.moves
        }
        said = await speak(api, "plan", "checkout", "production", "--to", "v41")

    assert said.status == 0
    assert said.out == (
        "service: v43 → v41 (served)\n"
        "  1. stop the rollout\n"
        "  2. UpdateService checkout:41\n"
        "  takes: about 3 min\n"
        "  capacity: 100 %\n"
        "  sessions: none is held\n"
        "  not undone: migrations\n"
        "  permission: ecs:UpdateService: allowed\n"
        "  by hand: aws ecs …\n"
        "leaves out 1 releases between\n"
        "by itself the daemon would ask: mode\n"
    )


async def test_a_plan_names_what_was_seen_to_move_and_is_not_undone():
    async with an_api() as api:
        await api.daemon.serves(a_service(), "v42", "v43")
        moved = Change(
            api.daemon.now - timedelta(hours=3),
            "flag `new\x1b[31m` 0 → 50 %",
            service="checkout",
            environment="production",
            kind=ChangeKind.FLAG,
        )
        await api.daemon.store.add_change(moved, api.daemon.now)
        said = await speak(api, "plan", "checkout", "production")

    assert said.status == 0
    assert "\nnot undone: flag `new�[31m` 0 → 50 %, 2026-11-24 09:00:00 UTC\n" in said.out


async def test_a_plan_says_where_more_may_have_moved():
    async with an_api() as api:
        await api.daemon.serves(a_service(), "v42", "v43")
        for each in range(MOST_CHANGES + 1):
            change = Change(api.daemon.now - timedelta(minutes=1), f"{each}", service="checkout")
            await api.daemon.store.add_change(change, api.daemon.now)
        said = await speak(api, "plan", "checkout", "production")

    assert said.out.count("not undone: ") == MOST_CHANGES + 1
    assert "\nnot undone: more may have moved than is listed here (`rollbackd changes`)\n" in said.out


async def test_a_plan_with_something_in_the_way_is_status_1():
    async with an_api() as api:
        await api.daemon.serves(a_service(), "v42", "v43")
        api.daemon.foretold = lambda plan: {"service": Foretold((), obstacles=("the image is gone",))}
        said = await speak(api, "plan", "checkout", "production")

    assert said.status == 1
    assert "  in the way: the image is gone\n" in said.out


async def test_a_plan_to_nowhere_is_status_3():
    async with an_api() as api:
        await api.daemon.serves(a_service(), "v43")
        said = await speak(api, "plan", "checkout", "production")

    assert said.status == 3
    assert "no known-good release" in said.err


async def test_audit():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        await speak(api, "hold", "w_1", "--reason", "looking at it")
        said = await speak(api, "audit", "--subject", "w_1")

    lines = said.out.splitlines()
    assert lines[0].split() == ["NO", "WHEN", "(UTC)", "WHO", "WHAT", "OF", "WHY"]
    assert "token:ada" in lines[-1]
    assert lines[-1].endswith("looking at it")


@pytest.mark.parametrize(
    "words",
    [
        ("watches",),
        ("show", "w_1"),
        ("tags", "checkout", "production"),
        ("services",),
        ("audit",),
        ("plan", "checkout", "production"),
    ],
)
async def test_json_is_nothing_but_json(words):
    async with an_api() as api:
        await api.daemon.has(a_watch())
        said = await speak(api, *words, "--json")

    assert json.loads(said.out)
    assert "\x1b" not in said.out


async def test_a_pipe_gets_no_colours():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        said = await speak(api, "watches")

    assert "\x1b" not in said.out


def on_a_terminal(*words: str, **environment: str) -> bytes:
    """What ``rollbackd`` writes where a person looks."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [ROLLBACKD, *words], env=environment, stdout=theirs, stderr=theirs, timeout=60, check=False
        )
        return os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(("more", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
async def test_a_terminal_gets_colours_unless_its_owner_wants_none(more, coloured):
    async with an_api() as api:
        await api.daemon.has(a_watch())
        environment = {
            "ROLLBACKD_URL": api.url,
            "ROLLBACKD_TOKEN": ADA.secret,
            "PATH": os.environ["PATH"],
            **more,
        }
        shown = await asyncio.to_thread(on_a_terminal, "watches", **environment)

    assert b"watching" in shown
    assert (b"\x1b[" in shown) is coloured


def test_what_platforms_say_does_not_steer_the_terminal():
    assert plain("gone\x1b[2J\r\n\u202eback") == "gone�[2J���back"
