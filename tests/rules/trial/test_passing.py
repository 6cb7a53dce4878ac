"""Tests that expect a watch to pass: when its bake is over, or proven well before."""

import pytest

from rules.brief import Margin, PassEarly
from rules.document.early import read_early
from rules.errors import InvalidRules
from rules.model import CanaryVsBaseline, Consequence, RuleSet, Slo, Statistics, Threshold
from rules.trial import read_trials, run
from tests.rules.building import a_rule, an_indicator

SURE = Statistics("independent")
RULES = RuleSet((an_indicator(),), (a_rule(CanaryVsBaseline(1.0, 0.0), statistics=SURE),))
ALIKE = ("6x40", "54x40")
EARLY = "{pass_early: true}"


def played(*expected, bad=ALIKE, bake=EARLY, more="", rules=RULES):
    """What was not as expected, and all that was told; 6,000 requests a minute of its own, and nine times as many beside it."""
    lines = "\n".join(f"      - {each}" for each in expected)
    series = f"{{canary: {{total: 6000x40, bad: {bad[0]}}}, baseline: {{total: 54000x40, bad: {bad[1]}}}}}"
    text = (
        f"version: 1\ntests:\n  - name: it\n    bake: {bake}\n{more}"
        f"    series:\n      errors: {series}\n    expect:\n{lines}"
    )
    (trial,) = read_trials(text, "web.test.yaml", rules)
    failed, told = run(trial, rules)
    return [each.words for each in failed], told


def failures(*expected, **more):
    return played(*expected, **more)[0]


@pytest.mark.parametrize("bake", [EARLY, "{pass_early: {worse_than: {ratio: 3}, miss_probability: 1%}}"])
def test_what_is_proven_well_passes_before_its_bake_is_over(bake):
    assert failures("{by: 5m, says: passed}", "{at: 6m, says: passed}", bake=bake) == []


@pytest.mark.parametrize("bake", ["{}", "{pass_early: off}", "{pass_early: false}"])
def test_without_that_it_passes_when_its_bake_is_over(bake):
    found, told = played("{at: 29m, says: passed}", "{at: 30m, says: passed}", bake=bake)

    assert [each.partition(":")[0] for each in found] == ["expected passed at 29m, and it was healthy"]
    assert [(each.after.total_seconds(), each.words) for each in told if each.outcome == "passed"] == [
        (1800, "its bake is over")
    ]


def test_it_is_told_when_it_passed_and_why():
    (found,), told = played("{by: 1m, says: passed}")

    late = "expected passed by 1m, and it was so only at 2m"
    assert found == f"{late}; then it was undecided: errors: 6,000 of about 8,000 requests seen"
    assert told[-1].words == "proven well"
    assert (told[-1].outcome, told[-1].rule) == ("passed", None)


def test_what_is_healthy_and_not_proven_well_is_told_to_be_so():
    """Twelve of 12,000 fail beside nothing that does: less than what would be found, more than what would be proven."""
    (found,) = failures("{by: 5m, says: passed}", bad=("9x40", "54x40"), bake="{pass_early: {worse_than: {ratio: 1.6, plus: 0%}}}")  # fmt: skip

    assert found.endswith("; not proven well")
    assert "then it was healthy: errors: 45 of 30,000 requests failed" in found


def test_a_bake_that_ends_between_two_buckets_ends_then():
    assert failures("{by: 630s, says: passed}", "{at: 629s, says: passed}", bake="{at_least: 630s}") == [
        "expected passed at 10m29s, and it was healthy: errors: 60 of 60,000 requests failed (0.1 %), the old version 0.1 %"
    ]


def test_what_breaches_never_passes():
    assert (
        failures("{never: passed}", "{by: 5m, says: breached, then: rollback}", bad=("300x40", "54x40")) == []
    )


def test_what_breaks_after_it_passed_starts_nothing():
    late = ("6x20 300x20", "54x40")

    assert failures("{by: 25m, says: breached, then: rollback}", bad=late, bake="{}") == []
    assert failures("{by: 25m, says: breached, then: rollback}", bad=late) == [
        "expected a rollback at 22m, and nothing is started: the watch passed at 2m"
    ]


def test_what_breaks_when_nobody_watches_any_more_starts_nothing():
    unseen = ("_x11 300x29", "_x11 54x29")

    assert failures(
        "{by: 20m, says: breached, then: rollback}", bad=unseen, bake="{at_least: 5m, at_most: 10m}"
    ) == ["expected a rollback at 13m, and nothing is started: the watch was over at 10m"]


def test_a_bake_that_is_over_without_enough_seen_has_not_passed():
    """It was healthy a minute later, when nobody watched any more."""
    blind_at_first = ("_x11 6x29", "_x11 54x29")

    assert failures("{never: passed}", bad=blind_at_first, bake="{at_least: 5m, at_most: 12m}") == []
    assert failures("{by: 20m, says: passed}", bad=blind_at_first, bake="{at_least: 5m, at_most: 20m}") == []


def test_what_has_not_all_its_traffic_has_not_passed():
    traffic = "    complete: 10m\n"

    assert failures("{by: 11m, says: passed}", more=traffic) == []
    assert len(failures("{by: 10m, says: passed}", more=traffic)) == 1
    assert failures("{by: 9m, says: healthy}", "{never: passed}", more="    complete: 3h\n", bake="{at_least: 0s}") == []  # fmt: skip


def test_the_end_of_a_bake_is_looked_at_though_no_bucket_ends_then():
    found, told = played("{by: 12m, says: passed}", bake="{at_least: 630s}")

    assert found == []
    assert [each.after.total_seconds() for each in told if each.outcome == "passed"] == [630]


def test_a_rule_that_only_tells_passes_nothing():
    tells = RuleSet((an_indicator(),), (a_rule(Slo(0.99), consequence=Consequence.TELL),))

    assert failures("{never: passed}", rules=tells) == []


def test_a_rule_that_nothing_can_prove_holds_it_up():
    limit = a_rule(Threshold(above=0.5), "limit", "errors")
    tested = RuleSet(RULES.indicators, (*RULES.rules, limit))

    assert len(failures("{by: 29m, says: passed}", "{at: 30m, says: passed}", rules=tested)) == 1


# ------------------------------------------------------------------------------------------------------ how it is written


@pytest.mark.parametrize(
    ("text", "early"),
    [
        ("true", PassEarly(Margin(2.0, 0.001), 0.05)),
        ("{}", PassEarly(Margin(2.0, 0.001), 0.05)),
        ("{worse_than: {ratio: 3, plus: 0%}, miss_probability: 1%}", PassEarly(Margin(3.0, 0.0), 0.01)),
        ("off", None),
        ("false", None),
    ],
)
def test_it_is_written_as_in_the_configuration(text, early):
    assert read_early(text, "--pass-early") == early


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{miss_probability: 60%}", "miss_probability: expected a probability above 0% and up to 50%"),
        ("{worse_than: {ratio: 1, plus: 0%}}", "worse_than: no evidence shows that a release is not a little worse"),
        ("{worse: 2}", 'unknown key "worse"'),
        ("soon", "--pass-early:1:"),
        ("{", "--pass-early:2:1: not YAML"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_place(text, words):
    with pytest.raises(InvalidRules) as refused:
        read_early(text, "--pass-early")

    assert words in str(refused.value)


def test_a_watch_passes_and_no_rule_alone():
    with pytest.raises(InvalidRules, match="a watch passes, and no rule alone"):
        failures("{by: 5m, says: passed, rule: errors}")
    with pytest.raises(InvalidRules, match="`then` is of a breach"):
        failures("{by: 5m, says: passed, then: rollback}")
