"""What a metric query may be, and that the right form is told where it is not."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.errors import Malformed
from rules.model import Kind
from tests.watcher.signals.datadog.asking import LATENCY, RATIO, indicator
from watcher.signals.datadog.metric import as_tag, check_count, check_value, parsed
from watcher.signals.datadog.query import Query, mistake


def test_tags_with_one_value_are_kept_apart_from_all_other_conditions():
    query = parsed(
        "sum:a.b{env:prod AND service:x AND NOT host:y AND pod:web-* AND zone IN (a, b)}.as_count().rollup(sum, 60)"
    )

    assert query.exact == (("env", "prod"), ("service", "x"))
    assert query.fixed == ("NOT host:y", "pod:web-*", "zone IN (a, b)")
    assert query.functions == (("as_count", ()), ("rollup", ("sum", "60")))


def test_commas_and_exclamation_marks_say_the_same_as_words():
    assert parsed("sum:a{x:1, !y:2}.as_count()") == parsed("sum:a{x:1 AND NOT y:2}.as_count()")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sum:a{x:1}", "without .as_count()"),
        ("count:a{x:1}", "without .as_count()"),
        ("avg:a{x:1}.as_count()", "a mean"),
        ("sum:a{x:1}.rollup(avg)", "a mean"),
        ("sum:a{x:1}.rollup(sum).rollup(avg)", "the same function twice|a mean"),
        ("p99:a{x:1}.as_count()", "p99 is no count"),
        ("sum:a{x:1}.as_rate()", "as_rate"),
        ("sum:a{x:1}.as_count().fill(zero)", "makes silence look like a value"),
        ("default_zero(sum:a{x:1}.as_count())", "not a query of one metric"),
        ("sum:a{x:1}.as_count().default_zero()", "makes silence look like a value"),
        ("sum:a{x:1} by {version}.as_count()", "`by` gives several series"),
        ("sum:a{x:1}.as_count() / sum:b{x:1}.as_count()", "not a query of one metric"),
        ("sum:aws.elb.request_count{x:1}.as_count()", "10 to 20 minutes late"),
        ("sum:a{x:1 OR y:2}.as_count()", "the filter cannot be read"),
        ("sum:a{(x:1)}.as_count()", "the filter cannot be read"),
        ("sum:a{x:$env}.as_count()", "the filter cannot be read"),
        ("sum:a{x:1,}.as_count()", "the filter cannot be read"),
        ("sum:a{x:1}.as_count()}", "not a query of one metric"),
    ],
)
def test_what_does_not_count_is_refused_with_the_reason(text, words):
    with pytest.raises(Malformed, match=words):
        check_count(text)


def test_the_right_form_is_told():
    with pytest.raises(Malformed) as refused:
        check_count("sum:shop.orders{env:prod}")

    assert refused.value.remedy == "write sum:shop.orders{…}.as_count()"


@pytest.mark.parametrize(
    "text",
    [
        "sum:a{*}.as_count()",
        "sum:a{}.rollup(sum)",
        "count:a{x:1}.as_count()",
        "sum:a{x:1}.as_count().rollup(sum,60)",
    ],
)
def test_counts_are_taken(text):
    assert check_count(text) == text


@pytest.mark.parametrize("text", ["p99:a{x:1}", "p99.9:a{x:1}", "avg:a{*}.rollup(max)", "max:a{*}"])
def test_a_value_may_be_a_percentile_or_a_mean(text):
    assert check_value(text) == text


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"bad": RATIO["bad"]},
        {**RATIO, "value": "avg:a{*}"},
        {**RATIO, "bad": ["Alert"]},
        {**RATIO, "over": "1s"},
        {"total": "sum:a{*}.rollup(sum, 30)"},
        {"total": "sum:a{*}.as_count()", "bucket": "7s"},
        {"total": "sum:a{*}.as_count()", "bucket": "90m"},
        {"value": "avg:a{*}.fill(last)"},
        {"value": "a{*}"},
        {"distribution": "avg:a{*}", "over": "1s"},
        {"distribution": "a{*}.as_count()", "over": "1s"},
        {"monitors": [0]},
        {"monitors": [1], "bucket": "5m"},
        {"monitors": [1], "bad": ["Bad"]},
        {"monitors": [1], "bad": "sum:a{*}.as_count()"},
        {"value": "avg:a{*}", "groups": ["a:b"]},
        {"monitors": [1], "nothing": 1},
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        Query.model_validate(wrong)


@pytest.mark.parametrize(
    ("kind", "query", "fits"),
    [
        (Kind.RATIO, RATIO, True),
        (Kind.EVENTS, RATIO, True),
        (Kind.REQUESTS, RATIO, False),
        (Kind.REQUESTS, {"total": RATIO["total"]}, True),
        (Kind.RATIO, {"total": RATIO["total"]}, False),
        (Kind.LATENCY, LATENCY, True),
        (Kind.LATENCY, {"distribution": "checkout.took{*}", "over": "1s"}, False),
        (Kind.LATENCY, {"distribution": "checkout.took{*}", "over": "1s", "unit": "milliseconds"}, True),
        (Kind.LATENCY, {"value": "p99:trace.http.request{*}"}, False),
        (Kind.VALUE, {"value": "p99:trace.http.request{*}"}, True),
        (Kind.STATE, {"monitors": [1], "bad": ["Alert", "Warn"], "good": ["OK"]}, True),
        (Kind.RATIO, {"monitors": [1]}, False),
    ],
)
def test_what_a_query_lacks_for_its_kind_is_told_before_anything_starts(kind, query, fits):
    assert (mistake(indicator(query, kind)) is None) is fits


@settings(max_examples=50)
@given(st.text(string.ascii_letters + string.digits + "._:/@+-", min_size=1, max_size=128))
def test_a_name_of_a_release_never_becomes_a_part_of_the_filter(name):
    query = parsed(f"sum:a{{version:{as_tag(name)}}}.as_count()")

    assert query.exact == (("version", as_tag(name)),)
    assert query.fixed == ()
