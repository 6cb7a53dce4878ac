"""What a watch can see, as people read it: in its first message, in its story, and with what would help."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.evaluate import Timing, evaluate, start
from rules.evidence import encode_brief, encode_evidence
from rules.foresight import Flow, Foresight, Rung, Source
from rules.model import CanaryVsBaseline, Kind, Slo, Statistics, TrafficDrop
from rules.sample import Series
from tests import builders
from tests.rules.building import (
    HOUR,
    MINUTE,
    NOON,
    a_brief,
    a_bucket,
    a_history,
    a_rule,
    an_indicator,
    counts,
    noon,
)
from watcher.core.service import Stage
from watcher.core.watch import Breach, Message, State
from watcher.core.wording import (
    Event,
    foreseen,
    in_advance,
    in_words,
    is_blunt,
    notice,
    refused,
    story,
    told_of,
)

COMPARED = CanaryVsBaseline()
BUSY = [(720.0, float(place % 3 == 0) * 2) for place in range(1440)]  # a day of 12 requests a second
QUIET = [(1.0, 0.0)] * 1440
INDEPENDENTLY = Statistics(correlation="independent")


def a_brief_of(judge=COMPARED, history=BUSY, bound=None, **more):
    kind = more.pop("kind", Kind.RATIO if bound is None else Kind.LATENCY)
    indicators = [an_indicator(kind=kind, bounds=() if bound is None else (bound,))]
    histories = {"errors": (a_history(history, bound),)} if history else {}
    rule = a_rule(judge, statistics=more.pop("statistics", INDEPENDENTLY))
    return a_brief(rule, indicators=indicators, histories=histories, **more), histories


def a_watch(brief, evidence=None, **changes):
    usual = {"opened_at": NOON, "traffic_at": None, "complete_at": None, "judgement": None}
    return builders.a_watch(
        brief=encode_brief(brief),
        evidence=encode_evidence(evidence or start(brief)),
        **{**usual, **changes},
    )


def after(brief, *buckets):
    """The evidence after these buckets."""
    readings = {"errors": (Series("errors", buckets),)}
    return evaluate(brief, start(brief), readings, Timing(noon(60), NOON, NOON)).evidence


def advance(brief, histories, **changes):
    sights = in_advance(a_watch(brief, **changes), brief, histories, NOON)
    return in_words(sights)


# ------------------------------------------------------------------------------------------------------ said in advance


def a_sight(*rungs, **changes):
    """A rule that looks at 12 requests a second, of which a tenth are the release's; *rungs* as (level, minutes or None)."""
    plain = Foresight(
        rule="errors",
        name="errors are well",
        kind=Kind.RATIO,
        unit="requests",
        bound=None,
        flow=Flow(1.2, 10.8, 0.001, 1.0, 0.1, source=Source.PAST),
        rungs=tuple(Rung(level, within and within * MINUTE) for level, within in rungs),
        least=0.0075,
        most=0.0026,
        allowed=0.0019,
        worth=0.05,
        useful=True,
        soon=30 * MINUTE,
        rest=24 * HOUR,
    )
    return replace(plain, **changes)


def test_how_soon_what_is_found_and_what_is_not():
    assert in_words([a_sight((0.002, None), (0.01, 11), (0.05, 2), (1.0, 2))]) == [
        (
            "“errors are well”: at 12 requests a second and 10 % of them (as in the past): 0.1 % → 1 % is found within 11 min,"
            " 0.1 % → 5 % within 2 min, 0.1 % → 0.2 % not in this watch."
            " The least: 0.75 % within 30 min, 0.26 % within 24 h (0.19 % is acceptable)"
        )
    ]


def test_of_many_effects_three_are_told_and_of_what_is_not_found_the_largest():
    (said,) = in_words(
        [a_sight((0.002, None), (0.003, None), (0.005, 90), (0.01, 20), (0.02, 8), (0.05, 2), least=None)]
    )

    assert said.endswith(
        " 0.1 % → 0.5 % is found within 1 h 30 min, 0.1 % → 1 % within 20 min, 0.1 % → 5 % within 2 min,"
        " 0.1 % → 0.3 % not in this watch. The least: 0.26 % within 24 h (0.19 % is acceptable)"
    )


def test_it_is_said_before_anything_is_seen():
    (said,) = advance(*a_brief_of(), shares=((NOON, 0.1),))

    assert said.startswith(
        "“errors are well”: at 12 requests a second and 10 % of them (as in the past): 0.093 % → 0.46 % is found within"
    )
    assert said.endswith(" within 24 h (0.19 % is acceptable)")


def test_a_rule_that_cannot_be_judged_at_all_says_why():
    brief, _ = a_brief_of(not_comparable={"errors": "both releases go by version=v1"})

    assert refused(brief) == {
        "errors": "“errors are well” can see nothing useful: both releases go by version=v1"
    }
    assert refused(a_brief_of()[0]) == {}


def test_the_share_is_that_of_the_stage_or_a_guess_that_is_said():
    staged, guessed = (Stage(0.25), Stage()), (Stage(),)
    brief, histories = a_brief_of()

    assert " and 25 % of them (as" in advance(brief, histories, stages=staged)[0]
    assert " and perhaps 10 % of them (as" in advance(brief, histories, stages=guessed)[0]
    assert " and perhaps 10 % of them (as" in advance(brief, histories, shares=((NOON, 0.0),))[0]


def test_what_can_see_nothing_useful_says_so_first_and_what_would_help():
    whole, said = advance(*a_brief_of(history=QUIET))

    assert whole == "This watch can see nothing useful"
    assert said == (
        "“errors are well” can see nothing useful: at 1 request a minute and perhaps 10 % of them (as in the past): not"
        " even 0 % → 5 % would be found within 24 h. What helps: more traffic to the new release while the old one still"
        " serves, a longer bake (`bake: {at_most: …}`), or a coarser objective (`must_have_seen`)"
    )


def test_one_of_several_that_sees_nothing_useful_does_not_speak_for_the_watch():
    brief = a_brief(
        a_rule(COMPARED, statistics=INDEPENDENTLY),
        a_rule(Slo(0.99), "few", statistics=INDEPENDENTLY),
        histories={"errors": (a_history(BUSY),), "few": (a_history([(0.01, 0.0)] * 1440),)},
    )
    histories = {
        "errors": (a_history(BUSY),),
        "few": (replace(a_history([(0.01, 0.0)] * 1440), indicator="few"),),
    }

    first, second = advance(brief, histories)

    assert first.startswith(
        "“few are well” can see nothing useful: at 0.6 requests an hour (as in the past):"
    )
    assert "What helps: more traffic to the new release, a longer bake" in first
    assert second.startswith("“errors are well”: at 12 requests a second")


def test_where_the_bound_of_a_latency_is_what_is_too_slow_it_is_said():
    (said,) = advance(*a_brief_of(bound=0.3))

    assert said.startswith("“errors are well” (slower than 300 ms): at 12 requests a second")


def test_probes_are_not_called_requests():
    (said,) = advance(*a_brief_of(Slo(0.99), kind=Kind.PROBE))

    assert said.startswith("“errors are well”: at 12 probes a second (as in the past): ")


def test_where_all_is_found_nothing_is_missed():
    (said,) = advance(*a_brief_of(Slo(0.999)))

    assert "not in this watch" not in said


# ---------------------------------------------------------------------------------------------------- while it lasts


def test_before_it_has_seen_anything_the_past_says_at_least_how_much():
    (sight,) = foreseen(a_watch(a_brief_of()[0]), NOON)

    assert in_words([sight])[0].startswith(
        "“errors are well”: at 12 requests a second or more and perhaps 10 % of them: "
    )


def test_a_past_that_may_have_holes_is_no_reason_to_say_that_nothing_useful_can_be_seen():
    (sight,) = foreseen(a_watch(a_brief_of(history=QUIET)[0]), NOON)

    assert not sight.useful
    assert not is_blunt(sight)
    assert in_words([sight]) == ["“errors are well”: what it can see is told once the release has traffic"]


def test_once_it_has_seen_traffic_that_counts_and_the_time_that_remains():
    brief, _ = a_brief_of()
    evidence = after(brief, *(a_bucket(place, counts(0, 60), counts(5, 540)) for place in range(5)))
    soon, late = (
        foreseen(a_watch(brief, evidence, traffic_at=NOON, complete_at=NOON), noon(minutes))[0]
        for minutes in (5, 23 * 60)
    )

    assert (soon.soon, soon.rest) == (25 * MINUTE, timedelta(hours=23, minutes=55))
    assert (late.soon, late.rest) == (timedelta(0), timedelta(hours=1))
    assert (soon.most or 2) < (late.most or 2) < 1
    assert late.least is None
    assert in_words([soon])[0].startswith(
        "“errors are well”: at 10 requests a second and 10 % of them: 0.93 % → "
    )
    assert in_words([late])[0].endswith(" within 1 h (1.4 % is acceptable)")


def test_it_knows_that_it_can_see_nothing_useful_once_it_has_seen_the_traffic():
    brief, _ = a_brief_of(history=QUIET)
    evidence = after(brief, *(a_bucket(place, counts(0, 1), counts(0, 1)) for place in range(5)))

    said = in_words(foreseen(a_watch(brief, evidence, traffic_at=NOON, complete_at=NOON), noon(23 * 60)))

    assert said[0] == "This watch can see nothing useful"


def test_a_loss_of_traffic_is_said_in_parts_of_it():
    brief, _ = a_brief_of(TrafficDrop(), history=(), kind=Kind.REQUESTS)
    evidence = after(brief, replace(a_bucket(0, counts(0, 60), counts(0, 540)), share=0.1))

    (said,) = in_words(foreseen(a_watch(brief, evidence, traffic_at=NOON, complete_at=NOON), noon(1)))

    assert said.startswith(
        "“errors are well”: at 10 requests a second and 10 % of them: a loss of 75 % of its traffic is found within 2 min"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"brief": None},
        {"brief": "of another version"},
        {"state": State.PASSED},
        {"state": State.ROLLING_BACK},
        {"breach": Breach(NOON, builders.a_breach())},
    ],
    ids=["not prepared", "of another version", "over", "going back", "breached"],
)
def test_of_a_watch_that_looks_no_more_nothing_is_foretold(changes):
    assert foreseen(replace(a_watch(a_brief_of()[0]), **changes), NOON) == ()


# ----------------------------------------------------------------------------------------------------- where it is said


def test_the_story_tells_it_and_not_twice():
    brief, _ = a_brief_of()
    buckets = [a_bucket(place, counts(0, 60), counts(5, 540)) for place in range(5)]
    found = evaluate(
        brief, start(brief), {"errors": (Series("errors", tuple(buckets)),)}, Timing(noon(5), NOON, NOON)
    )
    watch = a_watch(brief, found.evidence, traffic_at=NOON, complete_at=NOON, judgement=found.judgement)

    told = story(watch, noon(5))

    assert found.judgement.verdicts[0].can_see is not None
    assert sum("can see" in line for line in told) == 0
    assert told[-1].startswith("  “errors are well”: at 10 requests a second and 10 % of them: ")


def test_a_board_that_is_shown_the_watch_again_hears_it_by_what_was_seen():
    brief, _ = a_brief_of()
    evidence = after(brief, *(a_bucket(place, counts(0, 60), counts(5, 540)) for place in range(5)))
    facts = builders.some_facts()

    fresh = notice(Event.OPENED, a_watch(brief), NOON, facts)
    seen = notice(Event.OPENED, a_watch(brief, evidence, traffic_at=NOON, complete_at=NOON), noon(5), facts)

    assert fresh.lines == ("Way back: v42 (proven)",)
    assert seen.lines[1].startswith("“errors are well”: at 10 requests a second")


def test_lines_are_added_to_messages():
    told = notice(Event.OPENED, builders.a_watch(), NOON, builders.some_facts())

    (more,) = told_of([Message("m", "show", "slack:C0", told)], ["it sees nothing"])

    assert more.notice.lines == (*told.lines, "it sees nothing")
    assert replace(more, notice=told) == Message("m", "show", "slack:C0", told)
