"""What people read, as they read it."""

from dataclasses import replace

import pytest

from deploy.tags import Grade
from rules.model import Indicator, Kind, RuleSet
from rules.recovery import Level
from rules.verdict import Because, Estimate, Onset, Outcome, Seen
from tests.builders import (
    ERRORS,
    NOON,
    READY,
    a_back,
    a_blind_judgement,
    a_breach,
    a_deployment,
    a_judgement,
    a_policy,
    a_question,
    a_verdict,
    a_watch,
    an_order,
    hours,
    minutes,
    seconds,
    some_facts,
)
from tests.watcher.core.taken import due, happened, judged, ordered, recovered, superseded
from watcher.core.change import Beside, Change, ChangeKind
from watcher.core.service import Asking, Mode, Speak, Then
from watcher.core.watch import ActionResult, ActionState, Doubtful, OrderKind, State, Tone
from watcher.core.wording import Event, notice

FLAG = some_facts(
    beside=Beside((Change(NOON - minutes(3), "flag new-pricing 0 → 50 %", kind=ChangeKind.FLAG),), told=True)
)
LOUD = a_policy(speak=Speak.ALL)


def message(step):
    """The message of *step* as it is read: headline, lines, buttons."""
    told = step.messages[0].notice
    buttons = " ".join(f"[{button.label}]" for button in told.buttons)
    return "\n".join([told.headline, *told.lines, *([buttons] if buttons else [])])


def of(watch, judgement, now=NOON, facts=None):
    step = judged(watch, judgement, "more", now, facts or some_facts())
    assert step is not None
    return step


# ----------------------------------------------------------------------------------------------------------- the breach


def test_a_breach_that_is_counted_down():
    step = of(a_watch(policy=a_policy(countdown=seconds(30))), a_breach(), facts=FLAG)

    assert message(step) == (
        "checkout · production: v43 fails 5.2 % of requests (usual 0.11 %). "
        "Going back to v42 at 12:00:30 UTC unless held\n"
        "no more errors than the old version: 412 of 7,930 requests failed, since 11:50:00\n"
        "Began 11:51:00 (between 11:50:00 and 11:52:00); v43 began to serve 11:50:00. Compared at the same time\n"
        "Sure? A good release would look like this less than once in 7,100 deployments (your limit: once in 1,000)\n"
        "Way back: v42 (proven)\n"
        "Moved besides: flag new-pricing 0 → 50 % 11:57:00\n"
        "[Roll back now to v42] [Hold 15 min] [Keep v43]"
    )


def test_a_rollback_that_starts_at_once():
    assert message(of(a_watch(), a_breach())) == (
        "checkout · production: v43 fails 5.2 % of requests (usual 0.11 %). Going back to v42 now\n"
        "no more errors than the old version: 412 of 7,930 requests failed, since 11:50:00 UTC\n"
        "Began 11:51:00 (between 11:50:00 and 11:52:00); v43 began to serve 11:50:00. Compared at the same time\n"
        "Sure? A good release would look like this less than once in 7,100 deployments (your limit: once in 1,000)\n"
        "Way back: v42 (proven)\n"
        "If v42 does not serve by 12:30:00, a person is asked"
    )


def test_a_rollback_that_a_person_ordered():
    assert message(ordered(a_watch(), an_order(OrderKind.ROLL_BACK), NOON, some_facts())) == (
        "checkout · production: going from v43 back to v42 now, ordered by olga\n"
        "Way back: v42 (proven)\n"
        "If v42 does not serve by 12:30:00 UTC, a person is asked"
    )


def test_people_are_mentioned_once_for_a_breach():
    at_once = of(a_watch(), a_breach())
    counted = due(a_watch(State.COUNTING_DOWN), NOON + seconds(30), some_facts())
    by_order = ordered(a_watch(State.ASKING), an_order(OrderKind.ROLL_BACK), NOON, some_facts())

    tones = [step.messages[0].notice.tone for step in (at_once, counted, by_order)]
    assert tones == [Tone.ALARM, Tone.NOTE, Tone.NOTE]


def breach_of(rule, **changes):
    verdict = a_verdict(Outcome.BREACHED, rule, **changes)
    return a_judgement(verdict, breached_by=(rule.id,), compared=False, at=NOON)


def test_a_rule_with_a_fixed_limit_promises_nothing_and_says_so():
    breach = breach_of(
        READY,
        log10_e=None,
        value=0.67,
        usual=None,
        because=Because.POINTS,
        words="3 of the last 5 data points",
    )

    assert message(of(a_watch(traffic_at=None, complete_at=None), breach)) == (
        "checkout · production: v43 fails 67 % of probes. Going back to v42 now\n"
        "ready: 3 of the last 5 data points, since 11:50:00 UTC\n"
        "Breached at 12:00:00; v43 is not known to serve yet. Nothing was compared at the same time\n"
        "Sure? There is no promise: this rule has a fixed limit, and does not weigh what it sees\n"
        "Way back: v42 (proven)\n"
        "If v42 does not serve by 12:30:00, a person is asked"
    )


def test_an_alarm_is_as_sure_as_whoever_set_it():
    breach = breach_of(
        READY, log10_e=None, because=Because.STATE, words="payments-db in ALARM since 11:58 UTC"
    )

    assert "Sure? As sure as whoever set the alarm: how often it is wrong is not known here\n" in message(
        of(a_watch(), breach)
    )


def test_a_rank_says_why_it_promises_nothing():
    promise = "no promise: buckets that follow each other are alike"
    breach = breach_of(READY, log10_e=None, because=Because.RANK, words="9 of 9 values", promise=promise)

    assert "Sure? There is no promise: buckets that follow each other are alike\n" in message(
        of(a_watch(), breach)
    )


def test_what_a_promise_rests_on_is_said():
    promise = (
        "a good release would look like this less than once in 7,000 deployments, if errors are independent"
    )

    step = of(a_watch(), breach_of(ERRORS, log10_e=3.85, promise=promise))

    assert (
        "Sure? A good release would look like this less than once in 7,000 deployments, if errors are independent "
        "(your limit: once in 1,000)"
    ) in step.messages[0].notice.lines


def test_all_rules_that_breached_are_named():
    worse = a_verdict(Outcome.BREACHED, READY, words="3 of the last 5 data points")
    breach = a_breach()
    both = replace(breach, verdicts=(*breach.verdicts, worse), breached_by=("errors", "ready"))

    assert "Also: ready (3 of the last 5 data points)" in of(a_watch(), both).messages[0].notice.lines


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Kind.RATIO, "v43 fails 5.2 % of requests (usual 0.11 %)"),
        (Kind.LATENCY, "v43 is slow in 5.2 % of requests (usual 0.11 %)"),
        (Kind.PROBE, "v43 fails 5.2 % of probes (usual 0.11 %)"),
        (Kind.EVENTS, "v43: no more errors than the old version: 412 of 7,930 requests failed"),
        (Kind.VALUE, "v43: no more errors than the old version: 412 of 7,930 requests failed"),
    ],
)
def test_every_kind_of_fault_has_its_number(kind, words):
    rules = RuleSet((Indicator("errors", kind, "scrape", "{}"),), (ERRORS,))

    step = of(a_watch(policy=a_policy(rules=rules)), a_breach())

    assert step.messages[0].notice.headline == f"checkout · production: {words}. Going back to v42 now"


def test_a_breach_that_nobody_is_to_blame_for_is_told_all_the_same():
    step = of(a_watch(), a_breach(breached_by=()))

    assert step.messages[0].notice.headline == "checkout · production: v43 is breached. Going back to v42 now"


# --------------------------------------------------------------------------------------------------------------- asking


def test_a_person_is_asked():
    late = Onset(NOON - minutes(3), NOON - minutes(4), NOON - minutes(2))
    watch = a_watch(traffic_at=NOON - minutes(14), complete_at=NOON - minutes(14))
    breach = a_breach(onset=late, compared=False, doubts=("payments-db is well",))

    assert message(of(watch, breach, facts=FLAG)) == (
        "checkout · production: v43 fails 5.2 % of requests (usual 0.11 %). A person is needed: "
        "“payments-db is well” does not hold any more either, and it began 11 min after the deployment, "
        "with nothing to compare it with\n"
        "no more errors than the old version: 412 of 7,930 requests failed, since 11:46:00 UTC\n"
        "Began 11:57:00 (between 11:56:00 and 11:58:00); v43 began to serve 11:46:00. "
        "Nothing was compared at the same time. Does not hold any more either: payments-db is well\n"
        "Sure? A good release would look like this less than once in 7,100 deployments (your limit: once in 1,000)\n"
        "Way back: v42 (proven)\n"
        "Against that it was v43: flag new-pricing 0 → 50 % 11:57:00\n"
        "If nobody answers until 13:00:00: keeps v43 (your setting)\n"
        "[Roll back to v42] [Keep v43] [Ask again in 15 min]"
    )


@pytest.mark.parametrize(
    ("changes", "judgement", "facts", "why"),
    [
        ({"policy": a_policy(Mode.ASK)}, a_breach(), {}, "the mode of this service is to ask"),
        ({}, a_breach(asks=True), {}, "“no more errors than the old version” may only ask"),
        ({}, a_breach(asks=True, breached_by=()), {}, "the rule may only ask"),
        ({}, a_breach(alike=True), {}, "what serves beside it fails alike: going back to v42 may not help"),
        ({}, a_breach(), {"armed": False}, "rollbackd is disarmed"),
        (
            {},
            a_breach(),
            {"armed": False, "disarmed": "disarmed by piet until 13:00:00 UTC: work"},
            "rollbackd is disarmed by piet until 13:00:00 UTC: work",
        ),
        (
            {},
            a_breach(),
            {"way_back": a_back(floor=True)},
            "the way back goes past a release that cannot be undone",
        ),
        (
            {},
            a_breach(),
            {"way_back": a_back("v38", crosses=5)},
            "the way back to v38 crosses 5 releases (the limit is 3)",
        ),
        ({}, a_breach(), {"way_back": None}, "there is no known-good release to go back to"),
        (
            {},
            a_breach(doubts=("the database is well", "the queue is well")),
            {},
            "“the database is well” and “the queue is well” do not hold any more either",
        ),
    ],
)
def test_why_a_person_is_needed(changes, judgement, facts, why):
    step = of(a_watch(**changes), judgement, facts=some_facts(**facts))

    assert step.watch.question.words == why
    assert step.messages[0].notice.headline.endswith(f"A person is needed: {why}")
    assert step.messages[0].notice.tone is Tone.ALARM


@pytest.mark.parametrize(
    ("back", "words"),
    [
        (a_back(grade=Grade.SERVED, crosses=1), "Way back: v42 (served, crosses 1 release)"),
        (a_back(crosses=4), "Way back: v42 (proven, crosses 4 releases)"),
        (a_back(floor=True), "Way back: v42 (proven, past a release that cannot be undone)"),
        (None, "There is no way back: no release before it is known to be good"),
    ],
)
def test_the_way_back_says_how_well_it_is_known_and_what_it_leaves_out(back, words):
    step = of(a_watch(policy=a_policy(Mode.ASK)), a_breach(), facts=some_facts(way_back=back))

    assert words in step.messages[0].notice.lines


def test_without_a_way_back_there_is_no_button_for_it():
    step = of(a_watch(), a_breach(), facts=some_facts(way_back=None))

    assert [button.label for button in step.messages[0].notice.buttons] == ["Keep v43", "Ask again in 15 min"]


def test_the_blind_ask():
    step = of(a_watch(blind_since=NOON - minutes(6)), a_blind_judgement(asks=True))

    assert message(step) == (
        "checkout · production: v43 cannot be judged: ready (no data since 11:50). A person is needed: "
        "“ready” asks when it sees nothing\n"
        "Way back: v42 (proven)\n"
        "If nobody answers until 13:00:00 UTC: it ends unproven, and v43 stays\n"
        "[Roll back to v42] [Keep v43] [Ask again in 15 min]"
    )


def test_what_happens_if_nobody_answers_is_the_setting():
    policy = a_policy(Mode.ASK, asking=Asking(minutes(5), Then.ROLL_BACK))

    step = of(a_watch(policy=policy), a_breach())

    assert step.messages[0].notice.lines[-1] == (
        "If nobody answers until 12:05:00: goes back to v42, where that can be undone (your setting)"
    )


def test_a_question_that_is_put_off():
    assert message(ordered(a_watch(State.ASKING), an_order(OrderKind.ASK_AGAIN), NOON, some_facts())) == (
        "checkout · production: v43 fails 5.2 % of requests (usual 0.11 %). It is asked again at 12:15:00 UTC\n"
        "Way back: v42 (proven)\n"
        "[Roll back to v42] [Keep v43]"
    )


def test_the_question_of_the_blind_is_withdrawn():
    watch = a_watch(State.ASKING, question=a_question(because=(Doubtful.BLIND,)), breach=None)

    assert message(of(watch, a_judgement())) == (
        "checkout · production: v43 can be judged again, and is watched. Nobody is needed"
    )


# ----------------------------------------------------------------------------------------------------------------- held


def test_held():
    assert message(ordered(a_watch(), an_order(OrderKind.HOLD), NOON, some_facts())) == (
        "checkout · production: v43 is held by olga until 12:15:00 UTC: I looked\n"
        "Then it is watched on; until then nothing happens by itself\n"
        "Way back: v42 (proven)\n"
        "[Resume] [Roll back to v42]"
    )


def test_held_though_it_breached():
    order = an_order(OrderKind.HOLD, reason="", lasting=hours(20))

    assert message(ordered(a_watch(State.COUNTING_DOWN), order, NOON, some_facts())) == (
        "checkout · production: v43 fails 5.2 % of requests (usual 0.11 %). "
        "Held by olga until 25 Nov 08:00:00 UTC\n"
        "Then it is decided afresh; until then nothing happens by itself\n"
        "Way back: v42 (proven)\n"
        "[Resume] [Roll back to v42] [Keep v43]"
    )


def test_no_longer_held():
    breached = a_watch(State.HELD, breach=a_watch(State.ASKING).breach)

    assert message(due(a_watch(State.HELD), NOON + hours(1), some_facts())) == (
        "checkout · production: v43 is watched on"
    )
    assert message(due(breached, NOON + hours(1), some_facts())) == (
        "checkout · production: v43 fails 5.2 % of requests (usual 0.11 %). It is no longer held, and is decided now"
    )


# --------------------------------------------------------------------------------------------------------------- shadow


def test_in_shadow_it_is_told_what_would_have_been():
    shadow = a_watch(policy=a_policy(Mode.SHADOW))

    assert message(of(shadow, a_breach())) == (
        "checkout · production: would have gone back from v43 to v42 at 12:00:00 UTC. Nothing was done. "
        "v43 fails 5.2 % of requests (usual 0.11 %)\n"
        "no more errors than the old version: 412 of 7,930 requests failed, since 11:50:00\n"
        "Began 11:51:00 (between 11:50:00 and 11:52:00); v43 began to serve 11:50:00. Compared at the same time\n"
        "Sure? A good release would look like this less than once in 7,100 deployments (your limit: once in 1,000)\n"
        "Way back: v42 (proven)\n"
        "[Right call] [Wrong call]"
    )
    assert of(shadow, a_breach(asks=True)).messages[0].notice.headline == (
        "checkout · production: would have asked a person about v43 at 12:00:00 UTC, because "
        "“no more errors than the old version” may only ask. Nothing was done. "
        "v43 fails 5.2 % of requests (usual 0.11 %)"
    )


def test_in_shadow_the_end_says_it_again():
    first = of(a_watch(policy=a_policy(Mode.SHADOW)), a_breach())

    assert message(due(first.watch, NOON + hours(1), some_facts())) == (
        "checkout · production: would have gone back from v43 to v42 at 12:00:00 UTC. Nothing was done\n"
        "Way back: v42 (proven)\n"
        "[Right call] [Wrong call]"
    )


# --------------------------------------------------------------------------------------------------------- the way back


def test_stuck():
    failed = ActionResult(
        "w_1.6.0", ActionState.FAILED, "service: CannotPullContainerError", by_hand="aws ecs update-service …"
    )

    step = happened(a_watch(State.ROLLING_BACK), failed, NOON, some_facts(way_back=a_back("v41")))

    assert message(step) == (
        "checkout · production: the rollback to v42 did not finish. A person is needed\n"
        "service: CannotPullContainerError\n"
        "By hand: aws ecs update-service …\n"
        "Nothing more is sent by itself\n"
        "[Retry v42] [Try v41 (proven)] [Keep v43: I take over]"
    )
    retry, other, _ = step.messages[0].notice.buttons
    assert (retry.to, other.to) == ("v42", "v41")


def test_stuck_without_another_way_offers_none():
    failed = ActionResult("w_1.6.0", ActionState.FAILED, "no")

    for facts in (some_facts(), some_facts(way_back=None)):
        step = happened(a_watch(State.ROLLING_BACK), failed, NOON, facts)
        assert [button.label for button in step.messages[0].notice.buttons] == [
            "Retry v42",
            "Keep v43: I take over",
        ]


def test_it_went_back():
    done = ActionResult("w_1.6.0", ActionState.DONE)

    assert message(happened(a_watch(State.ROLLING_BACK), done, NOON, some_facts())) == (
        "checkout · production: v42 serves again since 12:00:00 UTC\n"
        "Whether that helped is watched for at most 10 min\n"
        "deployed 11:50:00 → decided 11:59:00 → back 12:00:00 · 412 requests failed"
    )


FIGURES = "12 of 9,800 requests failed (0.12 %), 0.2 % is acceptable"


def test_rolled_back_and_recovered():
    assert message(recovered(a_watch(State.RECOVERING), Level(True, FIGURES), NOON, some_facts())) == (
        "checkout · production: v42 serves again since 11:59:00 UTC, and it is well: "
        "12 of 9,800 requests failed (0.12 %), 0.2 % is acceptable\n"
        "deployed 11:50:00 → decided 11:59:00 → back 11:59:00 · 412 requests failed\n"
        "v43 may not come back unnoticed, nor the same content by another name\n"
        "[Allow v43 again] [Wrong call]"
    )


def test_rolled_back_and_not_recovered():
    bad = "480 of 9,800 requests failed (4.9 %), 0.2 % is acceptable"

    assert message(recovered(a_watch(State.RECOVERING), Level(False, bad), NOON + minutes(9), FLAG)) == (
        "checkout · production: v42 serves again, but it is not better: "
        "480 of 9,800 requests failed (4.9 %), 0.2 % is acceptable. It was probably not v43\n"
        "v43 is no longer blocked. Nothing more happens by itself\n"
        "Suspects: flag new-pricing 0 → 50 % 11:57:00 UTC\n"
        "deployed 11:50:00 → decided 11:59:00 → back 11:59:00 · 412 requests failed\n"
        "[Roll forward to v43] [Stay on v42]"
    )


def test_several_parts_that_were_suspected_in_vain_are_no_one_release_to_roll_forward_to():
    watch = a_watch(State.RECOVERING)
    assert watch.plan is not None
    parts = replace(watch, plan=replace(watch.plan, moves=watch.plan.moves * 2))

    told = message(recovered(parts, Level(False, "still bad"), NOON + minutes(9), some_facts()))

    assert "Roll forward" not in told
    assert told.endswith("[Stay on v42 + v42]")


def test_rolled_back_and_nobody_knows():
    unseen = recovered(a_watch(State.RECOVERING), Level(None, ""), NOON + minutes(9), some_facts())
    overtaken = superseded(a_watch(State.RECOVERING), "w_2", NOON, some_facts())

    assert unseen.messages[0].notice.headline == (
        "checkout · production: v42 serves again since 11:59:00 UTC. Whether that helped could not be seen"
    )
    assert overtaken.messages[0].notice.headline == (
        "checkout · production: v42 serves again since 11:59:00 UTC. "
        "A newer deployment came before it was seen whether that helped"
    )


def test_an_ordered_rollback_of_a_healthy_release_counts_no_failures():
    watch = a_watch(State.RECOVERING, breach=None, ordered_by="olga")

    step = recovered(watch, Level(True, ""), NOON, some_facts())

    assert message(step) == (
        "checkout · production: v42 serves again since 11:59:00 UTC, and it is well\n"
        "deployed 11:50:00 → decided 11:59:00 → back 11:59:00\n"
        "v43 may not come back unnoticed, nor the same content by another name\n"
        "[Allow v43 again]"
    )


# -------------------------------------------------------------------------------------------------------------- the end


def baked(length, policy=LOUD):
    return a_watch(complete_at=NOON - length, policy=policy)


def test_undecided_at_the_end_of_the_shortest_bake():
    wanting = a_verdict(
        Outcome.UNDECIDED, seen=Seen(30, 212, 0, NOON, wanted=1900), estimate=Estimate(0.0, 0.0, 0.06)
    )
    blind = a_verdict(Outcome.BLIND, READY, words="HTTP 429 since 11:50")

    assert message(of(baked(minutes(30)), a_judgement(wanting, blind))) == (
        "checkout · production: v43 is neither proven nor refuted: 212 requests in 30 min, about 1,900 needed\n"
        "Excluded: no more errors than the old version: more than 6 %\n"
        "Blind: ready (HTTP 429 since 11:50)\n"
        "Watching goes on until enough was seen, at the latest 25 Nov 11:30:00 UTC. The way back stays v42"
    )


def test_undecided_for_another_reason_than_too_little_traffic():
    step = of(baked(minutes(30)), a_blind_judgement(), facts=some_facts(way_back=None))

    assert message(step) == (
        "checkout · production: v43 is neither proven nor refuted: not every rule could be judged\n"
        "Blind: ready (no data since 11:50)\n"
        "Watching goes on until enough was seen, at the latest 25 Nov 11:30:00 UTC. There is no way back"
    )


def test_passed():
    step = of(baked(minutes(30)), a_judgement())

    assert message(step) == (
        "checkout · production: v43 passed: every rule was healthy until 12:00:00 UTC (7,930 requests seen)\n"
        "It may be gone back to from now on (proven)"
    )
    assert step.messages[0].notice.tone is Tone.QUIET


def test_passed_by_what_counts_no_requests():
    step = of(baked(minutes(30)), a_judgement(a_verdict(requests=0, value=0.0)))

    assert message(step).startswith(
        "checkout · production: v43 passed: every rule was healthy until 12:00:00 UTC\n"
    )


def test_passed_by_a_persons_word():
    assert message(ordered(a_watch(State.ASKING), an_order(OrderKind.PASS), NOON, some_facts())) == (
        "checkout · production: v43 passed by the word of olga: I looked\n"
        "It may be gone back to from now on (served)"
    )


def test_unproven():
    assert message(of(baked(hours(24)), a_blind_judgement())) == (
        "checkout · production: v43 was watched until 12:00:00 UTC and is neither proven nor refuted. "
        "The way back stays v42\n"
        "ready: no data since 11:50\n"
        "[Accept v43 as good]"
    )


def test_unproven_for_its_rollout_was_broken_off():
    half = replace(baked(hours(24)), incomplete=True)

    assert message(of(half, a_judgement())) == (
        "checkout · production: v43 was watched until 12:00:00 UTC and is neither proven nor refuted: "
        "its rollout did not come to its end. The way back stays v42\n"
        "What was seen may be the old release: on how much of the fleet the new one is, nobody knows\n"
        "[Accept v43 as good]"
    )


def test_unproven_for_nothing_was_ever_judged():
    step = due(a_watch(judgement=None), NOON + hours(30), some_facts())

    assert step.messages[0].notice.lines == ("Nothing was judged",)


def test_the_blind_unanswered_and_kept():
    watch = a_watch(State.ASKING, question=a_question(because=(Doubtful.BLIND,)), breach=None)

    unanswered = due(watch, NOON + minutes(59), some_facts())
    kept = ordered(watch, an_order(OrderKind.KEEP, reason=""), NOON, some_facts())

    assert unanswered.messages[0].notice.headline == (
        "checkout · production: v43 was watched until 12:59:00 UTC and is neither proven nor refuted: "
        "nobody answered, and it could not be judged. The way back stays v42"
    )
    assert kept.messages[0].notice.headline == (
        "checkout · production: v43 was kept by olga, though it could not be judged. The way back stays v42"
    )


def test_kept():
    assert message(due(a_watch(State.ASKING), NOON + minutes(59), some_facts())) == (
        "checkout · production: v43 stays: nobody answered. v43 fails 5.2 % of requests (usual 0.11 %)\n"
        "Way back: v42 (proven)"
    )
    assert message(ordered(a_watch(State.ASKING), an_order(OrderKind.KEEP), NOON, some_facts())) == (
        "checkout · production: v43 stays, by order of olga: I looked. v43 fails 5.2 % of requests (usual 0.11 %)\n"
        "Way back: v42 (proven)"
    )


def test_kept_for_it_was_stuck():
    nobody = due(a_watch(State.STUCK), NOON + hours(24), some_facts())
    somebody = ordered(a_watch(State.STUCK), an_order(OrderKind.KEEP), NOON, some_facts())

    assert nobody.watch.ending.words == (
        "v43 was not rolled back: the rollback to v42 did not finish, and nobody answered for 24 h"
    )
    assert somebody.watch.ending.words == (
        "v43 was not rolled back: the rollback to v42 did not finish, and olga took over: I looked"
    )


def test_superseded():
    assert message(superseded(a_watch(State.ASKING), "w_2", NOON, some_facts())) == (
        "checkout · production: v43 is no longer watched: a newer deployment took over at 12:00:00 UTC. "
        "It was breached: v43 fails 5.2 % of requests (usual 0.11 %)"
    )
    assert message(superseded(a_watch(spoken=True), "w_2", NOON, some_facts())) == (
        "checkout · production: v43 is no longer watched: a newer deployment took over at 12:00:00 UTC"
    )


# -------------------------------------------------------------------------------------------------------- the beginning


def read(event, watch):
    told = notice(event, watch, NOON, some_facts())
    return "\n".join([told.headline, *told.lines, *(f"[{button.label}]" for button in told.buttons)])


def test_opened():
    assert read(Event.OPENED, a_watch()) == (
        "checkout · production: v43 is watched, after v42\nWay back: v42 (proven)"
    )
    assert read(Event.OPENED, a_watch(deployment=a_deployment(before=None), way_back=None)) == (
        "checkout · production: v43 is watched\n"
        "There is no way back: no release before it is known to be good"
    )


def test_a_quarantined_release_is_back():
    watch = a_watch(returning="rolled back: v43 fails 5.2 % of requests, 21 Nov")

    assert read(Event.RETURNING, watch) == (
        "checkout · production: v43 comes back, though it may not: rolled back: v43 fails 5.2 % of requests, 21 Nov. "
        "It is watched, and nothing is done yet\n"
        "Deployed by ada\n"
        "Way back: v42 (proven)\n"
        "[Roll back to v42]\n[Hold 15 min]\n[Allow v43]"
    )
    assert "Deployed by" not in read(Event.RETURNING, replace(watch, deployment=a_deployment(author=None)))


def test_arms_that_cannot_be_told_apart():
    assert read(Event.NOT_COMPARABLE, a_watch()) == (
        "checkout · production: v43 cannot be told apart from v42: both go by the same names in the queries\n"
        "Rules that compare the two see nothing until that is mended\n"
        "Give the releases names that differ, under `names:` of the service"
    )


# ------------------------------------------------------------------------------------------------------------- machines


def test_machines_get_the_figures_as_data():
    told = of(a_watch(), a_breach()).messages[0].notice

    assert (told.event, told.watch, told.service, told.environment, told.at) == (
        "watch.rolling_back",
        "w_1",
        "checkout",
        "production",
        NOON,
    )
    assert told.facts == {
        "state": "rolling_back",
        "tag": "v43",
        "fingerprint": "sha256:v43",
        "goes_to": "v42",
        "mode": "auto",
        "author": "ada",
        "action": "w_1.8.0",
        "decided_at": NOON.isoformat(),
        "rule": "errors",
        "value": "0.052",
        "log10_e": "3.85",
    }


def test_a_breach_without_figures_has_none():
    told = of(a_watch(), breach_of(READY, log10_e=None, estimate=None)).messages[0].notice

    assert "value" not in told.facts
    assert "log10_e" not in told.facts


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_every_message_can_be_said_of_every_watch(event, state):
    """A message that cannot be written would keep a step from being saved."""
    bare = a_watch(
        state, question=None, hold=None, plan=None, way_back=None, judgement=None, breach=None, ending=None
    )

    for watch in (a_watch(state), bare):
        told = notice(event, watch, NOON, some_facts(way_back=None))
        assert told.headline.startswith("checkout · production: ")
        assert "\n" not in told.headline
        assert all(line and "\x00" not in line for line in told.lines)
