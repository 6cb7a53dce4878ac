"""A state counts against a release only if it became bad because of it, as far as anybody can tell by the time."""

from dataclasses import replace
from datetime import timedelta
from math import inf

import pytest

from rules.evaluate import level, with_onset
from rules.evidence import decode_evidence, encode_evidence
from rules.model import Consequence, InState, Kind, Slo, WhenBlind
from rules.objectives import state
from rules.objectives.wording import moment_words
from rules.sample import NoData, State, Unavailable, Who
from rules.verdict import Because, Onset, Outcome
from tests.rules.building import MINUTE, a_bucket, a_case, a_rule, a_watch, an_indicator, counts, noon, series

SWITCH = noon(0)  # when the new release began to take traffic


def an_alarm_watched(lasting=MINUTE, **more):
    return a_watch(a_rule(InState(lasting), **more), indicators=[an_indicator(kind=Kind.STATE)])


def alarm(minute):
    """Bad since so many minutes after noon."""
    return State("ALARM", noon(minute), bad=True, of="db")


def well(minute=-600.0):
    return State("OK", noon(minute), of="db")


def states(*measures):
    return [(measure, None) for measure in measures]


def test_a_state_that_is_bad_since_the_switch_is_a_breach_once_it_has_lasted():
    watch = an_alarm_watched()

    assert watch.sees(states(well(), alarm(1.5))).outcome is Outcome.UNDECIDED
    assert watch.verdict().because is Because.NOT_SEEN_ENOUGH
    assert watch.verdict().words == "db in ALARM since 12:01 UTC; it counts once it lasts 1m"
    assert watch.sees(states(alarm(1.5)), first=2).outcome is Outcome.BREACHED
    assert watch.verdict().because is Because.STATE
    assert watch.verdict().words == "db in ALARM since 12:01 UTC"


def test_how_long_it_lasts_is_told_by_the_transition_and_not_by_how_often_one_looked():
    watch = an_alarm_watched(timedelta(minutes=5))

    judgement = watch.reads(noon(7), errors=(series(a_bucket(6, alarm(1))),))

    assert judgement.outcome is Outcome.BREACHED


def test_what_was_bad_before_says_nothing_of_the_release_and_the_words_say_that():
    watch = an_alarm_watched()

    judgement = watch.sees(states(*[alarm(-20)] * 40))

    assert judgement.outcome is Outcome.UNDECIDED
    assert watch.verdict().because is Because.BAD_BEFORE
    assert watch.verdict().words == (
        "db in ALARM since 11:40 UTC, before the deployment: says nothing of this release"
    )


def test_what_was_bad_before_and_was_well_since_counts_when_it_is_bad_again():
    watch = an_alarm_watched()
    watch.sees(states(alarm(-20), alarm(-20), well(2.5)))

    assert watch.verdict().outcome is Outcome.HEALTHY
    assert watch.sees(states(alarm(3.5), alarm(3.5)), first=3).outcome is Outcome.BREACHED


def test_a_transition_that_nobody_saw_well_still_says_nothing():
    watch = an_alarm_watched()
    watch.sees(states(alarm(-20)))
    watch.reads(noon(2), errors=NoData("db has too little data"))

    judgement = watch.sees(states(alarm(2.5), alarm(2.5)), first=2)

    assert judgement.outcome is Outcome.UNDECIDED
    assert watch.verdict().words.startswith("db in ALARM since 11:40 UTC, before the deployment")


def test_another_of_several_that_gets_bad_is_worse_and_counts():
    watch = an_alarm_watched()
    other = replace(alarm(1.5), of="cache")

    judgement = watch.sees(states(alarm(-20), other, other))

    assert judgement.outcome is Outcome.BREACHED
    assert watch.verdict().words == "cache in ALARM since 12:01 UTC"


def test_a_vendor_that_tells_no_time_is_taken_by_its_readings():
    bad, good = State("Alert", bad=True), State("OK")
    watch = an_alarm_watched()

    assert watch.sees(states(bad, bad, bad)).outcome is Outcome.UNDECIDED
    assert watch.verdict().because is Because.BAD_BEFORE
    assert watch.sees(states(good, bad), first=3).outcome is Outcome.UNDECIDED
    assert watch.sees(states(bad), first=5).outcome is Outcome.BREACHED


def test_a_breach_does_not_go_away_and_says_how_it_is_now():
    watch = an_alarm_watched()
    watch.sees(states(alarm(0.5), alarm(0.5)))

    assert watch.sees(states(well(2.5)), first=2).outcome is Outcome.BREACHED
    assert watch.verdict().words == "it was bad at 12:02 UTC; now db in OK since 12:02 UTC"


def test_a_control_is_asked_how_it_is_now():
    watch = an_alarm_watched(consequence=Consequence.DOUBT)

    assert watch.sees(states(alarm(0.5), alarm(0.5))).doubts == ("errors are well",)
    assert watch.sees(states(well(2.5)), first=2).doubts == ()


def test_it_is_healthy_with_one_fresh_reading_after_all_the_traffic_is_there():
    watch = an_alarm_watched()
    watch.complete_at = noon(2)

    assert watch.sees(states(well())).outcome is Outcome.UNDECIDED
    assert watch.verdict().words.endswith("not read yet since the new release has all its traffic")
    assert watch.sees(states(well()), first=1).outcome is Outcome.HEALTHY
    assert watch.verdict().words == "db in OK since 02:00 UTC"


def test_before_all_the_traffic_is_there_nothing_is_healthy():
    watch = an_alarm_watched()
    watch.complete_at = None

    assert watch.sees(states(well(), well())).outcome is Outcome.UNDECIDED


def test_stale_it_is_blind_and_says_why():
    watch = an_alarm_watched(when_blind=WhenBlind.ASK)
    watch.sees(states(*[well()] * 9))
    away = Unavailable(Who.PROVIDER, "throttled")

    assert watch.reads(noon(11), errors=away).outcome is Outcome.HEALTHY
    assert watch.reads(noon(13), errors=away).outcome is Outcome.BLIND
    assert watch.verdict().words == "cannot be read: throttled"
    assert watch.verdict().asks_when_blind


def test_an_alarm_that_has_no_data_is_blindness_and_not_health():
    watch = an_alarm_watched()

    judgement = watch.reads(noon(9), errors=NoData("db is in INSUFFICIENT_DATA"))

    assert judgement.outcome is Outcome.BLIND
    assert watch.verdict().words == "no data: db is in INSUFFICIENT_DATA"


def test_the_promise_is_the_vendors():
    watch = an_alarm_watched()
    judgement = watch.sees(states(well(), well()))

    assert watch.verdict().promise.startswith("the vendor's")
    assert (watch.verdict().log10_e, judgement.log10_e) == (None, None)


def test_its_evidence_is_all_or_nothing_and_only_its_own_arm_is_looked_at():
    case = a_case(InState(), Kind.STATE)
    memory = state.start(case)
    figures = []
    for minute, measure in enumerate([well(), alarm(0.5), alarm(0.5), well(3), None]):
        memory = state.advance(case, memory, a_bucket(minute, measure, alarm(-9)))
        figures.append(memory.process.log_e)

    assert figures == [-inf, inf, inf, -inf, -inf]
    assert memory.tally.buckets == 4


def test_what_is_remembered_goes_on_as_if_it_had_never_been_written():
    watch, restarted = an_alarm_watched(), an_alarm_watched()
    for minute, measure in enumerate([alarm(-20), well(0.5), alarm(1.5), alarm(1.5)]):
        watch.sees(states(measure), first=minute)
        restarted.sees(states(measure), first=minute)
        restarted.evidence = decode_evidence(encode_evidence(restarted.evidence))

    assert restarted.evidence == watch.evidence
    assert restarted.last.judgement == watch.last.judgement


def test_the_stored_buckets_replayed_give_the_same_evidence():
    watch = an_alarm_watched()
    watch.sees(states(alarm(-20), well(0.5), alarm(1.5), alarm(1.5)))

    replayed = an_alarm_watched()
    replayed.reads(noon(4), errors=tuple(series(*each.buckets) for each in [_joined(watch.buckets)]))

    assert replayed.evidence == watch.evidence


def _joined(parts):
    return series(*(bucket for part in parts for bucket in part.buckets))


# ---------------------------------------------------------------------------------------------------- what follows


def test_it_began_with_the_transition():
    watch = an_alarm_watched(timedelta(minutes=2))
    watch.sees(states(well(), alarm(1.25), alarm(1.25), alarm(1.25), well(4.5), alarm(5.5)))

    judgement = with_onset(watch.last.judgement, watch.brief, watch.buckets)

    verdict = judgement.verdict("errors")
    assert verdict is not None
    assert verdict.onset == Onset(noon(1.25), noon(1.25), noon(4), noon(1.25), timedelta(minutes=5))


def test_without_a_breach_in_the_stored_buckets_nothing_is_said_of_when_it_began():
    watch = an_alarm_watched()
    watch.sees(states(alarm(0.5), alarm(0.5)))

    judgement = with_onset(watch.last.judgement, watch.brief, watch.buckets[:1])

    verdict = judgement.verdict("errors")
    assert verdict is not None
    assert verdict.onset is None


def stands(*measures, before=()):
    """How it stands by the readings since noon, with those before it: an alarm of the service as a whole."""
    whole = replace(an_indicator(kind=Kind.STATE), compares_arms=False)
    watch = a_watch(a_rule(InState(MINUTE)), indicators=[whole])
    readings = [a_bucket(place - len(before), each) for place, each in enumerate((*before, *measures))]
    return level(watch.brief, [series(*readings)], noon(0))


@pytest.mark.parametrize(
    ("measures", "expected"),
    [
        ([well(), well()], True),
        ([alarm(-1), alarm(-1)], False),
        ([alarm(-1), well(0.5)], None),
        ([well()], None),
        ([], None),
        ([alarm(-1), alarm(-1), well(2.5), well(2.5)], True),
    ],
)
def test_after_a_rollback_two_readings_that_agree_tell(measures, expected):
    assert stands(*measures, before=[well()]).well is expected


def test_after_a_rollback_what_was_bad_before_the_deployment_tells_nothing():
    found = stands(*[replace(alarm(-20), before=True)] * 3, before=[replace(alarm(-20), before=True)])

    assert found.well is None
    assert found.words == "there is nothing yet to tell by"


def test_after_a_rollback_the_words_name_the_state():
    assert stands(well(), well()).words == "the newest state is OK"
    assert stands().words == "no state was read yet"


def test_a_member_of_all_of_is_bad_only_with_the_others():
    watch = a_watch(
        a_rule(InState(), name="alarms", indicator="alarms"),
        a_rule(Slo(0.999), name="errors", indicator="errors"),
        a_rule(None, name="both", all_of=("alarms", "errors")),
        indicators=[an_indicator("alarms", Kind.STATE), an_indicator("errors")],
    )
    for minute in range(4):
        watch.reads(
            noon(minute + 1),
            alarms=(series(a_bucket(minute, alarm(0.5)), name="alarms"),),
            errors=(series(a_bucket(minute, counts(0, 900))),),
        )

    assert watch.last.judgement.outcome is not Outcome.BREACHED


def test_a_judge_of_another_kind_is_judged_as_by_default():
    case = a_case(Slo(0.999), Kind.STATE)

    memory = state.folded(case, [a_bucket(0, replace(alarm(-1), since=noon(-1)))])

    assert memory.process.log_e == inf


def test_before_anything_was_read_it_has_not_started():
    watch = an_alarm_watched()

    assert watch.reads(noon(1)).outcome is Outcome.UNDECIDED
    assert watch.verdict().because is Because.NOT_STARTED


def test_a_time_has_a_date_where_it_is_not_today():
    assert moment_words(noon(0), noon(60)) == "12:00 UTC"
    assert moment_words(noon(-24 * 60), noon(0)) == "1 Jun 12:00 UTC"
    assert moment_words(noon(-400 * 24 * 60), noon(0)) == "28 Apr 2024 12:00 UTC"
