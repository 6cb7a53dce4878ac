"""A rule file by itself, as its author has it in front of him."""

from dataclasses import replace

import pytest

from rules.model import Kind
from tests.watcher.config.sample import KINDS, RULES, Query, changed, folder
from watcher.config import InvalidConfiguration, ProviderKind, lint_file


def lint(tmp_path, rules: str = RULES, name: str = "web.yaml") -> list[str]:
    """All that is wrong, each on one line."""
    folder(tmp_path, rules=rules)
    try:
        lint_file(tmp_path / "rules" / name, KINDS)
    except InvalidConfiguration as invalid:
        return [
            str(problem).replace(f"{tmp_path}/", "").replace("\n    ", " | ") for problem in invalid.problems
        ]
    return []


def test_a_clean_file_is_clean_though_nobody_gave_its_parameters(tmp_path):
    assert lint(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{metrics: {url: x}}", "{metrics: {ulr: x, url: x}}", 'rules/web.yaml:7:30: indicators.stored.ratio.metrics.ulr: unknown key "ulr" | try: did you mean "url"?'),
        ("judge: {threshold: {}}", "judge: {treshold: {}}", 'rules/web.yaml:11:45: rules[1].judge.treshold: unknown judge "treshold" | try: did you mean "threshold"?'),
        ("{metrics: {url: x}}", "{tomorrow: {url: x}}", 'rules/web.yaml:7:20: indicators.stored.ratio.tomorrow: the provider "tomorrow" is not in this version | try: in this version: http, metrics, scrape'),
        ('{http: {url: "http://${host}/ready"}}', "{http: {url: http://a:13/}}", "rules/web.yaml:8:25: indicators.ready.probe.http: a wrong port | try: write 80"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_place(tmp_path, old, new, expected):
    assert expected in lint(tmp_path, changed(old, new, RULES))


def test_a_comparison_with_the_past_of_what_remembers_minutes_is_refused(tmp_path):
    without = changed("  objective: {default: 99.9%}\n", "", RULES)
    rules = changed('judge: {slo: {objective: "${objective}"}}', "judge: {before_after: {}}", without)

    what = "before_after needs a history, and scrape remembers minutes"
    remedy = "ask a system that keeps it, such as prometheus or cloudwatch, or compare both arms: canary_vs_baseline"
    assert lint(tmp_path, rules) == [f"rules/web.yaml:9:59: rules[0].judge: {what} | try: {remedy}"]
    assert lint(tmp_path, changed("indicator: errors", "indicator: stored", rules)) == []


def test_a_rank_among_the_past_of_what_remembers_minutes_is_refused(tmp_path):
    rules = """version: 1
indicators: {p99: {value: {scrape: {url: x}}}}
rules: [{name: slow, indicator: p99, judge: {percentile_rank: {}}, on_breach: ask}]
"""
    folder(tmp_path, rules=rules)
    gauges = ProviderKind(Query, frozenset({Kind.VALUE}), looks_itself=True)

    with pytest.raises(InvalidConfiguration) as caught:
        lint_file(tmp_path / "rules/web.yaml", replace(KINDS, providers={"scrape": gauges}))

    (problem,) = caught.value.problems
    assert problem.message == "percentile_rank needs a history, and scrape remembers minutes"
    assert problem.remedy.endswith("such as prometheus or cloudwatch, or use a threshold")


def test_a_file_that_is_not_there_is_told_with_the_one_that_is(tmp_path):
    assert lint(tmp_path, name="wbe.yaml") == [
        f"rules/wbe.yaml:1:1: the file cannot be read: No such file or directory | try: did you mean {tmp_path}/rules/web.yaml?".replace(
            f"{tmp_path}/", ""
        )
    ]


def test_where_no_file_is_near_one_has_to_be_named(tmp_path):
    assert lint(tmp_path, name="zzz/zzz")[0].endswith("try: name a rule file")


def test_mistakes_in_rules_and_in_queries_are_told_in_one_run(tmp_path):
    query = changed("{metrics: {url: x}}", "{metrics: {ulr: x, url: x}}", RULES)

    found = lint(tmp_path, changed("judge: {threshold: {}}", "judge: {treshold: {}}", query))

    assert [each.partition(" | ")[0].partition(": ")[2] for each in found] == [
        'indicators.stored.ratio.metrics.ulr: unknown key "ulr"',
        'rules[1].judge.treshold: unknown judge "treshold"',
    ]
