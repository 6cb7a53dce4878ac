"""What is heard is accounted for: each announcement ends as something, with its reason."""

from tests.builders import hours, minutes
from tests.scenarios.stage import EPOCH
from tests.scenarios.story import watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_release, a_world, release
from watcher.api.problems import Declined

GOOD = release("v2", at=minutes(10))


def announced(moment, tag="v2", service="checkout", **said):
    return Act(moment, lambda stage: stage.announce(service=service, tag=tag, **said))


def closings(story):
    """(state, why) of each announcement, in the order in which they were closed."""
    rows = [
        row
        for row in story.audit
        if row.what.startswith("announcement.") and row.what != "announcement.accepted"
    ]
    return [(row.what.removeprefix("announcement."), row.why) for row in rows]


def test_one_message_that_comes_twice_is_one_announcement():
    twice = [announced(minutes(10.1), id="run-1"), announced(minutes(10.2), id="run-1")]

    story = in_virtual_time(
        watched(a_world(release("v2", at=minutes(10), announced=False), *twice), minutes=12)
    )

    assert len(story.watches) == 1
    assert [answer.duplicate for answer in story.answers] == [False, True]


def test_a_rollout_that_is_announced_by_many_is_one_watch():
    heard = [
        announced(minutes(10.1), id="a", phase="started"),
        announced(minutes(10.2), id="b"),
        announced(minutes(11), id="c"),
    ]

    story = in_virtual_time(watched(a_world(GOOD, *heard), minutes=12))

    assert len(story.watches) == 1
    assert {state for state, _ in closings(story)} <= {"watching", "joined"}


def test_phases_that_arrive_in_the_wrong_order_start_the_clocks_once():
    late_start = announced(minutes(12), id="late", phase="started", at=(EPOCH + minutes(9)).isoformat())

    story = in_virtual_time(watched(a_world(GOOD, late_start), minutes=14))

    assert story.watch.complete_at == EPOCH + minutes(10)


def test_what_is_older_than_a_day_is_turned_away_and_recorded():
    old = announced(minutes(10), id="old", at=(EPOCH - hours(30)).isoformat())

    story = in_virtual_time(watched(a_world(old), minutes=12))

    assert isinstance(story.answers[0], Declined)
    assert story.watches == []
    accepted = [row for row in story.audit if row.what == "announcement.accepted"]
    assert "24 h ago" in accepted[0].why


def test_an_unknown_service_is_turned_away_and_recorded():
    story = in_virtual_time(
        watched(a_world(announced(minutes(10), service="chekout", id="typo")), minutes=12)
    )

    assert "no service chekout" in str(story.answers[0])
    assert story.watches == []


def test_a_part_that_a_service_does_not_have_is_rejected_at_once():
    story = in_virtual_time(watched(a_world(announced(minutes(10), part="worker", id="typo")), minutes=12))

    assert closings(story) == [("rejected", "checkout has no part worker; it has service")]


def test_the_same_release_again_is_a_restart_and_is_not_watched():
    story = in_virtual_time(watched(a_world(announced(minutes(10), tag="v1")), minutes=12))

    assert closings(story) == [("recorded", "the same release serves already: a restart")]
    assert story.watches == []


def test_what_does_not_run_and_is_not_on_its_way_is_recorded():
    async def knows(stage):
        stage.platforms["checkout", "service"].knows(a_release("v9"))

    story = in_virtual_time(
        watched(a_world(Act(minutes(1), knows), announced(minutes(10), tag="v9")), minutes=12)
    )

    assert closings(story) == [("recorded", "older news: it does not run, and is not on its way")]


def test_a_release_that_the_platform_does_not_know_yet_is_looked_up_again():
    early = announced(minutes(9.8), tag="v2", id="early", phase="started")

    story = in_virtual_time(
        watched(a_world(early, release("v2", at=minutes(10), announced=False)), minutes=14)
    )

    assert len(story.watches) == 1
    assert ("watching", "") in closings(story) or ("joined", "") in closings(story)
    assert story.logged("announcement.unresolved") != []


def test_a_release_that_nobody_ever_knows_is_given_up_after_half_an_hour():
    story = in_virtual_time(watched(a_world(announced(minutes(10), tag="v404")), minutes=60))

    assert closings(story) == [("recorded", "nobody could say what it deployed: there is no release v404")]


def test_a_rollout_that_failed_is_recorded_and_what_is_live_is_read_anyway():
    async def knows(stage):
        stage.platforms["checkout", "service"].knows(a_release("v9"))

    failed = announced(minutes(10), tag="v9", phase="failed")

    story = in_virtual_time(watched(a_world(Act(minutes(1), knows), failed), minutes=12))

    assert closings(story) == [
        ("recorded", "the deployment failed, by its source; what is live is read anyway")
    ]
