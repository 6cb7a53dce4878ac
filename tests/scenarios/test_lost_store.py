"""The store is lost, and with it all that the daemon knew. What matters is not: the platform and the signals remember."""

from dataclasses import replace
from datetime import timedelta
from functools import cache, partial

import pytest

from deploy.tags import Grade, grade
from tests.builders import hours, minutes, seconds
from tests.scenarios.platforms import Remembering
from tests.scenarios.stage import EPOCH
from tests.scenarios.story import known, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import (
    Act,
    a_release,
    a_service,
    a_world,
    an_objective,
    compared,
    content,
    outage,
    release,
    together,
)
from watcher.core.service import Mode
from watcher.core.watch import State

BAD = release("v2", at=minutes(10), fails=0.05)
GOOD = release("v2", at=minutes(10))
RULES = together(compared(), an_objective())
REMEMBERING = {"settings": {"kind": partial(Remembering, epoch=EPOCH)}}


def lost(at, away=timedelta(0)):
    """The daemon dies with its store, and another is there when it was *away*; then nobody has told it anything."""

    async def loses(stage):
        await stage.loses_its_store()

    async def is_born(stage):
        stage.bear()

    return Act(at, loses), Act(at + away, is_born)


def story_of(*happens, lasting, **settings):
    return in_virtual_time(watched(a_world(*happens, **{**REMEMBERING, **settings}), minutes=lasting))


@cache
def nothing_is_lost(deployed):
    """The story with which the ones are compared in which something is; each is told once."""
    return story_of(a_service(rules=RULES), release("v2", at=minutes(deployed)), lasting=40)


def platform(story, service="checkout"):
    return story.stage.platforms[service, "service"]


def becomes(at, **state):
    async def change(stage):
        for name, value in state.items():
            setattr(stage.platforms["checkout", "service"], name, value)

    return Act(at, change)


def what_is_said(story):
    """All verdicts, but for what counts the seconds that remain: a second life looks at another second of the minute."""
    judgement = known(story.watch.judgement)
    return replace(
        judgement, at=EPOCH, verdicts=tuple(replace(each, can_see=None) for each in judgement.verdicts)
    )


def onsets(story):
    return [verdict.onset for verdict in known(story.watch.breach).judgement.verdicts]


def entry(story, tag):
    ledger = story.ledgers["checkout", "service"]
    return next(each for each in ledger.entries if each.release.tag == tag)


def spans(story):
    return [(span.fingerprint, span.start) for span in story.ledgers["checkout", "service"].spans]


# ----------------------------------------------------------------------------------------------------- in mid-watch


@pytest.mark.parametrize(("at", "away"), [(10.6, 0), (13.1, 4), (17.4, 0), (23.2, 0.7)])
@pytest.mark.parametrize("deployed", [10, 10.37])
def test_a_watch_has_the_same_evidence_bit_for_bit_though_its_store_was_lost_in_the_middle(
    deployed, at, away
):
    good, quiet = release("v2", at=minutes(deployed)), nothing_is_lost(deployed)

    story = story_of(a_service(rules=RULES), good, *lost(minutes(at), minutes(away)), lasting=40)

    assert story.watch.evidence == quiet.watch.evidence
    assert what_is_said(story) == what_is_said(quiet)
    assert story.states() == quiet.states() == ["watching", "passed"]
    assert abs(story.entered("passed") - quiet.entered("passed")) <= seconds(5)
    assert story.watch.traffic_at == quiet.watch.traffic_at == EPOCH + minutes(deployed)
    assert story.watch.arms == quiet.watch.arms
    assert spans(story) == spans(quiet)


def test_a_bad_release_is_rolled_back_as_soon_as_if_nothing_had_been_lost():
    quiet = story_of(BAD, lasting=30)
    story = story_of(BAD, *lost(minutes(11)), lasting=30)

    assert abs(story.rolled_back_at - quiet.rolled_back_at) <= seconds(5)
    assert story.calls_that_change == quiet.calls_that_change == ["UpdateService v1"]
    assert onsets(story) == onsets(quiet)


def test_a_bad_release_is_rolled_back_at_once_by_what_was_counted_while_nobody_looked():
    story = story_of(BAD, *lost(minutes(11), away=minutes(20)), lasting=60)

    assert minutes(31) < story.rolled_back_at < minutes(31.8)
    assert story.calls_that_change == ["UpdateService v1"]
    assert story.watch.state is State.ROLLED_BACK


def test_a_rollout_under_way_is_watched_and_bakes_from_its_end():
    slow = release("v2", at=minutes(10), takes=600, announced=False)

    story = story_of(slow, *lost(minutes(14)), lasting=60)

    assert minutes(14) < story.watch.opened_at - EPOCH < minutes(15)
    assert minutes(20) <= known(story.watch.complete_at) - EPOCH <= minutes(21)
    assert story.states() == ["watching", "passed"]
    assert known(story.watch.way_back).release.tag == "v1"


def test_what_is_announced_while_the_platform_is_asked_is_heard_afterwards():
    told = Act(minutes(17.45), lambda stage: stage.announce(service="checkout", tag="v2", id="again"))

    story = story_of(GOOD, *lost(minutes(17.4)), told, lasting=40)

    assert [watch.tag for watch in story.watches] == ["v2"]
    assert known(story.watch.way_back).release.tag == "v1"
    closings = [
        row.what for row in story.audit if row.subject.startswith("a_") and "accepted" not in row.what
    ]
    assert sorted(closings) == ["announcement.joined", "announcement.watching"]


# ----------------------------------------------------------------------------------------------------- our own rollback


@pytest.mark.parametrize("writes_marks", [True, False])
@pytest.mark.parametrize("second", [3, 5, 15, 21, 25, 120, 3600])
def test_our_own_rollback_is_what_serves_and_is_not_watched_as_a_deployment(second, writes_marks):
    """The move is decided at 12:12:10, sent two seconds later, and takes twenty."""
    silent = [] if writes_marks else [becomes(minutes(1), refuses_marks="AccessDenied")]

    moment = minutes(12) + seconds(10 + second)
    story = story_of(BAD, *silent, *lost(moment), lasting=moment / minutes(1) + 45)

    assert story.watches == []
    assert story.calls_that_change == ["UpdateService v1"]
    assert story.bugs == []
    assert spans(story)[-1][0] == content("v1")
    assert known(entry(story, "v2").quarantined).by == "rollbackd"


@pytest.mark.parametrize("second", [0.5, 1.0, 1.5])
def test_a_rollback_that_was_decided_and_not_sent_is_decided_again(second):
    story = story_of(BAD, *lost(minutes(12) + seconds(10 + second)), lasting=60)

    assert [watch.state for watch in story.watches] == [State.ROLLED_BACK]
    assert story.calls_that_change == ["UpdateService v1"]


def test_the_release_that_was_rolled_back_does_not_come_back_unnoticed():
    again = release("v2-again", at=minutes(60), fails=0.05, same_as="v2")

    story = story_of(BAD, *lost(minutes(40)), again, lasting=90)

    assert story.watch.returning.startswith("rolled back: v2 fails 5 % of requests")
    assert "release.returned" in story.events
    assert story.calls_that_change == ["UpdateService v1", "UpdateService v1"]


def test_a_rollback_that_another_hand_undid_is_a_deployment():
    by_hand = release("v3", at=minutes(13), fails=0.05, announced=False)

    story = story_of(BAD, by_hand, *lost(minutes(13.5)), lasting=60)

    assert [watch.tag for watch in story.watches] == ["v3"]
    assert story.calls_that_change == ["UpdateService v1", "UpdateService v1"]


# ----------------------------------------------------------------------------------------------------------- the ledger


def test_what_was_proven_is_still_what_a_rollback_goes_to():
    third = release("v3", at=minutes(60), fails=0.05, share=1.0)
    quick = a_service(rules=an_objective())

    story = story_of(quick, release("v2", at=minutes(10), share=1.0), *lost(minutes(50)), third, lasting=90)

    ledger = story.ledgers["checkout", "service"]
    assert grade(ledger, content("v2"), hours(24), EPOCH + minutes(90)) is Grade.PROVEN
    assert [watch.tag for watch in story.watches] == ["v3"]
    assert story.calls_that_change == ["UpdateService v2"]


def test_marks_say_how_releases_stand_as_soon_as_it_changes():
    story = story_of(BAD, lasting=40)

    said = [(tag, what) for _, tag, what in platform(story).marked]
    first_bad = next(at for at, tag, what in platform(story).marked if what == "quarantined")
    assert said == [("v1", "served"), ("v2", "quarantined"), ("v1", "served")]
    assert first_bad - story.entered("rolling_back").total_seconds() < 2


def test_a_mark_that_says_so_no_more_is_taken_back():
    """The rollback did not help, so that the quarantine was lifted."""
    service = a_service(rules=an_objective())
    everything = outage(minutes(10), minutes(90), fails=0.05)

    story = story_of(service, release("v2", at=minutes(10), share=1.0), everything, lasting=60)

    said = [what for _, tag, what in platform(story).marked if tag == "v2"]
    assert said == ["quarantined", "unknown"]


def test_in_shadow_nothing_is_ever_written_onto_the_platform_and_all_is_read():
    story = story_of(a_service(mode=Mode.SHADOW), BAD, *lost(minutes(11)), lasting=90)

    assert platform(story).marked == []
    assert story.calls_that_change == []
    assert platform(story).recalls == 1
    assert story.watch.state is State.KEPT
    assert story.watch.traffic_at == EPOCH + minutes(10)


# ------------------------------------------------------------------------------------------------ the platform is silent


@pytest.mark.parametrize("words", ["throttled", ""])
def test_where_nobody_can_say_what_was_what_is_live_is_adopted_in_the_end(words):
    story = story_of(GOOD, becomes(minutes(11), forgets=[words] * 3), *lost(minutes(17)), lasting=40)

    assert story.watches == []
    assert entry(story, "v2").release.tag == "v2"
    assert platform(story).recalls == 3
    assert len(story.logged("ledger.unreadable")) == 3
    assert len(story.logged("ledger.given_up")) == 1


def test_where_it_can_be_said_the_second_time_nothing_is_lost():
    story = story_of(BAD, becomes(minutes(9), forgets=["throttled"]), *lost(minutes(11)), lasting=30)

    assert story.watch.state is State.ROLLED_BACK
    assert story.rolled_back_at < minutes(13)


def test_a_platform_that_takes_its_time_to_remember_delays_nobody_else():
    services = a_service(), a_service("cart", compared("cart"))
    bad = release("v2", at=minutes(10), fails=0.05, of="cart", announced=False)

    usual = story_of(*services, bad, *lost(minutes(9)), lasting=20)
    story = story_of(*services, bad, becomes(minutes(8), forgets=[""] * 3), *lost(minutes(9)), lasting=20)

    assert story.rolled_back_at - usual.rolled_back_at <= seconds(5)


def test_a_daemon_that_comes_to_a_service_for_the_first_time_knows_what_the_platform_knows():
    async def nobody_knew(stage):
        stage.platforms["checkout", "service"].marks.clear()

    story = story_of(Act(minutes(1), nobody_knew), *lost(minutes(2)), BAD, lasting=30)

    assert story.calls_that_change == ["UpdateService v1"]
    assert grade(story.ledgers["checkout", "service"], content("v1"), hours(24), EPOCH) is Grade.SERVED
    assert known(entry(story, "v1")).release == a_release("v1")
