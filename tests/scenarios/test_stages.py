"""The daemon moves the traffic itself: from stage to stage while the release is seen well, and back to nothing when it is not."""

import asyncio
from dataclasses import replace

import pytest

from tests.builders import minutes
from tests.scenarios.platforms import LosesTheAnswer, Refuses
from tests.scenarios.rollouts import UNHURRIED, Sharing, rolled_out, shares_out
from tests.scenarios.signals import Dark
from tests.scenarios.story import Story, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import a_service, a_world, an_objective, at, compared, together
from watcher.core.service import Asking, Bake, Mode, Rollout, Stage
from watcher.core.watch import State
from watcher.errors import OrderRefused

SHARED = Rollout(stages=(Stage(0.05), Stage(0.25), Stage(1.0)), at_least=minutes(2), at_most=minutes(6))
RULES = together(compared(), an_objective())
ALL = ["shift v2 to 0.25", "shift v2 to 1"]


def told(*happens, lasting=17, fails=0.001, share=0.05, policy=None, **settings) -> Story:
    plain = {"rollout": SHARED, "bake": Bake(minutes(3), minutes(60))}
    service = a_service(rules=RULES, **{**plain, **(policy or {})})
    first = rolled_out("v2", when=minutes(1), fails=fails, share=share)
    world = a_world(
        service, first, *happens, **settings, rate=200.0, settings={"kind": Sharing, "pace": UNHURRIED}
    )
    return in_virtual_time(watched(world, minutes=lasting))


def ordered(order, when, **said):
    async def do(stage):
        await stage.order("checkout", order=order, reason="I looked", **said)

    return at(minutes(when), do)


def blind(start, end):
    return Dark("unavailable", start, end)


def test_a_good_release_goes_through_all_stages_and_passes():
    story = told()

    assert story.calls_that_change == ALL
    assert story.watch.state is State.PASSED
    assert story.watch.stage == 2
    assert story.events == []


def test_a_bad_release_is_taken_back_from_its_first_stage():
    story = told(fails=0.2)

    assert story.calls_that_change == ["UpdateService v1"]
    assert story.watch.state is State.ROLLED_BACK
    assert story.rolled_back_at <= minutes(6)


def test_one_that_gets_bad_at_a_later_stage_is_taken_back_from_there():
    async def gets_bad(stage):
        stage.traffic["checkout"].usual["v2"] = 0.2

    story = told(at(minutes(4.5), gets_bad), lasting=20)

    assert story.calls_that_change == ["shift v2 to 0.25", "UpdateService v1"]
    assert story.watch.state is State.ROLLED_BACK


def test_the_promise_holds_over_all_stages_together():
    """Both get worse alike, at every stage, while the shares change: that is no fault of the release."""

    def both(fails):
        async def do(stage):
            stage.traffic["checkout"].usual |= {"v1": fails, "v2": fails}

        return do

    worse = [at(minutes(2.5 + number), both(0.001 * 2**number)) for number in range(4)]
    story = told(*worse, policy={"rollout": replace(SHARED, at_least=minutes(1))})

    assert story.watch.breach is None
    assert story.calls_that_change == ALL


def test_while_nothing_can_be_seen_it_stays_at_its_stage_and_a_person_is_asked():
    story = told(blind(100, 6000), lasting=12)

    assert story.calls_that_change == []
    assert story.watch.state is State.ASKING
    assert "v2 stays at 5 % of the traffic. A person is needed" in story.headlines[-1]


def test_a_question_that_nobody_answers_leaves_it_at_its_share():
    story = told(blind(100, 6000), policy={"asking": Asking(minutes(3))}, lasting=12)

    assert story.calls_that_change == []
    assert story.watches[0].state is State.UNPROVEN
    assert (
        "v2 was left at 5 % of the traffic, neither proven nor refuted: nobody answered"
        in story.headlines[-1]
    )


def test_a_person_may_say_that_it_goes_on():
    story = told(ordered("advance", 1.8), lasting=4)

    assert story.calls_that_change == ALL[:1]
    assert story.actions[0].action.ordered_by == "local"
    assert story.actions[0].action.queued_at < story.watch.opened_at + minutes(1)


def test_while_it_is_held_nothing_goes_forward_and_then_it_does():
    story = told(ordered("hold", 2, **{"for": "10m"}), ordered("resume", 8), lasting=22)

    assert [each.action.queued_at >= story.watch.opened_at + minutes(6) for each in story.actions] == [
        True,
        True,
    ]
    assert story.watch.state is State.PASSED


def test_a_hold_that_comes_while_it_is_moved_leaves_it_where_that_ends():
    story = told(ordered("advance", 2), ordered("hold", 2.01, **{"for": "10m"}), lasting=5)

    assert story.watch.state is State.HELD
    assert story.watch.at is not None
    assert story.watch.at.share == pytest.approx(0.25 if story.calls_that_change else 0.05)


def test_another_hand_is_not_fought_and_a_person_is_asked():
    story = told(shares_out("v2", 0.4, when=minutes(2)), lasting=6)

    assert story.calls_that_change == []
    assert story.watch.state is State.ASKING
    assert "another hand has moved it: v2 had 5 % of the traffic, and has 40 % now" in story.headlines[-1]


def test_after_another_hand_it_goes_on_from_there_once_a_person_says_so():
    story = told(shares_out("v2", 0.4, when=minutes(2)), ordered("advance", 4), lasting=14)

    assert story.calls_that_change == ["shift v2 to 1"]
    assert story.watch.state is State.PASSED


def test_a_hand_that_does_what_was_next_is_welcome():
    story = told(shares_out("v2", 0.25, when=minutes(2)))

    assert story.calls_that_change == ALL[1:]
    assert story.watch.state is State.PASSED


def test_a_release_that_comes_with_a_share_of_none_of_its_stages_is_asked_about():
    story = told(share=0.1, lasting=4)

    assert story.calls_that_change == []
    assert "v2 goes through 5 %, 25 %, 100 % of the traffic, and has 10 % now" in story.headlines[-1]


def test_one_that_comes_with_all_the_traffic_has_nothing_more_to_be_moved():
    story = told(share=1.0, lasting=7)

    assert story.calls_that_change == []
    assert story.watch.at is None
    assert story.watch.stage == 2
    assert isinstance(told(ordered("advance", 3), share=1.0, lasting=4).answers[0], OrderRefused)


def test_a_newer_deployment_ends_it():
    async def newer(stage):
        stage.traffic["checkout"].usual["v3"] = 0.001
        await rolled_out("v3", when=minutes(2), share=0.05).do(stage)

    story = told(at(minutes(2), newer), lasting=17)

    assert story.watch_of("v2").state is State.SUPERSEDED
    assert story.calls_that_change == ["shift v3 to 0.25", "shift v3 to 1"]


def test_where_the_mode_is_to_ask_each_stage_asks_and_where_only_the_way_back_asks_it_goes_on():
    asks = told(policy={"mode": Mode.ASK}, lasting=6)
    goes = told(policy={"mode": Mode.ASK, "rollout": replace(SHARED, forward=Mode.AUTO)})

    assert asks.calls_that_change == []
    assert "may go on to 25 % of the traffic; the mode of this service is to ask" in asks.headlines[-1]
    assert goes.calls_that_change == ALL


def test_in_shadow_it_is_said_once_a_stage_what_would_have_been_done():
    story = told(shares_out("v2", 0.25, when=minutes(6)), policy={"mode": Mode.SHADOW}, lasting=11)

    assert story.calls_that_change == []
    assert [headline.partition(": ")[2].partition(":")[0] for headline in story.headlines] == [
        "would have moved v2 on to 25 % of the traffic",
        "would have moved v2 on to 100 % of the traffic",
    ]


def test_what_the_platform_refuses_is_told_with_its_words_and_tried_again_by_order():
    story = told(ordered("advance", 9), moods=(Refuses("AccessDenied: lambda:UpdateAlias"),), lasting=20)

    assert "AccessDenied" in story.headlines[0]
    assert story.calls_that_change == [ALL[0], *ALL]
    assert story.watch.state is State.PASSED


@pytest.mark.parametrize("order", [None, "disarm"])
def test_what_was_refused_for_now_is_sent_again_unless_it_was_disarmed_meanwhile(order):
    async def disarm(stage):
        while not stage.platforms["checkout", "service"].calls:  # noqa: ASYNC110
            await asyncio.sleep(1)
        if order:
            await stage.order_service("checkout", order=order, reason="a migration", **{"for": "2h"})

    throttled = Refuses("TooManyRequestsException", minutes(1))
    story = told(at(minutes(1.5), disarm), moods=(throttled,), lasting=7)

    if order is None:
        assert story.calls_that_change[:2] == [ALL[0], ALL[0]]
    else:
        assert story.calls_that_change == [ALL[0]]
        assert story.watch.state is State.ASKING
        assert "it could not be moved on to 25 % of the traffic: rollbackd is disarmed" in story.headlines[-1]


def test_a_lost_answer_is_read_and_nothing_is_sent_twice():
    assert told(moods=(LosesTheAnswer(),)).calls_that_change == ALL


@pytest.mark.parametrize("after", [0.05, 0.45, 4.0])
def test_a_daemon_that_is_killed_goes_on_between_any_two_calls(after):
    """A look takes 0.3 s, and so does the shift after it, which has effect at once."""

    async def die(stage):
        while not await stage.store.actions((await stage.watch_of("checkout")).id):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await asyncio.sleep(after)
        await stage.is_killed_and_born_again()

    story = told(at(minutes(1.5), die))

    assert story.calls_that_change == ALL
    assert story.watch.state is State.PASSED
