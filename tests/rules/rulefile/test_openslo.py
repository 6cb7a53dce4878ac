"""Documents of OpenSLO where a rule file is expected: the same promises, or what of them cannot be kept, line by line."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.document import read_document
from rules.errors import InvalidRules
from rules.model import Consequence, Kind, Slo
from rules.rulefile import Catalogue, RuleFile, read_rules
from tests.rules.rulefile.sample import INDICATORS

CATALOGUE = Catalogue(
    providers={"prometheus": frozenset({Kind.RATIO}), "cloudwatch": frozenset({Kind.RATIO})},
    later=frozenset({"datadog"}),
)
SLI = """\
apiVersion: openslo/v1
kind: SLI
metadata: {name: Web.Errors}
spec:
  description: of all requests
  ratioMetric:
    counter: true
    good:
      metricSource: {type: Prometheus, spec: {query: 'sum(http_requests_total{code!~"5..}"})'}}
    total:
      metricSource: {type: Prometheus, spec: {query: http_requests_total}}
"""
SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: web
  displayName: web answers
  labels: {team: checkout}
  annotations: {example.com/board: x}
spec:
  service: web
  indicatorRef: Web.Errors
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - target: 0.999
  alertPolicies: []
"""
BOTH = f"{SLI}---\n{SLO}"
SECOND = SLI.count("\n") + 1  # lines before the SLO


def read(text: str) -> RuleFile:
    return read_rules(text, "slo.yaml", CATALOGUE, read_document("{}", "with"))


def changed(old: str, new: str, text: str = BOTH) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidRules) as refused:
        read(text)
    return [str(problem).replace("\n    ", " | ") for problem in refused.value.problems]


def query(file: RuleFile) -> dict[str, str]:
    found: dict[str, str] = json.loads(file.rules.indicators[0].query)
    return found


# ------------------------------------------------------------------------------------------------ what it comes to


def test_an_objective_becomes_a_rule_that_asks():
    file = read(BOTH)
    (indicator,), (rule,) = file.rules.indicators, file.rules.rules

    assert (indicator.id, indicator.kind, indicator.provider) == ("web-errors", Kind.RATIO, "prometheus")
    assert (rule.id, rule.name, rule.indicator) == ("web", "web answers", "web-errors")
    assert (rule.judge, rule.on_breach, rule.must_have_seen) == (Slo(0.999), Consequence.ASK, 0.05)
    assert file.promises["web"].at.line == SECOND + 14


def test_what_is_not_good_is_bad_and_all_is_where_nothing_is_good():
    assert query(read(BOTH)) == {
        "total_expr": "sum(increase(http_requests_total[${bucket}]))",
        "bad_expr": "clamp_min(sum(sum(increase(http_requests_total[${bucket}])))"
        ' - (sum(sum(increase(http_requests_total{code!~"5..}"}[${bucket}]))) or vector(0)), 0)',
    }


def test_what_is_bad_is_taken_as_it_is():
    assert query(read(changed("    good:", "    bad:")))["bad_expr"].startswith(
        "sum(increase(http_requests_total{"
    )


def test_a_query_that_counts_in_a_bucket_by_itself_is_left_as_it_is():
    own = "sum(increase(a_total[${bucket}])) * 2"

    assert query(read(changed("query: http_requests_total", f"query: '{own}'")))["total_expr"] == own


def test_releases_are_told_apart_where_the_query_names_them():
    text = changed("query: http_requests_total", "query: 'http_requests_total{version=\"${arm.version}\"}'")

    assert read(text).rules.indicators[0].compares_arms


def test_the_data_source_is_the_connection():
    text = BOTH.replace("{type: Prometheus,", "{type: Prometheus, metricSourceRef: main,")

    assert read(text).rules.indicators[0].connection == "main"


def test_annotations_of_ours_say_what_a_breach_leads_to_and_how_fast_the_budget_may_burn():
    text = changed("{example.com/board: x}", '{rollbackd/on_breach: rollback, rollbackd/burn_rate: "14.4"}')

    (rule,) = read(text).rules.rules
    assert (rule.on_breach, rule.judge) == (Consequence.ROLLBACK, Slo(0.999, 14.4))


def test_each_objective_is_a_rule_of_its_own():
    """The second is so coarse that what a rule must have seen by default would be acceptable."""
    text = changed("- target: 0.999", "- {displayName: nearly all, targetPercent: 99.9}\n    - target: 0.95")
    rules = read(text).rules.rules

    assert [(rule.id, rule.name) for rule in rules] == [("web-1", "nearly all"), ("web-2", "web answers")]
    assert [rule.judge for rule in rules] == [Slo(0.999), Slo(0.95)]
    assert [rule.must_have_seen for rule in rules] == [0.05, 0.1]


def test_an_indicator_may_stand_inside_and_objects_in_a_list():
    inner = "".join(f"    {line}\n" for line in SLI.splitlines()[3:])
    inside = changed("  indicatorRef: Web.Errors\n", f"  indicator:\n{inner}", SLO)
    listed = "\n".join("- " + text.replace("\n", "\n  ").rstrip() for text in (SLI, SLO))

    assert [each.id for each in read(inside).rules.indicators] == ["web"]
    assert read(listed).rules == read(BOTH).rules


def test_two_objectives_may_share_an_indicator_and_a_service_only_describes():
    second = SLO.replace("name: web\n", "name: web-too\n")
    service = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: web}\nspec: {}\n"

    rules = read(f"{BOTH}---\n{second}---\n{service}---\n").rules
    assert (len(rules.indicators), [rule.id for rule in rules.rules]) == (1, ["web", "web-too"])


# ------------------------------------------------------------------------------------------------ what is refused

SLICES = "a budget of time slices cannot be judged: requests are counted, and not minutes | try: write `budgetingMethod: Occurrences`"
UNTOLD = "it cannot be told how many that are in a bucket | try: write a counter, as x_total{…} or sum(x_total{…}); or sum(increase(x_total{…}[${bucket}]))"


@pytest.mark.parametrize(
    ("old", "new", "line", "expected"),
    [
        ("budgetingMethod: Occurrences", "budgetingMethod: Timeslices", 24, f"spec.budgetingMethod: {SLICES}"),
        ("- target: 0.999", "- {target: 0.999, timeSliceTarget: 0.9}", 26, f"spec.objectives[0].timeSliceTarget: {SLICES}"),
        ("- target: 0.999", "- {target: 0.999, op: lt}", 26, "spec.objectives[0].op: belongs to a threshold metric, which is not judged | try: remove it"),
        ("- target: 0.999", "- {target: 0.999, targetPercent: 99.9}", 26, "spec.objectives[0]: exactly one target is needed | try: write `target: 0.999`, or `targetPercent: 99.9`"),
        ("- target: 0.999", "- target: 99.9", 26, "spec.objectives[0].target: must be less than 1.0 | try: write a number that is less than 1.0"),
        ("- target: 0.999", "- target: false", 26, "spec.objectives[0].target: expected a number, found true or false | try: write a number, without quotes"),
        ("- target: 0.999", "- {target: 0.9, indicatorRef: x}", 26, "spec.objectives[0].indicatorRef: an objective with an indicator of its own is not read | try: write an SLO of its own for it"),
        ("alertPolicies: []", "alertPolicies: [{alertPolicyRef: x}]", 27, "spec.alertPolicies: alert policies are not read: a breach leads to what the rule says | try: remove them; annotate `rollbackd/on_breach: ask`, and write burn rates as rules with the judge burn_rate"),
        ("{duration: 28d, isRolling: true}", "{duration: 1M, calendar: {}}", 23, "spec.timeWindow[0]: a calendar window cannot be judged: a watch looks at one release, and knows no months | try: write `isRolling: true`, or remove timeWindow"),
        ("indicatorRef: Web.Errors", "indicatorRef: Web.Erors", 22, 'spec.indicatorRef: unknown SLI of this file "Web.Erors" | try: did you mean "Web.Errors"?'),
        ("indicatorRef: Web.Errors", "description: x", 21, "spec: exactly one indicator is needed | try: write `indicator:`, or `indicatorRef:` with its name"),
        ("{example.com/board: x}", "{rollbackd/on_breech: ask}", 19, 'metadata.annotations.rollbackd/on_breech: unknown annotation "rollbackd/on_breech" | try: did you mean "rollbackd/on_breach"?'),
        ("{example.com/board: x}", "{rollbackd/on_breach: page}", 19, 'metadata.annotations.rollbackd/on_breach: "page" is not one of rollback, ask, doubt, tell | try: write one of rollback, ask, doubt, tell'),
        ("{example.com/board: x}", "{rollbackd/burn_rate: fast}", 19, "metadata.annotations.rollbackd/burn_rate: expected a number, found text | try: write a number, without quotes"),
        ("  service: web\n", "  services: web\n", 21, 'spec.services: unknown key "services" | try: did you mean "service"?'),
        ("    counter: true\n", "    counter: false\n", 7, "spec.ratioMetric.counter: counts of counters are needed | try: add `counter: true`, with queries of counters"),
        ("    counter: true\n", "    counter: true\n    x: 1\n", 8, 'spec.ratioMetric.x: unknown key "x" | try: known: bad, counter, good, raw, rawType, total'),
        ("  displayName: web answers", "  displayNam: web answers", 17, 'metadata.displayNam: unknown key "displayNam" | try: did you mean "displayName"?'),
        ("metadata: {name: Web.Errors}", "metadata: {name: Web.Errors, x: 1}", 3, 'metadata.x: unknown key "x" | try: known: annotations, displayName, labels, name'),
        ("    good:\n", "    raw:\n", 8, "spec.ratioMetric.raw: a ratio that is computed already cannot be added up over time | try: write good or bad, with total, as counters"),
        ("  ratioMetric:\n    counter: true\n", "  thresholdMetric:\n", 6, "spec.thresholdMetric: a threshold metric is one number, of which nothing can be promised | try: write a ratioMetric of how many were too slow; or a rule file with `value:` and the judge threshold"),
        ("query: http_requests_total", "query: 'sum(rate(x_total[5m]))'", 11, f"spec.ratioMetric.total.metricSource.spec.query: {UNTOLD}"),
        ("total:\n      metricSource: {type: Prometheus,", "total:\n      metricSource: {type: Datadog,", 11, 'spec.ratioMetric.total.metricSource.type: the provider "datadog" is not in this version | try: in this version: Prometheus'),
        ("total:\n      metricSource: {type: Prometheus,", "total:\n      metricSource: {type: CloudWatch,", 11, "spec.ratioMetric.total.metricSource.type: queries of cloudwatch are not read from OpenSLO | try: write them in a rule file of rollbackd's own"),
        ("total:\n      metricSource: {type: Prometheus,", "total:\n      metricSource: {type: Prometeus,", 11, 'spec.ratioMetric.total.metricSource.type: unknown type of metric source "Prometeus" | try: did you mean "Prometheus"?'),
        ("total:\n      metricSource: {type: Prometheus,", "total:\n      metricSource: {metricSourceRef: x,", 11, 'spec.ratioMetric.total.metricSource: "type" is missing: data sources are not read | try: add `type: Prometheus`'),
        ("total:\n      metricSource: {type: Prometheus,", "total:\n      metricSource: {type: Prometheus, metricSourceRef: b,", 9, "both are to be read in one place | try: write one `metricSourceRef` for both"),
        ("indicatorRef: Web.Errors", "indicator: {spec: {}, x: 1}", 22, 'spec.indicator.x: unknown key "x" | try: known: metadata, spec'),
        ("  description: of all requests\n", "  x: of all requests\n", 5, 'spec.x: unknown key "x" | try: known: description, ratioMetric, thresholdMetric'),
        ("    total:\n", "    bad:\n", 7, "expected `total`, and either `good` or `bad` | try: write bad and total"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_named_with_its_line_and_what_to_do(old, new, line, expected):
    (problem,) = problems(changed(old, new))

    assert problem.startswith(f"slo.yaml:{line}:")
    assert problem.endswith(expected)


ALONE = "apiVersion: openslo/v1\nkind: {}\nmetadata: {{name: x}}\nspec: {{}}\n"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "DataSource",
            "kind: a data source is not read from a rule file | try: write it under `connections:`",
        ),
        ("AlertPolicy", "kind: alert policies are not read | try: remove it"),
        (
            "AlertCondition",
            "kind: alert conditions are not read | try: write a rule with the judge burn_rate",
        ),
        ("AlertNotificationTarget", "kind: notification targets are not read | try: remove it"),
        ("Servise", 'kind: unknown kind of object "Servise" | try: did you mean "Service"?'),
        ("SLI", 'no SLO of this file refers to "x" | try: add the SLO, or remove it'),
    ],
)
def test_other_objects_are_refused_by_what_they_are(kind, expected):
    (problem,) = problems(f"{BOTH}---\n{ALONE.format(kind)}")

    assert (
        f"slo.yaml:{BOTH.count(chr(10)) + 2}:" in problem or f"slo.yaml:{BOTH.count(chr(10)) + 3}:" in problem
    )
    assert expected in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"{SLI.split('  ratioMetric', maxsplit=1)[0]}---\n{SLO}",
            "spec: no metric is named | try: write `ratioMetric: {counter: true",
        ),
        (
            changed("total:\n      metricSource:", "total:\n      x:"),
            'spec.ratioMetric.total.metricSource: "metricSource" is missing',
        ),
        (
            changed("query: http_requests_total", "x: http_requests_total"),
            'metricSource.spec.query: "query" is missing',
        ),
    ],
)
def test_what_is_missing_is_named(text, expected):
    assert expected in "".join(problems(text))


def test_another_version_is_refused():
    (problem, *_) = problems(SLO.replace("openslo/v1", "openslo/v2alpha1"))

    assert 'apiVersion: "openslo/v2alpha1" is not read here | try: write openslo/v1' in problem


def test_a_file_that_promises_nothing_is_refused():
    assert problems(ALONE.format("Service"))[0].endswith("try: add an SLO with its objectives")


def test_one_name_is_one_indicator():
    same = SLI.replace("Web.Errors", "web-errors")
    second = SLO.replace("name: web\n", "name: too\n").replace("Web.Errors", "web-errors")

    assert 'the name "web-errors" is taken by the indicator in line 1' in "".join(
        problems(f"{BOTH}---\n{same}---\n{second}")
    )
    assert 'there are two SLIs "Web.Errors"' in "".join(problems(f"{BOTH}---\n{SLI}"))


def test_all_mistakes_are_told_at_once():
    text = changed("budgetingMethod: Occurrences", "budgetingMethod: Timeslices").replace(
        "counter: true", "counter: false"
    )

    assert len(problems(text)) == 2


def test_numbers_mean_what_they_are_however_they_are_written():
    assert read(changed("- target: 0.999", "- targetPercent: 0x63")).rules.rules[0].judge == Slo(0.99)
    assert "burn_rate" in problems(changed("{example.com/board: x}", "{rollbackd/burn_rate: .nan}"))[0]


def test_only_openslo_has_several_documents_in_a_file():
    assert problems(f"{INDICATORS}  []\n---\n{SLO}")[0].endswith(
        "a second document begins here | try: one document a file"
    )


def is_read_or_refused(text: str) -> bool:
    try:
        rules = read(text).rules
    except InvalidRules as refused:
        return all(problem.line >= 1 and bool(problem.remedy) for problem in refused.problems)
    return all(indicator.kind is Kind.RATIO for indicator in rules.indicators)


PIECES = st.sampled_from(
    [*BOTH.replace("\n", " ").split(" "), "\n", "\n  ", "{", "}", "[", "]", ": ", "- ", "~", "---\n"]
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 12), PIECES), min_size=1, max_size=4))
def test_a_document_that_was_tampered_with_is_read_or_refused(cuts):
    text = BOTH
    for start, length, piece in cuts:
        text = text[:start] + piece + text[start + length :]

    assert is_read_or_refused(text)
