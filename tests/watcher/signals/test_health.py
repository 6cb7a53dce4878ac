"""Health documents of ASP.NET, Spring, and application/health+json."""

import json
import tracemalloc

import pytest
from pydantic import ValidationError

from tests.fakes.world import START
from tests.watcher.signals.test_probe import a_query, an_answer, probed
from watcher.signals.probe.check import Reason
from watcher.signals.probe.health import Health, wrong_health

# As their writers give them: the documentation's, Xabaril's, Spring's, the draft's.
DEGRADED = (
    '{"status": "Degraded", "results": {"db": {"status": "Degraded", "description": "slow", "data": {}}}}'
)
UNHEALTHY = json.dumps(
    {
        "status": "Unhealthy",
        "totalDuration": "00:00:00.0512342",
        "entries": {
            "sqlserver": {"status": "Unhealthy", "exception": "Timeout expired", "tags": ["ready"]},
            "self": {"status": "Healthy", "duration": "00:00:00.0000123", "tags": []},
        },
    }
)
SPRING = json.dumps(
    {
        "status": "DOWN",
        "components": {
            "db": {"status": "UP", "details": {"database": "PostgreSQL"}},
            "mail": {"status": "OUT_OF_SERVICE"},
            "shards": {"status": "DOWN", "components": {"a": {"status": "UP"}, "b": {"status": "DOWN"}}},
        },
    }
)
DRAFT = json.dumps(
    {
        "status": "warn",
        "checks": {
            "cassandra:responseTime": [{"status": "pass"}, {"status": "fail"}],
            "uptime": [{"observedValue": 1209600.245}],
        },
    }
)


@pytest.mark.parametrize(
    ("health", "body", "words"),
    [
        ({}, "Healthy", ""),
        ({}, "Healthy\n", ""),
        ({}, "Degraded", ""),
        ({}, "Unhealthy", "it says that it is down"),
        ({"degraded": "bad"}, "Degraded", "it says that it is degraded"),
        ({}, DEGRADED, ""),
        ({"degraded": "bad"}, DEGRADED, "degraded: db is degraded"),
        ({}, UNHEALTHY, "down: sqlserver is down"),
        ({"parts": ["self"]}, UNHEALTHY, ""),
        ({"parts": ["sqlserver", "redis"]}, UNHEALTHY, "sqlserver is down, redis is not there"),
        ({}, SPRING, "down: mail is down, shards is down, shards.b is down"),
        ({"parts": ["db", "shards.a"]}, SPRING, ""),
        ({}, '{"status": "UNKNOWN"}', ""),  # Spring: with status 200
        ({}, '{"status": "UP"}', ""),
        ({}, DRAFT, ""),
        ({"degraded": "bad"}, DRAFT, "degraded: cassandra:responseTime is down"),
        ({"parts": ["cassandra:responseTime"]}, DRAFT, "cassandra:responseTime is down"),
        ({}, '{"status": 2}', ""),  # ASP.NET's enumeration, written as numbers
        ({}, '{"status": 0}', "it says that it is down"),
        ({}, '{"status": true}', "it is no health document"),
        ({}, '{"status": "Starting"}', "it says that it is unknown"),
        ({}, "<html>Log in</html>", "it is no health document"),
        ({}, "[]", "it is no health document"),
    ],
)
def test_a_health_document_is_read_by_its_form_and_degraded_is_not_down(health, body, words):
    seen = probed(a_query(expect={"health": health}), an_answer(body=body), START)

    assert seen.words == words
    assert seen.reason is (Reason.BODY if words else None)


def test_a_status_that_is_wrong_says_which_part_it_was():
    seen = probed(a_query(expect={"health": {}}), an_answer(503, UNHEALTHY), START)

    assert (seen.reason, seen.words) == (Reason.STATUS, "HTTP 503: down: sqlserver is down")


@pytest.mark.parametrize(
    "query", [{"health": {"degraded": "maybe"}}, {"health": {"parts": [""]}}, {"health": "up"}]
)
def test_what_is_expected_of_health_in_other_words_is_refused(query):
    with pytest.raises(ValidationError):
        a_query(expect=query)
    with pytest.raises(ValidationError):
        a_query(method="HEAD", expect={"health": {}})


def test_names_that_are_made_to_hurt_neither_fill_the_memory_nor_a_message():
    parts = {f"a{number}": {"status": "down"} for number in range(1000)}
    outer = {"\n\ud800" + "x" * 100_000: {"status": "down", "components": parts}}
    document = json.loads(json.dumps({"status": "down", "components": outer}))
    tracemalloc.start()
    try:
        words = wrong_health(Health(), document)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert most < 10_000_000  # and not a name of 100 KB for each of a thousand parts
    assert words.isprintable()
