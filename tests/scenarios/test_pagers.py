"""Who is on call is called when somebody is needed, once a deployment, and let go when somebody has answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from pydantic import SecretStr

from tests.builders import minutes
from tests.fakes.pagerduty import ROUTING_KEY, Line, PagerDutyWorld
from tests.scenarios.stage import CHANNEL, EPOCH, Stage
from tests.scenarios.story import Story, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_service, a_world, killed, order, release
from watcher.core.service import Asking, Escalation, Mode, Service, Speak, Team, Then
from watcher.notify.pagerduty.pager import Pager
from watcher.notify.pagerduty.settings import Settings

NAME = "pager"
TEAM = Team("shop", (CHANNEL, NAME))
BAD = release("v2", at=minutes(10), fails=0.05)


def paged(**policy: Any) -> Service:
    return replace(a_service(**policy), team=TEAM)


ASKS: dict[str, Any] = {"mode": Mode.ASK, "asking": Asking(minutes(20), Then.KEEP)}


@dataclass
class OnCall:
    """PagerDuty, as one story has it."""

    def opened(self) -> Act:
        async def opens(stage: Stage) -> None:
            self.world = PagerDutyWorld(stage.now)
            self.line = Line(self.world)
            settings = Settings(routing_key=SecretStr(ROUTING_KEY))
            stage.notifiers[NAME] = Pager(settings, self.line, stage.now)

        return Act(timedelta(0), opens)

    def cut(self, start: timedelta, end: timedelta) -> tuple[Act, ...]:
        """Nobody reaches PagerDuty."""

        def set_to(cut: bool) -> Callable[[Stage], Awaitable[None]]:
            async def sets(_stage: Stage) -> None:
                self.line.cut = cut

            return sets

        return Act(start, set_to(True)), Act(end, set_to(False))

    @property
    def incidents(self) -> list[tuple[str, bool]]:
        """The severity at which each opened, and whether it is over."""
        return [(each.severity, each.resolved_at is not None) for each in self.world.incidents()]


def story_of(on_call: OnCall, *acts: Act, minutes_long: float = 40, **policy: Any) -> Story:
    world = a_world(paged(**policy), on_call.opened(), *acts)
    return in_virtual_time(watched(world, minutes=minutes_long))


def test_a_good_release_calls_nobody_though_all_is_told():
    on_call = OnCall()

    story = story_of(on_call, release("v2", at=minutes(10)), speak=Speak.ALL)

    assert story.states() == ["watching", "passed"]
    assert on_call.incidents == []
    assert not story.bugs


def test_a_rollback_that_helps_is_one_incident_and_over_when_the_watch_ends_whatever_is_killed():
    on_call = OnCall()

    story = story_of(on_call, BAD, killed(minutes(14)), countdown=minutes(3))

    assert story.states()[-1] == "rolled_back"
    assert on_call.incidents == [("error", True)]


def test_whoever_answers_a_question_ends_the_incident_before_the_watch_ends():
    on_call = OnCall()

    story = story_of(on_call, BAD, order(minutes(15), "roll_back"), **ASKS)

    (incident,) = on_call.world.incidents()
    assert story.states() == ["watching", "asking", "rolling_back", "recovering", "rolled_back"]
    assert incident.severity == "critical"
    assert incident.resolved_at is not None
    assert story.watch.ended_at is not None
    assert incident.resolved_at < story.watch.ended_at


def test_a_question_that_is_put_off_lets_go_and_calls_again():
    on_call = OnCall()

    story_of(on_call, BAD, order(minutes(13), "ask_again", lasting="5m"), order(minutes(25), "keep"), **ASKS)

    assert on_call.incidents == [("critical", True), ("critical", True)]


def test_a_question_that_nobody_answers_leaves_the_incident_to_a_person():
    on_call = OnCall()

    story = story_of(on_call, BAD, **ASKS)

    assert story.states() == ["watching", "asking", "kept"]
    assert on_call.incidents == [("critical", False)]


def test_a_page_that_could_not_be_sent_in_time_is_not_sent_when_nobody_is_needed_any_more():
    on_call = OnCall()

    story = story_of(on_call, BAD, order(minutes(15), "keep"), *on_call.cut(minutes(9), minutes(20)), **ASKS)

    assert story.states() == ["watching", "asking", "kept"]
    assert on_call.incidents == []
    assert [each.action for each in on_call.world.log] == ["resolve"]


# ------------------------------------------------------------------------------------------------------------ escalation

LATE = replace(Team("shop", (CHANNEL,)), escalation=Escalation(minutes(5), (NAME,)))


def escalating(on_call: OnCall, *acts: Act) -> Story:
    service = replace(a_service(**ASKS, escalation=LATE.escalation), team=LATE)
    return in_virtual_time(watched(a_world(service, on_call.opened(), *acts), minutes=40))


def test_a_question_that_nobody_answers_calls_who_is_on_call_at_the_time_that_was_told_and_lets_go_at_the_answer():
    on_call = OnCall()

    story = escalating(on_call, BAD, order(minutes(20), "roll_back"))

    (incident,) = on_call.world.incidents()
    (asked_at,) = (at for at, notice in story.told if notice.event == "watch.asked")
    assert incident.opened_at - EPOCH - asked_at < timedelta(minutes=5, seconds=10)
    assert incident.opened_at - EPOCH >= asked_at + minutes(5)
    assert incident.resolved_at is not None
    assert minutes(20) <= incident.resolved_at - EPOCH < minutes(20.2)
    assert any("calls pager" in line for _, notice in story.told for line in notice.lines)
    assert story.states() == ["watching", "asking", "rolling_back", "recovering", "rolled_back"]
    assert not story.bugs


def test_whoever_answers_before_spares_them():
    on_call = OnCall()

    escalating(on_call, BAD, order(minutes(15), "keep"))

    assert on_call.world.log == []
