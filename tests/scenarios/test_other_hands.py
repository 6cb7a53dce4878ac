"""What others do to the platform, and what the platform does to us."""

from datetime import timedelta

import pytest

from tests.builders import minutes, seconds
from tests.scenarios.platforms import GivesUp, Hangs, LosesTheAnswer, Refuses
from tests.scenarios.story import known, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_release, a_service, a_world, compared, order, release
from watcher.core.watch import ActionState, State

BAD = release("v2", at=minutes(10), fails=0.05)


def by_hand(tag, at, *, part="service", **how):
    """Somebody puts *tag* there with their own hands."""

    async def puts(stage):
        stage.platforms["checkout", part].goes_to(a_release(tag, part=part), **how)

    return Act(at, puts)


def platform(at, **state):
    async def becomes(stage):
        for name, value in state.items():
            setattr(stage.platforms["checkout", "service"], name, value)

    return Act(at, becomes)


# ---------------------------------------------------------------------------------------------------------- deployments


def test_a_newer_deployment_takes_over_from_an_older_one():
    story = in_virtual_time(
        watched(a_world(release("v2", at=minutes(10)), release("v3", at=minutes(15))), minutes=20)
    )

    assert story.watch_of("v2").state is State.SUPERSEDED
    assert story.watch_of("v2").superseded_by == story.watch_of("v3").id
    assert story.watch_of("v3").state is State.WATCHING


def test_a_newer_deployment_is_compared_with_the_last_known_good_release():
    story = in_virtual_time(
        watched(a_world(release("v2", at=minutes(10)), release("v3", at=minutes(15))), minutes=20)
    )

    assert known(story.watch_of("v3").arms.baseline)["version"] == "v1"
    assert known(story.watch_of("v3").way_back).release.tag == "v1"


def test_a_deployment_by_hand_is_found_by_reading_alone():
    world = a_world(release("v2", at=minutes(10), fails=0.05, announced=False))

    story = in_virtual_time(watched(world, minutes=40))

    assert story.watch.deployment.source == "live"
    assert story.watch.opened_at - story.stage.now().replace(
        hour=12, minute=10, second=0, microsecond=0
    ) <= seconds(45)
    assert story.calls_that_change == ["UpdateService v1"]


def test_a_slow_rollout_is_watched_from_its_beginning_and_bakes_from_its_end():
    world = a_world(release("v2", at=minutes(10), takes=300, announced=False))

    story = in_virtual_time(watched(world, minutes=40))

    assert known(story.watch.complete_at) - story.watch.opened_at >= minutes(4)
    assert story.states() == ["watching", "passed"]
    assert story.entered("passed") >= minutes(30)


def test_a_rollout_that_another_hand_breaks_off_is_the_deployment_of_what_is_put_back():
    world = a_world(release("v2", at=minutes(10), share=1.0), by_hand("v1", minutes(14)))

    story = in_virtual_time(watched(world, minutes=20))

    assert [(watch.tag, watch.state) for watch in story.watches] == [
        ("v2", State.SUPERSEDED),
        ("v1", State.WATCHING),
    ]
    assert story.calls_that_change == []


# --------------------------------------------------------------------------------------------- hands during our rollback


def test_what_a_third_hand_moves_during_our_rollback_is_never_undone():
    world = a_world(BAD, by_hand("v3", minutes(12.3)), takes=60.0)

    story = in_virtual_time(watched(world, minutes=30))

    assert story.watch_of("v2").state is State.SUPERSEDED
    assert story.watch_of("v3").state is State.WATCHING
    assert story.calls_that_change == ["UpdateService v1"]


def test_where_a_third_release_runs_already_nothing_is_sent():
    """It was moved after the last reading, and just before our rollback: the platform is read once more before it is told."""
    world = a_world(BAD, by_hand("v3", minutes(12.15), takes=0))

    story = in_virtual_time(watched(world, minutes=30))

    assert story.states() == ["watching", "rolling_back", "stuck", "superseded"]
    assert story.calls_that_change == []


# ------------------------------------------------------------------------------------------------- the platform says no


def test_a_platform_that_refuses_needs_a_person_who_is_told_how_to_do_it_by_hand():
    world = a_world(BAD, moods=(Refuses("AccessDenied: not yours"),))

    story = in_virtual_time(watched(world, minutes=30))

    assert story.states() == ["watching", "rolling_back", "stuck"]
    notice = next(notice for _, notice in story.told if notice.event == "watch.stuck")
    assert any("AccessDenied: not yours" in line for line in notice.lines)
    assert any("update-service --tag v1" in line for line in notice.lines)
    assert len(story.calls_that_change) == 1


def test_a_platform_that_cannot_just_now_is_asked_again():
    world = a_world(BAD, moods=(Refuses("a deployment is in progress", again_in=timedelta(seconds=30)),))

    story = in_virtual_time(watched(world, minutes=30))

    assert story.watch.state is State.ROLLED_BACK
    assert story.calls_that_change == ["UpdateService v1", "UpdateService v1"]


def test_a_person_orders_a_second_try_where_the_platform_gave_up():
    world = a_world(BAD, order(minutes(20), "roll_back"), moods=(GivesUp("CannotPullContainerError"),))

    story = in_virtual_time(watched(world, minutes=40))

    assert story.states() == [
        "watching",
        "rolling_back",
        "stuck",
        "rolling_back",
        "recovering",
        "rolled_back",
    ]
    assert story.calls_that_change == ["UpdateService v1", "UpdateService v1"]


def test_what_is_finished_by_hand_is_seen_and_followed():
    world = a_world(BAD, by_hand("v1", minutes(20)), moods=(GivesUp("CannotPullContainerError"),))

    story = in_virtual_time(watched(world, minutes=40))

    assert story.states() == ["watching", "rolling_back", "stuck", "recovering", "rolled_back"]
    assert story.calls_that_change == ["UpdateService v1"]


@pytest.mark.parametrize("mood", [LosesTheAnswer(), Hangs()])
def test_a_move_whose_answer_was_lost_is_not_sent_again(mood):
    story = in_virtual_time(watched(a_world(BAD, moods=(mood,)), minutes=30))

    assert story.watch.state is State.ROLLED_BACK
    assert story.calls_that_change == ["UpdateService v1"]


def test_a_move_whose_answer_was_lost_and_that_never_happened_is_not_sent_again_either():
    world = a_world(BAD, moods=(LosesTheAnswer(happens=False),))

    story = in_virtual_time(watched(world, minutes=60))

    assert story.states() == ["watching", "rolling_back", "stuck"]
    assert story.entered("stuck") - story.entered("rolling_back") >= minutes(30)
    assert story.calls_that_change == ["UpdateService v1"]
    assert story.actions[0].state is ActionState.FAILED


def test_a_platform_that_cannot_be_read_is_waited_for():
    world = a_world(BAD, platform(minutes(11), unreadable="throttled"), platform(minutes(20), unreadable=""))

    story = in_virtual_time(watched(world, minutes=40))

    assert minutes(20) < story.rolled_back_at < minutes(21)
    assert len(story.logged("target.unreadable")) == len(story.logged("target.recovered")) == 1


def test_a_platform_that_hangs_delays_no_rollback_of_another_service():
    hung = Act(minutes(9), lambda stage: _hang(stage, "cart"))
    services = a_service(), a_service("cart", compared("cart"))
    bad = BAD, release("v2", at=minutes(10), fails=0.05, of="cart", announced=False)

    usual = in_virtual_time(watched(a_world(*services, *bad), minutes=20))
    story = in_virtual_time(watched(a_world(*services, *bad, hung), minutes=20))

    assert story.rolled_back_at - usual.rolled_back_at <= seconds(5)


async def _hang(stage, service):
    stage.platforms[service, "service"].hangs = True
