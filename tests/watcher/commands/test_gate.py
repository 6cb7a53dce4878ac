"""For pipelines, before the deployment: the exit status is the answer. And what people say to it."""

import socket

import pytest

from tests.watcher.api.daemon import NOON, a_service, an_api, served
from tests.watcher.commands.speaking import begun, speak
from watcher.api.server import build
from watcher.commands import gate as command
from watcher.commands._client import Client
from watcher.core.freeze import Freeze
from watcher.core.service import Approval, Gating

CHECKOUT = ("checkout", "production")
PERSON = a_service(gate=Gating(approval=Approval.PERSON))


async def test_what_may_be_deployed_is_status_0():
    async with an_api() as api:
        said = await speak(api, "gate", *CHECKOUT, "--tag", "v43", "--digest", "sha256:4")

    assert (said.status, said.out.strip()) == (0, "v43 may be deployed")


async def test_a_person_lets_it_pass_while_it_waits():
    async with (
        an_api(services=[PERSON]) as api,
        begun(api, "gate", *CHECKOUT, "--tag", "v43", "--wait", "20s") as waiting,
    ):
        await waiting.until("rollbackd approve g_")
        (asked,) = await api.daemon.store.passages()
        listed = await speak(api, "gates", "--open")
        approved = await speak(api, "approve", asked.id, "--reason", "looks good")
        said = await waiting.ended()

    assert said.status == 0
    assert said.out.strip() == "v43 passes: token:ada approved it: looks good"
    assert "ask: a person approves each release" in said.err
    assert approved.out.startswith("passed: v43 passes")
    assert asked.id in listed.out
    assert "checkout/production" in listed.out


async def test_what_a_person_refuses_is_status_3():
    async with an_api(services=[PERSON]) as api:
        asked = await speak(api, "gate", *CHECKOUT, "--tag", "v43")
        (passage,) = await api.daemon.store.passages()
        refused = await speak(api, "refuse", passage.id, "--json")
        said = await speak(api, "gate", *CHECKOUT, "--tag", "v43", "--json")

    assert asked.status == 7, "nobody has answered yet"
    assert refused.status == 0
    assert said.status == 3
    assert '"because": "declined"' in said.out


async def test_nobody_waits_for_a_freeze_that_is_longer_than_the_wait():
    async with an_api() as api:
        sale = Freeze("f_1", *CHECKOUT, "ann", "the sale", NOON, NOON.replace(year=2100))
        await api.daemon.store.freeze(sale, NOON)
        said = await speak(api, "gate", *CHECKOUT, "--tag", "v43", "--wait", "10m")

    assert said.status == 7
    assert said.out.startswith("frozen until 24 Nov 2100 12:00:00 UTC, by ann: the sale")


async def test_a_hotfix_has_a_reason_and_passes_a_freeze():
    async with an_api() as api:
        ordered = await speak(api, "freeze", *CHECKOUT, "--for", "1h", "--reason", "the sale")
        without = await speak(api, "gate", *CHECKOUT, "--tag", "v43", "--hotfix")
        said = await speak(api, "gate", *CHECKOUT, "--tag", "v43", "--hotfix", "--reason", "payments")

    assert ordered.status == 0
    assert without.status == 2
    assert said.status == 0
    assert "note: passed over by the hotfix: frozen until" in said.err


async def test_what_waits_already_is_made_a_hotfix_with_a_reason():
    async with an_api() as api:
        await speak(api, "freeze", *CHECKOUT, "--for", "1h", "--reason", "the sale")
        waits = await speak(api, "gate", *CHECKOUT, "--tag", "v43")
        (asked,) = await api.daemon.store.passages()
        without = await speak(api, "approve", asked.id, "--hotfix")
        said = await speak(api, "approve", asked.id, "--hotfix", "--reason", "payments")

    assert waits.status == 7
    assert f"a hotfix passes: rollbackd approve {asked.id} --hotfix --reason WHY" in waits.err
    assert without.status == 2
    assert said.out.strip() == "passed: v43 passes as a hotfix: payments"


async def test_what_is_to_be_deployed_has_to_be_said():
    async with an_api() as api:
        nothing = await speak(api, "gate", *CHECKOUT)
        unknown = await speak(api, "gate", "card", "production", "--tag", "v43")

    assert (nothing.status, unknown.status) == (2, 2)
    assert "--tag" in nothing.err


def nobody() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_without_a_daemon_it_is_status_4():
    async with an_api() as api:
        api.port = nobody()
        said = await speak(api, "gate", *CHECKOUT, "--tag", "v43")
        patient = await speak(api, "gate", *CHECKOUT, "--tag", "v43", "--wait", "1s")

    assert (said.status, patient.status) == (4, 4)


async def test_a_daemon_may_be_restarted_while_it_waits(tmp_path):
    async with an_api(tmp_path, services=[PERSON]) as api:
        port = nobody()
        deps = api.daemon.deps()
        first, api.port = api.port, port
        async with begun(api, "gate", *CHECKOUT, "--tag", "v43", "--wait", "30s") as waiting:
            await waiting.until("trying again")
            async with served(build(deps), port):
                await waiting.until("rollbackd approve g_")
            async with served(build(deps), port):
                api.port = first
                (asked,) = await api.daemon.store.passages()
                await speak(api, "approve", asked.id)
                said = await waiting.ended()

    assert said.status == 0, said


async def test_a_daemon_may_be_restarted_just_when_it_is_told_of_a_deployment():
    async with an_api() as api:
        port, api.port = api.port, nobody()
        late = api.port
        async with begun(api, "deployed", *CHECKOUT, "v43", "--key", "run-1") as telling:
            await telling.until("trying again")
            async with served(build(api.daemon.deps()), late):
                said = await telling.ended()
        api.port = late
        silent = await speak(api, "deployed", *CHECKOUT, "v43", "--retry", "0s")
        api.port = port

    assert (said.status, said.out[:2]) == (0, "a_")
    assert silent.status == 4


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("freeze", *CHECKOUT, "--for", "1h", "--until", "2026-11-25T00:00:00Z", "--reason", "x"), 2),
        (("freeze", "--all", *CHECKOUT, "--for", "1h", "--reason", "the sale"), 2),
        (("thaw", "f_9"), 2),
        (("approve", "g_9"), 2),
    ],
)
async def test_what_cannot_be_meant_is_status_2(words, status):
    async with an_api() as api:
        said = await speak(api, *words)

    assert said.status == status, said


async def test_freezes_are_listed_and_ended():
    async with an_api() as api:
        made = await speak(
            api, "freeze", "--all", "--in", "production", "--for", "1h", "--reason", "the sale"
        )
        listed = await speak(api, "freezes")
        services = await speak(api, "services")
        thawed = await speak(api, "thaw", made.out.strip(), "--reason", "it is over")
        after = await speak(api, "freezes", "--json")

    assert made.out.startswith("f_")
    assert "*/production" in listed.out
    assert "checkout/production: frozen by token:ada until 2026-11-24 13:00:00 UTC: the sale" in services.err
    assert "deployments pass again" in thawed.err
    assert '"freezes": []' in after.out


def test_an_answer_that_is_none_yet_is_a_time_out():
    assert command.status_of({"state": "open"}) == 7
    assert Client("http://127.0.0.1:1").tries == 3
