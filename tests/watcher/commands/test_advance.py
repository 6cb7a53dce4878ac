"""A rollout in stages, on the command line: where it stands, what comes next, and that it goes on by order."""

from dataclasses import replace

import pytest

from deploy.model import Foretold, Shift
from tests.watcher.api.daemon import a_service, a_watch, an_api
from tests.watcher.commands.speaking import speak
from tests.watcher.core.lifecycle.test_stages import HOOKS, STAGES, in_stages
from watcher.core.service import Mode


async def test_show_says_where_it_stands_and_the_api_its_stages():
    async with an_api() as api:
        await api.daemon.has(in_stages(revision=1))
        said = await speak(api, "show", "w_1")
        told = (await api.get("/v1/watches/w_1")).json

    assert "it is at 5 % of the traffic" in said.out
    assert "allowed now: hold, pass, roll back, advance" in said.out
    assert (told["stage"], told["share"]) == (0, 0.05)
    assert [(each["share"], each["bake"], each["at_most"]) for each in told["stages"]] == [
        (0.05, "PT10M", "PT2H"),
        (0.25, "PT7M", "PT2H"),
        (1.0, "PT10M", "PT2H"),
    ]


async def test_a_plain_deployment_has_one_stage_and_no_share_that_is_moved():
    async with an_api() as api:
        await api.daemon.has(a_watch("w_1"))
        told = (await api.get("/v1/watches/w_1")).json

    assert ([each["share"] for each in told["stages"]], told["share"]) == ([1.0], None)


async def test_advance_moves_it_on_and_says_so():
    async with an_api() as api:
        await api.daemon.has(in_stages(revision=1))
        said = await speak(api, "advance", "w_1", "--reason", "looked at it")
        watch = await api.daemon.store.get("w_1")
        (action,) = await api.daemon.store.actions("w_1")
        shown = await speak(api, "show", "w_1")

    assert (said.status, said.err) == (0, "advance: w_1 is watching now\n")
    assert isinstance(action.action.forward, Shift)
    assert action.action.forward.share == 0.25
    assert watch is not None
    assert watch.at is not None
    assert watch.at.action == action.action.id
    assert "w_1.2.0  planned: service to v43" in shown.out


async def test_where_nothing_leads_on_it_is_refused_with_what_is_allowed():
    async with an_api() as api:
        await api.daemon.has(a_watch("w_1"))
        said = await speak(api, "advance", "w_1")

    assert said.status == 3
    assert "cannot advance a watch that is watching" in said.err


async def test_plan_says_how_the_next_release_goes_forward():
    said = []
    for rollout in (STAGES, HOOKS):
        service = a_service(policy=replace(a_service().policy, rollout=rollout))
        async with an_api(services=[service]) as api:
            await api.daemon.serves(service, "v42", "v43")
            api.daemon.foretold = lambda _plan: {"service": Foretold(("UpdateService",))}
            said.append((await speak(api, "plan", "checkout", "production")).out)

    assert (
        "the next release goes forward by stages: 5 % → 25 % → 100 %\n"
        "  1. 5 %: seen well for 10m it goes on by itself; a person is asked if that takes longer than 2h\n"
        "  2. 25 %: seen well for 7m it goes on by itself; a person is asked if that takes longer than 2h\n"
        "  3. 100 %: the rollout is complete, and the service's own bake begins\n"
    ) in said[0]
    assert "the hooks of its platform are answered by rollbackd\n" in said[1]


@pytest.mark.parametrize(
    ("mode", "forward", "words"),
    [
        (Mode.ASK, None, "a person is asked whether it goes on"),
        (Mode.ASK, Mode.AUTO, "it goes on by itself"),
        (Mode.SHADOW, None, "it is told that it would go on, and stays"),
    ],
)
async def test_plan_says_who_moves_the_next_release_on(mode, forward, words):
    policy = replace(a_service().policy, mode=mode, rollout=replace(STAGES, forward=forward))
    service = a_service(policy=policy)
    async with an_api(services=[service]) as api:
        await api.daemon.serves(service, "v42", "v43")
        api.daemon.foretold = lambda _plan: {"service": Foretold(("UpdateService",))}
        said = await speak(api, "plan", "checkout", "production")

    assert f"  1. 5 %: seen well for 10m {words}; a person is asked" in said.out
