"""News that come by a queue: of rollouts, and of those that wait at a hook for somebody's word."""

from dataclasses import replace
from datetime import timedelta

from tests.builders import minutes
from tests.scenarios.queue import Queue, deployment, hook, opened, puts
from tests.scenarios.story import watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_service, a_world, killed, release
from watcher.core.watch import State, Tone

ON_ECS = replace(a_service(), heard_from=("events",))


def by_ecs(tag, at, **how):
    """A rollout that nobody announces but ECS."""
    return release(tag, at=at, announced=False, **how)


def of(story, event):
    return [(at, notice) for at, notice in story.told if notice.event == event]


def test_a_bad_release_that_only_the_queue_tells_of_is_back_as_soon_as_one_that_was_announced():
    bad = by_ecs("v2", minutes(10), fails=0.05)
    heard = [
        puts(minutes(10), deployment("SERVICE_DEPLOYMENT_IN_PROGRESS")),
        puts(minutes(10.05), deployment("SERVICE_DEPLOYMENT_COMPLETED")),
    ]

    story = in_virtual_time(watched(a_world(ON_ECS, opened(), bad, *heard), minutes=40))
    usual = in_virtual_time(watched(a_world(release("v2", at=minutes(10), fails=0.05)), minutes=40))

    assert story.watch.deployment.source == "events"
    assert story.watch.state is State.ROLLED_BACK
    assert story.calls_that_change == ["UpdateService v1"]
    assert story.rolled_back_at - usual.rolled_back_at <= timedelta(seconds=65)  # a bucket
    assert story.bugs == []


def test_news_that_come_ten_times_are_one_watch_and_one_rollback():
    bad = by_ecs("v2", minutes(10), fails=0.05)
    heard = puts(minutes(10), deployment("SERVICE_DEPLOYMENT_COMPLETED"), times=10)

    story = in_virtual_time(watched(a_world(ON_ECS, opened(), bad, heard), minutes=40))

    assert len(story.watches) == 1
    assert story.calls_that_change == ["UpdateService v1"]
    assert (
        len([row for row in story.audit if row.what == "announcement.accepted"]) <= 3
    )  # and two of our own reading


def test_a_daemon_that_is_killed_with_news_in_hand_hears_of_them_again():
    async def takes(stage):
        _, queue = stage.feeds["events"]
        assert isinstance(queue, Queue)
        await queue.receive()  # whoever takes them dies, and tells nobody

    heard = [puts(minutes(10), deployment("SERVICE_DEPLOYMENT_COMPLETED")), Act(minutes(10), takes)]

    story = in_virtual_time(
        watched(
            a_world(ON_ECS, opened(minutes(9.9)), by_ecs("v2", minutes(9.8)), *heard, killed(minutes(10))),
            minutes=12,
        )
    )

    assert len(story.watches) == 1
    _, queue = story.stage.feeds["events"]
    assert isinstance(queue, Queue)
    assert queue.lies == {}


# ------------------------------------------------------------------------------------------------------------------ paused


def test_a_rollout_that_waits_at_a_hook_is_told_loudly_and_once():
    slow = by_ecs("v2", minutes(10), share=0.5, takes=1200)
    heard = [puts(minutes(11), hook(), times=3), puts(minutes(15), hook())]

    story = in_virtual_time(watched(a_world(ON_ECS, opened(), slow, *heard), minutes=25))

    ((at, notice),) = of(story, "watch.paused")
    assert minutes(11) <= at <= minutes(11.5)
    assert notice.tone is Tone.ALARM
    assert notice.headline == (
        "checkout · production: v2 is paused at PRE_PRODUCTION_TRAFFIC_SHIFT, and waits for somebody's word until "
        "12:41:00 UTC"
    )
    assert any(
        "aws ecs continue-service-deployment" in line and "--action CONTINUE" in line for line in notice.lines
    )
    assert len(story.watches) == 1


def test_each_hook_of_a_rollout_in_steps_is_told():
    slow = by_ecs("v2", minutes(10), share=0.5, takes=1200)
    heard = [puts(minutes(11 + step), hook(f"ecs-pause-{step}")) for step in range(3)]

    story = in_virtual_time(watched(a_world(ON_ECS, opened(), slow, *heard), minutes=25))

    assert len(of(story, "watch.paused")) == 3


def test_a_pause_that_is_heard_of_when_it_is_over_is_told_to_nobody():
    slow = by_ecs("v2", minutes(10), share=0.5, takes=1200)

    story = in_virtual_time(
        watched(a_world(ON_ECS, opened(), slow, puts(minutes(11), hook(lasting=-minutes(1)))), minutes=15)
    )

    assert of(story, "watch.paused") == []
    assert len(story.watches) == 1


def test_our_own_rollback_that_waits_at_a_hook_is_told_and_goes_on():
    bad = by_ecs("v2", minutes(10), fails=0.05)
    world = a_world(
        ON_ECS,
        opened(),
        bad,
        puts(minutes(10), deployment("SERVICE_DEPLOYMENT_COMPLETED")),
        puts(minutes(14), hook()),
        takes=600.0,
    )

    story = in_virtual_time(watched(world, minutes=40))

    ((_, notice),) = of(story, "watch.paused")
    assert "the way back to v1 is paused" in notice.headline
    assert story.states() == ["watching", "rolling_back", "recovering", "rolled_back"]
    assert story.calls_that_change == ["UpdateService v1"]


# --------------------------------------------------------------------------------------------------------------- obstacles

HOOKED = "its deployments pause until somebody answers: take the PAUSE hook out"


def obstructed(at, *obstacles):
    async def becomes(stage):
        stage.platforms["checkout", "service"].obstacles = obstacles

    return Act(at, becomes)


def test_where_something_forbids_it_a_bad_release_is_asked_about_though_the_mode_is_auto():
    bad = release("v2", at=minutes(10), fails=0.05)

    story = in_virtual_time(watched(a_world(obstructed(minutes(0), HOOKED), bad), minutes=20))

    assert story.states() == ["watching", "asking"]
    assert story.calls_that_change == []
    assert HOOKED in next(notice for _, notice in story.told if notice.event == "watch.asked").headline
    (warning,) = story.logged("target.obstructed")
    assert (warning["obstacles"], warning["mode"]) == ([HOOKED], "auto")


def test_one_that_appears_while_it_is_watched_holds_too():
    bad = release("v2", at=minutes(10), fails=0.05)

    story = in_virtual_time(
        watched(a_world(bad, obstructed(minutes(10.5), HOOKED), obstructed(minutes(11.5))), minutes=20)
    )

    assert story.states() == ["watching", "asking"]
    assert story.calls_that_change == []


def test_a_person_may_still_order_it():
    bad = release("v2", at=minutes(10), fails=0.05)
    order = Act(minutes(15), lambda stage: stage.order("checkout", order="roll_back"))

    story = in_virtual_time(watched(a_world(obstructed(minutes(0), HOOKED), bad, order), minutes=30))

    assert story.watch.state is State.ROLLED_BACK
    assert story.calls_that_change == ["UpdateService v1"]
