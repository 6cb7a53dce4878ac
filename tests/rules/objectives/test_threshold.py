from math import inf

import pytest

from rules.model import Consequence, Kind, Threshold, WhenBlind
from rules.objectives import threshold
from rules.sample import Value
from rules.verdict import Because, Outcome
from tests.rules.building import a_bucket, a_case, a_rule, a_watch, an_indicator, counts, noon, series


def a_gauge(judge=None, **more):
    judge = judge or Threshold(above=2.0)
    return a_watch(a_rule(judge, **more), indicators=[an_indicator(kind=Kind.VALUE)])


def values(*numbers):
    return [(None if number is None else Value(float(number)), None) for number in numbers]


def test_three_of_five_beyond_the_limit_are_a_breach():
    watch = a_gauge()

    assert watch.sees(values(3, 1, 3, 1)).outcome is Outcome.UNDECIDED
    assert watch.sees(values(3), first=4).outcome is Outcome.BREACHED
    assert watch.verdict().because is Because.POINTS
    assert watch.verdict().words == "3 of the last 5 data points above 2 (the newest 3)"


def test_it_promises_nothing_and_says_so():
    watch = a_gauge()
    judgement = watch.sees(values(1, 1))

    assert watch.verdict().promise.startswith("no promise")
    assert (watch.verdict().log10_e, watch.verdict().threshold, watch.verdict().share) == (None, None, None)
    assert (judgement.log10_e, judgement.threshold) == (None, None)


def test_it_is_healthy_once_it_has_seen_as_many_points_as_it_looks_at():
    watch = a_gauge()

    assert watch.sees(values(1, 1, 1, 1)).outcome is Outcome.UNDECIDED
    assert watch.verdict().words == "4 of 5 data points seen"
    assert watch.sees(values(1), first=4).outcome is Outcome.HEALTHY
    assert watch.estimate().value == 1.0


def test_a_breach_does_not_go_away():
    watch = a_gauge()
    watch.sees(values(3, 3, 3))

    assert watch.sees(values(1, 1, 1, 1, 1), first=3).outcome is Outcome.BREACHED


def test_a_control_is_asked_how_it_is_now():
    watch = a_gauge(consequence=Consequence.DOUBT)

    assert watch.sees(values(3, 3, 3)).doubts == ("errors are well",)
    assert watch.sees(values(1, 1, 1, 1, 1), first=3).doubts == ()


def test_what_happened_between_two_rounds_is_not_missed():
    watch = a_gauge()
    whole = series(*(a_bucket(minute, Value(3.0 if minute < 3 else 1.0)) for minute in range(12)))

    assert watch.reads(noon(12), errors=(whole,)).outcome is Outcome.BREACHED


@pytest.mark.parametrize(
    ("judge", "kind", "measure", "beyond"),
    [
        (Threshold(above=2.0), Kind.VALUE, Value(2.0), False),
        (Threshold(above=2.0), Kind.VALUE, Value(2.1), True),
        (Threshold(below=2.0), Kind.VALUE, Value(1.9), True),
        (Threshold(below=2.0), Kind.VALUE, Value(2.0), False),
        (Threshold(above=0.05), Kind.RATIO, counts(6, 100), True),
        (Threshold(above=0.05), Kind.RATIO, counts(5, 100), False),
        (Threshold(below=0.5), Kind.PROBE, counts(1, 6), True),
        (Threshold(), Kind.PROBE, counts(1, 6), True),
        (Threshold(), Kind.PROBE, counts(0, 6), False),
    ],
)
def test_a_point_is_beyond_the_limit_or_not(judge, kind, measure, beyond):
    case = a_case(judge, kind)

    memory = threshold.advance(case, threshold.start(case), a_bucket(0, measure))

    assert memory.points == ("x" if beyond else ".")


def test_without_traffic_or_data_there_is_no_point():
    case = a_case(Threshold(above=0.05), Kind.RATIO)
    memory = threshold.start(case)

    memory = threshold.advance(case, memory, a_bucket(0, counts(0, 0)))
    memory = threshold.advance(case, memory, a_bucket(1, None, counts(9, 9)))

    assert memory.points == ""
    assert memory.tally.buckets == 1


def test_the_words_are_of_the_kind():
    ratio = a_watch(a_rule(Threshold(above=0.05)))
    ratio.sees([(counts(10, 100), None)] * 5)
    probe = a_watch(a_rule(Threshold()), indicators=[an_indicator(kind=Kind.PROBE)])
    probe.sees([(counts(1, 6), None)] * 5)
    low = a_gauge(Threshold(below=2.0))
    low.sees(values(1, 1, 1, 1, 1))

    assert ratio.verdict().words == "5 of the last 5 data points above 5 % (the newest 10 %)"
    assert probe.verdict().words == "5 of the last 5 data points with a failed probe (the newest 17 %)"
    assert low.verdict().words == "5 of the last 5 data points below 2 (the newest 1)"


def test_blind_it_says_why_and_whether_to_ask():
    watch = a_gauge(when_blind=WhenBlind.ASK)
    watch.reads(noon(30))

    assert (watch.verdict().outcome, watch.verdict().because) == (Outcome.BLIND, Because.NO_DATA)
    assert watch.verdict().asks_when_blind


def test_its_evidence_is_all_or_nothing():
    case = a_case(Threshold(bad=1, of=2), Kind.PROBE)
    memory = threshold.start(case)
    figures = []
    for minute, bad in enumerate([0, 1, 0, 0]):
        memory = threshold.advance(case, memory, a_bucket(minute, counts(bad, 1)))
        figures.append(memory.process.log_e)

    assert figures == [-inf, inf, inf, -inf]
