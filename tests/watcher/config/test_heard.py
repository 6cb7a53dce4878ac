"""How a service is heard from a source that hears of many: what is wrong is told at its place."""

import pytest

from tests.watcher.config.sample import MAIN, problems

SOURCES = "sources:\n  hub: {github: {secret: {env: S}, repositories: [acme/shop, acme/site]}}\n"


def written(heard: str) -> str:
    return MAIN.replace("sources:\n  http: {http: {}}\n", SOURCES + "  http: {http: {}}\n").replace(
        "heard_from: [http]", f"heard_from: [http, {heard}]"
    )


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("{hub: {repository: acme/shoop, environment: production}}", 'did you mean "acme/shop"?'),
        ("{hub: {repository: other/thing, environment: production}}", "add it there"),
        ("{hub: {repository: acme/shop}}", "environment"),
        ("{hub: {repository: acme, environment: production}}", "repository"),
        ("hub", "write {hub: {repository: acme/shop, environment: production}}"),
        ("{hub: {repository: acme/shop, environment: production, part: nobody}}", "part"),
    ],
)
def test_a_mistake_is_told_with_a_remedy(tmp_path, heard, expected):
    found = problems(tmp_path, written(heard))

    assert any("heard_from[1]" in each and expected in each for each in found), found
