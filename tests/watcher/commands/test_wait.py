"""For pipelines: the exit status is the verdict."""

import asyncio
import signal
import socket
import subprocess

import pytest

from rules.verdict import Judgement, Outcome
from tests.watcher.api.daemon import NOON, a_watch, an_api, served
from tests.watcher.commands.speaking import ROLLBACKD, begun, run, speak
from watcher.api.server import build
from watcher.commands._client import Client, Unreachable
from watcher.commands.wait import Waiting
from watcher.core.watch import Breach, Closing, State

BREACHED = Breach(NOON, Judgement(NOON, Outcome.BREACHED, ()))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"state": State.PASSED}, 0),
        ({"state": State.ROLLED_BACK}, 1),
        ({"state": State.KEPT, "breach": BREACHED}, 1),
        ({"state": State.KEPT, "would_have": NOON}, 1),
        ({"state": State.KEPT}, 5),
        ({"state": State.UNPROVEN}, 5),
        ({"state": State.SUPERSEDED}, 6),
    ],
)
async def test_the_exit_status_is_the_verdict(changes, status):
    async with an_api() as api:
        await api.daemon.has(a_watch(**changes))
        said = await speak(api, "wait", "w_1")

    assert said.status == status, said
    assert said.out.startswith("checkout · production: v43 is")


def test_who_breaks_it_off_has_no_verdict():
    """1 would say that it was rolled back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        words = [str(ROLLBACKD), "wait", "w_1"]
        with subprocess.Popen(words, stderr=subprocess.PIPE, env={"ROLLBACKD_URL": url}) as process:
            connection, _ = server.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=60)

    assert (process.returncode, said) == (130, b"broken off: nothing is decided here\n")


async def test_its_own_time_out_is_status_7():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        said = await speak(api, "wait", "w_1", "--timeout", "1s")

    assert said.status == 7
    assert "v43 is watching" in said.out


async def test_it_waits_until_the_verdict_comes_and_tells_what_happens_meanwhile():
    async with an_api() as api:
        await api.daemon.has(a_watch())
        async with begun(api, "wait", "w_1", "--timeout", "20s") as waiting:
            await waiting.until("v43 is watching")
            await api.post("/v1/watches/w_1/orders", {"order": "hold"})
            await api.post("/v1/watches/w_1/orders", {"order": "pass"})
            said = await waiting.ended()

    assert said.status == 0
    assert "v43 is passed" in said.out


async def test_an_announcement_is_followed_to_its_watch():
    async with an_api() as api:
        await api.daemon.has(a_watch(state=State.PASSED))
        made = (
            await api.post(
                "/v1/deployments", {"service": "checkout", "environment": "production", "tag": "v43"}
            )
        ).json
        waiting = asyncio.ensure_future(speak(api, "wait", made["announcement"]))
        await asyncio.sleep(1)
        await api.daemon.store.close_inbox(Closing(made["announcement"], "joined", watch="w_1"), NOON)
        said = await waiting

    assert said.status == 0
    assert "joined: w_1" in said.err


@pytest.mark.parametrize(("state", "status"), [("rejected", 3), ("recorded", 5)])
async def test_an_announcement_that_nothing_is_watched_of_is_never_success(state, status):
    async with an_api() as api:
        made = (
            await api.post(
                "/v1/deployments", {"service": "checkout", "environment": "production", "tag": "v43"}
            )
        ).json
        await api.daemon.store.close_inbox(
            Closing(made["announcement"], state, "the same release serves already"), NOON
        )
        said = await speak(api, "wait", made["announcement"])

    assert said.status == status
    assert "the same release serves already" in said.err


async def test_an_announcement_that_stays_pending_is_status_7():
    async with an_api() as api:
        made = (
            await api.post(
                "/v1/deployments", {"service": "checkout", "environment": "production", "tag": "v43"}
            )
        ).json
        said = await speak(api, "wait", made["announcement"], "--timeout", "1s")

    assert said.status == 7
    assert "still pending" in said.err


async def test_a_watch_that_nobody_knows_is_status_2():
    async with an_api() as api:
        said = await speak(api, "wait", "w_9")

    assert said.status == 2
    assert "there is no watch 'w_9'" in said.err


async def test_the_answer_is_data_on_stdout():
    async with an_api() as api:
        await api.daemon.has(a_watch(state=State.PASSED))
        said = await speak(api, "wait", "w_1", "--json")

    assert said.json["state"] == "passed"


@pytest.mark.parametrize("timeout", ["10", "-1s", "1s1h", "soon", ""])
def test_a_time_out_that_is_none_is_status_2(timeout):
    said = run("wait", "w_1", "--timeout", timeout)

    assert said.status == 2
    assert "not a duration" in said.err


# ---------------------------------------------------------------------------------------- a daemon that is started anew


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


class Ticking:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def test_a_daemon_that_is_away_for_long_is_status_4():
    clock = Ticking()
    client = Client("http://127.0.0.1:1", pause=clock.pause, tries=1)
    waiting = Waiting(client=client, ends=3600.0, clock=clock)

    with pytest.raises(Unreachable) as raised:
        waiting.verdict("w_1")

    assert raised.value.exit_code == 4
    assert 60 < clock.now < 65


async def test_a_daemon_that_is_started_anew_meanwhile_is_waited_for():
    port = a_free_port()
    async with an_api() as api:
        await api.daemon.has(a_watch(state=State.PASSED))
        async with begun(api, "wait", "w_1", ROLLBACKD_URL=f"http://127.0.0.1:{port}") as waiting:
            await waiting.until("trying again")
            async with served(build(api.daemon.deps()), port):
                said = await waiting.ended()

    assert said.status == 0
