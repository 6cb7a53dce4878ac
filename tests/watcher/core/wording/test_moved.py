"""What else moved, as people read it."""

import pytest

from rules.verdict import Onset
from tests.builders import NOON, a_breach, a_policy, a_watch, minutes, seconds, some_facts
from tests.watcher.core.taken import judged
from watcher.core.change import Beside, Change, ChangeKind
from watcher.core.service import Around, Mode

LIMITS = Change(NOON - minutes(13), "parameter `/checkout/limits`, changed", name="/checkout/limits")
FLAG = Change(NOON - minutes(5), "flag `new-pricing` 0 → 50 %", kind=ChangeKind.FLAG, name="new-pricing")
FAILOVER = Change(
    NOON - minutes(5) + seconds(20), "database `payments-db` failover", kind=ChangeKind.FAILOVER
)
LATE = Onset(NOON - minutes(4), NOON - minutes(5), NOON - minutes(3))
TITLES = ("Moved", "Against", "Does not undo", "No other", "Suspects")


def beside(*changes, told=True):
    return some_facts(beside=Beside(changes, told, Around(own=("/checkout/*",))))


def lines(facts, mode=Mode.AUTO, onset=None):
    """What a breach at noon says of changes; the release serves since ten minutes before."""
    breach = a_breach() if onset is None else a_breach(onset=onset)
    step = judged(a_watch(policy=a_policy(mode, countdown=seconds(30))), breach, "more", NOON, facts)
    assert step is not None
    return [line for line in step.messages[0].notice.lines if line.startswith(TITLES)]


def test_a_breach_says_that_nothing_else_moved_where_somebody_would_have_told():
    assert lines(beside()) == ["No other change in the hour"]


def test_a_breach_says_nothing_of_it_where_nobody_would_have():
    assert lines(beside(told=False)) == []


def test_a_breach_says_what_going_back_does_not_undo():
    assert lines(beside(LIMITS)) == [
        "No other change in the hour",
        "Does not undo: parameter `/checkout/limits`, changed 11:47:00",
    ]


def test_a_breach_says_what_moved_besides():
    assert lines(beside(FLAG, FAILOVER)) == [
        "Moved besides: flag `new-pricing` 0 → 50 % 11:55:00 · database `payments-db` failover 11:55:20"
    ]


def test_what_was_told_is_said_though_nobody_is_sure_to_tell():
    assert lines(beside(FLAG, told=False)) == ["Moved besides: flag `new-pricing` 0 → 50 % 11:55:00"]


def test_a_question_says_what_speaks_against_that_it_was_the_release():
    scaled = Change(NOON - minutes(30), "web scaled out", kind=ChangeKind.SCALING)

    assert lines(beside(FLAG, FAILOVER, LIMITS, scaled), Mode.ASK, LATE) == [
        "Against that it was v43: database `payments-db` failover 11:55:20 · flag `new-pricing` 0 → 50 % 11:55:00",
        "Moved besides: web scaled out 11:30:00",
        "Does not undo: parameter `/checkout/limits`, changed 11:47:00",
    ]


def test_a_question_against_which_nothing_speaks_says_what_moved_besides():
    assert lines(beside(), Mode.ASK) == ["No other change in the hour"]


@pytest.mark.parametrize(("many", "more"), [(5, ""), (6, " · and 1 more"), (17, " · and 12 more")])
def test_no_more_than_five_are_told_one_by_one(many, more):
    changes = [Change(NOON - seconds(number), f"change {number}") for number in range(many)]
    told = " · ".join(
        f"change {number} {NOON - seconds(number):%H:%M:%S}" for number in reversed(range(many))
    )
    (line,) = lines(beside(*changes), onset=Onset(NOON - minutes(9), NOON - minutes(9), NOON - minutes(9)))

    assert line == f"Moved besides: {' · '.join(told.split(' · ')[:5])}{more}"


def test_what_moved_again_and_again_is_one_thing():
    launched = [
        Change(NOON - minutes(number), "`web` launched an instance", kind=ChangeKind.SCALING)
        for number in (9, 8, 6)
    ]

    assert lines(beside(*launched)) == ["Moved besides: `web` launched an instance ×3, 11:51:00 to 11:54:00"]
