from datetime import timedelta

import pytest

from rules.model import Kind, Slo, Statistics
from rules.objectives.wording import (
    about,
    bound_words,
    count_words,
    odds_words,
    share_words,
    span_words,
    unit,
    what_failed,
)
from tests.rules.building import a_case


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.052, "5.2 %"),
        (0.0011, "0.11 %"),
        (0.38, "38 %"),
        (1.0, "100 %"),
        (12.5, "1,250 %"),
        (0.0, "0 %"),
        (0.000012, "0.0012 %"),
        (1e-9, "below 0.0001 %"),
    ],
)
def test_a_share_has_two_digits(share, words):
    assert share_words(share) == words


@pytest.mark.parametrize(("count", "words"), [(7930, "7,930"), (0, "0"), (2.5, "2.5"), (12.4, "12")])
def test_a_count_is_whole_unless_it_was_extrapolated_and_is_small(count, words):
    assert count_words(count) == words


def test_about_is_two_digits():
    assert about(4987) == "about 5,000"
    assert about(62) == "about 62"


def test_odds_are_told_as_once_in_so_many():
    assert odds_words(0.001) == "once in 1,000"
    assert odds_words(1 / 7123) == "once in 7,100"
    assert odds_words(1e-30) == "once in a million"


def test_a_bound_is_told_in_the_unit_that_people_use():
    assert [bound_words(seconds) for seconds in (0.3, 1.0, 1.5)] == ["300 ms", "1 s", "1.5 s"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(45, "45 s"), (840, "14 min"), (12_000, "3 h 20 min"), (7200, "2 h")]
)
def test_a_span_is_told_to_the_minute(seconds, words):
    assert span_words(timedelta(seconds=seconds)) == words


def test_what_is_counted_and_what_it_did_follow_the_kind():
    users = a_case(Slo(0.999), statistics=Statistics(unit="users"))
    probes = a_case(Slo(0.9), Kind.PROBE)
    slow = a_case(Slo(0.9), Kind.LATENCY, bound=0.3)
    unbounded = a_case(Slo(0.9), Kind.LATENCY)

    assert (unit(users), what_failed(users)) == ("users", "failed")
    assert (unit(probes), what_failed(probes)) == ("probes", "failed")
    assert what_failed(slow) == "took longer than 300 ms"
    assert what_failed(unbounded) == "were slow"
