"""A service of several parts goes back as a whole, part by part, in its order."""

from tests.builders import minutes
from tests.scenarios.platforms import GivesUp, Refuses
from tests.scenarios.story import watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_release, a_service, a_world, release
from watcher.core.watch import State

PARTS = ("api", "worker")
TWO = a_service(parts=PARTS)


def by_hand(tag, at, *parts):
    async def puts(stage):
        for part in parts:
            stage.platforms["checkout", part].goes_to(a_release(tag, part=part))

    return Act(at, puts)


def logged_moves(story):
    return [(line["part"], line["to"]) for line in story.logged("action.begun")]


def test_both_parts_go_back_one_after_the_other():
    story = in_virtual_time(watched(a_world(TWO, release("v2", at=minutes(10), fails=0.05)), minutes=40))

    assert story.watch.state is State.ROLLED_BACK
    assert logged_moves(story) == [("api", "v1"), ("worker", "v1")]
    assert story.calls_that_change == ["UpdateService v1", "UpdateService v1"]
    assert len(story.actions) == 1


def test_a_part_that_was_not_deployed_stays_where_it_is():
    api = release("v2", at=minutes(10), fails=0.05, parts=("api",), part="api")

    story = in_virtual_time(watched(a_world(TWO, api), minutes=40))

    assert story.watch.state is State.ROLLED_BACK
    assert logged_moves(story) == [("api", "v1")]


def test_parts_that_are_deployed_by_hand_one_after_the_other_are_one_suspicion_and_go_back_together():
    first = release("v2", at=minutes(10), fails=0.05, parts=("worker",), announced=False)
    second = release("v2", at=minutes(10.6), fails=0.05, parts=("api",), announced=False)

    story = in_virtual_time(watched(a_world(TWO, first, second), minutes=40))

    assert [watch.state for watch in story.watches] == [State.SUPERSEDED, State.ROLLED_BACK]
    assert {change.part for change in story.watches[1].deployment.parts} == set(PARTS)
    assert logged_moves(story) == [("api", "v1"), ("worker", "v1")]  # as declared, not as heard of


def test_where_the_second_part_does_not_move_a_person_is_needed():
    async def refuses(stage):
        stage.platforms["checkout", "worker"].moods.append(Refuses("AccessDenied"))

    world = a_world(TWO, release("v2", at=minutes(10), fails=0.05), Act(minutes(5), refuses))

    story = in_virtual_time(watched(world, minutes=40))

    assert story.states() == ["watching", "rolling_back", "stuck"]
    assert "worker" in story.watch.stuck_words


def test_parts_that_are_put_back_by_hand_after_a_rollback_that_got_stuck_are_seen_together():
    async def gives_up(stage):
        stage.platforms["checkout", "api"].moods.append(GivesUp("no capacity"))

    bad = release("v2", at=minutes(10), fails=0.05)
    world = a_world(
        TWO,
        bad,
        Act(minutes(5), gives_up),
        by_hand("v1", minutes(20), "api"),
        by_hand("v1", minutes(25), "worker"),
    )

    story = in_virtual_time(watched(world, minutes=50))

    assert story.states() == ["watching", "rolling_back", "stuck", "recovering", "rolled_back"]
    assert story.entered("recovering") >= minutes(25)
