"""Events of Datadog: one for each marker, found before it is posted, by the keys of a connection that metrics are read by, too."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr

from deploy.model import Level
from tests.fakes.datadog import API_KEY, APPLICATION_KEY, Metrics, app_of
from tests.fakes.datadog.events import EventSite, kept
from tests.fakes.datadog.limits import Allowed
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START, World
from tests.watcher.notify.markers.scene import ACTION, PUBLIC_URL, WATCH, shown
from watcher.notify.datadog import tag
from watcher.notify.markers import Board
from watcher.notify.notifier import Later, Never, Opening, Told
from watcher.notify.registry import NOTIFIERS
from watcher.signals.datadog.settings import Settings


@dataclass
class Scene:
    """The site, and our connection to it; one clock is that of both."""

    site: EventSite
    board: Board = field(init=False)

    @property
    def now(self) -> datetime:
        return self.site.world.now

    def passes(self, time: timedelta) -> None:
        self.site.world.now += time


@contextlib.asynccontextmanager
async def a_scene(api_key: str = API_KEY) -> AsyncIterator[Scene]:
    world = World()
    site = EventSite(world, Metrics(world))
    scene = Scene(site)
    async with serving_app(app_of(site)) as port, http_to_loopback(lambda: scene.now) as http:
        settings = Settings(
            url=f"http://127.0.0.1:{port}",
            api_key=SecretStr(api_key),
            application_key=SecretStr(APPLICATION_KEY),
        )
        opening = Opening(http, lambda: scene.now, public_url=PUBLIC_URL)
        async with NOTIFIERS["datadog"].open(settings, opening) as board:
            assert isinstance(board, Board)
            scene.board = board
            yield scene


async def test_a_watch_is_two_events_with_the_tags_by_which_datadog_knows_a_release():
    async with a_scene() as scene:
        ref = None
        for state in ("watching", "asking", "rolling_back", "rolled_back"):
            telling = await scene.board.tell(shown(state, scene.now), "", ref)
            assert isinstance(telling, Told)
            ref = telling.ref
            scene.passes(timedelta(minutes=1))

        deployment, rollback = scene.site.events
        assert (deployment.at, rollback.at) == (START, START + timedelta(minutes=2))
        assert deployment.tags == (
            "rollbackd",
            "deployment",
            "service:checkout",
            "env:production",
            f"rollbackd_marker:{WATCH}",
            "version:v43",
        )
        assert {"version:v42", "rolled_back_version:v43", f"rollbackd_marker:{ACTION}"} <= set(rollback.tags)
        assert rollback.title == "checkout · production: rolling back from v43 to v42"
        assert rollback.text == f"checkout · production: rolling_back\n{PUBLIC_URL}/v1/watches/{WATCH}"
        assert [each.told["alert_type"] for each in scene.site.events] == ["info", "warning"]
        assert {each.told["aggregation_key"] for each in scene.site.events} == {WATCH}
        assert len(scene.site.calls) == 4


async def test_an_event_whose_answer_was_lost_is_looked_for_when_it_can_be_found():
    async with a_scene() as scene:
        scene.site.lost, scene.site.indexed = 1, timedelta(seconds=50)
        first = await scene.board.tell(shown(), "", None)
        assert isinstance(first, Later)
        scene.passes(first.after)
        second = await scene.board.tell(shown(), "", None)

    assert second == Told(WATCH)
    assert len(scene.site.events) == 1


async def test_nobody_is_notified_whatever_people_wrote():
    async with a_scene() as scene:
        await scene.board.tell(
            shown(headline="ask @on-call", service="@all", facts={"author": "ada"}), "", None
        )

        (event,) = scene.site.events
        assert event.mentions == []
        assert "on-call" in event.text


async def test_what_is_too_long_or_of_other_signs_is_taken_and_found_again():
    async with a_scene() as scene:
        message = shown(headline="x" * 5000, service="Ünï: cödé " * 30, facts={"tag": "V1+2 " * 60})
        for _ in range(2):
            assert isinstance(await scene.board.tell(message, "", None), Told)

    assert len(scene.site.events) == 1


@pytest.mark.parametrize("value", ["V1+2", "a:b", "ü", "x" * 300, "v1_", "w_0.1-a/b"])
def test_a_tag_is_written_as_datadog_keeps_it(value):
    assert kept(tag("version", value)) == tag("version", value)


def test_a_release_of_capitals_keeps_its_letters():
    assert tag("version", "V1+2") == "version:v1_2"


async def test_a_deployment_that_is_too_long_ago_is_left_out_and_its_rollback_is_not():
    async with a_scene() as scene:
        scene.passes(timedelta(hours=19))
        telling = await scene.board.tell(shown("rolling_back", scene.now), "", None)

    assert telling == Told(f"{WATCH} {ACTION}")
    assert [each.tags[1] for each in scene.site.events] == ["rollback"]


async def test_a_key_without_the_scope_is_told_with_it_and_nothing_is_posted_blindly():
    async with a_scene() as scene:
        scene.site.scopes = frozenset({"timeseries_query"})
        telling = await scene.board.tell(shown(), "", None)
        (found,) = await scene.board.examine([])

    assert isinstance(telling, Never)
    assert "events_read" in telling.words
    assert APPLICATION_KEY not in telling.words
    assert found.level is Level.FAIL
    assert scene.site.events == []


async def test_a_wrong_key_is_told_and_repeated_nowhere():
    async with a_scene("c" * 32) as scene:
        telling = await scene.board.tell(shown(), "", None)

    assert isinstance(telling, Never)
    assert "c" * 32 not in telling.words


async def test_a_limit_is_waited_for_as_its_headers_say():
    async with a_scene() as scene:
        scene.site.allowed = [Allowed("events", 0, 3600)]
        telling = await scene.board.tell(shown(), "", None)

    assert isinstance(telling, Later)
    assert telling.after == timedelta(hours=1)


async def test_nothing_narrows_it_and_what_is_told_one_by_one_is_not_for_it():
    async with a_scene() as scene:
        narrowed = await scene.board.tell(shown(), "shop", None)
        appended = await scene.board.tell(replace(shown(), kind="append"), "", None)
        (found,) = await scene.board.examine([])

    assert isinstance(narrowed, Never)
    assert appended == Told(None)
    assert found.level is Level.OK
    assert [path for path, _ in scene.site.calls] == ["/api/v2/events/search"]
