"""What a suite may say, and what is refused before anything starts."""

import pytest
from pydantic import SecretStr, ValidationError

from rules.errors import InvalidRules, Malformed
from rules.rulefile import lint_rules
from watcher.config.registries import all_kinds
from watcher.signals.steps.linear import MOST_REPEATED, check, compiled
from watcher.signals.steps.query import Query, Settings, parsed

A, B = "http://a.example.com", "http://b.example.com"


def test_a_suite_lives_at_the_origin_of_its_first_step_unless_it_says_where():
    assert Query.model_validate({"steps": [{"url": f"{A}:81/x?y"}]}).addresses == (f"{A}:81/",)
    assert Query.model_validate({"url": B, "steps": [{"url": f"{A}/x"}]}).addresses == (B,)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"steps": []}, "at least 1"),
        ({"steps": [{"url": "/x"}]}, "expected one address"),
        ({"steps": [{"url": f"{A}/${{step.x}}"}]}, "no step before it captures"),
        (
            {"steps": [{"url": A, "json": {"a": ["${step.x}"]}, "capture": {"x": {"json": "/a"}}}]},
            "no step before",
        ),
        ({"steps": [{"url": A, "expect": {"text": "${step.x}"}}]}, "no step before it captures"),
        ({"steps": [{"url": A, "expect": {"text": "${secret.x}"}}]}, "expects a secret"),
        ({"steps": [{"url": A, "expect": {"not_text": "${step.x}"}}]}, "no step before it captures"),
        ({"steps": [{"url": A, "method": "HEAD", "expect": {"not_text": "x"}}]}, "has no body"),
        ({"steps": [{"url": f"{A}/?k=${{secret.x}}"}]}, "a secret in an address"),
        ({"steps": [{"url": A}, {"url": "http://${step.x}/"}]}, "expected an address"),
        ({"steps": [{"url": A}, {"url": "//evil/"}]}, "expected an address"),
        ({"steps": [{"url": "http://user:word@a/"}]}, "expected an address"),
        ({"steps": [{"url": A, "name": "a"}, {"url": A, "name": "a"}]}, "two steps of one name"),
        ({"steps": [{"url": A, "method": "GET", "json": {}}]}, "GET sends no body"),
        ({"steps": [{"url": A, "json": {}, "body": ""}]}, "several bodies"),
        ({"steps": [{"url": A, "headers": {"Content-Length": "1"}}]}, "said by the connection itself"),
        ({"steps": [{"url": A, "capture": {"x": {"json": "a"}}}]}, "not a JSON pointer"),
        ({"steps": [{"url": A, "capture": {"x": {"json": "/a", "header": "b"}}}]}, "taken from"),
        ({"steps": [{"url": A, "capture": {"x": {"regex": "a(.*)b"}}}]}, "not a pattern"),
        ({"steps": [{"url": A}], "every": "10s", "deadline": "9s"}, "does not fit the beat"),
        (
            {
                "steps": [
                    {"url": A, "expect": {"version": {"header": "v", "equals": "${arm.version}"}}},
                    {"url": A, "expect": {"version": {"header": "v", "equals": "${arm.digest}"}}},
                ]
            },
            "by several names",
        ),
    ],
)
def test_a_suite_that_makes_no_sense_is_refused(query, why):
    with pytest.raises(ValidationError, match=why):
        Query.model_validate(query)


@pytest.mark.parametrize(
    "changes", [{"secrets": {"a": "abc"}}, {"to": []}, {"to": ["https://a/path"]}, {"to": ["*"]}]
)
def test_secrets_that_are_none_or_may_go_anywhere_are_refused(changes):
    with pytest.raises(ValidationError):
        Settings.model_validate({"secrets": {"a": "abcd"}, "to": ["https://a"], **changes})


def test_a_secret_shows_nowhere_in_what_is_printed():
    assert "hush" not in repr(Settings(secrets={"a": SecretStr("hush-hush")}, to=[A]))


@pytest.mark.parametrize(
    "pattern",
    [
        *[
            "(a)",
            "a.(b)",
            "ab",
            "ab(c",
            "ab(c)(d)",
            "ab(c|d)",
            "ab(c)+",
            "ab(.+)",
            "ab((c))",
            "ab(c)\\1",
            "ab(?=c)",
        ],
        *["ab+(c)", "ab(c{1000}c{1000})", "ab([z-a])", "ab(c{3,1})", f"ab({'c' * 300})"],
    ],
)
def test_a_pattern_that_could_search_for_ever_or_takes_nothing_is_refused(pattern):
    with pytest.raises(Malformed):
        check(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "taken"),
    [
        ('csrf" value="([^"]+)"', 'x name="csrf" value="a b" y="', "a b"),
        (r"id=(\d{2,4}\w?)", "id=1 id=12x", "12x"),
        (r"v: ([a-z.]*)\)", "(v: a.b)", "a.b"),
        ("ab([ab]+)b", "ababab", None),  # a repeat gives nothing back
    ],
)
def test_a_pattern_takes_what_stands_in_its_parentheses(pattern, text, taken):
    found = compiled(check(pattern)).search(text)

    assert (found and found[1]) == taken


def test_all_repeats_of_a_pattern_are_bounded_so_that_a_search_is_linear():
    assert check(f"ab([^x]{{0,{MOST_REPEATED}}})")
    assert "+" not in compiled('ab([^"]+)c*').pattern.replace("}+", "")


# ------------------------------------------------------------------------------------------------------------- in a rule file


def a_file(indicator: str) -> str:
    return (
        f"version: 1\nindicators:\n  buys:\n    probe: {indicator}\n"
        "rules:\n  - {name: one can buy, indicator: buys, judge: {threshold: {bad: 2, of: 3}}, on_breach: rollback}\n"
    )


def test_a_list_of_steps_stands_for_a_suite():
    file = lint_rules(
        a_file("{steps: [{url: 'http://a/', capture: {x: {json: /a}}}, {url: '/${step.x}'}]}"),
        "f",
        all_kinds().catalogue,
    )

    (indicator,) = file.rules.indicators
    assert parsed(indicator.query).addresses == ("http://a/",)
    assert parsed(indicator.query).steps[1].url == "/${step.x}"


@pytest.mark.parametrize(
    ("indicator", "why"),
    [
        ("{http: [{url: 'http://a/'}]}", "expected a query"),
        ("{http: {url: 'http://a/${step.x}'}}", "${step.x} outside of a suite"),
        ("{http: {url: 'http://a/', headers: {a: '${secret.x}'}}}", "${secret.x} outside of a suite"),
        ("{steps: [{url: 'http://a/${stp.x}'}]}", 'unknown parameter "stp.x"'),
    ],
)
def test_what_one_step_gives_another_is_known_in_suites_alone(indicator, why):
    with pytest.raises(InvalidRules) as refused:
        lint_rules(a_file(indicator), "f", all_kinds().catalogue)

    assert why in str(refused.value.problems)
