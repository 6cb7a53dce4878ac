import json
from dataclasses import replace
from datetime import timedelta
from math import exp, inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.brief import Margin, PassEarly
from rules.errors import RulesError
from rules.evaluate import start
from rules.evidence import (
    SIZE,
    Alone,
    Cell,
    Counter,
    Evidence,
    Intake,
    Learned,
    Memory,
    Process,
    Stood,
    Tally,
    Trouble,
    UnreadableEvidence,
    Waiting,
    decode_brief,
    decode_evidence,
    encode_brief,
    encode_evidence,
)
from rules.model import CanaryVsBaseline, Consequence, Kind, Slo, Statistics, Threshold
from rules.objectives.eprocess import HUGE
from rules.verdict import Because, Outcome
from tests.rules.building import NOON, Played, a_brief, a_rule, an_indicator, counts, noon

floats = st.floats(allow_nan=False)
finite = st.floats(allow_nan=False, allow_infinity=False)
counted = st.floats(0, 1e15)
times = st.integers(0, 10**15).map(lambda microseconds: NOON + timedelta(microseconds=microseconds))
memories = st.builds(
    Memory,
    origin=st.none() | times,
    newest=st.none() | times,
    came=st.integers(0, 2**90),
    tally=st.builds(Tally, st.integers(0, 10**9), counted, counted, counted, counted, st.integers(0, 9)),
    process=st.builds(Process, st.integers(0, 10**9), st.tuples(*[floats] * SIZE), floats, finite),
    guess=st.tuples(counted, counted),
    waiting=st.none() | st.builds(Waiting, times, counted, counted, counted, counted),
    alone=st.none() | st.builds(Alone, times, times, counted),
    learned=st.none()
    | st.builds(
        Learned,
        st.integers(1, 64),
        st.lists(st.tuples(counted, counted), max_size=64).map(tuple),
        st.integers(0, 64),
        st.none() | counted,
    ),
    points=st.text("x.", max_size=20),
    latest=st.none() | finite,
    stood=st.none()
    | st.builds(Stood, st.text(max_size=9), st.text(max_size=9), st.booleans(), times, st.booleans()),
    cells=st.lists(
        st.lists(
            st.builds(Cell, times, counted, counted, st.integers(0, 10**9), st.integers(0, 10**9)), max_size=3
        ).map(tuple),
        max_size=2,
    ).map(tuple),
    ranked=st.lists(finite, max_size=3).map(tuple),
    proof=st.lists(finite, max_size=3).map(tuple),
)
intakes = st.builds(
    Intake,
    watermark=st.none() | times,
    counters=st.lists(
        st.builds(
            Counter, st.none() | counted, st.sampled_from(["canary", "baseline"]), times, counted, counted
        ),
        max_size=3,
    ).map(tuple),
    trouble=st.none() | st.builds(Trouble, st.sampled_from(Because), st.text()),
)
evidences = st.builds(
    Evidence,
    since=st.none() | times,
    intakes=st.dictionaries(st.text(max_size=9), intakes, max_size=2),
    memories=st.dictionaries(st.text(max_size=9), memories, max_size=2),
    breached=st.dictionaries(st.text(max_size=9), times, max_size=2),
    blamed=st.lists(st.text(max_size=9), max_size=2).map(tuple),
)


@given(evidences)
def test_evidence_is_read_as_it_was_written_bit_for_bit(evidence):
    assert decode_evidence(encode_evidence(evidence)) == evidence


def test_minus_infinity_survives_being_written_down():
    fresh = start(a_brief(a_rule(Slo(0.999)), a_rule(Threshold(), "points")))

    again = decode_evidence(encode_evidence(fresh))

    assert again.memories["errors"].process.weights == (0.0,) * SIZE
    assert again.memories["points"].process.log_e == -inf
    assert again == fresh


def test_certainty_survives_being_written_down():
    evidence = Evidence(memories={"points": Memory(process=Process(log_e=inf))})

    assert decode_evidence(encode_evidence(evidence)) == evidence


def test_a_brief_is_read_as_it_was_written():
    brief = a_brief(
        a_rule(CanaryVsBaseline(1.1, 1 / 3), "errors", statistics=Statistics(correlation=7.25)),
        a_rule(CanaryVsBaseline(), "slow", statistics=Statistics(correlation="robust")),
        a_rule(Slo(0.999, 14.4), "objective", "errors", Consequence.ASK),
        a_rule(Threshold(above=0.1), "points", "errors", Consequence.TELL),
        a_rule(None, "both", all_of=("errors", "points")),
        indicators=[an_indicator(), an_indicator("slow", Kind.LATENCY, (0.3, 1.0))],
        not_comparable={"slow": "both are v1"},
    )

    assert decode_brief(encode_brief(brief)) == brief


def test_four_rules_of_evidence_fit_in_two_kilobytes():
    brief = a_brief(
        *(a_rule(Slo(0.999), f"r{place}", "errors") for place in range(4)), indicators=[an_indicator()]
    )

    assert len(encode_evidence(start(brief))) < 2000


GOOD = encode_evidence(Evidence(since=NOON, memories={"errors": Memory()}, intakes={"errors": Intake(NOON)}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"v":2}',
        '{"v":1}',
        '{"v":3}',
        GOOD[:-9],
        GOOD.replace('"since":', '"since":"noon","was":'),
        GOOD.replace('"memories":{"errors":["', '"memories":{"errors":["AAAA'),
        GOOD.replace('"memories":{"errors":["', '"memories":{"errors":["!'),
        GOOD.replace('"intakes":{"errors":[', '"intakes":{"errors":[1e99,'),
        GOOD.replace('"blamed":[]', '"blamed":1'),
    ],
)
def test_damaged_evidence_is_our_error_with_a_remedy(text):
    with pytest.raises(UnreadableEvidence) as caught:
        decode_evidence(text)

    assert isinstance(caught.value, RulesError)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "spoil",
    [lambda text: text[:-20], lambda text: text.replace('"alpha":0.001', '"alpha":"?"'), lambda _: '{"v":3}'],
)
def test_a_damaged_brief_is_our_error(spoil):
    with pytest.raises(UnreadableEvidence):
        decode_brief(spoil(encode_brief(a_brief(a_rule(Slo(0.999))))))


def test_what_a_memory_does_not_have_is_not_written_so_that_older_evidence_is_read_as_it_stands():
    plain, stood = Memory(), Memory(stood=Stood("ALARM", "db", bad=True, since=NOON, before=False))
    text = encode_evidence(Evidence(memories={"plain": plain, "stood": stood}))

    assert {key: len(fields) for key, fields in json.loads(text)["memories"].items()} == {
        "plain": 3,
        "stood": 5,
    }
    assert decode_evidence(text).memories == {"plain": plain, "stood": stood}


def an_upgraded_watch():
    """One that version 1 judged for its first minute, in which 30 of 600 requests failed."""
    written = json.loads((Path(__file__).parent / "version_1.json").read_text())
    watch = Played(decode_brief(json.dumps(written["brief"])))
    watch.evidence = decode_evidence(json.dumps(written["evidence"]))
    return watch


def test_a_watch_that_version_1_judged_has_the_same_evidence():
    """There 0.7 of the onset's weight was placed after the first bucket."""
    memories = an_upgraded_watch().evidence.memories

    for memory in memories.values():
        process = memory.process
        assert 0.3 + sum(process.weights) == pytest.approx(exp(process.log_e), rel=1e-12)
    assert memories["errors"].process.log_e > 1


def test_a_watch_that_version_1_judged_goes_on():
    healthy, bad = (counts(0, 600), counts(0, 600)), (counts(30, 600), counts(1, 600))

    assert an_upgraded_watch().sees([bad], first=1).outcome is Outcome.BREACHED
    assert an_upgraded_watch().sees([healthy] * 30, first=1).outcome is Outcome.HEALTHY


def test_a_weight_of_version_1_beyond_all_floats_is_a_large_one():
    evidence = Evidence(memories={"errors": Memory(process=Process(1, (-inf, 800.0, *[0.0] * 11)))})
    text = encode_evidence(evidence).replace('"v":2', '"v":1')

    weights = decode_evidence(text).memories["errors"].process.weights

    assert weights[0] == 0
    assert 1e128 < weights[1] < HUGE
    assert weights[2] == 1 / SIZE


def test_microseconds_are_kept():
    late = NOON + timedelta(microseconds=1)

    evidence = replace(Evidence(), since=late)

    assert decode_evidence(encode_evidence(evidence)).since == late


# ------------------------------------------------------------------- what the next version writes, while both are running

TOMORROW = "phase_of_the_moon"


def test_a_reason_of_a_newer_version_is_unknown_and_keeps_its_words():
    trouble = Trouble(Because.NO_DATA, "the moon is full")
    text = encode_evidence(Evidence(intakes={"errors": Intake(NOON, trouble=trouble)}))

    read = decode_evidence(text.replace('"no_data"', f'"{TOMORROW}"'))

    assert read.intakes["errors"].trouble == Trouble(Because.UNKNOWN, "the moon is full")


def test_a_watch_in_trouble_that_a_newer_version_tells_goes_on_being_judged():
    watch = Played(a_brief(a_rule(Slo(0.99))))
    watch.sees([(counts(0, 600), None)] * 5)
    told = encode_evidence(watch.evidence).replace("[],null]", f'[],["{TOMORROW}","the moon is full"]]')
    watch.evidence = decode_evidence(told)

    assert watch.reads(noon(30)).outcome is Outcome.BLIND
    assert watch.verdict().words == "cannot be judged: the moon is full"
    assert watch.sees([(counts(0, 600), None)] * 30, first=30).outcome is Outcome.HEALTHY


def test_a_refusal_of_a_newer_version_is_a_refusal():
    brief = a_brief(a_rule(CanaryVsBaseline()), not_comparable={"errors": "the moon is full"})
    text = encode_brief(brief).replace('"not_comparable"', f'"{TOMORROW}"')

    refusal = decode_brief(text).cases["errors"].refusal

    assert refusal is not None
    assert (refusal.because, refusal.words) == (Because.UNKNOWN, "the moon is full")


def test_what_a_newer_version_remembers_besides_is_left_out():
    watch = Played(a_brief(a_rule(Slo(0.99)), early=PassEarly(Margin(2.0), 0.05)))
    watch.sees([(counts(0, 600), None)] * 5)
    known = encode_evidence(watch.evidence)
    more = json.loads(known)
    more["moon"] = "full"
    more["memories"]["errors"] += ["AAAA", {"moon": "full"}]
    more["intakes"]["errors"] += ["full"]

    read = decode_evidence(json.dumps(more))

    assert read == watch.evidence
    assert encode_evidence(read) == known


def test_what_a_newer_version_fixes_besides_is_left_out():
    brief = a_brief(a_rule(Slo(0.99)))
    more = json.loads(encode_brief(brief))
    more["brief"]["moon"] = more["brief"]["cases"]["errors"]["moon"] = "full"

    assert decode_brief(json.dumps(more)) == brief


def test_no_reason_but_a_word_is_a_reason():
    with pytest.raises(ValueError, match="7 is not a valid Because"):
        Because(7)  # type: ignore[arg-type]
