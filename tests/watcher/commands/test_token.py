"""A new token: the secret once, and the line for the configuration."""

import hashlib

import pytest
import yaml

from tests.watcher.api.daemon import AToken, an_api
from tests.watcher.commands.speaking import run


def test_the_secret_is_data_and_the_line_for_the_configuration_is_words():
    said = run("token", "ci", "--may", "announce", "--may", "read", "--services", "checkout")

    secret = said.out.strip()
    [line] = yaml.safe_load(said.err.strip().splitlines()[-1])
    assert said.status == 0
    assert secret.startswith("rbd_")
    assert len(secret) == 47
    assert secret not in said.err
    assert line == {
        "name": "ci",
        "sha256": hashlib.sha256(secret.encode()).hexdigest(),
        "may": ["announce", "read"],
        "services": ["checkout"],
    }


async def test_a_daemon_that_has_the_line_knows_the_secret():
    made = run("token", "ci", "--json").json

    class Configured(AToken):
        sha256 = made["token"]["sha256"]

    async with an_api(tokens=[Configured("ci", frozenset(made["token"]["may"]))]) as api:
        answer = await api.get("/v1/watches", None, Authorization=f"Bearer {made['secret']}")

    assert answer.status == 200


def test_two_tokens_are_never_alike():
    assert run("token", "ci").out != run("token", "ci").out


@pytest.mark.parametrize("words", [("CI",), ("-rf",), ("ci", "--may", "everything"), ()])
def test_what_is_no_token_is_status_2(words):
    assert run("token", *words).status == 2
