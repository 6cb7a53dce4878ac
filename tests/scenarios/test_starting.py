"""A pipeline puts a release beside what serves and orders that its rollout begins: the daemon gives it the first stage, too."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from rules.model import Consequence, Indicator, Kind, RuleSet, Threshold
from tests.builders import minutes
from tests.scenarios.platforms import LosesTheAnswer
from tests.scenarios.rollouts import UNHURRIED, Sharing, Warming, begins, rolled_out, stands_by
from tests.scenarios.stage import EPOCH
from tests.scenarios.story import Story, watched
from tests.scenarios.test_stages import RULES, SHARED
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import a_rule, a_service, a_world, at, together
from watcher.api.problems import Declined
from watcher.core.service import Bake, Mode, WarmUp
from watcher.core.watch import State
from watcher.errors import CannotStart
from watcher.http import Answer, Request
from watcher.runtime.inquiry import Connected
from watcher.signals.probe.provider import KIND as PROBES
from watcher.signals.provider import Opening

ALL = ["shift v2 to 0.05", "shift v2 to 0.25", "shift v2 to 1"]
DEPLOYS, BEGINS = stands_by("v2", when=minutes(0.5)), begins("v2", when=minutes(1), reason="run 7")


def told(*happens, lasting=19, policy=None, rollout=SHARED, **settings) -> Story:
    plain = {"rollout": rollout, "bake": Bake(minutes(3), minutes(60))}
    service = a_service(rules=RULES, **{**plain, **(policy or {})})
    world = a_world(service, *happens, **settings, rate=200.0, settings={"kind": Sharing, "pace": UNHURRIED})
    return in_virtual_time(watched(world, minutes=lasting))


def test_a_good_release_is_begun_goes_through_all_stages_and_passes():
    story = told(DEPLOYS, BEGINS)

    assert story.calls_that_change == ALL
    assert story.watch.state is State.PASSED
    assert story.answers[0].first == pytest.approx(0.05)
    assert story.actions[0].action.ordered_by == "local"
    assert [each.action.ordered_by for each in story.actions[1:]] == [None, None]
    assert [(each.what, each.why) for each in story.audit if each.by == "local"] == [
        ("gate.asked", ""),
        ("watch.opened", "start: run 7"),
        ("watch.ordered", "start"),
        ("action.queued", "start"),
    ]


def test_a_bad_one_is_taken_back_from_the_first_stage_and_not_begun_again():
    bad = stands_by("v2", when=minutes(0.5), fails=0.2)
    story = told(bad, BEGINS, begins("v2", when=minutes(10)), lasting=12)

    assert story.calls_that_change == [ALL[0], "UpdateService v1"]
    assert story.watch.state is State.ROLLED_BACK
    assert isinstance(story.answers[1], Declined)
    assert (story.answers[1].kind, story.answers[1].members["gate"][:2]) == ("gate-refused", "g_")


@pytest.mark.parametrize("after", [0.0, 0.45, pytest.param(4.0, marks=pytest.mark.long)])
def test_a_daemon_that_is_killed_at_any_moment_gives_the_first_share_once(after):
    """Just after it has answered; while the call is on its way; after that."""

    async def die(stage):
        while after and not await stage.store.actions((await stage.watch_of("checkout")).id):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await asyncio.sleep(after)
        await stage.is_killed_and_born_again()

    story = told(DEPLOYS, BEGINS, at(minutes(1.001), die), moods=(LosesTheAnswer(),), lasting=3)

    assert story.calls_that_change == ALL[:1]
    assert story.watch.at is not None
    assert story.watch.at.share == pytest.approx(0.05)


def test_what_stands_against_it_is_said_and_nothing_is_moved():
    story = told(
        DEPLOYS,
        begins("v3", when=minutes(0.6)),
        begins("v1", when=minutes(0.7)),
        at(minutes(0.8), lambda stage: stage.order_service("checkout", order="disarm", reason="a migration")),
        begins("v2", when=minutes(0.9)),
        at(minutes(1), lambda stage: stage.order_service("checkout", order="arm")),
        at(minutes(1.1), lambda stage: stage.freeze(**{"for": "1h"})),
        begins("v2", when=minutes(1.2)),
        lasting=2,
    )

    no_v3, serves, _, off, _, _, frozen = story.answers
    assert "there is no release v3" in str(no_v3)
    assert isinstance(serves, CannotStart)
    assert "v1 is what serves already" in str(serves)
    assert "disarmed by local" in str(off)
    assert (frozen.kind, "frozen until" in str(frozen)) == ("at-the-gate", True)
    assert (story.watches, story.calls_that_change) == ([], [])


def test_another_rollout_that_is_under_way_is_not_disturbed_and_in_shadow_it_is_said_what_would_have_been():
    first = rolled_out("v2", when=minutes(1), share=0.05)
    busy = told(first, stands_by("v3", when=minutes(1)), begins("v3", when=minutes(2)), lasting=2.2)
    shadow = told(DEPLOYS, BEGINS, policy={"mode": Mode.SHADOW}, lasting=2)

    assert "another rollout is under way: v2 has 5 % of the traffic beside v1" in str(busy.answers[0])
    assert busy.watch_of("v2").state is State.WATCHING
    assert "it would have given v2 5 % of the traffic, and left the rest to v1" in str(shadow.answers[0])
    assert shadow.calls_that_change == busy.calls_that_change == []


def test_one_that_was_announced_before_is_begun_by_the_watch_that_heard_of_it():
    said = at(minutes(0.7), lambda stage: stage.announce(service="checkout", tag="v2", phase="started"))
    done = at(minutes(1.05), lambda stage: stage.announce(service="checkout", tag="v2", phase="complete"))
    story = told(DEPLOYS, said, BEGINS, BEGINS, done, lasting=3)

    assert story.calls_that_change == ALL[:1]
    assert len(story.watches) == 1
    assert [story.answers[1].begun, story.answers[2].begun] == [False, True]


@pytest.mark.long
def test_a_person_may_take_it_back_before_it_has_begun():
    held = at(minutes(1.002), lambda stage: stage.order("checkout", order="hold"))
    back = at(minutes(2), lambda stage: stage.order("checkout", order="roll_back", reason="not today"))
    story = told(DEPLOYS, BEGINS, held, back, lasting=3)

    assert story.calls_that_change == []
    assert story.watch.goes_to == "v1"
    assert story.watch.state in {State.RECOVERING, State.ROLLED_BACK}


# --------------------------------------------------------------------------------------------------------- warming up

PROBED = json.dumps(
    {
        "urls": ["http://10.0.2.10/health", "http://10.0.2.11/health"],
        "every": "10s",
        "slower_than": "500ms",
        "expect": {"version": {"header": "X-Release", "equals": "${arm.version}"}},
    }
)
HEALTH = RuleSet(
    (Indicator("health", Kind.PROBE, "http", PROBED, compares_arms=False),),
    (a_rule(Threshold(above=0.5), "health", Consequence.TELL),),
)
WARM_UP = WarmUp("health", answers=4, instances=2, within=minutes(3))


@dataclass
class Instances:
    """Those of v2, as they answer their health checks.

    Attributes:
        well_from: When (seconds) both answer well; before that the second one is slow.
        other_from: From then on the second one says that it is of another release, for a minute.
    """

    time: Callable[[], float]
    well_from: float = 0.0
    other_from: float = -1000.0
    asked: int = 0

    async def send(self, request: Request) -> Answer:
        self.asked += 1
        is_second = "10.0.2.11" in request.url
        slow = is_second and self.time() < self.well_from
        other = is_second and 0 <= self.time() - self.other_from < 60
        return Answer(200, {"x-release": "v1" if other else "v2"}, b"ok", 0.9 if slow else 0.05)


def warmed_up(*happens, lasting, cold="", well_from=0.0, other_from=-1000.0, warm_up=WARM_UP) -> Story:
    """The release warms up by the daemon's own probes."""

    async def story() -> Story:
        time = asyncio.get_running_loop().time

        def now() -> datetime:
            return EPOCH + timedelta(seconds=time())

        async def until(at: datetime) -> None:
            await asyncio.sleep(max(0.0, (at - now()).total_seconds()))

        instances: Any = Instances(time, well_from, other_from)
        async with PROBES.open(None, Opening(instances, now, time, until=until)) as provider:
            rollout = replace(SHARED, warm_up=warm_up)
            service = a_service(rules=together(RULES, HEALTH), rollout=rollout)
            settings = {
                "kind": partial(Warming, cold=cold),
                "pace": UNHURRIED,
                "others": {"http": Connected(PROBES, provider)},
            }
            world = a_world(service, DEPLOYS, BEGINS, *happens, rate=200.0, settings=settings)
            return await watched(world, minutes=lasting)

    return in_virtual_time(story())


def test_a_release_is_begun_with_once_every_instance_has_answered_well_and_in_time():
    """A daemon that is killed meanwhile knows how far it was."""
    killed = at(minutes(2.8), lambda stage: stage.is_killed_and_born_again())
    story = warmed_up(killed, well_from=150, lasting=5)

    assert story.calls_that_change[:1] == ALL[:1]
    assert story.actions[0].action.queued_at >= EPOCH + timedelta(seconds=150 + 40 - 10)
    assert story.watch.at is not None
    assert story.bugs == []


@pytest.mark.long
def test_an_instance_that_says_it_is_of_another_release_begins_the_row_anew():
    story = warmed_up(other_from=70, lasting=4)

    assert story.calls_that_change[:1] == ALL[:1]
    assert story.actions[0].action.queued_at >= EPOCH + timedelta(seconds=130 + 40 - 10)


def test_what_does_not_warm_up_never_gets_traffic_and_a_person_is_asked():
    story = warmed_up(well_from=10_000, lasting=6)

    assert story.calls_that_change == []
    assert story.watch.state is State.ASKING
    assert "0 of 4 good answers in a row of the probe health (1 of 2 answers were bad)" in story.headlines[-1]


def test_its_platform_has_to_say_that_it_is_ready_and_what_it_says_is_told():
    async def is_ready(stage):
        stage.platforms["checkout", "service"].cold = ""

    by_platform = WarmUp(within=minutes(2))
    ready = warmed_up(
        at(minutes(2), is_ready), cold="1 of 2 targets are healthy", warm_up=by_platform, lasting=3
    )
    never = warmed_up(cold="1 of 2 targets are healthy", warm_up=by_platform, lasting=4)

    assert ready.calls_that_change == ALL[:1]
    assert ready.watch.staged_at is not None
    assert ready.watch.staged_at > EPOCH + minutes(2)
    assert ready.logged("action.going")[0]["words"] == "service: 1 of 2 targets are healthy"
    assert never.calls_that_change == []
    assert "it was not ready in time: service: 1 of 2 targets are healthy" in never.headlines[-1]


@pytest.mark.long
def test_while_it_warms_up_disarming_keeps_it_from_being_begun():
    async def disarms(stage):
        await stage.order_service("checkout", order="disarm", reason="a migration", **{"for": "2h"})

    async def is_ready(stage):
        stage.platforms["checkout", "service"].cold = ""

    story = warmed_up(
        at(minutes(2), disarms), at(minutes(2.5), is_ready), cold="cold", warm_up=WarmUp(), lasting=4
    )

    assert story.calls_that_change == []
    assert "rollbackd is disarmed by local" in story.headlines[-1]


async def its_platform_is_ready(stage):
    stage.platforms["checkout", "service"].cold = ""


def test_a_freeze_that_begins_while_its_platform_is_waited_for_keeps_it_from_being_begun():
    freeze = at(minutes(2), lambda stage: stage.freeze(**{"for": "1h"}))
    ready = at(minutes(2.5), its_platform_is_ready)
    story = warmed_up(freeze, ready, cold="cold", warm_up=WarmUp(), lasting=3.5)

    assert story.calls_that_change == []
    assert "a freeze began until" in story.headlines[-1]


def test_what_its_probe_says_while_its_platform_is_waited_for_counts_too():
    ready = at(minutes(2.7), its_platform_is_ready)
    story = warmed_up(ready, cold="cold", other_from=150, lasting=5)

    assert story.calls_that_change[:1] == ALL[:1]
    assert story.actions[0].action.queued_at < EPOCH + timedelta(seconds=150)
    assert story.watch.staged_at is not None
    assert story.watch.staged_at >= EPOCH + timedelta(seconds=210 + 40 - 10)
