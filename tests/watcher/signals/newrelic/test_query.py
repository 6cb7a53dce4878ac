"""What a query may say, and what a connection is."""

import pytest
from pydantic import ValidationError

from rules.model import Indicator, Kind
from tests.watcher.signals.newrelic.asking import BASE, RATIO, SLOW, indicator
from watcher.signals.newrelic import KIND, Settings
from watcher.signals.newrelic.query import Query


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({**RATIO, "from": "Metric"}, "metrics are points"),
        ({**RATIO, "from": "Transaction WHERE 1"}, "pattern"),
        ({**RATIO, "over": ["1s"]}, "one of both"),
        ({**RATIO, "where": {}}, "at least 1"),
        ({**RATIO, "where": {"a`b": "c"}}, "pattern"),
        ({**RATIO, "where": {"a": "b\\"}}, "backslash"),
        ({**RATIO, "bad": "error IS true FACET appName"}, "more than a condition"),
        ({**RATIO, "bad": "error IS true -- rest"}, "more than a condition"),
        ({**RATIO, "bad": "a) OR (b"}, "do not match"),
        ({**RATIO, "bad": "message = 'x"}, "quotes that do not match"),
        ({**RATIO, "bucket": "10s"}, "no bucket of this length"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_starts(query, words):
    with pytest.raises(ValidationError, match=words):
        Query.model_validate(query)


def test_a_condition_may_have_words_of_the_language_in_its_texts():
    assert Query.model_validate({**RATIO, "bad": "(message LIKE '%FROM (%' OR a = 'it\\'s') AND b > 1"}).bad


@pytest.mark.parametrize(
    ("query", "kind", "needs"),
    [
        (BASE, Kind.RATIO, "it needs bad"),
        (RATIO, Kind.LATENCY, "it needs over"),
        (RATIO, Kind.REQUESTS, "it needs neither bad nor over"),
        (RATIO, Kind.EVENTS, None),
        (SLOW, Kind.LATENCY, None),
    ],
)
def test_each_kind_of_indicator_says_what_it_needs(query, kind, needs):
    found = KIND.mistake(Indicator("i", kind, "newrelic", indicator(query).query))

    assert (found and found[1]) == needs


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"key": "NRAK-A B"}, "no header can carry"),
        ({"account": 0}, "greater than or equal to 1"),
        ({"region": "jp"}, "us"),
    ],
)
def test_a_connection_says_what_is_wrong_with_it(settings, words):
    with pytest.raises(ValidationError, match=words):
        Settings.model_validate({"account": 1, "key": "NRAK-A", **settings})


def test_each_region_has_its_address():
    addresses = [
        Settings.model_validate({"account": 1, "key": "NRAK-A", **more}).address
        for more in ({}, {"region": "eu"}, {"url": "https://proxy.internal/nr/"})
    ]

    assert addresses == [
        "https://api.newrelic.com/graphql",
        "https://api.eu.newrelic.com/graphql",
        "https://proxy.internal/nr/graphql",
    ]
