"""A rollback is a deployment too, and is heard as one. The machine does not answer itself."""

from tests.builders import minutes
from tests.scenarios.stage import FOR_DAYS
from tests.scenarios.story import known, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_service, a_world, an_objective, content, outage, release
from watcher.core.watch import State

BAD = release("v2", at=minutes(10), fails=0.05)


def quarantined(story):
    return [each.release.tag for each in story.ledgers["checkout", "service"].entries if each.quarantined]


def serving(story):
    spans = story.ledgers["checkout", "service"].spans
    return next(span.fingerprint for span in spans if span.end is None)


def test_our_own_rollback_is_read_announced_and_not_watched_anew():
    announced = Act(
        minutes(14), lambda stage: stage.announce(service="checkout", tag="v1", id="rollback-of-v2")
    )

    story = in_virtual_time(watched(a_world(BAD, announced), minutes=60))

    assert [watch.tag for watch in story.watches] == ["v2"]
    assert serving(story) == content("v1")
    assert quarantined(story) == ["v2"]


def test_a_service_does_not_ping_pong_in_a_day_in_which_every_version_fails():
    """From the deployment on everything is at its limit, the release that is gone back to as well."""
    service = a_service(rules=an_objective())
    world = a_world(
        service,
        release("v2", at=minutes(10), share=1.0),
        outage(minutes(10), minutes(60 * 30), fails=0.02),
        settings={"pace": FOR_DAYS},
    )

    story = in_virtual_time(watched(world, minutes=60 * 24))

    assert story.calls_that_change == ["UpdateService v1"]
    assert [watch.tag for watch in story.watches] == ["v2"]


def test_a_rollback_that_did_not_help_says_so_and_blocks_the_release_no_longer():
    service = a_service(rules=an_objective())
    world = a_world(
        service, release("v2", at=minutes(10), share=1.0), outage(minutes(10), minutes(90), fails=0.05)
    )

    story = in_virtual_time(watched(world, minutes=40))

    assert story.watch.state is State.ROLLED_BACK
    assert known(story.watch.ending).recovered is False
    assert quarantined(story) == []
    assert "It was probably not v2" in story.headlines[-1]


def test_a_release_that_was_rolled_back_does_not_come_back_unnoticed_not_even_by_another_name():
    again = release("v2-again", at=minutes(40), fails=0.05, same_as="v2")

    story = in_virtual_time(watched(a_world(BAD, again), minutes=60))

    told = next(notice for at, notice in story.told if at >= minutes(40))
    assert told.event == "release.returned"
    assert "comes back, though it may not" in told.headline
    assert story.calls_that_change == ["UpdateService v1", "UpdateService v1"]


def test_a_release_that_comes_back_and_is_well_is_blocked_no_longer():
    again = release("v2", at=minutes(40))

    story = in_virtual_time(watched(a_world(BAD, again), minutes=80))

    assert [watch.state for watch in story.watches] == [State.ROLLED_BACK, State.PASSED]
    assert quarantined(story) == []
