"""The whole way of a deployment that GitHub tells of, through a daemon that the app has built, by real HTTP."""

import pytest

from tests.watcher.app.by_github import a_town
from tests.watcher.app.house import at_work, soon


@pytest.mark.lasts(14)
async def test_what_a_webhook_tells_is_watched_rolled_back_and_ends_at_github_as_a_failure(tmp_path):
    async with a_town(tmp_path) as town, at_work(town.house) as daemon:
        await daemon.logs("release.adopted")

        made = await town.deploys(daemon, "v2")
        await soon(lambda: town.house.serves == "v1")
        await soon(lambda: [state for state, _ in town.github.ours(made.id)][-1:] == ["failure"])
        heard_back = await town.tells(daemon)
        watches = (await daemon.get("/v1/watches")).json["watches"]

    assert [(each["from"], each["to"], each["state"]) for each in watches] == [("v1", "v2", "rolled_back")]
    assert town.github.ours(made.id)[0][0] == "in_progress"
    assert "v1 serves again" in town.github.ours(made.id)[-1][1]
    assert town.github.log[-1].log_url == f"https://rollbackd.example/v1/watches/{watches[0]['id']}"
    assert set(heard_back) == {202}  # its own statuses, which mean nothing


async def test_whoever_cannot_sign_is_not_heard(tmp_path):
    async with a_town(tmp_path) as town, at_work(town.house) as daemon:
        await daemon.logs("release.adopted")
        town.hook.secret = "somebody else's secret, as long as ours"
        town.github.deploys()

        answers = await town.tells(daemon)
        samples = (await daemon.get("/metrics")).samples

    assert answers == [401]
    assert not [name for name in samples if name.startswith("rollbackd_events_received_total")]


async def test_what_was_deployed_while_nobody_listened_is_read_at_the_start(tmp_path):
    async with a_town(tmp_path) as town:
        made = town.github.deploys(payload={"tag": "v1"})
        async with at_work(town.house) as daemon:
            await daemon.logs("announcement.closed")
            answers = await town.tells(daemon)
            samples = (await daemon.get("/metrics")).samples

    assert f"GET /github/repos/acme/shop/deployments/{made.id}/statuses" in town.github.requests
    assert samples['rollbackd_events_received_total{result="accepted",source="github"}'] == 1
    # Known by what it is about, though it is told in other words.
    assert samples['rollbackd_events_received_total{result="conflict",source="github"}'] == 1
    assert answers == [202]
