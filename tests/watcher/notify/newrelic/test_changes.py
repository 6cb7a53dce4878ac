"""Events of change tracking in New Relic: one for each marker, on the one application that goes by the name."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from deploy.model import Level
from tests.fakes.faults import says, serving
from tests.fakes.newrelic import KEY
from tests.fakes.newrelic.changes import Changes, app
from tests.fakes.newrelic.graph import NUMBER
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START, World
from tests.watcher.notify.markers.scene import ACTION, PUBLIC_URL, WATCH, shown
from watcher.notify.markers import Board
from watcher.notify.notifier import Later, Never, Opening, Told
from watcher.notify.registry import NOTIFIERS
from watcher.signals.newrelic.settings import Settings

NAMED = "${service}"


@contextlib.asynccontextmanager
async def an_account(key: str = KEY, number: int = NUMBER) -> AsyncIterator[tuple[Changes, Board]]:
    changes = Changes(World())
    async with serving_app(app(changes)) as port, http_to_loopback(lambda: changes.world.now) as http:
        settings = Settings(url=f"http://127.0.0.1:{port}", account=number, key=SecretStr(key))
        opening = Opening(http, lambda: changes.world.now, public_url=PUBLIC_URL)
        async with NOTIFIERS["newrelic"].open(settings, opening) as board:
            assert isinstance(board, Board)
            yield changes, board


async def test_a_watch_is_an_event_of_what_was_deployed_and_one_of_what_was_gone_back_to():
    async with an_account() as (changes, board):
        ref = None
        for state in ("watching", "rolling_back", "rolled_back"):
            telling = await board.tell(shown(state, changes.world.now), NAMED, ref)
            assert isinstance(telling, Told)
            ref = telling.ref
            changes.world.now += timedelta(minutes=1)

    assert [(each.application, each.version, each.at) for each in changes.log] == [
        ("checkout", "v43", START),
        ("checkout", "v42", START + timedelta(minutes=1)),
    ]
    told = changes.log[1].told
    assert told["groupId"] == ACTION
    assert told["shortDescription"] == "checkout · production: rolling back from v43 to v42"
    deployment = told["categoryAndTypeData"]["categoryFields"]["deployment"]
    assert deployment["deepLink"] == f"{PUBLIC_URL}/v1/watches/{WATCH}"
    assert changes.asked == ["count", "create", "count", "create"]


async def test_an_event_whose_answer_was_lost_is_looked_for_when_it_can_be_found():
    async with an_account() as (changes, board):
        changes.lost, changes.indexed = 1, timedelta(seconds=50)
        first = await board.tell(shown(), NAMED, None)
        assert isinstance(first, Later)
        changes.world.now += first.after
        second = await board.tell(shown(), NAMED, None)

    assert second == Told(WATCH)
    assert len(changes.log) == 1


async def test_a_query_that_takes_too_long_is_asked_again_and_nothing_is_made_blindly():
    async with an_account() as (changes, board):
        changes.slow = 1
        telling = await board.tell(shown(), NAMED, None)

    assert isinstance(telling, Later)
    assert changes.log == []


@pytest.mark.parametrize(
    ("named", "words"),
    [("nobody", "exactly one"), ("twice", "found 2"), ("", "${service}"), ("a' OR 1", "${service}")],
)
async def test_a_name_that_is_not_of_one_application_is_told_to_whoever_wrote_it(named, words):
    async with an_account() as (changes, board):
        telling = await board.tell(shown(), named, None)

    assert isinstance(telling, Never)
    assert words in telling.words
    assert changes.log == []


async def test_a_service_whose_name_would_end_the_search_is_none():
    async with an_account() as (changes, board):
        telling = await board.tell(shown(service="x' OR name = 'cart"), NAMED, None)

    assert isinstance(telling, Never)
    assert changes.asked == ["count"]


async def test_a_deployment_of_yesterday_is_left_out():
    async with an_account() as (changes, board):
        changes.world.now += timedelta(hours=25)
        telling = await board.tell(shown("rolling_back", changes.world.now), NAMED, None)

    assert telling == Told(f"{WATCH} {ACTION}")
    assert [each.version for each in changes.log] == ["v42"]


async def test_what_is_refused_is_told_with_what_to_do():
    async with an_account("NRAK-OLD") as (_, board):
        wrong = await board.tell(shown(), NAMED, None)
    async with an_account(number=1) as (changes, board):
        hidden = await board.tell(shown(), NAMED, None)
        (found,) = await board.examine([NAMED])

    assert isinstance(wrong, Never)
    assert "that of a user" in wrong.words
    assert "NRAK-OLD" not in wrong.words
    assert isinstance(hidden, Never)
    assert "correct `account`" in hidden.words
    assert found.level is Level.FAIL
    assert changes.log == []


async def test_whoever_repeats_the_key_does_not_get_it_into_our_words():
    body = b'{"data":null,"errors":[{"message":"no rights for %s"}]}' % KEY.encode()
    page = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with serving(says(page)) as port, http_to_loopback(lambda: START) as http:
        settings = Settings(url=f"http://127.0.0.1:{port}", account=NUMBER, key=SecretStr(KEY))
        async with NOTIFIERS["newrelic"].open(settings, Opening(http, lambda: START)) as board:
            telling = await board.tell(shown(), NAMED, None)

    assert telling == Never(f"New Relic (account {NUMBER}): no rights for ***")
