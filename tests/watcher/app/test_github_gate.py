"""Deployments that wait at our protection rule, from the signed webhook to the app's answer: a daemon that the app has built."""

import json

from tests.fakes.github import SECRET, Run
from tests.fakes.github.deliveries import signature
from tests.fakes.github.key import drawn
from tests.fakes.github.rest import APP
from tests.watcher.app.by_github import Town, a_town
from tests.watcher.app.house import PROGRAMS, AtWork, at_work, soon
from watcher.runtime.doorkeeper import OURS

GATE = """\
      repositories: [acme/shop]
      gate: {app: {id: %s, installation: 5, private_key: {file: ROOT/app.pem}}, url: "URL/github"}
"""


async def knocks(town: Town, daemon: AtWork, run: Run) -> int:
    """GitHub's webhook: *run* waits."""
    api = f"http://{town.github.host}/github"
    payload = {
        "action": "requested",
        "environment": "production",
        "deployment_callback_url": f"{api}/repos/acme/shop/actions/runs/{run.id}/deployment_protection_rule",
        "repository": {"id": 7, "full_name": "acme/shop"},
    }
    body = json.dumps(payload).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "deployment_protection_rule",
        "X-GitHub-Delivery": "d-1",
        "X-Hub-Signature-256": signature(body, SECRET),
    }
    async with daemon.session.post(f"{daemon.url}/v1/hooks/github", data=body, headers=headers) as answer:
        return answer.status


def keeps_the_gate(town: Town) -> None:
    """The source answers, as an app, what waits for the service."""
    (town.house.root / "app.pem").write_text(drawn()[0])
    gate = (GATE % APP).replace("URL", f"http://{town.github.host}")
    town.house.change("      repositories: [acme/shop]\n", gate)


async def test_a_run_that_waits_is_let_through_by_the_gate_as_soon_as_the_webhook_tells_of_it(tmp_path):
    async with a_town(tmp_path, actions=True) as town, at_work(town.house) as daemon:
        await daemon.logs("release.adopted")
        keeps_the_gate(town)
        assert await daemon.running.in_force.reload()
        town.actions.rule = True
        run = town.actions.begin("main", {}, "push")
        status = await knocks(town, daemon, run)
        await soon(lambda: bool(run.comments))

    assert status == 202
    assert [state for state, _ in run.comments] == ["approved"]


async def test_a_rollback_by_a_workflow_passes_our_own_rule_at_once_though_a_person_would_be_asked(tmp_path):
    async with a_town(tmp_path, actions=True) as town:
        keeps_the_gate(town)
        town.house.change(
            f"""\
        - command:
            live: [{PROGRAMS}/live, "{tmp_path}/${{service}}"]
            move: [{PROGRAMS}/move, "{tmp_path}/${{service}}", "${{tag}}", "${{expect}}", "${{key}}"]
""",
            f"""\
        - github_actions:
            {{repository: acme/shop, environment: production, workflow: deploy.yml, token: {{file: ROOT/token}}, url: "http://{town.github.host}/github"}}
      gate: {{approval: person}}
""",
        )
        actions = town.actions
        actions.deployed = town.house.deploy
        for tag in ("v1", "v2"):
            actions.sha(tag)
        actions.begin("v1", {}, "push")
        async with at_work(town.house) as daemon:
            await daemon.logs("release.adopted")
            actions.begin("v2", {}, "push")
            await town.tells(daemon)
            await daemon.logs("watch.opened")
            actions.rule = True
            ordered = await daemon.post(
                "/v1/services/web/production/orders", order="roll_back", reason="it fails"
            )
            await soon(lambda: bool(actions.dispatches))
            run = actions.runs[-1]
            await knocks(town, daemon, run)
            await soon(lambda: town.house.serves == "v1")
            watches = (await daemon.get("/v1/watches")).json["watches"]

    (sent,) = actions.dispatches
    assert ordered.status == 202
    assert (sent["ref"], watches[0]["to"], watches[0]["from"]) == ("v1", "v2", "v1")
    assert run.comments == [("approved", f"rollbackd: {OURS}")]
