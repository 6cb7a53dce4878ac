"""Markers disturb nobody: while all systems that they are put into hang, a rollback is as quick, and they are put afterwards."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from tests.builders import minutes
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.story import Story, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import MINUTE, Act, a_service, a_world, release
from watcher.core.service import Team
from watcher.notify.markers import Board, Marker, What

NAMES = ("datadog", "grafana", "newrelic", "sentry")
TEAM = Team("shop", (CHANNEL, *NAMES), boards=frozenset(NAMES))
BAD = release("v2", at=minutes(10), fails=0.05)
BUCKET = timedelta(seconds=MINUTE)


@dataclass
class Charts:
    """A system that markers are put into. While it hangs nothing is answered, and nothing is refused."""

    who: str
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    put_there: list[tuple[str, What]] = field(default_factory=list)
    remedies: Mapping[int, str] = field(default_factory=dict)
    lag: timedelta = timedelta(0)
    oldest: timedelta | None = None

    def misfit(self, narrowing: str) -> None:
        """Anything fits."""

    async def has(self, marker: Marker, narrowing: str) -> bool:
        self.asked += 1
        await self.answers.wait()
        return marker.id in dict(self.put_there)

    async def put(self, marker: Marker, narrowing: str) -> None:
        self.put_there.append((marker.id, marker.what))

    async def look(self, narrowing: str) -> str:
        return "nobody looks in a story"


def a_story(charts: list[Charts], hang_until: timedelta) -> Story:
    """*charts*: filled with those of the story."""

    async def opens(stage: Stage) -> None:
        charts.extend(Charts(name) for name in NAMES)
        stage.notifiers |= {each.who: Board(each, stage.now) for each in charts}

    async def answers(_stage: Stage) -> None:
        for each in charts:
            each.answers.set()

    service = replace(a_service(), team=TEAM)
    world = a_world(service, Act(timedelta(0), opens), BAD, Act(hang_until, answers))
    return in_virtual_time(watched(world, minutes=45))


def test_while_all_markers_hang_a_rollback_and_what_people_are_told_of_it_are_no_later_and_all_is_marked_afterwards():
    usual: list[Charts] = []
    hung: list[Charts] = []

    plain = a_story(usual, hang_until=timedelta(0))
    story = a_story(hung, hang_until=minutes(30))

    assert story.states() == plain.states() == ["watching", "rolling_back", "recovering", "rolled_back"]
    assert story.entered("rolling_back") - plain.entered("rolling_back") < BUCKET
    assert story.rolled_back_at - plain.rolled_back_at < BUCKET
    assert story.rolled_back_at < minutes(30)
    assert story.events == plain.events
    late = [at - then for (at, _), (then, _) in zip(story.told, plain.told, strict=True)]
    assert max(late) < BUCKET
    for before, after in zip(usual, hung, strict=True):
        assert [what for _, what in after.put_there] == [What.DEPLOYMENT, What.ROLLBACK]
        assert after.put_there == before.put_there
        assert 1 < after.asked < 30
    delayed = [line for line in story.logged("message.delayed") if line["channel"] in NAMES]
    assert {line["channel"] for line in delayed} == set(NAMES)
    assert {line["words"] for line in delayed} == {"no answer within 20 s"}
    assert len({(line["message"], line["channel"]) for line in delayed}) <= len(delayed) < 30 * len(NAMES)
    assert not story.bugs
