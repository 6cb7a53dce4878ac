"""The pipeline: staging, the gate, production. What passes by itself, what a person is asked, and what never passes."""

from dataclasses import replace
from datetime import UTC

from tests.builders import minutes
from tests.scenarios.stage import EPOCH, FOR_DAYS
from tests.scenarios.story import watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_release, a_service, a_world, compared, killed, order, release
from watcher.core.freeze import Weekly, Window
from watcher.core.gate import Because
from watcher.core.service import Approval, Gating, Returning

ELSEWHERE = "checkout@staging"
SOON = replace(FOR_DAYS, listener=10, patrol=10, performer=5, gatekeeper=15)
STAGING = replace(a_service("checkout", compared(ELSEWHERE)), environment="staging")


def production(**gate):
    return replace(a_service(), gate=Gating(**{"after": ("staging",), **gate}))


def digest(tag):
    return a_release(tag).names["digest"]


def asks(moment, tag="v2", **said):
    return Act(moment, lambda stage: stage.ask(tag, names={"digest": digest(tag)}, **said))


def looks(moment, number=0):
    return Act(moment, lambda stage: stage.looks_again(number))


def says(moment, order, **said):
    return Act(moment, lambda stage: stage.says_at_gate(order, **said))


def freezes(moment, **said):
    return Act(moment, lambda stage: stage.freeze(**said))


def told(*happens, service=None, minutes=36, **settings):
    world = a_world(service or production(), STAGING, *happens, settings={"pace": SOON, **settings})
    story = in_virtual_time(watched(world, minutes=minutes))
    assert not story.bugs
    return story


def answers(story):
    """What pipelines and people were told at the gate."""
    return [(each.state.value, each.because.value) for each in story.answers if hasattr(each, "because")]


def words(story):
    return [each.words for each in story.answers if hasattr(each, "because")]


PUSHED = release("v2", at=minutes(1), of=ELSEWHERE)
PUSHED_BAD = release("v2", at=minutes(1), of=ELSEWHERE, fails=0.05)


def test_what_passed_in_staging_goes_on_to_production_by_itself():
    story = told(
        PUSHED,
        asks(minutes(2)),
        looks(minutes(10)),
        looks(minutes(18)),
        release("v2", at=minutes(19)),
    )

    assert answers(story) == [("open", "watched"), ("open", "watched"), ("passed", "clear")]
    assert words(story)[1:] == ["staging: v2 is still watched, 6 min more", "v2 may be deployed"]
    assert [(each.environment, each.state.value) for each in story.watches] == [
        ("staging", "passed"),
        ("production", "passed"),
    ]
    assert story.headlines == [], "nobody was needed"


def test_what_failed_in_staging_does_not_go_on():
    story = told(PUSHED_BAD, asks(minutes(2)), looks(minutes(20)), minutes=21)

    assert answers(story) == [("open", "watched"), ("refused", "failed")]
    assert words(story)[-1].startswith("staging: v2 is quarantined: ")
    assert story.watches[0].state.value == "rolled_back"


def test_what_was_never_in_staging_is_waited_for_and_then_refused():
    story = told(asks(minutes(1)), looks(minutes(17)), minutes=20)

    assert answers(story) == [("open", "unseen"), ("refused", "unseen")]


def test_a_freeze_lets_nothing_pass_but_a_hotfix_and_the_safety_net_stays_on():
    story = told(
        PUSHED,
        freezes(minutes(20), environment="production", **{"for": "2h"}),
        asks(minutes(25)),
        asks(minutes(26), tag="v3", hotfix="payments are down"),
        release("v3", at=minutes(27), fails=0.05),
    )

    assert answers(story) == [("open", "frozen"), ("passed", "hotfix")]
    assert words(story)[0] == "frozen until 14:20:00 UTC, by local: the sale"
    assert story.watch_of("v3").state.value == "rolled_back", "what runs is rolled back as ever"
    assert story.watch_of("v3").frozen.reason == "the sale"
    assert story.headlines[:2] == [
        "all services · production: nothing is to be deployed until 14:20:00 UTC, by local: the sale",
        "checkout · production: v3 passes as a hotfix: payments are down",
    ]


def test_it_passes_once_the_freeze_is_over():
    story = told(
        PUSHED,
        freezes(minutes(20), **{"for": "10m"}),
        asks(minutes(25)),
        looks(minutes(31)),
    )

    assert answers(story) == [("open", "frozen"), ("passed", "clear")]


def test_an_approval_that_never_comes_ends_refused_and_says_so():
    service = production(approval=Approval.PERSON, asking=minutes(20))
    story = told(PUSHED, asks(minutes(18)), looks(minutes(39)), service=service, minutes=40)

    assert answers(story) == [("open", "approval"), ("refused", "unanswered")]
    assert words(story)[-1] == "nobody answered in time: a person approves each release"
    assert story.headlines == [
        "checkout · production: may v2 be deployed? A person is needed: a person approves each release",
        "checkout · production: v2 is refused before it is out: nobody answered in time: a person approves each release",
    ]


def test_a_person_is_asked_once_staging_is_over_and_not_before():
    service = production(approval=Approval.PERSON)
    story = told(
        PUSHED,
        asks(minutes(2)),
        says(minutes(30), "approve", reason="go"),
        looks(minutes(31)),
        service=service,
    )

    assert answers(story) == [("open", "watched"), ("passed", "approved"), ("passed", "approved")]
    asked_at, notice = story.told[0]
    assert notice.event == "gate.asked"
    assert asked_at >= story.watches[0].ended_at - EPOCH
    assert [notice.event for _, notice in story.told] == ["gate.asked", "gate.approved"]


def test_a_quarantined_release_that_comes_back_under_another_tag_is_refused_before_it_is_out():
    bad = release("v2", at=minutes(1), fails=0.05)
    again = Act(
        minutes(20),
        lambda stage: stage.ask("v2-again", names={"digest": digest("v2")}, hotfix="it is urgent"),
    )
    story = told(bad, again, service=production(after=()))

    assert story.watch_of("v2").state.value == "rolled_back"
    assert answers(story) == [("refused", "quarantined")]
    assert words(story)[0].startswith("v2-again is v2, which is quarantined since 12:")
    assert story.headlines[-1].startswith("checkout · production: v2-again is refused before it is out")


def test_a_person_may_be_asked_about_a_quarantined_release_and_allow_lets_it_pass_anyway():
    bad = release("v2", at=minutes(1), fails=0.05)
    allow = Act(
        minutes(22),
        lambda stage: stage.order_release(
            a_release("v2").fingerprint,
            order="allow",
            reason="not its fault",
            service="checkout",
            environment="production",
        ),
    )
    service = production(after=(), quarantined=Returning.ASK)
    story = told(bad, asks(minutes(20)), allow, looks(minutes(23)), service=service)

    assert answers(story) == [("open", "quarantined"), ("passed", "clear")]


def test_nothing_is_deployed_over_a_release_that_is_in_trouble():
    counts_down = a_service(countdown=minutes(10))
    service = replace(counts_down, gate=Gating())
    story = told(
        release("v2", at=minutes(1), fails=0.05),
        asks(minutes(8), tag="v3"),
        order(minutes(9), "roll_back", of="checkout"),
        looks(minutes(30)),
        service=service,
    )

    assert answers(story) == [("open", "busy"), ("passed", "clear")]
    assert words(story)[0].startswith("v2 is counting down: w_")


def test_a_restart_in_the_middle_of_a_wait_changes_nothing():
    service = production(approval=Approval.PERSON)
    story = told(
        PUSHED,
        asks(minutes(2)),
        killed(minutes(5)),
        looks(minutes(6)),
        killed(minutes(25)),
        says(minutes(30), "approve"),
        killed(minutes(31)),
        looks(minutes(32)),
        service=service,
    )

    assert answers(story) == [
        ("open", "watched"),
        ("open", "watched"),
        ("passed", "approved"),
        ("passed", "approved"),
    ]
    assert story.events == ["gate.asked", "gate.approved"], "told once"


def test_two_replicas_ask_once():
    service = production(approval=Approval.PERSON)
    world = a_world(service, STAGING, PUSHED, asks(minutes(2)), replicas=2, settings={"pace": SOON})
    story = in_virtual_time(watched(world, minutes=20))

    assert story.events == ["gate.asked"]


def test_a_window_is_told_once_and_freezes_until_it_is_over():
    noon = EPOCH + minutes(10)
    window = Window(
        "lunch",
        "nobody is there",
        UTC,
        (Weekly(noon.weekday(), noon.time(), noon.weekday(), (noon + minutes(20)).time()),),
    )
    service = production(after=(), windows=(window,))
    story = told(asks(minutes(11)), killed(minutes(15)), looks(minutes(31)), service=service)

    assert answers(story) == [("open", Because.FROZEN.value), ("passed", "clear")]
    assert story.headlines == [
        "checkout · production: nothing is to be deployed until 12:30:00 UTC, by window:lunch: nobody is there"
    ]
