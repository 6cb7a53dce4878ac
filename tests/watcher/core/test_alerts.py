"""What is remembered of an alert: the newest word, since when it is so, and whether it was well in between."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOON, minutes
from watcher.core.alerts import GOES_ON, OVERTAKEN, Alert, Mood, News, Pushed, heard

FIRING, WELL, UNKNOWN = Mood.FIRING, Mood.WELL, Mood.UNKNOWN


def said(mood: Mood = FIRING, at: float = 0, **changes: Any) -> Pushed:
    """Told, and begun, so many minutes after noon."""
    moment = NOON + minutes(at)
    return replace(Pushed("a", "errors", mood, moment, moment, f"{mood} {at}"), **changes)


def told(*pushed: Pushed) -> tuple[list[News], Alert]:
    """What each does, heard an hour after noon, and what is remembered in the end."""
    known, news = None, []
    for each in pushed:
        what, known = heard(known, each, NOON + minutes(60))
        news.append(what)
    assert known is not None
    return news, known


def test_the_newest_word_stands():
    news, known = told(said(at=1), said(WELL, at=3), said(UNKNOWN, at=5))

    assert news == [News.CHANGED] * 3
    assert (known.mood, known.since, known.told_at) == (UNKNOWN, NOON + minutes(5), NOON + minutes(5))


def test_a_word_that_comes_late_changes_nothing():
    news, known = told(said(WELL, at=5), said(at=3))

    assert news == [News.CHANGED, News.OUTDATED]
    assert known.mood is WELL


@given(st.permutations([said(at=1), said(WELL, at=2), said(at=3), said(WELL, at=4), said(UNKNOWN, at=5)]))
def test_in_whatever_order_they_come_the_end_is_the_same(words):
    _, known = told(*words)

    assert (known.alert.dedup_key, known.mood, known.told_at) == ("unknown 5", UNKNOWN, NOON + minutes(5))


def test_of_two_words_of_one_moment_the_one_that_came_last_stands():
    _, known = told(said(at=1), said(WELL, at=1))

    assert known.mood is WELL


def test_a_word_that_is_heard_twice_changes_only_that_it_was_heard():
    _, first = heard(None, said(), NOON + minutes(1))

    news, again = heard(first, said(), NOON + minutes(9))

    assert news is News.REPEATED
    assert again == replace(first, heard_at=NOON + minutes(9))


def test_a_newer_word_that_says_the_same_is_a_repetition_of_when_it_changed():
    _, first = heard(None, said(), NOON + minutes(1))

    news, again = heard(first, said(at=5, since=NOON, words="still"), NOON + minutes(6))

    assert news is News.REPEATED
    assert (again.alert.words, again.told_at) == ("still", NOON + minutes(5))
    assert (again.changed_at, again.heard_at) == (NOON + minutes(1), NOON + minutes(6))


def test_other_labels_are_a_change():
    news, _ = told(said(), said(at=1, since=NOON, labels={"severity": "page"}))

    assert news == [News.CHANGED, News.CHANGED]


def test_one_key_for_two_moods_is_no_repetition():
    news, known = told(said(dedup_key="k"), said(WELL, at=1, dedup_key="k"))

    assert news == [News.CHANGED, News.CHANGED]
    assert known.mood is WELL


def test_without_a_time_of_its_own_a_word_is_as_new_as_it_came():
    _, known = heard(None, said(WELL, at=5), NOON + minutes(6))

    news, after = heard(known, said(sent_at=None, since=None), NOON + minutes(7))

    assert news is News.CHANGED
    assert (after.told_at, after.since) == (NOON + minutes(7), NOON + minutes(7))


def test_a_clock_that_is_ahead_does_not_silence_what_comes_after():
    _, known = heard(None, said(at=600), NOON + minutes(1))

    assert (known.told_at, known.since) == (NOON + minutes(1), NOON + minutes(1))
    assert heard(known, said(WELL, at=2), NOON + minutes(2))[1].mood is WELL


def test_where_nobody_says_since_when_the_first_word_began_nobody_knows_when():
    _, known = told(said(since=None), said(at=1, since=None))

    assert known.since is None


def test_where_nobody_says_since_when_a_mood_began_with_the_word_that_changed_it():
    _, known = told(said(WELL), said(at=3, since=None), said(at=4, since=None))

    assert known.since == NOON + minutes(3)


def test_what_only_lost_its_data_in_between_has_fired_all_the_time():
    _, known = told(said(at=1), said(UNKNOWN, at=2), said(UNKNOWN, at=3), said(at=4))

    assert known.since == known.fired_since == NOON + minutes(1)


def test_what_was_well_in_between_fires_since_it_began_again():
    _, known = told(said(at=1), said(WELL, at=2), said(UNKNOWN, at=3), said(at=4))

    assert (known.since, known.well_at) == (NOON + minutes(4), NOON + minutes(2))


def test_what_begins_again_by_its_own_word_began_again():
    _, known = told(said(at=1), said(at=7))

    assert known.since == NOON + minutes(7)


@pytest.mark.parametrize("between", [(), (said(UNKNOWN, at=2),)])
def test_what_was_well_later_than_it_is_said_to_fire_since_fires_since_it_was_told(between):
    _, known = told(said(WELL, at=1), *between, said(at=3, since=NOON))

    assert known.since == known.fired_since == NOON + minutes(3)


def test_what_was_well_at_the_very_time_fires_since_it_was_heard():
    warned = said(WELL, at=1)
    _, known = heard(None, warned, NOON + minutes(2))
    _, known = heard(known, replace(warned, mood=FIRING, dedup_key="critical"), NOON + minutes(30))

    assert known.since == NOON + minutes(30)


def test_one_more_of_what_fires_is_no_new_beginning():
    _, known = told(said(at=1, recurs=True), said(at=20, recurs=True))

    assert (known.since, known.told_at) == (NOON + minutes(1), NOON + minutes(20))


def test_one_more_after_it_was_well_is_a_new_beginning():
    _, known = told(said(at=1, recurs=True), said(WELL, at=2), said(at=20, recurs=True))

    assert known.since == NOON + minutes(20)


@pytest.mark.parametrize(("later", "since"), [(GOES_ON, 1), (GOES_ON + minutes(1), 9)])
def test_one_more_after_a_long_silence_is_a_new_beginning(later, since):
    _, known = heard(None, said(at=1, recurs=True), NOON + minutes(10))
    _, known = heard(known, said(at=9, recurs=True), NOON + minutes(10) + later)

    assert known.since == NOON + minutes(since)


@pytest.mark.parametrize(
    ("after", "changes", "stands"),
    [
        (OVERTAKEN, {"untimed": True}, WELL),  # it may have been overtaken on its way
        (OVERTAKEN + minutes(1), {"untimed": True}, FIRING),
        (OVERTAKEN + minutes(1), {}, WELL),  # its own time says that it is an old one
        (OVERTAKEN + minutes(1), {"untimed": True, "mood": UNKNOWN}, UNKNOWN),
    ],
)
def test_what_goes_on_after_its_system_took_it_for_ended_fires_since_it_began(after, changes, stands):
    _, known = heard(None, said(at=1), NOON + minutes(1))
    _, known = heard(known, said(WELL, at=5), NOON + minutes(5))

    _, known = heard(known, said(at=1, **changes), NOON + minutes(5) + after)

    assert (known.mood, known.told_at) == (stands, NOON + minutes(5))
    assert known.since == NOON + minutes(5 if stands is WELL else 1)


def test_what_went_on_ends():
    _, known = heard(None, said(WELL, at=5), NOON + minutes(5))
    _, known = heard(known, said(at=1, untimed=True), NOON + minutes(9))

    assert heard(known, said(at=1, untimed=True), NOON + minutes(10))[0] is News.REPEATED
    assert heard(known, said(WELL, at=11), NOON + minutes(11))[1].mood is WELL


def test_what_is_well_fired_never():
    _, known = told(said(at=1), said(WELL, at=2))

    assert (known.fired_since, known.well_at) == (None, NOON + minutes(2))


@pytest.mark.parametrize("ahead", [timedelta(0), minutes(1)])
def test_nothing_begins_in_the_future(ahead):
    _, known = heard(None, said(since=NOON + ahead, sent_at=NOON), NOON)

    assert known.since == NOON
