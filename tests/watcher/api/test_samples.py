"""What sidecars tell is taken only as it is asked for, of the time that it is, and from whom it may come."""

import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from rules.model import Indicator, Kind, RuleSet
from tests.watcher.api.daemon import NOON, Api, AToken, a_service, an_api
from watcher.core.relayed import KEPT, SKEW, Counted, Fault, Relayed, Trouble
from watcher.core.service import Policy
from watcher.signals.relay.query import mark

SIDECAR = AToken("sidecars", frozenset({"relay"}), ("checkout",))
BEAT = timedelta(seconds=10)
PAGE = "http://127.0.0.1:9102/metrics"
ERRORS = Indicator(
    "errors",
    Kind.RATIO,
    "relay",
    json.dumps({"scrape": {"url": PAGE, "counter": "c", "bad": {"code": "5.."}}}),
)
SLOW = Indicator(
    "slow",
    Kind.LATENCY,
    "relay",
    json.dumps({"over": ["300ms", "1s"], "scrape": {"url": PAGE, "histogram": "h"}}),
    bounds=(0.3, 1.0),
)
OTHER = Indicator("other", Kind.RATIO, "scrape", json.dumps({"url": PAGE, "counter": "c", "bad": {"a": "b"}}))


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    policy = Policy(RuleSet((ERRORS, SLOW, OTHER), ()))
    async with an_api(tokens=[SIDECAR], services=[a_service(policy=policy)]) as api:
        yield api


def a_sample(end: datetime = NOON, **changes: Any) -> dict[str, Any]:
    usual = {
        "indicator": "errors",
        "mark": mark(ERRORS),
        "start": (end - BEAT).isoformat(),
        "end": end.isoformat(),
        "counts": [{"bad": 1, "total": 10}],
    }
    return {**usual, **changes}


def a_slow_sample(*bounds: float) -> dict[str, Any]:
    counts = [{"bad": 1, "total": 10, "bound": bound} for bound in bounds]
    return a_sample(indicator="slow", mark=mark(SLOW), counts=counts)


def a_body(*samples: dict[str, Any], **changes: Any) -> dict[str, Any]:
    usual = {
        "service": "checkout",
        "environment": "production",
        "instance": "task-1",
        "run": "r_1",
        "sent_at": NOON.isoformat(),
        "names": {"version": "v43"},
        "samples": list(samples),
    }
    return {**usual, **changes}


async def told(api: Api) -> Relayed:
    asked = ("errors", "slow", "other")
    return await api.daemon.store.relayed("checkout", "production", asked, NOON - 2 * KEPT, NOON + KEPT, NOON)


async def test_what_is_told_is_kept_and_telling_it_again_changes_nothing(api):
    body = a_body(a_sample(), a_slow_sample(0.3, 1.0))
    first = await api.post("/v1/samples", body, SIDECAR)
    again = await api.post("/v1/samples", body, SIDECAR)

    assert first.status == 200
    assert first.json == {"new": 2, "known": 0, "late": 0, "unasked": []}
    assert again.json == {"new": 0, "known": 2, "late": 0, "unasked": []}
    kept = (await told(api)).sums
    assert [each.counts for each in kept] == [
        (Counted(1, 10),),
        (Counted(1, 10, 0.3), Counted(1, 10, 1.0)),
    ]


@pytest.mark.parametrize(
    ("sample", "why"),
    [
        (a_sample(indicator="nobodys"), "nobodys: no rule of this service asks sidecars for it"),
        (a_sample(indicator="other"), "other: no rule of this service asks sidecars for it"),
        (a_sample(mark="0" * 16), "errors: it is measured otherwise here; give both sides the same rule file"),
        (a_sample(counts=[{"bad": 1, "total": 10, "bound": 0.3}]), "errors: it is measured otherwise here; give both sides the same rule file"),
        (a_slow_sample(0.3), "slow: it is measured otherwise here; give both sides the same rule file"),
        (a_slow_sample(0.3, 1.0, 1.0), "slow: it does not lie on the grid of the indicator"),
        (a_sample(NOON + timedelta(seconds=1)), "errors: it does not lie on the grid of the indicator"),
        (a_sample(NOON + BEAT), "errors: it is of a time that is to come, or of none"),
        (a_sample(start=NOON.isoformat()), "errors: it is of a time that is to come, or of none"),
        (a_sample(start=(NOON - KEPT - BEAT).isoformat()), "errors: it is of a time that is to come, or of none"),
        (a_sample(counts=[{"bad": 11, "total": 10}]), "errors: more are bad than there are"),
    ],
)  # fmt: skip
async def test_what_nobody_asks_for_so_is_not_kept_and_that_is_said(api, sample, why):
    answer = await api.post("/v1/samples", a_body(a_sample(NOON - BEAT), sample), SIDECAR)

    assert answer.json == {"new": 1, "known": 0, "late": 0, "unasked": [why]}
    assert len((await told(api)).sums) == 1


async def test_what_comes_too_late_is_not_kept(api):
    body = a_body(a_sample(NOON - KEPT), a_sample(NOON - KEPT + BEAT))
    answer = await api.post("/v1/samples", body, SIDECAR)

    assert answer.json == {"new": 1, "known": 0, "late": 1, "unasked": []}


@pytest.mark.parametrize(
    ("apart", "words"),
    [
        (SKEW + timedelta(seconds=1), "the sidecar's clock is 6 s ahead"),
        (-timedelta(minutes=10), "the sidecar's clock is 600 s behind"),
    ],
)
async def test_of_a_clock_that_is_wrong_nothing_is_kept_but_that_it_lives(api, apart, words):
    body = a_body(a_sample(), sent_at=(NOON + apart).isoformat())
    answer = await api.post("/v1/samples", body, SIDECAR)

    assert answer.status == 422
    assert answer.json["type"] == "urn:rollbackd:clock"
    assert answer.json["detail"].startswith(words)
    found = await told(api)
    assert not found.sums
    assert found.instances[0].troubles.keys() == {"errors", "slow"}
    assert found.instances[0].troubles["errors"].words.startswith(words)


async def test_clocks_that_differ_by_a_little_are_alike(api):
    for apart in (SKEW, -SKEW):
        answer = await api.post("/v1/samples", a_body(sent_at=(NOON + apart).isoformat()), SIDECAR)
        assert answer.status == 200


async def test_troubles_and_names_are_as_they_were_said(api):
    trouble = {"fault": "unavailable", "who": "service", "words": "connection refused"}
    await api.post("/v1/samples", a_body(troubles={"errors": trouble}), SIDECAR)
    (instance,) = (await told(api)).instances

    assert instance.names == {"version": "v43"}
    assert instance.troubles == {"errors": Trouble(Fault.UNAVAILABLE, "connection refused")}


@pytest.mark.parametrize(
    "changes",
    [
        {"instance": "../../etc"},
        {"instance": ""},
        {"instance": "a" * 129},
        {"run": "r 1"},
        {"names": {"version": "v43\n"}},
        {"names": {"Version": "v43"}},
        {"names": {f"n{number}": "v" for number in range(17)}},
        {"sent_at": "2026-11-24T12:00:00"},
        {"samples": [a_sample(NOON - n * BEAT) for n in range(201)]},
        {"samples": [a_sample(counts=[])]},
        {"samples": [a_sample(counts=[{"bad": -1, "total": 10}])]},
        {"samples": [a_sample(counts=[{"bad": 1, "total": 1e16}])]},
        {"troubles": {"errors": {"fault": "unavailable", "who": "service", "words": "a\x1b[31m"}}},
        {"colour": "red"},
    ],
)
async def test_what_is_malformed_is_refused_whole(api, changes):
    answer = await api.post("/v1/samples", a_body(a_sample()) | changes, SIDECAR)

    assert answer.status == 400
    assert await told(api) == Relayed()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
async def test_numbers_that_are_none_are_refused(api, number):
    text = json.dumps(a_body(a_sample())).replace('"bad": 1', f'"bad": {number}')
    answer = await api.post("/v1/samples", text.encode(), SIDECAR)

    assert answer.status == 400


async def test_another_token_cannot_speak_for_an_instance(api):
    forger = AToken("forger", frozenset({"relay"}), ("checkout",))
    api.daemon.tokens.append(forger)
    await api.post("/v1/samples", a_body(a_sample()), SIDECAR)
    answer = await api.post("/v1/samples", a_body(a_sample(NOON - BEAT)), forger)

    assert answer.status == 409
    assert answer.json["detail"] == "another token speaks for the instance task-1"
    assert len((await told(api)).sums) == 1


async def test_a_token_of_another_service_or_without_the_scope_tells_nothing(api):
    api.daemon.tokens.extend(
        [
            cart := AToken("cart", frozenset({"relay"}), ("cart",)),
            reader := AToken("reader", frozenset({"read"})),
        ]
    )

    assert (await api.post("/v1/samples", a_body(a_sample()), cart)).status == 403
    assert (await api.post("/v1/samples", a_body(a_sample()), reader)).status == 403
    assert (await api.post("/v1/samples", a_body(a_sample(), environment="staging"), SIDECAR)).status == 404
    assert await told(api) == Relayed()
