"""How many calls so many indicators cost, and what they say."""

import pytest

from rules.model import Kind
from tests.fakes.world import START
from tests.watcher.signals.datadog.asking import LATENCY, MINUTE, NEW, OLD, RATIO, indicator
from watcher.signals.arms import ArmUnnamed
from watcher.signals.datadog.fetch import Grid
from watcher.signals.datadog.plan import LONGEST, MOST_MEMBERS, MOST_QUERIES, Call, Unit, arm_of, planned
from watcher.signals.datadog.query import parsed

SHA = "0123456789abcdef0123456789abcdef01234567"


def units(query, names=NEW, kind=Kind.RATIO, bounds=()) -> list[Unit]:
    asked = indicator(query, kind, bounds=bounds)
    return [unit for pair in arm_of(asked, parsed(asked.query), names) for unit in pair.units]


def of_services(many: int, version: str = "v") -> list[Call]:
    """Each service has a name, and releases, of its own."""
    wanted: list[Unit] = []
    for number in range(many):
        query = {
            key: text.replace("service:shop", f"service:service-{number:04}") for key, text in RATIO.items()
        }
        for arm in "ab":
            wanted += units(query, {"version": f"{version}{number}{arm}"})
    return planned(wanted)


@pytest.mark.parametrize(("ratios", "calls"), [(10, 1), (100, 1), (1000, 1)])
def test_a_thousand_ratios_of_one_metric_are_one_call(ratios, calls):
    plan = of_services(ratios)

    assert len(plan) <= calls
    assert all(len(call.parts) <= MOST_QUERIES for call in plan)
    assert all(sum(len(part.text) for part in call.parts) <= LONGEST for call in plan)


def test_a_thousand_ratios_whose_versions_are_hashes_are_two_calls():
    assert len(of_services(1000, SHA)) <= 2


def test_every_unit_is_in_one_query_and_in_no_other():
    found = [unit for call in of_services(300) for part in call.parts for unit in part.members]

    assert len(found) == len(set(found)) == 4 * 300
    assert all(len(part.members) <= MOST_MEMBERS for call in of_services(300) for part in call.parts)


def test_both_releases_of_both_metrics_are_one_call():
    [call] = planned([*units(RATIO, OLD), *units(RATIO, NEW)])

    assert sorted(part.text for part in call.parts) == [
        "sum:trace.http.request.errors{env:prod AND service:shop AND version IN (v1, v2)} by {env,service,version}.as_count()",
        "sum:trace.http.request.hits{env:prod AND service:shop AND version IN (v1, v2)} by {env,service,version}.as_count()",
    ]


def test_what_two_ask_alike_is_asked_once():
    assert len(planned(units(RATIO) * 2)[0].parts[0].members) == 1


def test_a_latency_asks_for_both_sides_of_its_bound():
    [call] = planned(units({**LATENCY, "unit": "milliseconds"}, kind=Kind.LATENCY, bounds=(0.3,)))

    assert [part.text.partition(":trace")[0] for part in call.parts] == [
        "count(v: v<=300)",
        "count(v: v>300)",
    ]
    assert all(part.text.endswith("by {env,service,version}.as_count()") for part in call.parts)


def test_a_rollup_is_of_the_bucket():
    [unit] = units({"total": "sum:a{x:1}.rollup(sum)", "bucket": "5m"}, kind=Kind.REQUESTS)

    assert unit.family.functions == ".rollup(sum, 300)"


def test_names_of_releases_are_as_datadog_keeps_tags():
    [unit] = units({"total": RATIO["total"]}, {"version": "V1.4+build@7"}, Kind.REQUESTS)

    assert unit.values == ("prod", "shop", "v1.4_build_7")


def test_a_name_of_a_release_in_another_condition_is_filled_in_too():
    query = {"total": "sum:a{pod:${arm.version}-*, !version:${arm.version}}.as_count()"}
    [unit] = units(query, {"version": "V2"}, Kind.REQUESTS)

    assert unit.family.fixed == ("pod:v2-*", "NOT version:v2")


def test_a_query_without_a_filter_selects_all():
    assert planned(units({"value": "avg:a{*}"}, kind=Kind.VALUE))[0].parts[0].text == "avg:a{*}"


def test_what_was_refused_before_is_asked_by_itself():
    wanted = [*units(RATIO), *units({"value": "avg:odd{*}"}, kind=Kind.VALUE)]
    calls = planned(wanted, alone=lambda family: family.metric == "odd")

    assert [[part.family.metric for part in call.parts] for call in calls] == [
        ["trace.http.request.hits", "trace.http.request.errors"],
        ["odd"],
    ]


def test_a_release_without_the_name_is_the_authors_to_mend():
    with pytest.raises(ArmUnnamed, match="version"):
        units(RATIO, {"colour": "blue"})


def test_a_grid_is_of_whole_buckets_and_in_parts():
    grid = Grid.of(START + MINUTE / 2, START + 500.5 * MINUTE, MINUTE)
    parts = grid.slices()

    assert grid.first == (START + MINUTE).timestamp() * 1000
    assert grid.end == (START + 500 * MINUTE).timestamp() * 1000
    assert [begin for part in parts for begin in range(part.first, part.end, part.step)] == list(
        range(grid.first, grid.end, grid.step)
    )
    assert Grid.of(START, START + MINUTE / 2, MINUTE).slices() == []
