"""A service of several parts goes back as a whole, part by part, in its order."""

import pytest

from tests.builders import minutes
from tests.scenarios.platforms import GivesUp, Refuses
from tests.scenarios.story import watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_release, a_service, a_world, release
from watcher.core.watch import State

PARTS = ("api", "worker")
TWO = a_service(parts=PARTS)
THREE = a_service(parts=(*PARTS, "site"))


def by_hand(tag, at, *parts, takes=None):
    async def puts(stage):
        for part in parts:
            stage.platforms["checkout", part].goes_to(a_release(tag, part=part), takes=takes)

    return Act(at, puts)


def half_way(tag, at, *parts):
    """A rollout of all parts, of which each is half done."""

    async def puts(stage):
        for part in parts:
            stage.platforms["checkout", part].is_half_way_to(a_release(tag, part=part))

    return Act(at, puts)


def parts_of(watch):
    return [(change.part, change.before.tag, change.after.tag) for change in watch.deployment.parts]


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


def test_a_part_that_is_complete_after_the_others_is_known_to_serve():
    """Its watch is complete by the news of those; what the ledger does not know would be where the next rollback leads."""
    slow = release("v2", at=minutes(3), parts=("worker",), takes=120, announced=False)
    quick = release("v2", at=minutes(4), parts=("api",), announced=False)

    story = in_virtual_time(watched(a_world(TWO, slow, quick), minutes=8))

    serves = {part: ledger.spans[-1].fingerprint for (_, part), ledger in story.ledgers.items()}
    assert serves == {"api": "sha256:checkout-api-v2", "worker": "sha256:checkout-worker-v2"}
    assert [(watch.tag, watch.state) for watch in story.watches] == [
        ("v2", State.SUPERSEDED),
        ("v2 + v2", State.WATCHING),
    ]


# ------------------------------------------------------------------------------------------ taken back by another hand

BACK = [("api", "v2", "v1"), ("worker", "v2", "v1"), ("site", "v2", "v1")]


@pytest.mark.parametrize(
    "apart", [pytest.param(0, id="at once"), pytest.param(1, id="a minute apart", marks=pytest.mark.long)]
)
def test_a_half_done_rollout_of_several_parts_that_another_hand_takes_back_is_one_watch_and_one_message(
    apart,
):
    """Of one for each part, all but the last would speak of a mixture that nobody ever deployed."""
    hands = [by_hand("v1", minutes(8 + apart * number), part) for number, part in enumerate(THREE.parts)]
    world = a_world(THREE, half_way("v2", minutes(3), *THREE.parts), *hands)

    story = in_virtual_time(watched(world, minutes=20))

    *_, taken, back = story.watches
    assert (taken.state, taken.was_taken_back, taken.superseded_by) == (State.SUPERSEDED, True, back.id)
    assert (back.state, parts_of(back)) == (State.WATCHING, BACK)
    assert [notice.event for _, notice in story.told] == ["watch.taken_back"]
    assert story.calls_that_change == []


def test_a_rollout_of_several_parts_that_is_not_to_be_seen_at_one_look_goes_on():
    """Between two steps a platform may show nothing of it: for 20 s here, and it is looked every 30."""
    gaps = [
        hand
        for at in (6.0, 7.1, 8.2, 9.3)
        for hand in (
            by_hand("v1", minutes(at), *THREE.parts, takes=0),
            half_way("v2", minutes(at + 1 / 3), *THREE.parts),
        )
    ]
    world = a_world(THREE, half_way("v2", minutes(3), *THREE.parts), *gaps)

    story = in_virtual_time(watched(world, minutes=12))

    assert (story.watches[-1].tag, story.watches[-1].state) == ("v2 + v2 + v2", State.WATCHING)
    assert story.told == []


@pytest.mark.long
def test_a_part_alone_that_goes_back_takes_nothing_back():
    world = a_world(THREE, half_way("v2", minutes(3), *THREE.parts), by_hand("v1", minutes(8), "api"))

    story = in_virtual_time(watched(world, minutes=20))

    assert (story.watches[-1].tag, story.watches[-1].state) == ("v2 + v2 + v2", State.WATCHING)
    assert story.told == []


def test_parts_that_were_deployed_and_are_put_back_at_once_are_one_watch():
    world = a_world(THREE, release("v2", at=minutes(3)), by_hand("v1", minutes(8), *THREE.parts))

    story = in_virtual_time(watched(world, minutes=12))

    assert [(watch.tag, watch.state) for watch in story.watches] == [
        ("v2 + v2 + v2", State.SUPERSEDED),
        ("v1 + v1 + v1", State.WATCHING),
    ]
    assert parts_of(story.watches[-1]) == BACK
    assert story.told == []


@pytest.mark.long
def test_parts_that_are_put_back_one_after_the_other_are_one_watch_in_the_end():
    hands = [by_hand("v1", minutes(8 + number), part) for number, part in enumerate(THREE.parts)]
    world = a_world(THREE, release("v2", at=minutes(3)), *hands)

    story = in_virtual_time(watched(world, minutes=15))

    *others, last = story.watches
    assert {watch.state for watch in others} == {State.SUPERSEDED}
    assert (last.state, parts_of(last)) == (State.WATCHING, BACK)
    assert story.told == []


@pytest.mark.long
def test_parts_that_our_own_rollback_puts_back_are_no_deployment_of_another_hand():
    world = a_world(THREE, release("v2", at=minutes(10), fails=0.05))

    story = in_virtual_time(watched(world, minutes=40))

    assert [(watch.tag, watch.state) for watch in story.watches] == [("v2 + v2 + v2", State.ROLLED_BACK)]
