"""What an announcement says of a rollout that the daemon moves forward: at which stage it stands, and who is told."""

from dataclasses import replace

import pytest

from deploy.model import Live, Pause, Phase
from tests.builders import NOON, a_ledger, a_policy, a_release, a_service, a_watch, an_announcement, minutes
from tests.watcher.core.taken import intake
from watcher.core.intake import READING, Known, Opened, Part, Recorded
from watcher.core.service import Hooks, Mode, Rollout, Stage
from watcher.core.watch import AtStage, State

STAGES = Rollout(stages=(Stage(0.05), Stage(0.25), Stage(1.0)))
HOOKS = Rollout(hooks=Hooks.ANSWER)
PAUSE = Pause("hook-1", "AFTER_A_TENTH")
V42, V43 = a_release("v42"), a_release("v43")
TWENTIETH = Live(V42, V43, {"sha256:v42": 0.95, "sha256:v43": 0.05})
SERVED = a_ledger("v41", "v42", passed=("v42",))


def meant(
    rollout=STAGES,
    live=TWENTIETH,
    phase=Phase.COMPLETE,
    *,
    mode=Mode.AUTO,
    living=None,
    last=None,
    tag="v43",
    **more,
):
    service = a_service(a_policy(mode, rollout=rollout))
    part = Part("service", a_release(tag), SERVED, live)
    known = Known(service, living, last)
    return intake(an_announcement(phase, **more), [part], known, NOON, "w_2", "a_1")


def heard(*args, **said):
    return meant(*args, **said).step


def events(step):
    return [message.notice.event for message in step.messages]


def test_a_pipeline_that_is_done_with_the_first_stage_has_begun_a_rollout():
    watch = heard().watch

    assert (watch.traffic_at, watch.complete_at) == (NOON, None)
    assert watch.at == AtStage(NOON, "service", 0.05, before=V42)
    assert (watch.stages, watch.stage) == (STAGES.stages, 0)


def test_one_that_gave_it_everything_at_once_is_at_its_last_stage():
    told = heard(live=Live(V43, None, {"sha256:v43": 1.0})).watch
    seen = heard(live=Live(V43), phase=Phase.STARTED).watch

    assert (told.complete_at, told.stage, told.at) == (NOON, 2, None)
    assert (seen.complete_at, seen.stage) == (NOON, 2)


def test_news_of_one_that_is_watched_does_not_make_it_complete_either():
    living = a_watch(complete_at=None, policy=a_policy(rollout=STAGES), stages=STAGES.stages)

    step = heard(living=living)

    assert step.watch.complete_at is None
    assert step.watch.at.share == 0.05


def test_a_share_of_no_stage_is_left_for_the_next_reading_which_asks():
    tenth = replace(TWENTIETH, shares={"sha256:v42": 0.9, "sha256:v43": 0.1})

    assert heard(live=tenth).watch.at is None


def test_a_hook_that_is_answered_is_no_news_for_people_and_is_where_it_stands():
    step = heard(HOOKS, replace(TWENTIETH, pause=PAUSE), Phase.PAUSED, pause=PAUSE)

    assert step.watch.at.pause == PAUSE
    assert events(step) == []


def test_in_shadow_a_person_answers_and_is_told():
    step = heard(HOOKS, replace(TWENTIETH, pause=PAUSE), Phase.PAUSED, pause=PAUSE, mode=Mode.SHADOW)

    assert events(step) == ["watch.paused"]
    assert step.watch.at.pause == PAUSE


def test_a_way_back_that_waits_where_its_target_answers_is_no_news_for_people():
    living = a_watch(State.ROLLING_BACK, since=NOON - minutes(1))
    back = Live(V43, V42, {"sha256:v43": 1.0, "sha256:v42": 0.0})

    silent = heard(HOOKS, replace(back, pause=PAUSE), Phase.PAUSED, pause=PAUSE, living=living, tag="v42")
    told = heard(HOOKS, back, Phase.PAUSED, pause=PAUSE, living=living, tag="v42")

    assert silent is None
    assert events(told) == ["watch.paused"]


# -------------------------------------------------------------------------------------------------- after its watch ended

AT_A_TWENTIETH = AtStage(NOON - minutes(90), "service", 0.05, before=V42)
LEFT = a_watch(State.UNPROVEN, complete_at=None, at=AT_A_TWENTIETH, ended_at=NOON - minutes(70))
AT_THE_HOOK = replace(TWENTIETH, pause=PAUSE)


def read(live=TWENTIETH, last=LEFT, phase=Phase.STARTED, source=READING, rollout=STAGES):
    return meant(rollout, live, phase, last=last, source=source)


@pytest.mark.parametrize("state", [State.UNPROVEN, State.PASSED, State.KEPT])
def test_what_a_person_left_at_its_stage_is_not_moved_on_because_it_is_read_there_again(state):
    meaning = read(last=replace(LEFT, state=state))

    assert isinstance(meaning, Recorded)
    assert (meaning.why, meaning.serves) == ("its rollout stands where its watch left it", ())


def test_nor_is_one_that_still_waits_at_the_hook_of_its_question():
    left = replace(LEFT, at=replace(AT_A_TWENTIETH, pause=PAUSE))
    next_hook = replace(AT_THE_HOOK, pause=replace(PAUSE, hook="hook-2"))

    assert isinstance(read(AT_THE_HOOK, left, rollout=HOOKS), Recorded)
    assert isinstance(read(next_hook, left, rollout=HOOKS), Opened)
    assert isinstance(read(TWENTIETH, left, rollout=HOOKS), Opened)


@pytest.mark.parametrize(
    "changes",
    [
        {"source": "http"},  # somebody says that it is deployed
        {"live": replace(TWENTIETH, shares={"sha256:v42": 0.75, "sha256:v43": 0.25})},
        {"live": Live(V43, None, {"sha256:v43": 1.0}), "phase": Phase.COMPLETE},
        {"last": replace(LEFT, at=None)},
        {"last": None},
    ],
)
def test_one_that_was_moved_or_is_deployed_again_is_watched_again(changes):
    assert isinstance(read(**changes), Opened)
