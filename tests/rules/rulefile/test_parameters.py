"""Parameters fill in what is left open, and never become query syntax."""

import pytest

from rules import model
from rules.errors import InvalidRules
from rules.rulefile import lint_rules
from tests.rules.rulefile.sample import EVERYTHING, WITH, problems, read


def test_parameters_fill_in_what_is_left_open():
    file = read(WITH, "{host: 'shop:8080', objective: 0.99}")

    assert file.rules.indicator("errors").query == '{"arm":"${arm.x}","url":"http://shop:8080/metrics"}'
    assert file.rules.rules[0].judge == model.Slo(0.99)


def test_a_wrong_value_is_told_where_it_was_given():
    assert problems(WITH, "{host: a, objective: 99.9}") == [
        "with:1:22: objective: 99.9 is not a share | try: write 99.9%, or a number from 0 to 1"
    ]


@pytest.mark.parametrize(
    "value",
    [
        "'x\"} or {'",
        "'a b'",
        "'a$b'",
        "'${arm.x}'",
        "''",
        "{a: b}",
        "'javascript:(x)'",
        "'a\nb'",
        "'a|b'",
        "'a=b'",
    ],
)
def test_a_value_never_becomes_query_syntax(value):
    (problem,) = problems(WITH, f"{{host: {value}}}")

    assert problem.startswith(
        'with:1:8: host: the value of "host" has signs that could become part of a query'
    )


def test_a_value_may_be_an_address():
    assert (
        "http://https://a.example/b?c=1&d=%20#e/metrics"
        in read(WITH, "{host: 'https://a.example/b?c=1&d=%20#e'}").rules.indicators[0].query
    )


def test_a_value_may_be_a_list_where_a_list_is_wanted():
    text = WITH.replace('url: "http://${host}/metrics"', 'urls: "${host}"')

    assert '"urls":["a:1","b:1"]' in read(text, "{host: ['a:1', 'b:1']}").rules.indicators[0].query


def test_a_list_does_not_stand_inside_of_text():
    assert problems(WITH, "{host: [a, b]}") == [
        'r.yaml:6:34: indicators.errors.ratio.scrape.url: a list ("host") inside of text | try: let ${host} stand alone'
    ]


def test_each_member_of_a_list_is_looked_at():
    assert problems(WITH, "{host: [a, 'b c', [d]]}")[1:] == [
        'with:1:12: host[1]: the value of "host" has signs that could become part of a query | try: letters, digits and . _ : / @ + % ~ - alone, at most 256, or an http(s) URL',
        'with:1:19: host[2]: the value of "host" has signs that could become part of a query | try: letters, digits and . _ : / @ + % ~ - alone, at most 256, or an http(s) URL',
    ]


def test_a_parameter_without_a_value_is_told_where_it_is_lacking():
    assert problems(WITH) == ['with:1:1: the parameter "host" has no value | try: add `with: {host: …}`']


def test_a_parameter_that_is_not_known_is_probably_a_slip_of_the_pen():
    assert problems(WITH, "{host: a, objectiv: 99%}") == [
        'with:1:11: objectiv: unknown parameter "objectiv" | try: did you mean "objective"?'
    ]


def test_a_parameter_that_is_used_nowhere_is_told():
    assert problems(WITH.replace("  host: {}", "  host: {}\n  hots: {default: a}"), "{host: a}") == [
        'r.yaml:4:3: parameters.hots: the parameter "hots" is used nowhere | try: use it as ${hots}, or remove it'
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("${host}/", "${hots}/", 'r.yaml:6:34: indicators.errors.ratio.scrape.url: unknown parameter "hots" | try: did you mean "host"?'),
        ("/metrics", "/${host", "r.yaml:6:34: indicators.errors.ratio.scrape.url: an unfinished template | try: close it: ${name}"),
        ("name: it", 'name: "${arm.x}"', "r.yaml:9:12: rules[0].name: ${arm.x} outside of a query | try: arms are told apart in queries alone"),
        ("arm:", '"${host}":', 'r.yaml:6:60: indicators.errors.ratio.scrape."${host}": a template in a key | try: templates stand in values'),
        ("host: {}", "host: {defualt: x}", 'r.yaml:3:10: parameters.host.defualt: unknown key "defualt" | try: did you mean "default"?'),
        ("objective: {default: 99.9%}", "objective: {default: 'a b'}", 'r.yaml:4:24: parameters.objective.default: the value of "objective" has signs that could become part of a query'),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_filled_is_refused(old, new, expected):
    assert expected in "\n".join(problems(WITH.replace(old, new), "{host: a}"))


def test_a_parameter_has_a_name_that_can_be_referred_to():
    text = WITH.replace("host: {}", "host: {}\n  bucket: {default: a}")

    assert 'r.yaml:4:3: parameters.bucket: "bucket" cannot name a parameter' in "\n".join(
        problems(text, "{host: a}")
    )


def test_a_file_that_is_looked_at_alone_needs_no_values():
    file = lint_rules(WITH, "r.yaml", EVERYTHING)

    assert list(file.queries) == ["health"]


def test_an_open_parameter_hides_no_other_mistake():
    text = WITH.replace('"${objective}"', "99.9").replace("objective: {default: 99.9%}", "spare: {}")

    with pytest.raises(InvalidRules) as refused:
        lint_rules(text, "r.yaml", EVERYTHING)

    assert [problem.path for problem in refused.value.problems] == [
        "parameters.spare",
        "rules[0].judge.slo.objective",
    ]


def test_what_an_open_parameter_will_be_is_not_guessed():
    lint_rules(WITH.replace("objective: {default: 99.9%}", "objective: {}"), "r.yaml", EVERYTHING)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("version: 2\nindicators: {}\nrules: []", "version"),
        ("[]", ""),
        ("version: 1", "indicators"),
        ("version: 1\nindicators: []\nrules: {}", "indicators"),
        ("version: 1\nrlues: []", "indicators"),
        ("version: 1\nparameters: 5", "indicators"),
    ],
)
def test_a_file_of_another_shape_is_refused(text, path):
    with pytest.raises(InvalidRules) as refused:
        lint_rules(text, "r.yaml", EVERYTHING)

    assert refused.value.problems[0].path == path


OPTIONAL = WITH.replace("  host: {}", "  host: {}\n  by: {optional: true}").replace(
    "scrape: {url:", 'scrape: {connection: "${by}", url:'
)


def test_an_entry_that_is_an_optional_parameter_is_left_out_where_nobody_gives_it_a_value():
    assert OPTIONAL != WITH
    assert read(OPTIONAL, "{host: a}").rules == read(WITH, "{host: a}").rules
    assert read(OPTIONAL, "{host: a, by: one}").rules.indicators[0].connection == "one"
    assert lint_rules(OPTIONAL, "r.yaml", EVERYTHING).rules.indicators[0].connection is None


def test_what_may_have_no_value_does_not_stand_inside_of_text():
    text = WITH.replace("  host: {}", "  host: {optional: true}")

    (problem,) = problems(text)

    assert problem.startswith(
        'r.yaml:6:34: indicators.errors.ratio.scrape.url: a parameter that may have no value ("host") inside of text'
    )
    assert "http://a/metrics" in read(text, "{host: a}").rules.indicators[0].query


def test_a_parameter_is_optional_or_has_a_default():
    text = WITH.replace("  host: {}", "  host: {optional: true, default: a}")

    assert problems(text) == ["r.yaml:3:9: parameters.host: a default, and optional | try: write one of them"]
