"""What is asked for a watch, and when its step needs to know the way back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model import Move, RollbackPlan
from rules.brief import Margin, PassEarly
from rules.evaluate import prepare, start
from rules.evidence import encode_evidence
from rules.model import BeforeAfter, Kind, PercentileRank
from rules.sample import Bucket, Counts, NoData, Series
from rules.verdict import Outcome
from tests.builders import (
    NOON,
    READY,
    a_back,
    a_blind_judgement,
    a_breach,
    a_judgement,
    a_release,
    a_verdict,
    a_watch,
    hours,
    minutes,
    seconds,
    some_facts,
)
from tests.watcher.runtime.at_work import a_new_watch
from watcher.core.lifecycle import due, judged
from watcher.core.service import Rollout, Stage, WarmUp
from watcher.core.watch import Arms, AtStage, Breach, State, Warmth
from watcher.runtime.case import (
    by_length,
    case_of,
    has_new_breach,
    is_back_at_its_baseline,
    is_quiet,
    of_before,
    setting_of,
    warming_answers,
    with_known_onset,
    with_shares,
)
from watcher.store.documents import WATCH

BEAT = (seconds(10), seconds(1))


def a_brief(watch):
    return prepare(watch.policy.rules, setting_of(watch, lambda _: BEAT), {})


def a_prepared(watch):
    brief = a_brief(watch)
    return replace(watch, brief="brief", evidence=encode_evidence(start(brief))), brief


# ------------------------------------------------------------------------------------------------------------- questions


def test_each_indicator_that_a_rule_looks_at_is_asked_about_with_the_arms_that_it_compares():
    case = case_of(*a_prepared(a_new_watch()))

    assert [(q.id, q.canary["version"], q.baseline and q.baseline["version"]) for q in case.questions] == [
        ("w_1/errors", "v43", "v42"),
        ("w_1/health", "v43", None),
    ]


def test_the_probe_that_warms_a_release_up_is_asked_from_where_it_was_read_to():
    watch, brief = a_prepared(a_new_watch())
    rollout = Rollout(stages=(Stage(0.05), Stage()), warm_up=WarmUp("health"))
    at = AtStage(NOON, "service", ordered_by="ci", warmth=Warmth(2, NOON + seconds(20)))
    before = replace(watch, policy=replace(watch.policy, rollout=rollout), traffic_at=None, at=at)

    case = case_of(before, brief)

    assert {question.indicator.id: question.since for question in case.questions} == {
        "errors": None,
        "health": NOON + seconds(20),
    }
    health = NoData("no probe has come back yet")
    assert warming_answers(before, {"health": health}) is health
    assert warming_answers(before, {"errors": health}) is None
    assert warming_answers(watch, {"health": health}) is None


def test_the_past_is_asked_about_by_the_name_of_what_served_then():
    assert [(q.canary["version"], q.baseline) for q in of_before(a_new_watch())] == [
        ("v42", None),
        ("v43", None),
    ]


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        (None, "nothing is known to have served before"),
        ({"version": "v43"}, "both releases have the same names"),
    ],
)
def test_arms_that_cannot_be_told_apart_are_said_to_be_so_at_once(baseline, words):
    watch = replace(a_new_watch(), arms=Arms({"version": "v43"}, baseline))

    told = setting_of(watch, lambda _: BEAT).not_comparable

    assert set(told) == {"errors"}
    assert words in told["errors"]


# -------------------------------------------------------------------------------------------------------------- way back


OUTCOMES = st.sampled_from([Outcome.HEALTHY, Outcome.UNDECIDED, Outcome.BLIND])


@st.composite
def quiet_rounds(draw):
    """A watch and what a round said of it, where nothing is wrong."""
    verdicts = [
        a_verdict(draw(OUTCOMES)),
        a_verdict(draw(OUTCOMES), rule=READY, asks_when_blind=draw(st.booleans())),
    ]
    complete = draw(st.sampled_from([None, NOON - minutes(10), NOON - minutes(40), NOON - hours(25)]))
    watch = a_watch(
        complete_at=complete, spoken=draw(st.booleans()), way_back=draw(st.sampled_from([None, a_back()]))
    )
    return watch, a_judgement(*verdicts)


@given(quiet_rounds())
def test_a_quiet_step_is_the_same_whether_the_way_back_is_looked_up_or_remembered(quiet):
    watch, judgement = quiet
    glance, all_of_it = some_facts(None, looked_back=False), some_facts(watch.way_back)

    assert is_quiet(watch, judgement)
    assert judged(watch, judgement, "evidence", NOON, glance) == judged(
        watch, judgement, "evidence", NOON, all_of_it
    )


@pytest.mark.parametrize(
    ("watch", "judgement"),
    [
        (a_watch(), a_breach()),
        (a_watch(breach=Breach(NOON, a_breach())), a_judgement()),
        (a_watch(blind_since=NOON - minutes(6)), a_blind_judgement(asks=True)),
        *((a_watch(state), a_judgement()) for state in (State.ASKING, State.HELD, State.COUNTING_DOWN)),
    ],
)
def test_where_something_is_wrong_the_way_back_is_looked_for(watch, judgement):
    assert not is_quiet(watch, judgement)


@pytest.mark.parametrize("state", [state for state in State if not state.is_final])
@pytest.mark.parametrize("at", [NOON, NOON + seconds(31), NOON + hours(1), NOON + hours(26)])
def test_whether_time_has_ended_something_does_not_depend_on_the_way_back(state, at):
    watch = a_watch(state)

    assert (due(watch, at, some_facts(None)) is None) == (due(watch, at, some_facts()) is None)


# ----------------------------------------------------------------------------------------------------------------- onset


def test_a_breach_that_is_known_is_not_dated_again():
    watch = a_watch(breach=Breach(NOON - minutes(1), a_breach()))
    again = a_breach(onset=None)

    assert not has_new_breach(watch, again)
    assert with_known_onset(watch, again).verdicts[0].onset == a_breach().verdicts[0].onset


def test_the_first_breach_is_new_and_so_is_that_of_another_rule():
    other = replace(
        a_judgement(a_verdict(Outcome.BREACHED), a_verdict(Outcome.BREACHED, rule=READY)),
        breached_by=("errors", "ready"),
    )

    assert has_new_breach(a_watch(), a_breach())
    assert has_new_breach(a_watch(breach=Breach(NOON, a_breach())), other)


def test_what_only_tells_is_dated_once_too():
    told = a_judgement(a_verdict(Outcome.BREACHED, rule=READY, onset=a_breach().verdicts[0].onset))
    again = a_judgement(a_verdict(Outcome.BREACHED, rule=READY), a_verdict())

    assert has_new_breach(a_watch(), told)
    assert not has_new_breach(a_watch(judgement=told), again)
    dated, well = with_known_onset(a_watch(judgement=told), again).verdicts
    assert dated.onset == told.verdicts[0].onset
    assert well.onset is None


def test_the_past_is_asked_for_as_far_back_as_a_rule_looks_and_for_a_day_where_none_says():
    watch = a_new_watch()
    rules = watch.policy.rules
    before_ = tuple(
        replace(
            rule, judge=BeforeAfter(hours(48)) if rule.indicator == "errors" else PercentileRank(hours(36))
        )
        for rule in rules.rules
    )
    watch = replace(watch, policy=replace(watch.policy, rules=replace(rules, rules=before_)))

    asked = {back: [question.indicator.id for question in each] for back, each in by_length(watch).items()}

    assert asked == {hours(48): ["errors"], hours(36): ["health"]}
    asked_of_new = by_length(a_new_watch())
    assert list(asked_of_new) == [hours(24)]


def test_what_has_to_be_proven_for_an_early_end_is_that_of_the_policy_of_the_watch():
    early = PassEarly(Margin(2.0, 0.001), 0.05)
    watch = a_new_watch()
    policy = replace(watch.policy, bake=replace(watch.policy.bake, pass_early=early))
    stored = WATCH.decode(WATCH.encode(replace(watch, policy=policy)))

    assert setting_of(stored, lambda _: BEAT).early == early
    assert setting_of(watch, lambda _: BEAT).early is None


def test_where_nothing_is_latched_nothing_is_changed():
    assert with_known_onset(a_watch(), a_breach()) == a_breach()


# ---------------------------------------------------------------------------------------------------------------- shares


def shared(*shares, kind=Kind.REQUESTS, at=0):
    watch, brief = a_prepared(a_new_watch())
    beats = {name: replace(beat, kind=kind) for name, beat in brief.beats.items()}
    watch = replace(watch, shares=tuple((NOON + seconds(when), share) for when, share in shares))
    bucket = Bucket(NOON + seconds(at), NOON + seconds(at + 60), Counts(0.0, 9.0), Counts(0.0, 9.0))
    case = case_of(watch, replace(brief, beats=beats))
    reading = with_shares(case, {"errors": (Series("errors", (bucket,)),)})["errors"]
    assert isinstance(reading, tuple)
    return reading[0].buckets[0].share


@pytest.mark.parametrize(
    ("shares", "found"),
    [
        ([], None),
        ([(0, 0.1)], 0.1),
        ([(-99, 0.05), (0, 0.1)], 0.1),
        ([(1, 0.1)], None),
        ([(0, 0.1), (59, 0.5)], None),
        ([(0, 0.1), (89, 0.5)], None),  # it changed before it was seen to change
        ([(0, 0.1), (90, 0.5)], 0.1),
    ],
)
def test_a_bucket_knows_the_share_that_was_due_in_the_whole_of_it(shares, found):
    assert shared(*shares) == found


def test_only_requests_are_shared_out():
    assert shared((0, 0.1), kind=Kind.RATIO) is None


def test_where_nothing_was_read_there_is_nothing_to_share_out():
    case = case_of(*a_prepared(replace(a_new_watch(), shares=((NOON, 0.1),))))
    beats = {name: replace(beat, kind=Kind.REQUESTS) for name, beat in case.brief.beats.items()}

    silent = NoData("nothing is final yet")
    assert with_shares(replace(case, brief=replace(case.brief, beats=beats)), {"errors": silent}) == {
        "errors": silent
    }


@pytest.mark.parametrize(
    ("changed", "compared"),
    [
        (None, True),
        (0, True),  # it was so from the beginning
        (1, False),
        (60, False),
        (89, False),  # it changed before it was seen to change
        (90, True),
    ],
)
def test_in_a_bucket_in_which_the_shares_changed_the_arms_are_not_held_against_each_other(changed, compared):
    """An outage of both that begins with the change would be the release's alone, which has the end of the bucket."""
    staged_at = None if changed is None else NOON + seconds(changed)
    case = case_of(*a_prepared(replace(a_new_watch(), staged_at=staged_at)))
    both = Bucket(NOON, NOON + seconds(60), Counts(20.0, 90.0), Counts(1.0, 90.0))
    nothing = NoData("nothing is final yet")

    found = with_shares(case, {"errors": (Series("errors", (both,)),), "slow": nothing})

    alone = replace(both, baseline=None)
    assert found == {"errors": (Series("errors", (both if compared else alone,)),), "slow": nothing}


# ----------------------------------------------------------------------------------------------------------- recovering


@pytest.mark.parametrize(
    ("baseline", "to", "same"),
    [("sha256:v42", "v42", True), ("sha256:v42", "v41", False), (None, "v41", True)],
)
def test_whether_that_serves_again_which_it_was_compared_with(baseline, to, same):
    watch = a_watch(State.RECOVERING)
    move = Move("service", watch.deployment.parts[0].after, a_release(to))
    back = replace(
        watch,
        plan=RollbackPlan("checkout", "production", (move,)),
        arms=Arms({"version": "v43"}, {"version": "v42", "fingerprint": baseline} if baseline else None),
    )

    assert is_back_at_its_baseline(back) is same
    assert is_back_at_its_baseline(replace(back, plan=None))


def test_a_watch_of_before_there_were_fingerprints_among_the_names_is_back_where_it_was():
    watch = a_watch(State.RECOVERING)
    move = Move("service", watch.deployment.parts[0].after, a_release("v41"))

    assert is_back_at_its_baseline(replace(watch, plan=RollbackPlan("checkout", "production", (move,))))
