"""Deploys in Sentry: one for each marker, of a release that goes by the name that its SDK says."""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from deploy.model import Level
from tests.fakes.faults import says, serving
from tests.fakes.sentry import ORGANIZATION, TOKEN, Shop
from tests.fakes.sentry.releases import Releases, app
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START, World
from tests.watcher.notify.markers.scene import ACTION, PUBLIC_URL, WATCH, shown
from watcher.notify.markers import Board
from watcher.notify.notifier import Later, Never, Opening, Told
from watcher.notify.registry import NOTIFIERS
from watcher.signals.sentry.settings import Settings

NAMED = "checkout checkout@${tag}"


@contextlib.asynccontextmanager
async def a_sentry(
    token: str = TOKEN, public_url: str = PUBLIC_URL, **settings: Any
) -> AsyncIterator[tuple[Releases, Board]]:
    releases = Releases(Shop(World()))
    async with serving_app(app(releases)) as port, http_to_loopback(lambda: START) as http:
        given = Settings(
            url=f"http://127.0.0.1:{port}", organization=ORGANIZATION, token=SecretStr(token), **settings
        )
        opening = Opening(http, lambda: START, public_url=public_url)
        async with NOTIFIERS["sentry"].open(given, opening) as board:
            assert isinstance(board, Board)
            yield releases, board


async def test_a_rollback_is_a_deploy_of_the_release_that_is_gone_back_to():
    async with a_sentry() as (releases, board):
        ref = None
        for number, state in enumerate(("watching", "rolling_back", "rolled_back")):
            telling = await board.tell(shown(state, START + timedelta(minutes=number)), NAMED, ref)
            assert isinstance(telling, Told)
            ref = telling.ref

    assert [(each.release, each.name, each.finished) for each in releases.log] == [
        ("checkout@v43", WATCH, START),
        ("checkout@v42", ACTION, START + timedelta(minutes=1)),
    ]
    assert releases.log[0].url == f"{PUBLIC_URL}/v1/watches/{WATCH}"
    assert {each.environment for each in releases.log} == {"production"}


async def test_a_release_that_is_there_already_is_no_mistake_and_its_name_may_hold_any_sign():
    async with a_sentry() as (releases, board):
        releases.projects_of = {"checkout@1.4.2+ab#12": []}
        message = shown(facts={"tag": "1.4.2+ab#12"})
        for _ in range(2):
            assert isinstance(await board.tell(message, NAMED, None), Told)

    assert [each.release for each in releases.log] == ["checkout@1.4.2+ab#12"]


async def test_a_deploy_whose_answer_was_lost_is_found():
    async with a_sentry() as (releases, board):
        releases.lost = 1
        first = await board.tell(shown(), NAMED, None)
        second = await board.tell(shown(), NAMED, None)

    assert isinstance(first, Later)
    assert second == Told(WATCH)
    assert len(releases.log) == 1


async def test_an_address_that_sentry_does_not_take_is_left_out():
    async with a_sentry(public_url="http://rollbackd:8080") as (releases, board):
        assert isinstance(await board.tell(shown(), NAMED, None), Told)

    assert releases.log[0].url is None


@pytest.mark.parametrize("narrowing", ["", "checkout", "checkout v43", "a/b x@${tag}", "checkout a ${tag}"])
async def test_what_says_no_project_and_release_is_told_to_whoever_wrote_it(narrowing):
    async with a_sentry() as (releases, board):
        telling = await board.tell(shown(), narrowing, None)

    assert isinstance(telling, Never)
    assert "checkout@${tag}" in telling.words
    assert releases.asked == []


async def test_services_of_one_team_are_told_apart_by_their_names():
    async with a_sentry() as (releases, board):
        releases.shop.projects["cart"] = 2
        for service in ("checkout", "cart"):
            await board.tell(shown(service=service), "${service} ${service}@${tag}", None)

    assert [(each.project, each.release) for each in releases.log] == [
        ("checkout", "checkout@v43"),
        ("cart", "cart@v43"),
    ]


async def test_a_release_of_several_parts_has_no_name_in_sentry():
    async with a_sentry() as (releases, board):
        telling = await board.tell(shown(facts={"tag": "v1 + v2"}), NAMED, None)

    assert isinstance(telling, Never)
    assert "several parts" in telling.words
    assert releases.log == []


async def test_what_is_refused_is_told_with_what_to_do():
    async with a_sentry() as (releases, board):
        unknown = await board.tell(shown(), "nothing checkout@${tag}", None)
        releases.shop.scopes = frozenset({"org:read"})
        forbidden = await board.tell(shown(), NAMED, None)
        (found,) = await board.examine([NAMED])
    async with a_sentry("sntrys_old") as (_, board):
        wrong = await board.tell(shown(), NAMED, None)

    assert isinstance(unknown, Never)
    assert "is the project right" in unknown.words
    assert isinstance(forbidden, Never)
    assert "project:releases" in forbidden.words
    assert found.level is Level.FAIL
    assert isinstance(wrong, Never)
    assert "sntrys_old" not in wrong.words


async def test_an_authority_that_cannot_be_read_keeps_no_daemon_from_starting():
    async with a_sentry(authority="/nowhere/ca.pem") as (releases, board):
        telling = await board.tell(shown(), NAMED, None)

    assert isinstance(telling, Never)
    assert "authority" in telling.words
    assert releases.asked == []


async def test_a_marker_that_is_refused_does_not_keep_the_next_one_back():
    async with a_sentry() as (releases, board):
        telling = await board.tell(shown("rolling_back", facts={"tag": "v1 + v2"}), NAMED, None)

    assert isinstance(telling, Never)
    assert [each.name for each in releases.log] == [ACTION]


async def test_a_limit_that_ends_in_a_thousand_years_is_believed_for_an_hour():
    page = b"HTTP/1.1 429 No\r\nX-Sentry-Rate-Limit-Reset: 99999999999\r\nContent-Length: 0\r\n\r\n"
    async with serving(says(page)) as port, http_to_loopback(lambda: START) as http:
        given = Settings(url=f"http://127.0.0.1:{port}", organization=ORGANIZATION, token=SecretStr(TOKEN))
        async with NOTIFIERS["sentry"].open(given, Opening(http, lambda: START)) as board:
            telling = await board.tell(shown(), NAMED, None)

    assert isinstance(telling, Later)
    assert telling.after == timedelta(hours=1)
