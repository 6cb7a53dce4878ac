"""For pipelines, once the new release stands beside the old one: its rollout begins, or the exit status says why it does not."""

from dataclasses import replace

import pytest

from tests.watcher.api.daemon import an_api
from tests.watcher.api.test_rollouts import SERVICE
from tests.watcher.commands.speaking import begun, speak
from watcher.core.service import Approval, Gating

CHECKOUT = ("checkout", "production")
PERSON = replace(SERVICE, gate=Gating(approval=Approval.PERSON))


async def test_what_begins_is_status_0_and_the_watch_stands_on_stdout():
    async with an_api(services=[SERVICE]) as api:
        said = await speak(api, "start", *CHECKOUT, "v43", "--key", "run-7")
        again = await speak(api, "start", *CHECKOUT, "v43")
        serves = await speak(api, "start", *CHECKOUT, "v42")
        (watch,) = await api.daemon.store.list()

    assert (said.status, said.out.strip()) == (0, watch.id)
    assert f"v43 begins with 5 % of the traffic; the verdict: rollbackd wait {watch.id}" in said.err
    assert (again.status, again.out) == (0, said.out)
    assert "note: v43 was begun before" in again.err
    assert serves.status == 3
    assert "v42 is what serves already" in serves.err


async def test_it_waits_at_the_gate_and_begins_once_a_person_lets_it():
    async with an_api(services=[PERSON]) as api:
        hurried = await speak(api, "start", *CHECKOUT, "v43")
        async with begun(api, "start", *CHECKOUT, "v43", "--wait", "20s", "--json") as waiting:
            await waiting.until("rollbackd approve g_")
            (asked,) = await api.daemon.store.passages()
            await speak(api, "approve", asked.id)
            said = await waiting.ended()

    assert hurried.status == 7
    assert "it waits at the gate (ask): a person approves each release" in hurried.err
    assert (said.status, said.json["tag"]) == (0, "v43")


@pytest.mark.long
async def test_what_a_person_refuses_is_status_3_while_it_waits():
    async with (
        an_api(services=[PERSON]) as api,
        begun(api, "start", *CHECKOUT, "v43", "--wait", "20s") as waiting,
    ):
        await waiting.until("rollbackd approve g_")
        (asked,) = await api.daemon.store.passages()
        await api.post(f"/v1/gates/{asked.id}/orders", {"order": "refuse", "reason": "not today"})
        said = await waiting.ended()

    assert said.status == 3
    assert "not today" in said.err
    assert "--hotfix" not in said.err
