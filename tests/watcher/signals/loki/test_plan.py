"""How many calls a thousand questions cost, that no value becomes a part of a query, and what a query may not say."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.model import Kind
from tests.fakes.loki import logql
from tests.watcher.signals.loki.asking import NEW, OLD, RATIO, indicator
from watcher.signals.loki.logql import containing, lines
from watcher.signals.loki.plan import LONGEST, Call, Unit, arm_of, planned
from watcher.signals.loki.query import Query, mistake

MOST = 500


def _units(query, names=NEW) -> tuple[Unit, ...]:
    return arm_of(Query.model_validate(query), names).units


def _calls(many: int, *, alike: bool) -> list[Call]:
    """Each service has a name, and releases, of its own; or lines of its own besides."""
    models = [unit for names in (OLD, NEW) for unit in _units(RATIO, names)]
    units = [
        replace(
            unit,
            values=(f"service-{number:05}", *unit.values[1:]),
            family=unit.family if alike else replace(unit.family, parser=f"regexp {number}"),
        )
        for number in range(many)
        for unit in models
    ]
    return planned(units, MOST)


@pytest.mark.parametrize(
    ("ratios", "alike", "calls"),
    [
        (10, True, 1),
        (100, True, 1),
        (150, True, 2),
        (1000, True, 8),
        (10_000, True, 80),
        (10, False, 1),
        (100, False, 10),
        (1000, False, 100),
    ],
)
def test_so_many_ratios_are_so_many_calls(ratios, alike, calls):
    planned_calls = _calls(ratios, alike=alike)

    assert len(planned_calls) == calls
    assert all(len(call.text) <= LONGEST for call in planned_calls)
    assert all(sum(len(part.members) for part in call.parts) <= MOST for call in planned_calls)
    units = [unit for call in planned_calls for part in call.parts for unit in part.members]
    assert len(units) == len(set(units)) == 4 * ratios


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20))
@settings(max_examples=50)
def test_a_text_never_leaves_its_quotes(text):
    written = lines([("app", "=", "shop")], containing([text]), "", [("status", "=", text)])

    log = logql.Parser(written).whole()
    assert isinstance(log, logql.Log)
    assert len(log.stages) == 2
    assert log.stages[0](f"<{text}>", {})
    assert log.stages[1]("", {"status": text})


def test_a_name_of_a_release_is_plain_also_where_a_pattern_stands():
    query = {
        "total_expr": 'sum(count_over_time({a="${arm.version}"} |~ "v=${arm.version};" |= "${arm.version}"[${bucket}]))'
    }
    text = _units(query, {"version": "1.4"})[0].family.expression

    assert text == 'sum(count_over_time({a="1.4"} |~ "v=1[.]4;" |= "1.4"[1m]))'


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "exactly one thing"),
        ({"stream": {}}, "no stream is named"),
        ({"stream": {"app": {"not": "shop"}}}, "no stream is named"),
        ({"stream": {"app": "shop"}, "total": {}}, "no line is told"),
        ({"stream": {"app": "shop"}, "bad": {"labels": {"app": "x"}}}, "app_extracted|asked for twice"),
        ({"stream": {"app": "shop"}, "bad_expr": "sum(x)"}, "belongs to"),
        ({"stream": {"__tenant_id__": "a"}}, "cannot be asked for"),
        ({"stream": {"ind1": "a"}}, "cannot be asked for"),
        ({"stream": {"app": "(a+)+"}}, "pattern"),
        ({"total_expr": 'sum(rate({a="b"}[${bucket}]))'}, "so many a second"),
        ({"total_expr": 'sum(bytes_over_time({a="b"}[${bucket}]))'}, "no count of lines"),
        ({"total_expr": 'sum(count_over_time({a="b"}[5m]))'}, "not the bucket's"),
        ({"total_expr": "sum(x)", "parser": "json"}, "says itself"),
        ({"stream": {"app": "shop"}, "total": {"contains": "a\nb"}}, "pattern"),
        ({"stream": {"app": "shop"}, "bucket": "7s"}, "one grid"),
    ],
)
def test_a_query_that_cannot_be_meant_is_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        Query.model_validate(wrong)


def test_what_a_query_lacks_for_its_kind_is_told():
    all_ = {"stream": {"app": "shop"}}

    assert mistake(indicator(RATIO)) is None
    assert mistake(indicator(all_, Kind.REQUESTS)) is None
    assert "stream and bad" in str(mistake(indicator(all_, Kind.EVENTS)))
    assert "without bad" in str(mistake(indicator(RATIO, Kind.REQUESTS)))
