import pytest
from pydantic import ValidationError

from deploy.targets.github_actions import KIND, Settings

USUAL = {
    "token": "github_pat",
    "repository": "acme/shop",
    "environment": "production",
    "workflow": "deploy.yml",
}
APP = {"id": 1, "installation": 2, "private_key": "PEM"}


def read(**said):
    return KIND.settings.model_validate({**USUAL, **said})


def test_what_is_needed_is_little():
    settings = read()

    assert (settings.given, settings.ref, settings.url) == ({}, None, "https://api.github.com")


def test_with_a_branch_the_tag_is_an_input_where_nothing_else_is_said():
    settings = read(ref="main", tag="payload")

    assert settings.given == {"tag": "${tag}"}


def test_an_app_is_as_good_as_a_token():
    settings = Settings.model_validate({**USUAL, "token": None, "app": APP})

    assert settings.access.app is not None


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"ref": "main"}, "a run of main makes a deployment of main, whatever tag it is given"),
        ({"app": APP}, "either by a token or as an app"),
        ({"token": None}, "either by a token or as an app"),
        ({"repository": "shop"}, "a repository as OWNER/NAME"),
        ({"workflow": ".github/workflows/deploy.yml"}, "the file of a workflow, such as deploy.yml"),
        ({"ref": "refs/heads/main", "tag": "payload"}, "the name of a branch"),
        ({"ref": "--help", "tag": "payload"}, "the name of a branch"),
        ({"inputs": {"rollbackd": "x"}}, "is ours, and is always sent"),
        ({"inputs": {"tag": "${nothing}"}}, "${nothing} is not known here"),
        ({"inputs": {"a b": "x"}}, "String should match pattern"),
        ({"inputs": {f"i{number}": "x" for number in range(25)}}, "at most 24 items"),
        ({"live": {"url": "https://x.example/v", "json": "a..b"}}, "names with dots between them"),
        ({"live": {"url": "https://ada:pw@x.example/", "json": "v"}}, "String should match pattern"),
        ({"environment": "a\nb"}, "the name of an environment"),
        ({"branch": "main"}, "Extra inputs"),
    ],
)
def test_a_mistake_is_told_with_what_to_write(said, words):
    with pytest.raises(ValidationError) as error:
        read(**said)

    assert words in str(error.value)


def test_a_token_is_never_shown():
    assert "github_pat" not in repr(read())
