"""A platform stops its rollout at hooks, and the daemon answers them: on while it is seen well, and back when it is not."""

import asyncio
from dataclasses import replace

import pytest

from tests.builders import minutes
from tests.scenarios.platforms import LosesTheAnswer, Refuses
from tests.scenarios.rollouts import UNHURRIED, Hooking, rolled_out
from tests.scenarios.signals import Dark
from tests.scenarios.story import Story, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import a_service, a_world, an_objective, at, compared, together
from watcher.core.service import Asking, Bake, Hooks, Rollout, Unseen
from watcher.core.watch import State

ANSWERED = Rollout(hooks=Hooks.ANSWER, at_least=minutes(2), at_most=minutes(6))
RULES = together(compared(), an_objective())
ALL = ["answer AFTER_A_TENTH: go on", "answer AFTER_HALF: go on"]


def told(*happens, lasting=17, fails=0.001, policy=None, kind=Hooking, **settings) -> Story:
    plain = {"rollout": ANSWERED, "bake": Bake(minutes(3), minutes(60))}
    service = a_service(rules=RULES, **{**plain, **(policy or {})})
    world = a_world(
        service,
        rolled_out("v2", when=minutes(1), fails=fails),
        *happens,
        **settings,
        settings={"kind": kind, "pace": UNHURRIED},
    )
    return in_virtual_time(watched(world, minutes=lasting))


def blind(start, end):
    return Dark("unavailable", start, end)


def hooking(**changes):
    return lambda *given: Hooking(*given, **changes)


def test_a_good_release_is_let_past_each_hook_and_passes():
    story = told()

    assert story.calls_that_change == ALL
    assert story.watch.state is State.PASSED
    assert [stage.gate for stage in story.watch.stages] == ["AFTER_A_TENTH", "AFTER_HALF", None]
    assert story.events == []  # nobody was needed
    assert {each.state.value for each in story.actions} == {"done"}


def test_each_hook_is_looked_at_for_its_bake():
    story = told()

    first, second = (each.action.queued_at for each in story.actions)
    opened = story.watch.opened_at
    assert first >= opened + minutes(2)
    assert second >= first + minutes(2)


def test_a_bad_release_is_broken_off_at_the_hook():
    story = told(fails=0.2)

    assert story.calls_that_change == ["UpdateService v1"]
    assert story.watch.state is State.ROLLED_BACK
    assert story.rolled_back_at <= minutes(5)


def test_while_nothing_can_be_seen_no_hook_is_answered_and_a_person_is_asked():
    story = told(blind(100, 3600), lasting=12)

    assert story.calls_that_change == []
    assert story.watch.state is State.ASKING
    assert "stays at the hook AFTER_A_TENTH" in story.headlines[-1]


def test_a_person_who_is_asked_may_say_that_it_goes_on():
    async def advance(stage):
        await stage.order("checkout", order="advance", reason="looked at it myself")

    story = told(at(minutes(10), advance), blind(100, 660), lasting=25)

    assert story.calls_that_change == ALL
    assert story.watch.state is State.PASSED
    assert story.actions[0].action.ordered_by == "local"


def test_a_question_that_nobody_answers_leaves_it_to_the_platform():
    story = told(blind(100, 5000), policy={"asking": Asking(minutes(3))}, lasting=12)

    assert story.calls_that_change == []
    assert story.watches[0].state is State.UNPROVEN
    assert "left at the hook" in (story.watches[0].ending or pytest.fail("it has not ended")).words


def test_before_there_is_any_traffic_a_person_is_asked():
    early = hooking(hooks=(("BEFORE_TRAFFIC", 0.0), ("AFTER_A_TENTH", 0.1)))

    story = told(kind=early, lasting=4)

    assert story.calls_that_change == []
    assert story.watch.state is State.ASKING
    assert "before_traffic" in story.headlines[0]


def test_it_goes_on_before_there_is_any_traffic_where_that_is_written():
    early = hooking(hooks=(("BEFORE_TRAFFIC", 0.0), ("AFTER_A_TENTH", 0.1)))

    story = told(kind=early, policy={"rollout": replace(ANSWERED, before_traffic=Unseen.GO_ON)}, lasting=20)

    assert story.calls_that_change == ["answer BEFORE_TRAFFIC: go on", "answer AFTER_A_TENTH: go on"]
    assert story.watch.state is State.PASSED


def test_while_it_is_disarmed_no_hook_is_answered():
    async def disarm(stage):
        await stage.order_service("checkout", order="disarm", reason="a migration", **{"for": "2h"})

    story = told(at(minutes(0), disarm), lasting=10)

    assert story.calls_that_change == []
    assert story.watch.state is State.ASKING
    assert "disarmed" in story.headlines[-1]


def test_a_hook_that_a_person_answers_is_no_matter_any_more():
    async def by_hand(stage):
        stage.platforms["checkout", "service"].goes_on_by_hand()

    story = told(at(minutes(2), by_hand))

    assert story.calls_that_change == ["answer AFTER_HALF: go on"]
    assert story.watch.state is State.PASSED


def test_an_answer_that_was_lost_is_given_again_while_it_still_waits():
    story = told(moods=(LosesTheAnswer(happens=False),))

    assert story.calls_that_change == [ALL[0], *ALL]
    assert story.watch.state is State.PASSED


def test_one_that_arrived_though_its_answer_was_lost_is_not_given_again():
    assert told(moods=(LosesTheAnswer(),)).calls_that_change == ALL


def test_a_platform_that_says_no_is_told_to_a_person():
    story = told(moods=(Refuses("AccessDenied: ecs:ContinueServiceDeployment"),), lasting=9)

    assert story.watch.state is State.ASKING
    assert "AccessDenied" in story.headlines[-1]
    assert story.actions[0].state.value == "failed"


def test_what_a_platform_does_not_hear_is_over_after_its_time_and_asked():
    story = told(kind=hooking(deaf=1), policy={"move_timeout": minutes(4)}, lasting=11)

    assert story.calls_that_change == ALL[:1]
    assert story.watch.state is State.ASKING
    assert "not done after 4 min" in story.headlines[-1]


def test_a_platform_that_loses_patience_rolls_back_and_is_not_fought():
    policy = {"rollout_timeout": minutes(3), "bake": Bake(minutes(1), minutes(3))}
    story = told(blind(100, 6000), kind=hooking(patience=900.0), policy=policy, lasting=25)

    assert story.calls_that_change == ["it rolled back by itself"]
    assert story.states() == ["watching", "asking", "watching", "superseded"]


@pytest.mark.parametrize("after", [0.05, 0.35, 3.0])
def test_a_daemon_that_is_killed_goes_on_with_each_hook_answered_once(after):
    """Each call takes 0.3 s: it dies before, in and after the look, and the answer."""

    async def die(stage):
        while not (await stage.store.actions((await stage.watch_of("checkout")).id)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await asyncio.sleep(after)
        await stage.is_killed_and_born_again()

    story = told(at(minutes(1.1), die))

    assert story.calls_that_change == ALL
    assert story.watch.state is State.PASSED
