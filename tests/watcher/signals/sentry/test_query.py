"""What a query may say, and what a connection is."""

import pytest
from pydantic import ValidationError

from rules.model import Indicator, Kind
from tests.watcher.signals.sentry.asking import BASE, ERRORS, ISSUES, REQUESTS, SESSIONS, indicator
from watcher.signals.sentry import KIND, Settings
from watcher.signals.sentry.query import Query


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (BASE, "exactly one thing"),
        ({**SESSIONS, "requests": "failed"}, "exactly one thing"),
        ({**BASE, "errors": "all"}, "errors alone say nothing"),
        ({**SESSIONS, "of": "sessions"}, "errors alone say nothing"),
        ({**SESSIONS, "where": "os:ios"}, "cannot narrow sessions"),
        ({**REQUESTS, "release": "checkout@1.4.2"}, "it names no release"),
        ({**REQUESTS, "release": 'a" OR b@${arm.sentry}'}, "signs that no release has"),
        ({**REQUESTS, "where": "a) OR (b"}, "do not match"),
        ({**REQUESTS, "where": "a OR !release:x"}, "keys of their own"),
        ({**REQUESTS, "bucket": "10s"}, "no buckets of this length"),
        ({**REQUESTS, "settle": "60s"}, "must lie within"),
        ({**SESSIONS, "sessions": "errored"}, "crashed"),
        ({**ERRORS, "exposure": "traffic"}, "exposure"),
        ({**ISSUES, "new_issues": {"events": 0}}, "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_starts(query, words):
    with pytest.raises(ValidationError, match=words.replace("(", r"\(")):
        Query.model_validate(query)


def test_a_search_may_have_quotes_and_parentheses_of_its_own():
    assert Query.model_validate({**REQUESTS, "where": '(a:"b)" OR c:d) e:f'}).where


@pytest.mark.parametrize(
    ("query", "kind", "needs"),
    [
        (SESSIONS, Kind.EVENTS, "it needs errors and of"),
        (ERRORS, Kind.RATIO, "it needs sessions or requests"),
        (REQUESTS, Kind.STATE, "it needs new_issues"),
        (ISSUES, Kind.STATE, None),
    ],
)
def test_each_kind_of_indicator_says_what_it_needs(query, kind, needs):
    found = KIND.mistake(Indicator("i", kind, "sentry", indicator(query).query))

    assert (found and found[1]) == needs


def test_crashes_are_given_more_time_than_requests():
    seconds = [KIND.settle_of(indicator(query)).total_seconds() for query in (SESSIONS, REQUESTS, ERRORS)]

    assert seconds == [300, 100, 100]
    assert KIND.settle_of(indicator({**SESSIONS, "settle": "10m"})).total_seconds() == 600


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"url": "https://de.sentry.io/api/0"}, "without its /api/0"),
        ({"url": "https://user@sentry.io"}, "pattern"),
        ({"token": "a b"}, "no header can carry"),
        ({"token": ""}, "no header can carry"),
        ({"organization": "Our Shop"}, "pattern"),
    ],
)
def test_a_connection_says_what_is_wrong_with_it(settings, words):
    with pytest.raises(ValidationError, match=words):
        Settings.model_validate({"organization": "shop", "token": "t", **settings})


def test_addresses_end_with_a_slash_in_a_region_and_under_a_path():
    for url in ("https://de.sentry.io", "https://errors.shop.internal/sentry/"):
        settings = Settings.model_validate({"organization": "shop", "token": "t", "url": url})
        assert settings.at("sessions/") == f"{url.rstrip('/')}/api/0/organizations/shop/sessions/"
