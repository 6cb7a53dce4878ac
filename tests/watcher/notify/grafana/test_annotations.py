"""Annotations of Grafana: one for each marker, found before it is made, and never at the cost of anything else."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import SecretStr, ValidationError

from deploy.model import Level
from tests.fakes.faults import says, serving
from tests.fakes.grafana import TOKEN, VIEWER, Grafana, app
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START
from tests.watcher.notify.markers.scene import ACTION, PUBLIC_URL, QUICK, WATCH, shown
from watcher.notify.grafana import Settings
from watcher.notify.markers import Board
from watcher.notify.notifier import Later, Never, Opening, Told
from watcher.notify.registry import NOTIFIERS

LATER = START + timedelta(minutes=5)


@contextlib.asynccontextmanager
async def a_grafana(token: str = TOKEN) -> AsyncIterator[tuple[Grafana, Board]]:
    grafana = Grafana(lambda: START)
    async with serving_app(app(grafana)) as port, http_to_loopback(lambda: LATER) as http:
        settings = Settings(url=f"http://127.0.0.1:{port}/", token=SecretStr(token), timeout=QUICK)
        opening = Opening(http, lambda: LATER, public_url=PUBLIC_URL)
        async with NOTIFIERS["grafana"].open(settings, opening) as board:
            assert isinstance(board, Board)
            yield grafana, board


async def test_a_watch_is_marked_once_when_it_begins_and_once_when_it_goes_back():
    async with a_grafana() as (grafana, board):
        ref = None
        for number, state in enumerate(
            ("watching", "counting_down", "rolling_back", "recovering", "rolled_back")
        ):
            telling = await board.tell(shown(state, START + timedelta(minutes=number)), "", ref)
            assert isinstance(telling, Told)
            ref = telling.ref

        deployment, rollback = grafana.log
        assert (deployment.at, rollback.at) == (START, START + timedelta(minutes=2))
        assert deployment.tags == (
            "rollbackd",
            "deployment",
            "service:checkout",
            "environment:production",
            f"marker:{WATCH}",
            "release:v43",
        )
        assert {"rollback", f"marker:{ACTION}", "release:v42"} <= set(rollback.tags)
        assert rollback.text.splitlines() == [
            "checkout · production: rolling back from v43 to v42",
            "checkout · production: rolling_back",
            f'<a href="{PUBLIC_URL}/v1/watches/{WATCH}">{WATCH}</a>',
        ]
        assert len(grafana.asked) == 4  # two were looked for and made: of what is remembered nothing is asked


async def test_what_was_made_and_not_remembered_is_found():
    async with a_grafana() as (grafana, board):
        grafana.lost = 1
        first = await board.tell(shown(), "", None)
        second = await board.tell(shown(), "", None)

    assert isinstance(first, Later)
    assert second == Told(WATCH)
    assert len(grafana.log) == 1


async def test_on_a_dashboard_that_is_named_and_on_all_it_is_made_apart():
    async with a_grafana() as (grafana, board):
        for narrowing in ("shop", "cart", "", "shop"):
            assert isinstance(await board.tell(shown(), narrowing, None), Told)

    assert [each.dashboard for each in grafana.log] == ["shop", "cart", ""]


async def test_what_people_wrote_is_text_and_no_tag_of_another():
    async with a_grafana() as (grafana, board):
        message = shown(
            headline="<script>alert(1)</script>", service="a:b, c" + "x" * 200, facts={"tag": "v1:2 "}
        )
        for _ in range(2):
            assert isinstance(await board.tell(message, "", None), Told)

    (made,) = grafana.log
    assert "<script>" not in made.text
    assert "&lt;script&gt;" in made.text
    assert "release:v1_2_" in made.tags


@pytest.mark.parametrize(("token", "words"), [("glsa_old", "make a new one"), (VIEWER, "annotations:create")])
async def test_a_token_that_is_of_no_use_is_told_with_what_to_do(token, words):
    async with a_grafana(token) as (_, board):
        telling = await board.tell(shown(), "", None)

    assert isinstance(telling, Never)
    assert words in telling.words
    assert token not in telling.words


async def test_a_dashboard_that_is_not_there_is_told_as_that():
    async with a_grafana() as (_, board):
        telling = await board.tell(shown(), "none", None)
        misspelt = await board.tell(shown(), "no/uid", None)
        found = await board.examine(["none", "no/uid"])

    assert isinstance(telling, Never)
    assert "is the dashboard there" in telling.words
    assert isinstance(misspelt, Never)
    assert [each.level for each in found] == [Level.FAIL, Level.FAIL]


async def test_a_grafana_that_was_down_gets_both_marks_at_their_times():
    async with a_grafana() as (grafana, board):
        grafana.down = 1
        down = await board.tell(shown("watching"), "", None)
        up = await board.tell(shown("rolling_back", LATER), "", None)

    assert isinstance(down, Later)
    assert up == Told(f"{WATCH} {ACTION}")
    assert [each.at for each in grafana.log] == [START, LATER]


async def test_what_is_told_one_by_one_is_not_for_a_chart():
    async with a_grafana() as (grafana, board):
        assert await board.tell(replace(shown(), kind="append"), "", "it") == Told("it")

    assert grafana.asked == []


async def test_a_page_that_says_200_is_no_grafana_and_no_marker_is_taken_for_put():
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</html>"
    async with serving(says(page)) as port, http_to_loopback(lambda: START) as http:
        settings = Settings(url=f"http://127.0.0.1:{port}", token=SecretStr(TOKEN), timeout=QUICK)
        async with NOTIFIERS["grafana"].open(settings, Opening(http, lambda: START)) as board:
            telling = await board.tell(shown(), "", None)

    assert isinstance(telling, Later)
    assert "is the address that of its API?" in telling.words


async def test_looking_writes_nothing():
    async with a_grafana(VIEWER) as (grafana, board):
        (found,) = await board.examine(["shop"])

    assert found.level is Level.OK
    assert "was not tried" in found.words
    assert grafana.asked == ["GET /api/annotations"]


@pytest.mark.parametrize("token", ["", "a b", "a\n", "ß"])
def test_a_token_that_no_header_can_carry_is_refused(token):
    with pytest.raises(ValidationError):
        Settings(url="https://grafana.acme.example", token=SecretStr(token))
