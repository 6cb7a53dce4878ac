from datetime import timedelta
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.evidence import Evidence, decode_evidence, encode_evidence
from rules.model import BurnRate, BurnWindow, Consequence, Kind, Slo, Statistics, WhenBlind
from rules.objectives import burn_rate
from rules.objectives.fitting import misfits
from rules.onset import with_onset
from rules.recovery import level
from rules.sample import Counts
from rules.verdict import Because, Outcome
from tests.rules.building import (
    HOUR,
    MINUTE,
    NOON,
    a_bucket,
    a_case,
    a_rule,
    a_watch,
    an_indicator,
    counts,
    noon,
    series,
)

PAGE = BurnWindow(HOUR, 5 * MINUTE, 14.4)  # beyond 1.44 %, of an objective of 99.9 %
SLOWER = BurnWindow(6 * HOUR, 30 * MINUTE, 6.0)
BURN = BurnRate(0.999, (PAGE,))
WELL, QUIET = (counts(0, 600), None), (counts(0, 0), None)


def failing(share, requests=600):
    return (counts(share * requests, requests), None)


def a_burn(judge=BURN, *, kind=Kind.RATIO, bounds=(), rule=None, **setting):
    """A watch with one rule; *rule*: more of it."""
    return a_watch(
        a_rule(judge, **(rule or {})), indicators=[an_indicator(kind=kind, bounds=bounds)], **setting
    )


def test_what_fails_wholly_from_the_switch_on_is_found_in_two_buckets():
    """A minute of it is a sixtieth of the hour, which is more than 1.44 %; one bucket never decides alone."""
    watch = a_burn()

    assert watch.sees([failing(1)]).outcome is Outcome.UNDECIDED
    assert watch.sees([failing(1)], first=1).outcome is Outcome.BREACHED
    assert watch.verdict().because is Because.BURN
    assert (
        watch.verdict().words
        == "a burn rate of 33 over 1 h and of 400 over 5 min; 14.4 is the limit (the budget is 0.1 %)"
    )


def test_one_bucket_may_decide_where_the_rule_says_so():
    watch = a_burn(rule={"statistics": Statistics(min_buckets=1)})

    assert watch.sees([failing(1)]).outcome is Outcome.BREACHED


def test_a_burst_that_is_over_before_the_long_window_is_beyond_the_limit_is_none():
    """Of 1.3 % all the time, the short window is beyond the limit with a peak of 5 %, and the long one is not."""
    watch = a_burn()

    assert watch.sees([failing(0.013)] * 60 + [failing(0.05)] * 2).outcome is Outcome.HEALTHY


def test_what_has_stopped_is_no_breach_though_the_hour_is_still_bad():
    """It begins to be judged when it has stopped: the long window is beyond the limit, the short one is not."""
    watch = a_burn(rule={"statistics": Statistics(min_buckets=20)})
    watch.sees([failing(0.2)] * 19 + [WELL] * 5)

    assert watch.sees([failing(0.002)], first=24).outcome is not Outcome.BREACHED
    assert watch.verdict().words.startswith("a burn rate of 63 over 1 h and of 0.4 over 5 min")


def test_any_pair_is_enough():
    slow = [failing(0.013)] * 170

    assert a_burn(BurnRate(0.999, (PAGE,))).sees(slow).outcome is Outcome.HEALTHY
    assert a_burn(BurnRate(0.999, (PAGE, SLOWER))).sees(slow).outcome is Outcome.BREACHED


def test_a_short_window_without_requests_is_no_breach():
    watch = a_burn(rule={"statistics": Statistics(min_buckets=20)})
    watch.sees([failing(0.5)] * 19 + [QUIET] * 5)

    # The twentieth failure of a counter that has lost its requests: bad without a total is no share.
    assert watch.sees([(counts(5, 0), None)], first=24).outcome is not Outcome.BREACHED


def test_what_the_old_release_failed_is_not_blamed_on_this_one():
    history = {"errors": (series(*(a_bucket(minute, counts(300, 600)) for minute in range(-120, 0))),)}
    watch = a_burn(histories=history)

    assert watch.sees([failing(0.005)] * 40).outcome is Outcome.HEALTHY


def test_it_is_healthy_once_it_would_have_found_an_effect_worth_seeing():
    """5 % are beyond 1.44 % of an hour after 17.3 minutes."""
    watch = a_burn()

    assert watch.sees([WELL] * 17).outcome is Outcome.UNDECIDED
    assert watch.verdict().words == "17 min of about 17 min seen"
    assert watch.sees([WELL], first=17).outcome is Outcome.HEALTHY
    assert (
        watch.verdict().words
        == "a burn rate of 0 over 1 h and of 0 over 5 min; 14.4 is the limit (the budget is 0.1 %)"
    )


def test_few_requests_are_not_enough_to_be_healthy():
    watch = a_burn()

    assert watch.sees([(counts(0, 3), None)] * 19).outcome is Outcome.UNDECIDED
    assert watch.verdict().words == "57 of about 60 requests seen"
    assert watch.sees([(counts(0, 3), None)], first=19).outcome is Outcome.HEALTHY


def test_a_window_with_holes_is_blind_and_not_healthy():
    """The bake looks back on an hour, of which nearly all came; of the short window most is missing."""
    watch = a_burn(at_least=HOUR)
    watch.sees([WELL] * 60)
    judgement = watch.sees([WELL], first=63)

    assert judgement.outcome is Outcome.BLIND
    assert watch.verdict().because is Because.HOLES
    assert watch.verdict().words == "only 2 of 5 buckets came in the window of 5 min"


def test_one_bucket_that_did_not_come_is_no_hole_yet():
    watch = a_burn()
    watch.sees([WELL])

    assert watch.sees([WELL], first=2).outcome is Outcome.UNDECIDED


def test_it_is_not_healthy_where_an_effect_worth_seeing_would_not_show_in_the_short_window():
    """Of two minutes one did not come: half of 8.6 %, twice the limit, are within it."""
    watch = a_burn(BurnRate(0.999, (BurnWindow(HOUR, 2 * MINUTE, 45.0),)))

    assert watch.sees([WELL] * 57).outcome is Outcome.HEALTHY
    assert watch.sees([WELL], first=58).outcome is Outcome.UNDECIDED


def test_what_did_not_come_did_not_fail():
    """Two minutes in which all fails, and then nothing came for half of the hour: the share is of the whole hour."""
    whole, holes = a_burn(), a_burn()
    whole.sees([failing(0.4)] * 2 + [WELL] * 58)
    holes.sees([failing(0.8)] * 2)
    holes.sees([WELL] * 28, first=32)
    shares = [
        burn_rate.pairs(watch.brief.cases["errors"], watch.evidence.memories["errors"])[0].long.share
        for watch in (whole, holes)
    ]

    assert shares == [pytest.approx(0.8 / 60), pytest.approx(1.6 / 60)]
    assert holes.verdict().outcome is Outcome.BREACHED


def test_without_data_it_is_blind_and_says_whether_to_ask():
    watch = a_burn(rule={"when_blind": WhenBlind.ASK})
    watch.reads(noon(30))

    assert (watch.verdict().outcome, watch.verdict().because) == (Outcome.BLIND, Because.NO_DATA)
    assert watch.verdict().asks_when_blind


def test_what_serves_beside_it_is_not_looked_at():
    watch = a_burn()
    watch.sees([(None, counts(600, 600))] * 5)

    assert watch.evidence.memories["errors"].tally.buckets == 0


def test_it_promises_nothing_and_says_so():
    watch = a_burn()
    judgement = watch.sees([WELL] * 20)

    assert watch.verdict().promise.startswith("no promise")
    assert (watch.verdict().log10_e, watch.verdict().threshold, judgement.log10_e) == (None, None, None)
    assert watch.estimate().value == 0.0


@pytest.mark.parametrize(
    ("pair", "setting", "words"),
    [
        (
            BurnWindow(72 * HOUR, 6 * HOUR, 1.0),
            {},
            "a window of 72 h is longer than the watch, which ends after 24 h: remove the pair, or write `bake: {at_most: 3d}`",
        ),
        (  # the watch ends in the middle of its fifth bucket
            BurnWindow(50 * MINUTE, 20 * MINUTE, 2.0),
            {"bucket": 10 * MINUTE, "at_least": 30 * MINUTE, "at_most": 45 * MINUTE},
            "a window of 50 min is longer than the watch, which ends after 45 min: remove the pair, or write `bake: {at_most: 50m}`",
        ),
        (
            PAGE,
            {"bucket": 10 * MINUTE},
            "a window of 5 min holds no whole bucket of 10 min: write `short: 10m` or more",
        ),
        (
            BurnWindow(9 * MINUTE, 5 * MINUTE, 2.0),
            {"bucket": 5 * MINUTE},
            "a breach takes 2 buckets of 5 min, more than a window of 9 min holds: write `long: 10m` or more",
        ),
    ],
)
def test_a_window_that_cannot_be_judged_here_is_blind_and_says_what_to_write(pair, setting, words):
    watch = a_burn(BurnRate(0.999, (PAGE, pair) if "bucket" not in setting else (pair,)), **setting)
    watch.sees([failing(1)] * 3)

    assert (watch.verdict().outcome, watch.verdict().because) == (Outcome.BLIND, Because.INVALID)
    assert watch.verdict().words == words


def test_each_bound_of_a_latency_has_its_own_windows():
    watch = a_burn(kind=Kind.LATENCY, bounds=(0.3, 1.0))
    for minute in range(2):
        slow = series(a_bucket(minute, counts(900, 600)), bound=1.0)
        watch.reads(noon(minute + 1), errors=(series(a_bucket(minute, counts(0, 600)), bound=0.3), slow))

    assert watch.verdict().outcome is Outcome.BREACHED
    assert watch.estimate().value == 1.0  # more was slow than there was, counted as all


def test_a_control_is_asked_how_it_burns_now():
    watch = a_burn(rule={"consequence": Consequence.DOUBT})

    assert watch.sees([failing(1)] * 2).doubts == ("errors are well",)
    assert watch.sees([WELL] * 6, first=2).doubts == ()


def test_it_can_be_a_part_of_all_of():
    judges = [a_rule(Slo(0.999)), a_rule(BURN, "burn", "errors")]
    watch = a_watch(*judges, a_rule(None, "both", all_of=("errors", "burn")))

    assert watch.sees([failing(1)] * 2).breached_by == ("both",)


def test_the_onset_is_that_of_the_failures():
    watch = a_burn()
    judgement = watch.sees([WELL] * 20 + [failing(0.5)] * 3)
    (verdict,) = with_onset(judgement, watch.brief, watch.buckets).verdicts

    assert verdict.onset is not None
    assert verdict.onset.at == noon(20)


def test_after_a_rollback_it_is_well_below_the_limit():
    watch = a_burn()
    watch.sees([failing(0.5)] * 3 + [failing(0.005)] * 3)

    assert level(watch.brief, watch.buckets, noon(3)).well is True
    assert level(watch.brief, watch.buckets[:3], noon(0)).well is False


gaps = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 40), st.integers(0, 60)), min_size=1, max_size=60)


@settings(max_examples=50)
@given(gaps, st.integers(0, 59))
def test_windows_are_the_sums_of_their_buckets_through_any_holes_and_restarts(came, restart):
    """Against all that came, added up anew; cells are buckets here."""
    pair = BurnWindow(12 * MINUTE, 3 * MINUTE, 50.0)
    case = a_case(BurnRate(0.99, (pair,)))
    memory, seen, minute = burn_rate.start(case), [], -1
    for place, (step, bad, total) in enumerate(came):
        minute += step
        seen.append((minute, bad, total))
        memory = burn_rate.advance(case, memory, a_bucket(minute, counts(bad, total)))
        if place == restart:
            memory = decode_evidence(encode_evidence(Evidence(memories={"it": memory}))).memories["it"]

    until, first = seen[-1][0] + 1, seen[0][0]
    (found,) = burn_rate.pairs(case, memory)
    for span, length in ((found.long, 12), (found.short, 3)):
        inside = [each for each in seen if each[0] >= until - length]
        assert (span.came, span.due) == (len(inside), length)
        assert span.lived == until - max(until - length, first)
        assert span.total == sum(total for _, _, total in inside)
        assert span.bad == sum(bad for _, bad, _ in inside)
        assert span.failed == sum(bad > 0 for _, bad, _ in inside)
    assert (memory.process.log_e == inf) == found.burns


def test_a_window_of_short_buckets_is_longer_by_a_fifth_of_the_short_one_at_most():
    case = a_case(BURN, bucket=timedelta(seconds=10))
    memory = burn_rate.start(case)
    for place in range(1000):
        memory = burn_rate.advance(case, memory, a_bucket(place, counts(1, 10), length=case.bucket))

        (pair,) = burn_rate.pairs(case, memory)
        if place >= 366:
            assert 30 <= pair.short.came == pair.short.due <= 36
            assert 360 <= pair.long.came == pair.long.due <= 366
            assert pair.long.share == pytest.approx(0.1)


def test_what_is_remembered_of_a_day_has_a_bound():
    case = a_case(BurnRate(0.999, (PAGE, SLOWER)), bucket=timedelta(seconds=10))
    memory, sizes = burn_rate.start(case), []
    for place in range(0, 8640, 15):
        bucket = a_bucket(place, Counts(1.0, 10.0), length=case.bucket)
        memory = burn_rate.advance(case, memory, bucket)
        sizes.append(sum(len(cells) for cells in memory.cells))

    assert 60 < max(sizes) <= 2 * 62
    assert len(encode_evidence(Evidence(since=NOON, memories={"it": memory}))) < 8000


def test_a_window_as_long_as_the_watch_can_be_judged():
    assert list(misfits(a_rule(BurnRate(0.99, (BurnWindow(HOUR, 5 * MINUTE, 2.0),))), MINUTE, HOUR)) == []
