"""What forbids that the machine moves a service by itself softens `auto` to asking, and people read why."""

import pytest

from deploy.model import PartChange, Phase
from tests.builders import (
    NOON,
    a_breach,
    a_deployment,
    a_ledger,
    a_live,
    a_policy,
    a_question,
    a_release,
    a_service,
    a_watch,
    an_announcement,
    minutes,
    seconds,
    some_facts,
)
from tests.watcher.core.taken import due, intake, judged, obstructed
from watcher.core.intake import Known, Part
from watcher.core.service import Asking, Mode, Speak, Then
from watcher.core.watch import Doubtful, State
from watcher.core.wording import Event, notice, story

HOOK = "a hook waits for a person at every deployment: remove the hook, or let a program answer it"
CODEDEPLOY = "CodeDeploy moves it: CodeDeploy is not a target of this version"
SERVED = a_ledger("v41", "v42", passed=("v42",))
FACTS = some_facts()


def opened(policy=None, *, obstacles=(HOOK,), living=None, ledger=SERVED, part="service"):
    service = a_service(policy or a_policy())
    parts = [Part(part, a_release("v43"), ledger, a_live("v43", obstacles=obstacles))]
    return intake(an_announcement(Phase.COMPLETE), parts, Known(service, living), NOON, "w_2").step


# ------------------------------------------------------------------------------------------------------------ opening


def test_a_watch_that_is_opened_under_an_obstacle_asks_though_the_mode_is_auto():
    watch = opened().watch

    assert watch.obstacles == (HOOK,)
    assert (watch.policy.mode, watch.mode) == (Mode.AUTO, Mode.ASK)


@pytest.mark.parametrize("mode", [Mode.ASK, Mode.SHADOW])
def test_a_softer_mode_stays_what_it_is(mode):
    assert opened(a_policy(mode)).watch.mode is mode


def test_without_an_obstacle_auto_is_auto():
    assert opened(obstacles=()).watch.mode is Mode.AUTO


def test_its_opening_says_why_and_is_not_quiet():
    (message,) = opened().messages

    assert (message.kind, message.notice.event) == ("show", "watch.obstructed")
    assert message.notice.headline == (
        "checkout · production: v43 is watched, and if it breaches a person is asked, although the mode is auto"
    )
    assert message.notice.lines[0] == f"Nothing is moved here by itself: {HOOK}"
    assert message.notice.facts["mode"] == "ask"


def test_where_nothing_would_be_moved_by_itself_anyway_it_is_a_line_of_the_opening():
    (message,) = opened(a_policy(Mode.SHADOW, speak=Speak.ALL)).messages

    assert message.notice.event == "watch.opened"
    assert f"Nothing is moved here by itself: {HOOK}" in message.notice.lines


@pytest.mark.parametrize("event", [Event.RETURNING, Event.NOT_COMPARABLE])
def test_every_other_opening_says_it_too(event):
    said = notice(event, a_watch(obstacles=(HOOK,), returning="rolled back"), NOON, FACTS)

    assert f"Nothing is moved here by itself: {HOOK}" in said.lines


def test_two_parts_with_one_obstacle_say_it_once():
    parts = [
        Part(name, a_release("v43"), SERVED, a_live("v43", obstacles=(HOOK,)))
        for name in ("service", "worker")
    ]
    service = a_service(parts=("service", "worker"))

    step = intake(an_announcement(Phase.COMPLETE), parts, Known(service), NOON, "w_2").step

    assert step.watch.obstacles == (HOOK,)


def test_a_part_that_is_taken_over_is_taken_over_with_its_obstacle():
    worker = PartChange("worker", a_release("v42"), a_release("v43"))
    living = a_watch(deployment=a_deployment(parts=(worker,)), obstacles=(CODEDEPLOY,))

    assert opened(living=living).watch.obstacles == (HOOK, CODEDEPLOY)


def test_what_stood_in_the_way_of_a_deployment_that_is_over_is_read_anew():
    living = a_watch(deployment=a_deployment("v9"), obstacles=(CODEDEPLOY,))

    assert opened(living=living).watch.obstacles == (HOOK,)


# ------------------------------------------------------------------------------------------------------------- a breach


def test_a_breach_asks_and_the_question_says_why():
    step = judged(a_watch(obstacles=(HOOK, CODEDEPLOY)), a_breach(), None, NOON, FACTS)

    assert step.watch.state is State.ASKING
    assert step.actions == ()
    assert step.watch.question.because == (Doubtful.OBSTACLE,)
    assert step.watch.question.words == f"{HOOK} · {CODEDEPLOY}"
    assert HOOK in step.messages[0].notice.headline


def test_in_the_mode_ask_both_reasons_are_told():
    watch = a_watch(policy=a_policy(Mode.ASK), obstacles=(HOOK,))

    assert judged(watch, a_breach(), None, NOON, FACTS).watch.question.because == (
        Doubtful.OBSTACLE,
        Doubtful.MODE,
    )


def test_shadow_would_have_asked():
    step = judged(a_watch(policy=a_policy(Mode.SHADOW), obstacles=(HOOK,)), a_breach(), None, NOON, FACTS)

    assert step.watch.would_have_asked == HOOK
    assert step.watch.would_have is None


def test_a_countdown_ends_in_a_question():
    watch = a_watch(State.COUNTING_DOWN, obstacles=(HOOK,), countdown_until=NOON)

    step = due(watch, NOON, FACTS)

    assert step.watch.state is State.ASKING


def test_where_nobody_answers_it_stays_though_the_setting_says_that_it_goes_back():
    policy = a_policy(asking=Asking(minutes(5), Then.ROLL_BACK))
    watch = a_watch(
        State.ASKING, policy=policy, obstacles=(HOOK,), question=a_question(expires_at=NOON - seconds(1))
    )

    step = due(watch, NOON, FACTS)

    assert step.watch.state is State.KEPT
    assert HOOK in step.watch.ending.words


# ------------------------------------------------------------------------------------------------------------ seen later


def test_an_obstacle_that_is_seen_later_softens_the_watch_and_is_shown():
    step = obstructed(a_watch(), (HOOK,), NOON, FACTS)

    assert step.watch.mode is Mode.ASK
    assert [(message.kind, message.notice.event) for message in step.messages] == [
        ("show", "watch.obstructed")
    ]


def test_in_a_softer_mode_it_is_remembered_and_changes_nothing_that_people_see():
    step = obstructed(a_watch(policy=a_policy(Mode.ASK)), (HOOK,), NOON, FACTS)

    assert (step.watch.obstacles, step.messages) == ((HOOK,), ())


def test_what_is_known_already_is_no_news():
    assert obstructed(a_watch(obstacles=(HOOK,)), (HOOK,), NOON, FACTS) is None
    assert obstructed(a_watch(), (), NOON, FACTS) is None


def test_one_that_is_gone_again_is_not_forgotten_for_a_mode_can_only_soften():
    step = obstructed(a_watch(obstacles=(HOOK,)), (CODEDEPLOY,), NOON, FACTS)

    assert step.watch.obstacles == (HOOK, CODEDEPLOY)
    assert step.messages == ()


@pytest.mark.parametrize("state", [State.ROLLING_BACK, State.STUCK, State.RECOVERING, State.PASSED])
def test_what_is_decided_already_is_left_alone(state):
    assert obstructed(a_watch(state), (HOOK,), NOON, FACTS) is None


def test_the_story_of_a_watch_tells_them_as_long_as_it_lives():
    line = f"  Nothing is moved here by itself: {HOOK}"

    assert line in story(a_watch(obstacles=(HOOK,)), NOON)
    assert line not in story(a_watch(State.PASSED, obstacles=(HOOK,)), NOON)
