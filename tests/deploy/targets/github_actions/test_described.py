"""The small GitHub is held to GitHub's own description: what it would not take fails there, and so does what it would not tell."""

import aiohttp
import pytest

from tests.fakes.github import TOKEN

REPO = "/repos/acme/shop"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{REPO}/actions/workflows/deploy.yml/dispatches", {"inputs": {}}),
        (f"{REPO}/actions/workflows/deploy.yml/dispatches", {"ref": "v1", "tag": "v1"}),
        (f"{REPO}/actions/runs/1/deployment_protection_rule", {"environment_name": "production"}),
        (
            f"{REPO}/actions/runs/1/deployment_protection_rule",
            {"environment_name": "production", "state": "passed"},
        ),
        (f"{REPO}/statuses/{'0' * 40}", {"state": "in_progress"}),
    ],
)
async def test_what_github_would_not_take_is_a_bug_of_whoever_sends_it(world, path, body):
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with session.post(f"{world.url}/api{path}", json=body, headers=headers) as answer:
            assert answer.status == 500


async def test_what_github_would_not_tell_is_a_bug_of_the_fake(world):
    world.runs("v2")
    world.actions.state = "asleep"

    (found,) = await world.target().examine()

    assert "HTTP 500" in found.words
