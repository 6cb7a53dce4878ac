"""What a rule file may have relayed, and how both sides know that they mean the same."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from rules.model import Indicator, Kind
from watcher.core.relayed import MOST_BOUNDS
from watcher.signals.relay.provider import KIND
from watcher.signals.relay.query import Query, inner, mark

PAGE = "http://127.0.0.1:9102/metrics"
RATIO = {"url": PAGE, "counter": "c_total", "bad": {"code": "5.."}}


def an_indicator(kind: Kind = Kind.RATIO, bounds: tuple[float, ...] = (), **query: Any) -> Indicator:
    text = json.dumps(query or {"scrape": RATIO})
    return Indicator("errors", kind, "relay", text, compares_arms="${arm." in text, bounds=bounds)


def test_a_sidecar_is_asked_for_what_stands_inside():
    read = inner(an_indicator(scrape=RATIO, where={"version": "${arm.version}"}))

    assert (read.id, read.provider, read.kind, read.compares_arms) == ("errors", "scrape", Kind.RATIO, False)
    assert json.loads(read.query) == RATIO


def test_bounds_are_said_outside_and_read_inside():
    latency = an_indicator(Kind.LATENCY, (0.3,), scrape={"url": PAGE, "histogram": "h"}, over=["300ms"])
    read = inner(latency)

    assert json.loads(read.query) == {"url": PAGE, "histogram": "h", "over": ["300ms"]}
    assert read.bounds == (0.3,)
    assert KIND.mistake(latency) is None


def test_a_bucket_is_as_long_as_what_is_read_says():
    assert KIND.bucket(an_indicator()).total_seconds() == 10
    assert KIND.bucket(an_indicator(scrape={**RATIO, "every": "30s"})).total_seconds() == 30


def test_where_a_page_is_makes_no_difference_and_whose_it_is_neither():
    elsewhere = {**RATIO, "url": "http://localhost:8080/other"}

    assert mark(an_indicator(scrape=RATIO)) == mark(an_indicator(scrape=elsewhere))
    assert mark(an_indicator(scrape=RATIO)) == mark(an_indicator(scrape=RATIO, where={"version": "v"}))


@pytest.mark.parametrize(
    "other",
    [
        an_indicator(scrape={**RATIO, "bad": {"code": "4.."}}),
        an_indicator(scrape={**RATIO, "every": "30s"}),
        an_indicator(scrape={**RATIO, "counter": "d_total"}),
        an_indicator(Kind.PROBE, http={"url": PAGE}),
        an_indicator(Kind.REQUESTS),
        an_indicator(bounds=(0.3,)),
    ],
)
def test_what_is_measured_makes_a_difference(other):
    assert mark(other) != mark(an_indicator())


@pytest.mark.parametrize(
    ("indicator", "what"),
    [
        (an_indicator(), None),
        (an_indicator(Kind.PROBE, http={"url": "http://localhost:8080/health"}), None),
        (an_indicator(scrape={**RATIO, "url": "http://[::1]:9102/metrics"}), None),
        (an_indicator(Kind.VALUE, scrape={"url": PAGE, "gauge": "g"}), "value cannot be summed over sidecars"),
        (an_indicator(Kind.RATIO, http={"url": PAGE}), "ratio cannot be summed over sidecars"),
        (an_indicator(Kind.PROBE), "probe cannot be summed over sidecars"),
        (an_indicator(Kind.REQUESTS), "requests cannot be read with this query"),
        (an_indicator(scrape={**RATIO, "where": {"version": "${arm.version}"}}), "a sidecar reads its own release alone, and knows no other"),
        (an_indicator(scrape={**RATIO, "url": "http://shop.internal/metrics"}), "what every sidecar reads would be counted once for each of them"),
        (an_indicator(scrape={**RATIO, "url": "http://10.0.0.7:9102/metrics"}), "what every sidecar reads would be counted once for each of them"),
        (an_indicator(scrape={**RATIO, "every": "100ms"}), "buckets shorter than 1s are not relayed"),
    ],
)  # fmt: skip
def test_what_cannot_be_relayed_is_told_with_the_remedy(indicator, what):
    found = KIND.mistake(indicator)

    assert (found and found[0]) == what
    assert what is None or (found is not None and found[1])


def test_more_bounds_than_a_sidecar_may_tell_are_refused_before_it_tells_them():
    def bounded(many: int) -> Indicator:
        over = tuple((1 + each) / 10 for each in range(many))
        read = {"url": PAGE, "histogram": "h"}
        return an_indicator(Kind.LATENCY, over, scrape=read, over=[f"{each * 1000:g}ms" for each in over])

    assert KIND.mistake(bounded(MOST_BOUNDS)) is None
    found = KIND.mistake(bounded(MOST_BOUNDS + 1))
    assert found is not None
    assert found[0] == "sidecars tell of at most 16 bounds, and these are 17"


def test_addresses_that_are_found_are_not_for_sidecars():
    query = {k: v for k, v in RATIO.items() if k != "url"} | {
        "discover": {
            "ecs_tasks": {"cluster": "main", "service": "checkout", "port": 9102, "path": "/metrics"}
        }
    }
    try:
        found = KIND.mistake(an_indicator(scrape=query))
    except ValidationError as error:  # the shape of `discover` is another page's
        pytest.fail(str(error))

    assert found is not None
    assert found[0].startswith("what every sidecar reads")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"scrape": RATIO, "http": {"url": PAGE}},
        {"http": {"url": PAGE}, "over": ["300ms"]},
        {"scrape": RATIO, "where": {"Version": "v"}},
        {"scrape": RATIO, "colour": "red"},
    ],
)
def test_a_query_of_another_shape_is_refused(query):
    with pytest.raises(ValidationError):
        Query.model_validate(query)
