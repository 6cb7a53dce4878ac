"""The container's health check."""

from datetime import timedelta

from tests.watcher.api.daemon import an_api
from tests.watcher.commands.speaking import run, speak
from watcher.api.deps import Status


async def test_a_daemon_that_lives_is_status_0_without_any_token():
    async with an_api() as api:
        said = await speak(api, "health", ROLLBACKD_TOKEN="")

    assert (said.status, said.out) == (0, "alive\n")


async def test_a_daemon_whose_loops_stand_is_status_4_and_says_so():
    async with an_api(status=Status(timedelta(minutes=1), None)) as api:
        said = await speak(api, "health")

    assert said.status == 4
    assert "a loop did not go round for 60 s" in said.err


def test_no_daemon_is_status_4():
    said = run("health", "--url", "http://127.0.0.1:1")

    assert said.status == 4
    assert "not alive" in said.err
