"""Judges that could not judge, and rules that mean nothing, are refused."""

import pytest

from tests.rules.rulefile.sample import a_rule, problems


@pytest.mark.parametrize(
    ("judge", "indicator", "expected"),
    [
        ("{slo: {}}", "errors", 'judge.slo.objective: "objective" is missing | try: add `objective: …`'),
        ("{slo: {objective: 100%}}", "errors", "objective: an objective of 100 % leaves no errors to tell a bad release by: one would be a breach | try: promise a little less, such as 99.99%"),
        ("{slo: {objective: 99.9}}", "errors", "objective: 99.9 is not a share | try: write 99.9%, or a number from 0 to 1"),
        ("{slo: {objective: 90%, burn_rate: 10}}", "errors", "slo: nothing can exceed this: burn rate x (1 - objective) is 100 % or more | try: write a burn rate below 10"),
        ("{slo: {objective: 0%}}", "errors", "slo: nothing can exceed this: burn rate x (1 - objective) is 100 % or more | try: write an objective above 0%"),
        ("{slo: {objective: 99%, burn_rate: 0}}", "errors", "burn_rate: must be greater than 0.0 | try: write a number that is greater than 0.0"),
        ("{slo: {objective: 99%, burnrate: 2}}", "errors", 'burnrate: unknown key "burnrate" | try: did you mean "burn_rate"?'),
        ("{slo: {objective: 99%, burn_rate: 10}}", "errors", "judge: an effect of 5% is acceptable here, up to 10%, and would never be seen | try: write `must_have_seen: 20%`, or promise more"),
        ("{canary_vs_baseline: {plus: 60%}}", "errors", "an effect of 5% is acceptable here, up to 60%, and would never be seen | try: write `must_have_seen: 80%`, or promise more"),
        ("{canary_vs_baseline: {ratio: 0.9}}", "errors", "ratio: with a ratio below 1 even an equal release would be blamed | try: write 1 or more; 1.5 is usual"),
        ("{canary_vs_baseline: {ratio: 1e300}}", "errors", "ratio: hardly anything exceeds this: beside a release of which 1 % fails, 100 times is all | try: write at most 100; 1.5 is usual, with `plus` for what hardly ever fails"),
        ("{slo: {objective: 99.99999999%}}", "errors", "objective: an objective of 100 % leaves no errors to tell a bad release by: one would be a breach | try: promise a little less, such as 99.99%"),
        ("{canary_vs_baseline: {plus: 1}}", "errors", "plus: nothing can exceed 100 % | try: write a share below 100%, such as 0.05%"),
        ("{canary_vs_baseline: {}}", "slow", 'canary_vs_baseline compares two arms, and the query of "slow" does not tell them apart | try: name the arm in the query, such as ${arm.version}'),
        ("{slo: {objective: 99%}}", "crashes", 'judge.slo: slo does not fit "crashes", which is of the kind events | try: what fits: before_after, canary_vs_baseline'),
        ("{threshold: {}}", "alarm", 'threshold does not fit "alarm", which is of the kind state | try: what fits: state'),
        ("{threshold: {bad: 6, of: 5}}", "health", "threshold: 6 of 5 can never be bad | try: write `bad: 5`, or a larger `of`"),
        ("{threshold: {bad: 0}}", "health", "bad: must be at least 1 | try: write a number that is at least 1"),
        ("{threshold: {}}", "errors", "threshold: expected one limit, `above` or `below` | try: write {above: …} or {below: …}"),
        ("{threshold: {above: 1, below: 2}}", "queue", "threshold: expected one limit, `above` or `below` | try: write {above: …} or {below: …}"),
        ("{threshold: {above: 100%}}", "errors", "above: nothing can exceed 100 % | try: write a share below 100%, such as 0.05%"),
        ("{threshold: {below: 0%}}", "errors", "below: nothing is below 0 % | try: write a share above 0%"),
        ("{threshold: {above: 5%}}", "queue", "above: expected a number, found text | try: write a number, without quotes"),
        ("{traffic_drop: {drop: 100%}}", "traffic", "drop: nothing can exceed 100 % | try: write a share below 100%, such as 0.05%"),
        ("{before_after: {history: 30d}}", "errors", "history: a history lasts from 1 to 7 days | try: write 7d, so that a week's pattern is in it"),
        ("{burn_rate: {objective: 99%, windows: []}}", "errors", "burn_rate: no windows | try: write windows: [{long: 1h, short: 5m, burn: 14.4}]"),
        ("{burn_rate: {objective: 99%, windows: [{long: 5m, short: 5m, burn: 2}]}}", "errors", "windows[0]: the short window is not shorter than the long one | try: write {long: 1h, short: 5m, burn: 14.4}"),
        ("{burn_rate: {objective: 99%, windows: [{long: 5m, short: 0s, burn: 2}]}}", "errors", "windows[0].short: must last longer than 0 s | try: write 1m"),
        ("{burn_rate: {objective: 90%, windows: [{long: 5m, short: 1m, burn: 20}]}}", "errors", "burn_rate: nothing can exceed this: burn rate x (1 - objective) is 100 % or more | try: write a burn rate below 10"),
        ("{burn_rate: {objective: 99%, windows: [{long: 10h, short: 5m, burn: 2}]}}", "errors", "windows[0]: the long window is more than 60 times the short one | try: write `short: 50m`, a twelfth of it"),
        ("{burn_rate: {objective: 99%, windows: [" + ", ".join(5 * ["{long: 1h, short: 5m, burn: 2}"]) + "]}}", "errors", "burn_rate: more than 4 pairs of windows | try: write two or three, as the SRE Workbook has it"),
        ("{percentile_rank: {history: 8d}}", "queue", "history: a history lasts at most 7 days | try: write 1d, so that a day's pattern is in it"),
        ("{percentile_rank: {}}", "queue", "on_breach: percentile_rank promises nothing, and does not roll back alone | try: write `on_breach: ask`, or name it in an `all_of`"),
        ("{canary: {}}", "errors", 'judge.canary: unknown judge "canary" | try: known: before_after, burn_rate, canary_vs_baseline, percentile_rank, slo, state, threshold, traffic_drop'),
        ("{treshold: {}}", "errors", 'judge.treshold: unknown judge "treshold" | try: did you mean "threshold"?'),
        ("threshold", "health", "judge: expected one judge, as {kind: {its settings}} | try: write {threshold: {}}"),
    ],
)  # fmt: skip
def test_a_judge_that_could_not_judge_is_refused(judge, indicator, expected):
    (problem,) = problems(a_rule(judge, indicator))

    assert problem.startswith("r.yaml:12:")
    assert problem.endswith(expected)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (", weight: 0", "weight: must be greater than 0.0 | try: write a number that is greater than 0.0"),
        (", must_have_seen: 100%", "must_have_seen: must be more than 0 % and less than 100 % | try: write an effect worth seeing, such as 5%"),
        (", must_have_seen: 0.5%", "must_have_seen: an effect of 0.5% is acceptable here, up to 1%, and would never be seen | try: write `must_have_seen: 2%`, or promise more"),
        (", when_blind: pass", 'when_blind: "pass" is not one of wait, ask | try: write one of wait, ask'),
        (", statistics: {correlation: 0}", "correlation: expected one of auto, independent, robust, found a number | try: write auto"),
        (", statistics: {min_buckets: 0}", "min_buckets: must be at least 1 | try: write a number that is at least 1"),
        (", id: It", "id: must be of the form [a-z][a-z0-9_-]{0,63} | try: write it with these characters alone"),
        (", all_of: [a, b]", "indicator: has no meaning beside `all_of` | try: remove it; the members have their own"),
        (", breach: tell", 'breach: unknown key "breach" | try: did you mean "on_breach"?'),
    ],
)  # fmt: skip
def test_a_rule_that_means_nothing_is_refused(more, expected):
    assert expected in "\n".join(problems(a_rule("{slo: {objective: 99%}}", more=more)))
