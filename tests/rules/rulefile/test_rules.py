"""How rules, indicators and their members fit together."""

from dataclasses import replace

import pytest

from rules.model import Kind
from tests.rules.rulefile.sample import EVERYTHING, INDICATORS, MEMBERS, a_rule, problems, read


def test_what_a_judge_without_a_promise_must_have_seen_is_no_question():
    (problem,) = problems(a_rule("{threshold: {}}", "health", ", must_have_seen: 5%"))

    assert problem.endswith(
        "must_have_seen: has no meaning with threshold, which promises nothing | try: remove it"
    )


def test_a_rule_needs_a_consequence():
    assert (
        '"on_breach" is missing'
        in problems(f"{INDICATORS}  - {{name: it, indicator: errors, judge: {{slo: {{objective: 99%}}}}}}")[0]
    )


def test_a_rule_needs_an_indicator_and_a_judge():
    found = problems(f"{INDICATORS}  - {{name: it, on_breach: tell}}")

    assert found == [
        'r.yaml:12:5: rules[0]: "indicator" is missing | try: add `indicator: …`, or `all_of: […]` instead of both',
        'r.yaml:12:5: rules[0]: "judge" is missing | try: add `judge: …`, or `all_of: […]` instead of both',
    ]


def test_an_indicator_that_is_not_there_is_probably_a_slip_of_the_pen():
    (problem,) = problems(a_rule("{slo: {objective: 99%}}", "erors"))

    assert (
        problem == 'r.yaml:12:27: rules[0].indicator: unknown indicator "erors" | try: did you mean "errors"?'
    )


def test_a_rule_is_not_blamed_for_an_indicator_that_could_not_be_read():
    text = a_rule("{slo: {objective: 99%}}").replace(
        '{ratio: {scrape: {url: "${arm.url}"', '{ratio: {scrap: {url: "${arm.url}"'
    )

    assert [problem.split(" | ")[0] for problem in problems(text)] == [
        'r.yaml:3:20: indicators.errors.ratio.scrap: unknown provider "scrap"'
    ]


def test_an_indicator_that_is_no_word_is_refused():
    assert "expected text, found a list" in problems(a_rule("{slo: {objective: 99%}}", "[errors]"))[0]


def test_two_rules_of_one_id_are_refused():
    text = (
        a_rule("{slo: {objective: 99%}}")
        + "  - {name: It!, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: tell}"
    )

    assert problems(text) == [
        'r.yaml:13:12: rules[1].name: the id "it" is taken by the rule in line 12 | try: add an `id:` of its own'
    ]


def test_a_name_without_letters_needs_an_id():
    text = a_rule("{slo: {objective: 99%}}").replace("name: it", "name: 日本")

    assert problems(text) == [
        'r.yaml:12:5: rules[0]: no id can be made of the name "日本" | try: add `id: …`'
    ]


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [
        ("{ratoi: {scrape: {}}}", 'bad.ratoi: unknown kind of indicator "ratoi" | try: did you mean "ratio"?'),
        ("{ratio: {scrap: {}}}", 'bad.ratio.scrap: unknown provider "scrap" | try: did you mean "scrape"?'),
        ("{ratio: {datadog: {}}}", 'bad.ratio.datadog: the provider "datadog" is not in this version | try: in this version: cloudwatch, http, scrape, split'),
        ("{state: {scrape: {}}}", "bad.state.scrape: scrape cannot measure state | try: it measures events, latency, ratio, requests, value"),
        ("{ratio: {scrape: 5}}", "bad.ratio.scrape: expected a query | try: write {scrape: {…}}"),
        ("{ratio: {scrape: {connection: [a]}}}", "connection: expected the name of a connection | try: write a name that stands under `connections:`"),
        ("{latency: {scrape: {url: x}}}", "bad.latency.scrape: a latency counts what is slower than a bound, and none is given | try: add `over: 300ms`, or several"),
        ("{latency: {scrape: {over: 300}}}", "over: not a duration | try: write a number with its unit, the largest first: 300ms, 90s, 1h30m, 7d"),
        ("{latency: {scrape: {over: [1s, 0s]}}}", "over[1]: everything is slower than 0 s | try: write a bound above 0, such as 300ms"),
        ("{latency: {scrape: {over: [1s, 1000ms]}}}", "over: expected bounds that differ | try: write each bound once: [300ms, 1s]"),
        ("{latency: {scrape: {over: []}}}", "over: expected bounds that differ | try: write each bound once: [300ms, 1s]"),
        ("{events: {scrape: {exposure: trafic}}}", 'exposure: unknown indicator of requests "trafic" | try: did you mean "traffic"?'),
        ("{events: {scrape: {exposure: [traffic]}}}", 'exposure: unknown indicator of requests "" | try: known: traffic'),
        ('{ratio: {cloudwatch: {bad_expr: "sum(rate(x[5m]))"}}}', "bad_expr: rate() gives a speed; here counts are wanted | try: write increase(…[${bucket}]), of log lines count_over_time(…[${bucket}]): the daemon fills in the span of a bucket"),
    ],
)  # fmt: skip
def test_an_indicator_that_measures_nothing_is_refused(indicator, expected):
    text = a_rule("{slo: {objective: 99%}}").replace("  errors:", f"  bad: {indicator}\n  errors:")
    (problem,) = problems(text)

    assert problem.startswith("r.yaml:3:")
    assert problem.endswith(expected)


def test_an_expression_that_counts_is_left_to_its_provider():
    text = a_rule("{slo: {objective: 99%}}").replace(
        "bad: 5xx", 'bad_expr: "increase(x[${bucket}])", total_expr: [x]'
    )

    assert '"bad_expr":"increase(x[${bucket}])"' in read(text).rules.indicator("errors").query


def test_an_indicator_has_a_name_that_can_be_referred_to():
    text = a_rule("{slo: {objective: 99%}}").replace("queue:", "Queue!:")

    assert problems(text) == [
        'r.yaml:7:3: indicators."Queue!": "Queue!" cannot name an indicator | try: begin with a letter; small letters, digits, - and _ alone, at most 64'
    ]


def test_a_rank_may_roll_back_together_with_another_rule():
    assert read(f"{MEMBERS}  - {{name: all, all_of: [a, rank], on_breach: rollback}}").rules.rules[
        3
    ].all_of == ("a", "rank")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ("[a, ranc]", 'r.yaml:15:29: rules[3].all_of[1]: unknown rule "ranc" | try: did you mean "rank"?'),
        ("[a, all]", 'r.yaml:15:29: rules[3].all_of[1]: "all" is itself an `all_of` | try: name rules that have an indicator'),
        ("[a, a]", "r.yaml:15:25: rules[3].all_of: expected at least two rules, each once | try: name each rule once, by its id"),
        ("[rank, rank2]", "r.yaml:15:25: rules[3].all_of: ranks alone promise nothing, and do not roll back | try: add a rule of another judge, or `on_breach: ask`"),
        ("[a]", "r.yaml:15:25: rules[3].all_of: expected at least two rules, each once | try: name each rule once, by its id"),
    ],
)  # fmt: skip
def test_the_members_of_all_of_are_other_rules_each_once(members, expected):
    assert problems(f"{MEMBERS}  - {{name: all, all_of: {members}, on_breach: rollback}}") == [expected]


# -------------------------------------------------------------------------------------------------------------- suites

SUITES = replace(
    EVERYTHING,
    providers={**EVERYTHING.providers, "suite": frozenset({Kind.PROBE})},
    suites=frozenset({"suite"}),
)
SUITE = "[{get: 'http://x/${secret.token}/${step.id}'}]"


def a_suite(query):
    return a_rule("{slo: {objective: 99%}}", "health").replace("{http: {url: x}}", f"{{suite: {query}}}")


def test_a_list_of_steps_that_stands_alone_is_the_query_of_its_suite():
    alone, spelt_out = (read(a_suite(query), catalogue=SUITES) for query in (SUITE, f"{{suite: {SUITE}}}"))

    assert alone.rules.indicator("health") == spelt_out.rules.indicator("health")
    assert "${secret.token}" in alone.rules.indicator("health").query


def test_what_one_step_gives_to_the_next_is_known_in_suites_alone():
    (problem,) = problems(a_rule("{slo: {objective: 99%}}", "health").replace("{http: {url: x}}", "{http: {url: 'x/${step.id}'}}"))  # fmt: skip

    assert problem == (
        "r.yaml:9:32: indicators.health.probe.http.url: ${step.id} outside of a suite"
        " | try: steps are known in a query of `steps` alone"
    )
