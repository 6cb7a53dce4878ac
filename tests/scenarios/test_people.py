"""What people say to a watch, to a service and to a release."""

from tests.builders import hours, minutes
from tests.scenarios.stage import EPOCH, FOR_DAYS
from tests.scenarios.story import known, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import (
    Act,
    a_service,
    a_world,
    an_objective,
    content,
    disarmed,
    order,
    release,
)
from watcher.core.service import Asking, Mode, Then
from watcher.core.watch import Doubtful
from watcher.errors import OrderRefused

BAD = release("v2", at=minutes(10), fails=0.05)
GOOD = release("v2", at=minutes(10))
COUNTS_DOWN = a_service(countdown=minutes(3))  # a breach is seen at 12:10, so it goes back at 15:10
ROLLING = a_service(
    rules=an_objective()
)  # each release takes all the traffic, so there is nothing to compare it with
ASKS = a_service(mode=Mode.ASK, asking=Asking(minutes(20), Then.KEEP))


def told(*happens, minutes=40):
    return in_virtual_time(watched(a_world(*happens), minutes=minutes))


# --------------------------------------------------------------------------------------------------------- hold, resume


def test_nobody_says_anything_and_the_countdown_runs_out():
    story = told(COUNTS_DOWN, BAD)

    assert story.states() == ["watching", "counting_down", "rolling_back", "recovering", "rolled_back"]
    assert "unless held" in story.headlines[0]


def test_a_hold_stops_the_countdown_and_after_it_everything_is_decided_afresh():
    story = told(COUNTS_DOWN, BAD, order(minutes(13), "hold", lasting="10m"))

    assert story.states()[:5] == ["watching", "counting_down", "held", "watching", "counting_down"]
    assert story.states()[5:] == ["rolling_back", "recovering", "rolled_back"]
    assert story.entered("rolling_back") >= minutes(26)
    assert len(story.calls_that_change) == 1


def test_a_breach_that_came_while_it_was_held_is_acted_on_when_it_is_resumed():
    story = told(BAD, order(minutes(11), "hold", lasting="1h"), order(minutes(20), "resume"))

    assert story.states()[:4] == ["watching", "held", "watching", "rolling_back"]
    assert minutes(20) <= story.entered("rolling_back") < minutes(20.2)


# ------------------------------------------------------------------------------------------------- keep, pass, roll back


def test_whoever_keeps_a_bad_release_keeps_it():
    story = told(ASKS, BAD, order(minutes(15), "keep", reason="it is the test data"))

    assert story.states() == ["watching", "asking", "kept"]
    assert known(story.watch.ending).by == "local"
    assert story.calls_that_change == []


def test_whoever_passes_a_release_vouches_for_it_and_it_may_be_gone_back_to():
    story = told(
        ASKS, BAD, order(minutes(15), "pass"), release("v3", at=minutes(20), fails=0.2, announced=True)
    )

    assert story.states()[-1] == "passed"
    assert known(story.watch_of("v3").way_back).release.tag == "v2"


def test_whoever_orders_it_goes_back_though_nothing_was_seen():
    story = told(GOOD, order(minutes(12), "roll_back", reason="wrong branch"))

    assert story.states() == ["watching", "rolling_back", "recovering", "rolled_back"]
    assert story.watch.ordered_by == "local"
    assert story.calls_that_change == ["UpdateService v1"]


def test_whoever_names_a_release_goes_back_to_that_one():
    passes = release("v2", at=minutes(5), share=1.0)

    story = told(
        ROLLING,
        passes,
        release("v3", at=minutes(30), share=1.0),
        order(minutes(35), "roll_back", to="v1"),
        minutes=50,
    )

    assert story.watch_of("v2").state.value == "passed"
    assert story.calls_that_change == ["UpdateService v1"]
    assert story.watch_of("v3").back_at is not None


def test_a_question_can_be_put_off_and_is_asked_again():
    story = told(ASKS, BAD, order(minutes(15), "ask_again", lasting="10m"))

    assert story.events[:3] == ["watch.asked", "watch.asked_later", "watch.asked"]
    assert known(story.watch.question).asked_at - EPOCH >= minutes(25)


def test_what_does_not_fit_is_refused_with_what_does():
    story = told(GOOD, order(minutes(12), "resume"))

    refusal = story.answers[-1]
    assert isinstance(refusal, OrderRefused)
    assert "hold" in refusal.remedy
    assert story.states() == ["watching", "passed"]


def test_an_order_to_a_service_that_nobody_watches_opens_a_watch_which_goes_back():
    ordered = Act(
        minutes(40), lambda stage: stage.order_service("checkout", order="roll_back", reason="I know why")
    )

    story = told(ROLLING, release("v2", at=minutes(10), share=1.0), ordered, minutes=60)

    assert story.states(story.watches[1])[:2] == ["rolling_back", "recovering"]
    assert story.calls_that_change == ["UpdateService v1"]


# --------------------------------------------------------------------------------------------------- the switch, a mark


def test_who_disarms_during_the_countdown_is_asked_instead():
    story = told(COUNTS_DOWN, BAD, disarmed(minutes(13), "2h"))

    assert story.states() == ["watching", "counting_down", "asking"]
    assert Doubtful.DISARMED in known(story.watch.question).because
    assert story.calls_that_change == []


def test_disarmed_is_in_force_at_once_and_ends_by_itself():
    bad_again = release("v3", at=minutes(30), fails=0.2, share=1.0)

    story = told(ROLLING, BAD, disarmed(minutes(5), "10m"), bad_again, minutes=50)

    assert story.states(story.watch_of("v2")) == ["watching", "asking", "superseded"]
    assert story.states(story.watch_of("v3"))[-1] == "rolled_back"


def test_what_people_order_is_done_though_it_is_disarmed():
    story = told(BAD, disarmed(minutes(5), "2h"), order(minutes(15), "roll_back"))

    assert story.states() == ["watching", "asking", "rolling_back", "recovering", "rolled_back"]


def test_a_release_that_was_rolled_back_is_no_longer_blocked_once_a_person_allows_it():
    allowed = Act(
        minutes(30), lambda stage: stage.order_release(content("v2"), order="allow", reason="not its fault")
    )

    story = told(BAD, allowed)

    entry = next(each for each in story.ledgers["checkout", "service"].entries if each.release.tag == "v2")
    assert entry.quarantined is None
    assert entry.allowed is not None


def test_a_watch_waits_for_nobody_for_ever():
    service = a_service(mode=Mode.ASK, asking=Asking(hours(1), Then.KEEP))
    world = a_world(service, BAD, order(minutes(11), "hold", lasting="2h"), settings={"pace": FOR_DAYS})

    story = in_virtual_time(watched(world, minutes=240))

    assert story.states() == ["watching", "held", "watching", "asking", "kept"]
