"""What the token may do is told before a flag has to be moved, as far as LaunchDarkly tells it."""

import asyncio
import json

import pytest

from deploy.model import Unreadable
from deploy.ports import Got
from deploy.targets.launchdarkly.rights import reads_only
from tests.deploy.targets.launchdarkly.stage import Stage
from tests.fakes.launchdarkly import READER


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_readers_token_is_told_before_it_is_needed_and_nothing_is_tried(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)

    (found,) = stage.run(stage.target(token=READER).examine())
    foretold = stage.run(stage.target(token=READER).foretell(stage.back(on, off)))

    words = "the token has the role reader, which may change no flag: a rollback is refused"
    assert (found.level.value, found.words) == ("warn", words)
    assert words in foretold.obstacles
    assert stage.sent() == 0


def test_a_writers_token_is_let_pass_without_a_word(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)

    (found,) = stage.run(stage.target().examine())

    assert (found.level.value, found.words.partition(" is ")[2]) == ("ok", "on.true")
    assert stage.foretell(on, off).obstacles == ()


def test_of_a_role_of_ones_own_it_is_said_that_it_is_not_known(stage):
    off, on = stage.sets(on=False), stage.sets(on=True)
    stage.world.bypassing = frozenset({"api-own"})

    (found,) = stage.run(stage.target(token="api-own").examine())
    foretold = stage.run(stage.target(token="api-own").foretell(stage.back(on, off)))

    assert found.level.value == "ok"
    assert "whether the token may change it is not known: its rights are those of a role" in found.words
    assert foretold.obstacles == ()  # that it is not known stands in nobody's way


CALLER = {"tokenId": "5f3c"}


@pytest.mark.parametrize(
    ("caller", "token", "found"),
    [
        ((200, CALLER), (200, {"role": "reader"}), "reader"),
        ((200, CALLER), (200, {"role": "no_access"}), "no_access"),
        ((200, CALLER), (200, {"role": "owner"}), ""),
        ((200, CALLER), (200, {"role": "reader", "inlineRole": [{"effect": "allow"}]}), None),
        ((200, CALLER), (200, {"role": "reader", "customRoleIds": ["5f"]}), None),
        ((200, CALLER), (200, {"role": "a new one"}), None),
        ((200, CALLER), (200, {}), None),
        ((200, CALLER), (403, {"code": "forbidden"}), None),
        ((200, CALLER), (200, []), None),
        ((200, {"environmentId": "an SDK key has no token"}), (200, {"role": "reader"}), None),
        ((200, {"tokenId": "../flags/shop"}), (200, {"role": "reader"}), None),
        ((404, {}), (200, {"role": "reader"}), None),
    ],
)
def test_only_what_a_base_role_says_is_taken_for_known(caller, token, found):
    asked = []

    async def ask(path):
        asked.append(path)
        status, body = caller if path == "caller-identity" else token
        return Got(status, {}, json.dumps(body).encode())

    role = asyncio.run(reads_only(ask))

    assert role == found if found is not None else isinstance(role, Unreadable)
    assert set(asked) <= {"caller-identity", "tokens/5f3c"}


def test_where_nobody_answers_it_is_not_known():
    async def ask(_path):
        return Unreadable("nobody answers")

    assert asyncio.run(reads_only(ask)) == Unreadable("nobody answers")
