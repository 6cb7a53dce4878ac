"""Whether the workflow may be dispatched, as far as GitHub tells: by an app's installation, its user's right to push, or a token's scopes."""

import asyncio

import pytest
from pydantic import SecretStr

from deploy.model import About, Level
from tests.deploy.targets.beside import BESIDE
from tests.deploy.targets.github_actions.github_world import pipeline_over_http
from tests.fakes.github import TOKEN
from tests.fakes.github.key import an_app, drawn
from tests.fakes.github.world import OTHERS
from tests.watcher.commands.test_ready_kinds import standing, the_row


@pytest.mark.parametrize("may", ["read", None, "write"])
async def test_an_app_whose_installation_may_not_run_workflows_is_a_failure_that_names_the_permission(
    may,
):
    async with pipeline_over_http(drawn()[1]) as world:
        world.github.permissions.pop("actions")
        world.github.permissions |= {"actions": may} if may else {}
        (found,) = await world.target(token=None, app=an_app()).examine()

    assert (found.level is Level.OK) is (may == "write")
    if may == "write":
        assert found.words.endswith("the app may run deploy.yml of acme/shop (actions: write)")
    else:
        assert found.words == f"the app may not run deploy.yml of acme/shop (actions: {may or 'no access'})"
        assert found.remedy == "give the token or the app the permission Actions: write on this repository"
        assert found.about is About.SCOPE


async def test_a_token_of_somebody_who_may_only_read_is_a_failure_before_it_is_needed(world):
    world.runs("v2")
    target = world.target(token=SecretStr(OTHERS))

    (found,) = await target.examine()
    foretold = await target.foretell(world.move())

    words = "whoever made the token may only read acme/shop, and so it may not run deploy.yml"
    assert (found.level, found.words, found.about) == (Level.FAIL, words, About.SCOPE)
    assert any(each.startswith(words) for each in foretold.obstacles)
    assert world.changes() == []


@pytest.mark.parametrize(
    ("scopes", "level", "words"),
    [
        (None, Level.OK, "whether a fine-grained token has Actions: write GitHub tells nowhere"),
        ("repo, workflow", Level.OK, "the token may run it (scope repo)"),
        (
            "repo_deployment",
            Level.FAIL,
            "the token has the scopes repo_deployment, and may not run deploy.yml",
        ),
        ("", Level.FAIL, "the token has the scopes (none), and may not run deploy.yml"),
    ],
)
async def test_of_a_token_is_said_what_its_scopes_tell_and_of_a_fine_grained_one_what_nobody_tells(
    world, scopes, level, words
):
    world.github.scopes = scopes

    (found,) = await world.target(token=SecretStr(TOKEN)).examine()

    assert found.level is level
    assert words in found.words


@pytest.mark.parametrize("token", ["writes", "reads"])
def test_ready_is_red_for_a_token_of_somebody_who_may_only_read(tmp_path, token):
    kind = BESIDE["github_actions"]
    stage, move = standing(kind)

    row = asyncio.run(the_row(kind, stage, move, tmp_path, token))

    red = [each.words for each in row.findings if each.level is Level.FAIL]
    assert bool(red) is (token == "reads")
    assert all("whoever made the token may only read acme/shop" in words for words in red)
