"""Rules over recorded samples say what a daemon would have said."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.evaluate import Timing, evaluate, prepare, start, wanted_since
from rules.model import CanaryVsBaseline, RuleSet, Slo, Statistics
from rules.replay import NOTHING, Recording, rounds
from rules.sample import NoData, Series
from rules.verdict import Because, Outcome
from tests.rules.building import MINUTE, a_brief, a_bucket, a_rule, a_setting, an_indicator, counts, noon

BAD = [a_bucket(minute, counts(30, 600), counts(0, 5400)) for minute in range(10)]


def brief(**setting):
    return a_brief(a_rule(CanaryVsBaseline(), statistics=Statistics("independent")), **setting)


def played(brief_, recordings, minutes, traffic=0.0, complete=0.0):
    moments = [noon(minute) for minute in minutes]
    return list(rounds(brief_, recordings, moments, noon(traffic), noon(complete)))


def test_a_breach_comes_at_the_same_time_and_with_the_same_evidence_as_by_hand():
    recordings = {"errors": Recording((Series("errors", tuple(BAD)),))}
    one = brief()
    evidence, by_hand = start(one), []
    for minute in range(1, 11):
        timing = Timing(noon(minute), noon(), noon())
        since = wanted_since(one, evidence, "errors", noon())
        assert since is not None
        reading = Series("errors", tuple(b for b in BAD if since < b.end <= noon(minute)))
        round_ = evaluate(one, evidence, {"errors": (reading,)}, timing)
        evidence = round_.evidence
        by_hand.append((round_.judgement.outcome, round_.judgement.log10_e))

    said = played(one, recordings, range(1, 11))

    assert [(each.judgement.outcome, each.judgement.log10_e) for each in said] == by_hand
    assert said[-1].judgement.outcome is Outcome.BREACHED


def test_how_often_one_looks_changes_no_evidence():
    recordings = {"errors": Recording((Series("errors", tuple(BAD)),))}

    seldom = played(brief(), recordings, [10])
    often = played(brief(), recordings, [quarter / 4 for quarter in range(1, 41)])

    assert seldom[-1].judgement.log10_e == often[-1].judgement.log10_e
    assert [each.now for each in often] == [noon(quarter / 4) for quarter in range(1, 41)]


def test_a_breach_knows_its_onset():
    good = [a_bucket(minute, counts(0, 600), counts(0, 5400)) for minute in range(5)]
    recordings = {"errors": Recording((Series("errors", (*good, *BAD[5:])),))}

    said = played(brief(), recordings, range(1, 11))

    (verdict,) = said[-1].judgement.verdicts
    assert verdict.onset.at == noon(5)
    assert all(verdict.onset is None for each in said[:5] for verdict in each.judgement.verdicts)


def test_when_a_breach_began_is_computed_once():
    bad = (0, 3, 0, 4, 2, 5, 6, 8, 8, 9, 9, 9, 9, 9)
    creeping = tuple(a_bucket(minute, counts(each, 600), counts(0, 5400)) for minute, each in enumerate(bad))

    said = played(brief(), {"errors": Recording((Series("errors", creeping),))}, range(1, 15))

    first, *later = [each for each in said if each.judgement.outcome is Outcome.BREACHED]
    assert later
    assert {each.judgement.verdicts[0].onset for each in later} == {first.judgement.verdicts[0].onset}


def test_what_was_never_recorded_is_no_data():
    said = played(brief(), {}, range(1, 8))

    (verdict,) = said[-1].judgement.verdicts
    assert (verdict.outcome, verdict.because) == (Outcome.BLIND, Because.NO_DATA)


def test_a_gap_is_no_data_and_what_comes_after_it_is_judged():
    recording = Recording((Series("errors", (*BAD[:1], *BAD[8:])),))

    assert recording.read(noon(1), noon(8)) == NOTHING
    assert isinstance(NOTHING, NoData)
    said = played(brief(), {"errors": recording}, range(1, 11))
    assert said[6].judgement.outcome is Outcome.BLIND
    assert said[-1].judgement.verdicts[0].seen.buckets == 3


def test_a_bucket_is_read_once_it_is_final_and_not_before():
    recordings = {"errors": Recording((Series("errors", tuple(BAD)),))}

    said = played(brief(settle=timedelta(minutes=3)), recordings, range(1, 11))

    assert [each.judgement.verdicts[0].seen.buckets for each in said] == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]


def test_an_indicator_is_asked_for_when_one_of_its_buckets_is_due():
    five = tuple(a_bucket(place, counts(0, 60), counts(0, 60), 5 * MINUTE) for place in range(3))
    rules = RuleSet(
        (an_indicator(), an_indicator("slow")), (a_rule(CanaryVsBaseline()), a_rule(Slo(0.99), "slow"))
    )
    lengths = {"errors": MINUTE, "slow": 5 * MINUTE}
    one = prepare(rules, replace(a_setting(rules), buckets=lengths), {})
    recordings = {
        "errors": Recording((Series("errors", tuple(BAD)),)),
        "slow": Recording((Series("slow", five),)),
    }

    said = played(one, recordings, range(1, 11))

    slow = [each.judgement.verdict("slow") for each in said]
    assert [verdict.seen.buckets for verdict in slow] == [0, 0, 0, 0, 1, 1, 1, 1, 1, 2]
    assert Because.NO_DATA not in {verdict.because for verdict in slow}


@pytest.mark.parametrize("traffic", [0, 3])
def test_before_the_traffic_nothing_is_judged(traffic):
    recordings = {"errors": Recording((Series("errors", tuple(BAD)),))}

    said = played(brief(), recordings, range(1, 11), traffic=traffic, complete=traffic + 2)

    assert said[-1].judgement.verdicts[0].seen.buckets == 10 - traffic
