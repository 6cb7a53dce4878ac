"""Datadog's DORA metrics: a deployment, and that a rollback undid it; each once, whatever becomes of the events beside it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from tests.fakes.datadog import API_KEY, APPLICATION_KEY, Metrics, app_of
from tests.fakes.datadog.dora import DoraSite
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START, World
from tests.watcher.notify.markers.scene import ACTION, PUBLIC_URL, WATCH, shown
from watcher.core.watch import Message
from watcher.notify.datadog import LAG
from watcher.notify.dora import Both
from watcher.notify.notifier import Later, Notifier, Opening, Telling, Told
from watcher.notify.registry import NOTIFIERS
from watcher.signals.datadog.settings import Settings

SCOPES = frozenset({"events_read", "dora_metrics_write"})


@dataclass
class Scene:
    """The site, and our connection to it; one clock is that of both."""

    site: DoraSite
    notifier: Notifier = field(init=False)
    ref: str | None = None

    @property
    def now(self) -> datetime:
        return self.site.world.now

    def passes(self, minutes: float) -> None:
        self.site.world.now += timedelta(minutes=minutes)

    async def tell(self, message: Message) -> Telling:
        """As the courier tells: what is put is remembered."""
        telling = await self.notifier.tell(message, "", self.ref)
        if isinstance(telling, Told):
            self.ref = telling.ref
        return telling

    @property
    def calls(self) -> list[str]:
        return [path for path, _ in self.site.calls if "dora" in path]


@contextlib.asynccontextmanager
async def a_scene(*, dora: bool = True, api_key: str = API_KEY) -> AsyncIterator[Scene]:
    world = World()
    site = DoraSite(world, Metrics(world), scopes=SCOPES)
    scene = Scene(site)
    async with serving_app(app_of(site)) as port, http_to_loopback(lambda: scene.now) as http:
        settings = Settings(
            url=f"http://127.0.0.1:{port}",
            api_key=SecretStr(api_key),
            application_key=SecretStr(APPLICATION_KEY),
            dora=dora,
        )
        opening = Opening(http, lambda: scene.now, public_url=PUBLIC_URL)
        async with NOTIFIERS["datadog"].open(settings, opening) as notifier:
            scene.notifier = notifier
            yield scene


async def test_a_release_that_was_undone_is_a_failed_change_that_a_rollback_remedied():
    async with a_scene() as scene:
        for state in ("watching", "asking", "rolling_back", "recovering", "rolled_back"):
            assert isinstance(await scene.tell(shown(state, scene.now)), Told)
            scene.passes(1)

        bad, back = scene.site.named(f"dora.{WATCH}"), scene.site.named(f"dora.{ACTION}")
        assert len(scene.site.deployed) == 2
        assert {name: bad.told[name] for name in ("service", "env", "version")} == {
            "service": "checkout",
            "env": "production",
            "version": "v43",
        }
        assert bad.told["started_at"] == bad.told["finished_at"] == START.timestamp() * 1000
        assert (back.told["version"], back.failed) == ("v42", False)
        assert bad.failed
        assert scene.site.deployed[bad.remedied_by] is back
        assert scene.site.contradictions == []


async def test_a_rollback_is_told_when_it_serves_and_not_when_it_begins():
    async with a_scene() as scene:
        for state in ("watching", "rolling_back", "stuck"):
            await scene.tell(shown(state, scene.now))
            scene.passes(5)
        assert [each.failed for each in scene.site.deployed.values()] == [False]

        await scene.tell(shown("recovering", scene.now))
        told = scene.site.named(f"dora.{ACTION}").told
        assert told["finished_at"] == (START + timedelta(minutes=15)).timestamp() * 1000


async def test_where_datadog_was_down_the_rollback_ended_when_it_served_and_not_when_it_could_be_told():
    served = START + timedelta(minutes=7)
    async with a_scene() as scene:
        await scene.tell(shown("watching", scene.now))
        scene.passes(5)
        scene.site.down = True
        assert isinstance(
            await scene.tell(shown("recovering", scene.now, {"back_at": served.isoformat()})), Later
        )
        scene.passes(90)
        scene.site.down = False
        late = shown("rolled_back", scene.now, {"back_at": served.isoformat()})
        assert isinstance(await scene.tell(late), Told)

        told = scene.site.named(f"dora.{ACTION}").told
        assert told["finished_at"] == served.timestamp() * 1000


async def test_each_is_told_once_and_the_events_are_there_as_ever():
    async with a_scene() as scene:
        for state in ("watching", "asking", "rolling_back", "recovering", "rolled_back", "rolled_back"):
            await scene.tell(shown(state, scene.now))

        assert (
            len(scene.calls) == 4
        )  # the deployment; the rollback, the deployment by its name, what became of it
        assert [each.tags[1] for each in scene.site.events] == ["deployment", "rollback"]


async def test_a_good_release_is_no_failed_change():
    async with a_scene() as scene:
        for state in ("watching", "passed"):
            await scene.tell(shown(state, scene.now))

        assert [each.failed for each in scene.site.deployed.values()] == [False]


async def test_an_answer_that_was_lost_makes_no_second_deployment_and_no_second_event():
    async with a_scene() as scene:
        scene.site.unanswered, scene.site.indexed = 1, timedelta(seconds=50)
        first = await scene.tell(shown())
        assert isinstance(first, Later)
        assert first.after >= LAG
        scene.passes(first.after / timedelta(minutes=1))
        second = await scene.tell(shown())

        assert second == Told(f"dora.{WATCH} {WATCH}")
        assert len(scene.site.deployed) == 1
        assert len(scene.site.events) == 1


async def test_what_was_taken_and_is_not_found_yet_is_marked_later():
    async with a_scene() as scene:
        scene.site.unfound = 1
        first = await scene.tell(shown("recovering", scene.now))
        assert isinstance(first, Later)
        assert not any(each.failed for each in scene.site.deployed.values())

        second = await scene.tell(shown("recovering", scene.now))
        assert isinstance(second, Told)
        assert scene.site.named(f"dora.{WATCH}").failed


async def test_while_deployments_are_not_taken_events_are():
    async with a_scene() as scene:
        scene.site.down, scene.site.allowed = True, []  # and no limit says when to come again
        first = await scene.tell(shown("recovering"))
        assert isinstance(first, Later)
        assert "503" in first.words
        assert first.after >= LAG  # an event that was put now is found then
        assert len(scene.site.events) == 2

        scene.site.down = False
        scene.passes(2)
        await scene.tell(shown("recovering"))
        assert scene.site.named(f"dora.{WATCH}").failed
        assert len(scene.site.events) == 2


async def test_a_key_that_may_not_write_keeps_no_event_back_and_is_said():
    async with a_scene() as scene:
        scene.site.scopes = frozenset({"events_read"})
        with capture_logs() as logs:
            telling = await scene.tell(shown("recovering"))

        assert isinstance(telling, Told)
        assert len(scene.site.events) == 2
        (said,) = [each for each in logs if each["event"] == "marker.left_out"]
        assert "dora_metrics_write" in said["words"]
        assert APPLICATION_KEY not in repr(logs)


async def test_what_was_rolled_back_by_an_order_and_was_no_deployment_is_marked_as_none():
    async with a_scene() as scene:
        by_order = f"{WATCH}.1.0"
        await scene.tell(shown("recovering", facts={"action": by_order}))

        assert [each.told["version"] for each in scene.site.deployed.values()] == ["v42"]
        assert scene.calls == ["/api/v2/dora/deployment"]


async def test_without_the_setting_none_is_told():
    async with a_scene(dora=False) as scene:
        await scene.tell(shown("rolled_back"))

        assert scene.calls == []
        assert len(scene.site.events) == 2


async def test_it_is_looked_at_and_nothing_is_sent():
    async with a_scene() as scene:
        assert isinstance(scene.notifier, Both)
        found = await scene.notifier.examine([])

        assert len(found) == 2
        assert scene.calls == []


def test_a_site_without_dora_metrics_is_a_mistake():
    with pytest.raises(ValidationError, match=r"ddog-gov\.com has no DORA metrics"):
        Settings(site="ddog-gov.com", api_key=SecretStr("a"), application_key=SecretStr("b"), dora=True)
