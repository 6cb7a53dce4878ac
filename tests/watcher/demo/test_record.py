"""What the client saw, counted."""

import pytest

from watcher.demo.record import TOO_SLOW, Answer, Record


def an_answer(at: float = 0.0, took: float = 0.01, status: int = 200, release: str = "v1") -> Answer:
    return Answer(at, took, status, release)


@pytest.mark.parametrize("status", [0, 500, 502, 503])
def test_no_answer_and_server_errors_are_failures(status):
    assert an_answer(status=status).failed


@pytest.mark.parametrize("status", [200, 301, 404, 499])
def test_other_answers_are_not(status):
    assert not an_answer(status=status).bad


def test_a_late_answer_is_bad_and_a_late_failure_counts_once():
    assert an_answer(took=TOO_SLOW + 0.1).slow
    assert not an_answer(took=TOO_SLOW + 0.1, status=500).slow
    assert not an_answer(took=TOO_SLOW).bad


def test_steps_hold_what_was_sent_in_them_and_nothing_of_the_broken_last_one():
    record = Record([an_answer(at) for at in (0.0, 0.5, 1.0, 2.5, 3.2)])

    assert [each.total for each in record.tallies(0.0, 3.4, 1.0)] == [2, 1, 1]


def test_releases_are_counted_apart():
    record = Record([an_answer(1.0), an_answer(2.0, status=500, release="v2")])

    assert record.tally(0, 10, "v2").share == 1.0
    assert record.tally(0, 10).share == 0.5
    assert record.tally(0, 10, "v3").share is None
    assert (record.first("v2"), record.last("v1"), record.first("v3")) == (2.0, 1.0, None)


def test_no_time_no_steps():
    assert Record().tallies(5.0, 4.0, 1.0) == []
    assert len(Record([an_answer()])) == 1


def test_late_answers_are_counted_where_they_are_asked_for():
    record = Record([an_answer(took=TOO_SLOW + 1), an_answer(status=500)])

    assert record.tally(0, 1).bad == 1
    assert record.tally(0, 1, late=True).bad == 2
    assert [each.bad for each in record.tallies(0, 1, 1.0, late=True)] == [2]
