"""How many calls a thousand questions cost, and that no value becomes a part of a query."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.model import Kind
from tests.watcher.signals.prometheus.asking import MINUTE, NEW, NOON, OLD, RATIO, indicator
from watcher.signals.arms import ArmUnnamed
from watcher.signals.prometheus.plan import LONGEST, MOST_PARTS, Call, Unit, arm_of, planned
from watcher.signals.prometheus.promql import either, quoted
from watcher.signals.prometheus.query import Query, mistake, parsed
from watcher.signals.rows import Grid

SCRAPE = timedelta(seconds=15)


def _units(query, names=NEW, kind=Kind.RATIO, bounds=()) -> tuple[Unit, ...]:
    asked = indicator(query, kind, bounds=bounds)
    return arm_of(asked, parsed(asked.query), names).units


def _of_services(many: int) -> list[Call]:
    """Each service has a name, and releases, of its own."""
    units: list[Unit] = []
    for number in range(many):
        query = {**RATIO, "where": {**RATIO["where"], "service": f"service-{number:04}"}}
        for names in (OLD, NEW):
            units += _units(query, names)
    return planned(units, SCRAPE)


@pytest.mark.parametrize(("ratios", "calls"), [(10, 1), (100, 1), (1000, 10)])
def test_a_thousand_ratios_are_ten_calls_or_fewer(ratios, calls):
    planned_calls = _of_services(ratios)

    assert len(planned_calls) <= calls
    assert all(len(call.text(SCRAPE)) <= LONGEST for call in planned_calls)


def test_every_unit_is_in_one_call_and_in_no_other():
    units = [unit for call in _of_services(300) for part in call.parts for unit in part.members]

    assert len(units) == len(set(units)) == 600


def test_other_metrics_are_other_parts_of_the_same_call():
    units = [unit for number in range(120) for unit in _units({**RATIO, "counter": f"m{number}_total"})]
    calls = planned(units, SCRAPE)

    assert all(len(call.parts) <= MOST_PARTS and len(call.text(SCRAPE)) <= LONGEST for call in calls)
    assert sum(len(call.parts) for call in calls) == 120
    assert len(calls) <= 6


def test_what_two_ask_alike_is_asked_once():
    assert len(planned(_units(RATIO) * 2, SCRAPE)[0].parts[0].members) == 1


def test_both_releases_are_one_selector():
    text = planned([*_units(RATIO, OLD), *_units(RATIO, NEW)], SCRAPE)[0].text(SCRAPE)

    assert 'version=~"v1|v2"' in text
    assert 'service="shop"' in text


@given(st.text(max_size=30))
def test_a_value_never_leaves_its_quotes(value):
    text = quoted(value)

    assert text.startswith('"')
    assert text.endswith('"')
    inside = text[1:-1].replace("\\\\", "")
    assert '"' not in inside.replace('\\"', "")
    assert "\n" not in text


@given(st.from_regex(r"[A-Za-z0-9._:/@+-]{1,40}", fullmatch=True), st.text(max_size=40))
def test_a_pattern_of_values_matches_them_alone(value, other):
    import re  # noqa: PLC0415

    pattern = re.compile(either([value, "v1"]))

    assert pattern.fullmatch(value)
    assert bool(pattern.fullmatch(other)) is (other in {value, "v1"})


@pytest.mark.parametrize(
    "expression",
    [
        'sum(rate(x{v="${arm.version}"}[${bucket}]))',
        "sum(increase(x[5m]))",
        "sum(increase(x[${bucket}]",
        "sum(x)) or vector(1",
        "sum(x) # all",
        'x{v="}',
        "x{v=${arm.version}}",
        "",
        "x\x00",
        "idelta(x[${bucket}])",
    ],
)
def test_an_expression_that_is_not_whole_or_not_of_the_bucket_is_refused(expression):
    with pytest.raises(ValidationError):
        Query.model_validate({"bad_expr": expression, "total_expr": "sum(increase(x[${bucket}]))"})


def test_a_speed_is_refused_with_the_right_form():
    with pytest.raises(ValidationError, match="counts are needed"):
        Query.model_validate({"total_expr": "sum(rate(x[${bucket}]))"})


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("sum(job:http_errors:rate5m)", "rate5m is so many a second, and counts are needed"),
        ("sum(http_requests_total)", "http_requests_total is a counter, whose value is all since it began"),
    ],
)
def test_what_does_not_count_a_bucket_is_refused_though_it_has_no_range(expression, words):
    with pytest.raises(ValidationError, match=words):
        Query.model_validate({"total_expr": expression})


def test_what_a_label_says_is_no_counter():
    expression = 'sum(job:requests:increase1m{of="x_total", a=":rate5m"})'

    assert Query.model_validate({"total_expr": expression}).total_expr == expression


def test_a_name_of_a_release_is_plain_also_where_a_pattern_stands():
    query = {"total_expr": 'sum(increase(x{a="${arm.version}", b=~"${arm.version}-.*"}[${bucket}]))'}
    text = _units(query, {"version": "1.4"}, Kind.REQUESTS)[0].family.text

    assert text == 'sum(increase(x{a="1.4", b=~"1[.]4-.*"}[1m]))'


def test_a_name_of_a_release_in_a_label_is_plain_characters():
    family = _units({**RATIO, "where": {"pod": "${arm.version}-.*"}}, {"version": "1.4"})[0].family

    assert family.fixed == (("pod", "=~", "1\\.4-.*"),)


def test_a_release_without_the_name_is_the_authors_to_mend():
    with pytest.raises(ArmUnnamed, match="colour"):
        _units({**RATIO, "where": {"version": "${arm.colour}"}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"counter": "a b"},
        {"counter": "x", "where": {"a-b": "c"}},
        {"counter": "x", "where": {"ind": "c"}},
        {"counter": "x", "where": {"le": "c"}},
        {"counter": "x", "where": {"a": "(a+)+"}},
        {"counter": "x", "gauge": "y"},
        {"counter": "x", "over": "1s"},
        {"gauge": "x", "bad": {"a": "b"}},
        {"histogram": "x_bucket", "over": "1s"},
        {"counter": "x", "native": True},
        {"expr": "x", "where": {"a": "b"}},
        {"expr": "x", "bad_expr": "y"},
        {"counter": "x", "bucket": "7m"},
        {"counter": "x", "bucket": "500ms"},
        {"counter": "x", "nothing": 1},
        {},
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        Query.model_validate(wrong)


@pytest.mark.parametrize(
    ("kind", "query", "fits"),
    [
        (Kind.RATIO, RATIO, True),
        (Kind.RATIO, {"counter": "x"}, False),
        (Kind.EVENTS, RATIO, True),
        (Kind.REQUESTS, {"counter": "x"}, True),
        (Kind.REQUESTS, RATIO, False),
        (Kind.RATIO, {"bad_expr": "sum(b)", "total_expr": "sum(a)"}, True),
        (Kind.REQUESTS, {"total_expr": "sum(a)"}, True),
        (Kind.LATENCY, {"histogram": "x", "over": "1s"}, True),
        (Kind.LATENCY, {"histogram": "x"}, False),
        (Kind.VALUE, {"expr": "x"}, True),
        (Kind.VALUE, {"gauge": "x"}, True),
        (Kind.VALUE, {"counter": "x"}, False),
    ],
)
def test_what_a_query_lacks_for_its_kind_is_told_before_anything_starts(kind, query, fits):
    assert (mistake(indicator(query, kind)) is None) is fits


def test_buckets_lie_on_the_grid_of_unix_time():
    grid = Grid.of(NOON, NOON + 10 * MINUTE, MINUTE)

    assert (grid.first, grid.last) == (int(NOON.timestamp()) + 60, int(NOON.timestamp()) + 600)
    assert Grid.of(NOON, NOON, MINUTE).slices() == []


@given(st.integers(1, 3000), st.sampled_from((15, 60, 300)))
def test_parts_of_a_grid_are_the_grid(many, step):
    grid = Grid(step, many * step, step)
    ends = [end for part in grid.slices() for end in range(part.first, part.last + 1, step)]

    assert ends == list(range(step, many * step + 1, step))
