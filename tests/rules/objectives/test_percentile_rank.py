from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import permutations
from math import exp

import pytest

from rules.evidence import Evidence, decode_evidence, encode_evidence
from rules.model import Consequence, Kind, PercentileRank, Slo, Statistics, WhenBlind
from rules.objectives import percentile_rank
from rules.objectives.percentile_rank import increments, rank, stride
from rules.onset import with_onset
from rules.recovery import level
from rules.sample import Value
from rules.verdict import Because, Outcome
from tests.rules.building import (
    MINUTE,
    a_brief,
    a_bucket,
    a_rule,
    a_watch,
    an_indicator,
    counts,
    noon,
    series,
)

HOUR = PercentileRank(timedelta(hours=2))
USUAL = [100.0 + (place * 37) % 120 for place in range(120)]  # each of 120 values once


def a_past(numbers: Sequence[float], length: timedelta = MINUTE):
    """The buckets before noon, the last of them at noon."""
    buckets = [a_bucket(place - len(numbers), Value(x), length=length) for place, x in enumerate(numbers)]
    return {"errors": (series(*buckets),)}


def a_rank(judge=HOUR, past=USUAL, *, rule=None, **setting):
    more = {"consequence": Consequence.ASK, **(rule or {})}
    indicators = [an_indicator(kind=Kind.VALUE)]
    return a_watch(a_rule(judge, **more), indicators=indicators, histories=a_past(past), **setting)


@cache
def a_case(among: tuple[float, ...]):
    """One whose buckets may decide alone, so that no cap hides what the factors are."""
    rule = a_rule(HOUR, consequence=Consequence.ASK, statistics=Statistics(min_buckets=1))
    brief = a_brief(rule, indicators=[an_indicator(kind=Kind.VALUE)], histories=a_past(USUAL))
    return replace(brief.cases["errors"], among=tuple(sorted(among)))


def values(*numbers: float | None):
    return [(None if number is None else Value(float(number)), None) for number in numbers]


def evidence_of(past: Sequence[float], numbers: Sequence[float]) -> list[float]:
    """E after each of *numbers*."""
    case = a_case(tuple(past))
    memory, found = percentile_rank.start(case), []
    for minute, number in enumerate(numbers):
        memory = percentile_rank.advance(case, memory, a_bucket(minute, Value(number)))
        found.append(exp(memory.process.log_e))
    return found


# ------------------------------------------------------------------------------------------------ what is exact


@pytest.mark.parametrize("of", [1, 2, 3, 7, 101, 633, 2048])
def test_the_factor_of_every_effect_has_a_mean_of_at_most_1_over_even_ranks(of):
    by_rank = [increments(place / of) for place in range(1, of + 1)]

    means = [sum(map(exp, each)) / of for each in zip(*by_rank, strict=True)]

    assert max(means) <= 1 + 1e-12


@pytest.mark.parametrize(
    "numbers", [(1, 2, 3, 4, 5, 6), (1, 1, 1, 2, 2, 3), (0, 0, 0, 0, 0, 9)], ids=["distinct", "ties", "one"]
)
def test_where_all_orders_are_as_probable_the_evidence_has_a_mean_of_at_most_1(numbers):
    """At every time, and whenever one stops by what was seen; by enumeration."""
    stories = [evidence_of(order[:2], order[2:]) for order in permutations(map(float, numbers))]

    for after in range(4):
        assert sum(story[after] for story in stories) / len(stories) <= 1 + 1e-9
    stopped = [next((each for each in story if each >= 1.05), story[-1]) for story in stories]
    assert sum(stopped) / len(stories) <= 1 + 1e-9


def test_a_rank_counts_what_is_as_high_and_itself():
    assert rank((1.0, 2.0, 3.0), (), 3.0) == 2 / 4
    assert rank((1.0, 2.0, 3.0), (4.0, 0.0), 3.5) == 2 / 6
    assert rank((1.0,), (), 0.0) == 1.0


# ------------------------------------------------------------------------------------------------ what is said


def test_what_is_above_all_of_the_history_is_asked_about():
    watch = a_rank()

    judgement = watch.sees(values(*[300] * 12))

    assert (judgement.outcome, judgement.asks) == (Outcome.BREACHED, True)
    assert watch.verdict().because is Because.RANK
    assert watch.verdict().words == "12 of 12 values are above 213 (the newest 300); 5 % of the history are"


def test_more_history_tells_sooner_and_one_bucket_never_decides_alone():
    day = [100.0 + place * 37 % 1440 for place in range(1440)]

    assert a_rank(PercentileRank(), day).sees(values(9000)).outcome is not Outcome.BREACHED
    assert a_rank(PercentileRank(), day).sees(values(*[9000] * 4)).outcome is Outcome.BREACHED
    assert a_rank().sees(values(*[9000] * 4)).outcome is not Outcome.BREACHED


def test_what_ranks_as_before_is_healthy_once_a_higher_one_would_have_shown():
    watch = a_rank()

    assert watch.sees(values(*USUAL[:5])).outcome is Outcome.UNDECIDED
    assert watch.verdict().words == "5 values seen, too few to have told"
    assert watch.sees(values(*USUAL[5:35]), first=5).outcome is Outcome.HEALTHY
    assert watch.estimate().value == USUAL[34]
    assert watch.estimate().baseline == 160.0


def test_lower_is_better():
    assert a_rank().sees(values(*[1] * 40)).outcome is Outcome.HEALTHY


def test_what_equals_the_highest_is_no_breach():
    """Half of the history stands at its limit, and so does the release."""
    past = [100.0 + place % 60 if place % 2 else 160.0 for place in range(120)]

    assert a_rank(past=past).sees(values(*[160] * 60)).outcome is not Outcome.BREACHED


def test_it_promises_nothing_and_says_so():
    watch = a_rank()
    watch.sees(values(150))

    assert watch.verdict().promise.startswith("no promise")
    assert (watch.verdict().log10_e, watch.verdict().threshold) == (None, None)


@pytest.mark.parametrize(
    ("past", "judge", "because", "words"),
    [
        ([], HOUR, Because.SHORT_HISTORY, "there is too little history to rank among: nothing of 2 h"),
        (USUAL[:60], HOUR, Because.SHORT_HISTORY, "there is too little history to rank among: 1 h of 2 h"),
        (
            USUAL,
            PercentileRank(),
            Because.SHORT_HISTORY,
            "there is too little history to rank among: 2 h of 24 h: write `history: 2h`, or wait",
        ),
        (
            USUAL[:60],
            PercentileRank(timedelta(hours=1)),
            Because.SHORT_HISTORY,
            "there is too little history to rank among: 60 values of at least 100",
        ),
        (
            [7.0] * 120,
            HOUR,
            Because.INVALID,
            "the history is 7 throughout, and among equals there is no rank: use a threshold",
        ),
    ],
)
def test_a_past_that_nothing_can_be_ranked_among_is_blind_and_says_why(past, judge, because, words):
    watch = a_rank(judge, past, rule={"when_blind": WhenBlind.ASK})
    watch.sees(values(*[300] * 12))

    assert (watch.verdict().outcome, watch.verdict().because) == (Outcome.BLIND, because)
    assert watch.verdict().words == words
    assert watch.verdict().asks_when_blind


def test_older_values_than_it_looks_back_on_and_those_of_a_suspect_are_left_out():
    watch = a_rank(past=[9000.0] * 60 + USUAL)

    assert watch.brief.cases["errors"].among == tuple(sorted(USUAL))


def test_a_long_history_is_thinned_by_time_and_not_by_size():
    watch = a_rank(PercentileRank(), [float(place) for place in range(1440)])

    assert watch.brief.cases["errors"].among == tuple(float(place) for place in range(0, 1440, 3))


def test_buckets_without_a_value_say_nothing():
    watch = a_rank(at_least=4 * MINUTE)
    watch.sees(values(150, None, None, 150))

    memory = watch.evidence.memories["errors"]
    assert memory.ranked == (150.0, 150.0)
    assert memory.process.placed == 4
    assert watch.verdict().because is Because.HOLES


def test_what_is_remembered_of_a_long_watch_has_a_bound_and_survives_a_restart():
    case = a_case(tuple(USUAL))
    looked_at, minute = 0, 0
    while minute < 8640:  # a day of 10 s
        minute += stride(looked_at)
        looked_at += 1
    memory = percentile_rank.start(case)._replace(ranked=tuple(USUAL * 5))
    for number in range(9):
        memory = percentile_rank.advance(case, memory, a_bucket(number, Value(150.0 + number)))
    again = decode_evidence(encode_evidence(Evidence(memories={"errors": memory}))).memories["errors"]

    assert looked_at < 1700
    assert memory.ranked[600:] == (151.0, 153.0, 155.0, 157.0)
    assert again == memory
    tenth = a_bucket(9, Value(400.0))
    assert percentile_rank.advance(case, again, tenth) == percentile_rank.advance(case, memory, tenth)


def test_with_another_rule_it_may_roll_back():
    """What fails and is slow, both."""
    rules = [a_rule(Slo(0.999), "failed"), a_rule(HOUR, "slow", consequence=Consequence.TELL)]
    watch = a_watch(
        *rules,
        a_rule(None, "both", all_of=("failed", "slow")),
        indicators=[an_indicator("failed"), an_indicator("slow", Kind.VALUE)],
        histories={"slow": (series(*a_past(USUAL)["errors"][0].buckets, name="slow"),)},
    )
    said = []
    for minute in range(20):
        failed = series(a_bucket(minute, counts(300, 600)), name="failed")
        slow = series(a_bucket(minute, Value(300.0 if minute > 2 else 120.0)), name="slow")
        said.append(watch.reads(noon(minute + 1), failed=(failed,), slow=(slow,)).breached_by)

    assert said[2] == ()
    assert said[-1] == ("both",)


def test_the_onset_is_that_of_the_high_ranks():
    watch = a_rank()
    judgement = watch.sees([*values(*USUAL[:20]), (None, Value(1.0)), *values(*[300] * 12)])
    (verdict,) = with_onset(judgement, watch.brief, watch.buckets).verdicts

    assert verdict.onset is not None
    assert noon(20) <= verdict.onset.at <= noon(21)


def test_after_a_rollback_the_newest_values_tell_by_their_rank():
    watch = a_rank()
    watch.sees(values(300, 300, 150, 150))

    assert level(watch.brief, watch.buckets, noon(0)).well is True
    assert level(watch.brief, watch.buckets[:2], noon(0)).well is False
    assert level(watch.brief, watch.buckets[:3], noon(0)).well is None
    assert level(watch.brief, watch.buckets, noon(2)).words == "0 of the last 2 values above 213"
    assert level(a_rank(past=[]).brief, watch.buckets, noon(0)).well is None
