"""How many queries a thousand questions cost, and what a query may not say."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from pydantic import ValidationError

from rules.model import Kind
from tests.fakes.aws.logs import insights
from tests.fakes.world import START
from tests.watcher.signals.cloudwatch_logs.asking import MINUTE, NEW, OLD, RATIO, indicator
from watcher.signals.cloudwatch_logs.filters import Filters
from watcher.signals.cloudwatch_logs.plan import Arm, Counted, Scan, arm_of, planned, rows_of
from watcher.signals.cloudwatch_logs.query import Query, mistake


def _arms(query) -> Sequence[Arm]:
    read = Query.model_validate(query)
    return [arm_of(read, names) for names in (NEW, OLD)]


def _scans(many: int, *, share: bool) -> list[Scan]:
    """Each service has a name of its own, and maybe a log group."""
    models = _arms(
        {**RATIO, "total": {"contains": "handled", "fields": {"service": "x", "version": "${arm.version}"}}}
    )
    questions = [
        [
            replace(
                arm,
                groups=("/ecs/all" if share else f"/ecs/service-{number:05}",),
                total=replace(arm.total, exact=(("service", f"service-{number:05}"), arm.total.exact[1])),
            )
            for arm in models
        ]
        for number in range(many)
    ]
    return planned(questions)


@pytest.mark.parametrize(
    ("ratios", "share", "queries"),
    [(10, True, 1), (100, True, 1), (1000, True, 2), (10_000, True, 18), (100, False, 2), (1000, False, 20)],
)
def test_so_many_ratios_are_so_many_queries(ratios, share, queries):
    scans = _scans(ratios, share=share)

    assert len(scans) == queries
    assert all(len(scan.text) <= 10_000 and len(scan.groups) <= 50 for scan in scans)
    arms = [arm for scan in scans for arm in scan.arms]
    assert len(arms) == len(set(arms)) == 2 * ratios
    # What others ask for is not sent: a query of which ten thousand rows are told is cut, and says nothing.
    assert not share or all(_named(scan)["service"] == _services(scan) for scan in scans)


def _named(scan: Scan) -> dict[str, frozenset[str]]:
    """Of which values of fields rows are sent."""
    return dict(insights.asked(scan.text).among)


def _services(scan: Scan) -> set[str]:
    return {dict(arm.total.exact)["service"] for arm in scan.arms}


def _long_names(many: int) -> list[Scan]:
    """Each service has a name of 60 characters, and releases that are called by their commits."""
    models = _arms({**RATIO, "total": {"fields": {"service": "x", "version": "${arm.version}"}}})
    return planned(
        [
            replace(
                arm,
                total=replace(
                    arm.total, exact=(("service", f"{number:060}"), ("version", f"{number:064x}{nth}"))
                ),
            )
            for nth, arm in enumerate(models)
        ]
        for number in range(many)
    )


def test_what_one_query_can_be_told_is_paid_once_also_where_there_is_no_room_to_name_all_services():
    (scan,) = _long_names(600)

    assert _named(scan) == {}


def test_of_more_than_one_query_each_names_its_services_by_what_is_shortest():
    scans = _long_names(700)

    assert all(len(scan.text) <= 10_000 for scan in scans)
    assert [set(_named(scan)) for scan in scans] == [{"service"}] * len(scans)
    assert len(scans) == 5


def test_arms_of_which_one_wants_any_value_are_told_apart_by_nothing_and_need_no_room():
    filters = Filters()
    filters.add({"service": "shop", "version": "v1"})

    assert not filters.have_room([{"service": "cart", "version": "v2"}], room=0)
    assert filters.have_room([{}], room=0)


@pytest.mark.parametrize("value", ["größe", 'say "hi"', "a\tb", "\x7f"])
def test_by_a_value_that_a_query_may_not_write_no_row_is_left_out(value):
    filters = Filters()
    for each in (value, "shop"):
        filters.add({"service": each, "version": "v1"})

    assert list(filters.written(10_000)) == ['filter version in ["v1"]']
    named = Filters()
    named.add({"service": "shop"})
    assert named.have_room([{"service": value}], room=0)
    assert not named.have_room([{"service": "cart"}], room=0)


def test_what_another_text_takes_in_a_query_is_no_room_for_the_names_of_services():
    def arms(number: int, **bad: str) -> Sequence[Arm]:
        fields = {"service": f"{number:0100}", "version": "${arm.version}"}
        return _arms({**RATIO, "total": {"fields": fields}, **({"bad": bad} if bad else {})})

    scan, number = Scan(MINUTE), 0
    while scan.has_room(arms(number), apart=True):
        scan.add(arms(number))
        number += 1
    alike, wordy = arms(0), arms(0, contains="x" * 256)

    assert scan.has_room(alike, apart=True)
    assert scan.has_room(wordy, apart=False)
    assert not scan.has_room(wordy, apart=True)
    scan.add(wordy)
    assert "service" not in _named(scan)


def test_fields_may_be_called_as_a_query_calls_its_own_columns():
    fields = {"n": "${arm.version}", "n_": "a.*", "c0": "b|c"}
    new, old = _arms({**RATIO, "total": {"contains": "handled", "fields": fields}, "bad": {"contains": "x"}})
    (scan,) = planned([[new, old]])
    lines = [
        {"msg": "handled", "n": "v2", "n_": "a1", "c0": "b"},
        {"msg": "handled x", "n": "v2", "n_": "a2", "c0": "c"},
        {"msg": "handled x", "n": "v2", "n_": "a2", "c0": "d"},
        {"msg": "x", "n": "v2", "n_": "a2", "c0": "c"},
        {"msg": "handled", "n": "v1", "n_": "a1", "c0": "b"},
    ]
    events = [insights.Event(START, START, new.groups[0], json.dumps(line)) for line in lines]
    counted = Counted(rows_of(scan, insights.answered(insights.asked(scan.text), events, "111122223333")))

    assert counted.of(new) == {START: (1, 2)}
    assert counted.of(old) == {START: (0, 1)}


def test_an_arm_that_wants_any_value_of_a_field_is_sent_all_of_them():
    (one, _) = _arms({**RATIO, "total": {"fields": {"service": "shop", "version": "v2"}}})
    (any_of, _) = _arms({**RATIO, "total": {"fields": {"service": "shop-.*", "version": "v2"}}})

    (scan,) = planned([[one], [any_of]])

    assert _named(scan) == {"version": {"v2"}}


def test_what_two_ask_alike_is_asked_once():
    (scan,) = planned([_arms(RATIO), _arms(RATIO)])

    assert len(scan.arms) == 2


def test_the_longer_the_past_the_more_queries_each_of_which_has_room_for_its_rows():
    (scan,) = planned([_arms(RATIO)])
    day = scan.slices(START, START + 24 * 60 * MINUTE)

    assert len(day) == 3
    assert day[0][0] == START
    assert day[-1][1] == START + 24 * 60 * MINUTE
    assert all(one[1] == other[0] for one, other in pairwise(day))


def test_a_text_never_leaves_its_quotes():
    text = 'say "no" \\ | limit 1'
    (scan,) = planned([_arms({**RATIO, "bad": {"contains": text}})])

    assert ("c1", text) in insights.asked(scan.text).has


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"groups": []}, "at least 1"),
        ({"groups": "a b"}, "pattern"),
        ({"groups": "a", "total": {}}, "no line is told"),
        ({"groups": "a", "total": {"fields": {"a-b": "x"}}}, "pattern"),
        ({"groups": "a", "total": {"fields": {"a": "(x+)+"}}}, "pattern"),
        ({"groups": "a", "total": {"contains": list("abcd")}, "bad": {"lacks": list("efg")}}, "rows without end"),
        ({"groups": "a", "bucket": "10s"}, "no bucket here"),
        ({"groups": "a", "bucket": "90s"}, "no bucket here"),
        ({"groups": "a", "bucket": "7m"}, "no bucket here"),
        ({"groups": "a", "query": "fields @message"}, "Extra inputs"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_meant_is_refused(wrong, words):
    with pytest.raises(ValidationError, match=words):
        Query.model_validate(wrong)


def test_what_a_query_lacks_for_its_kind_is_told():
    assert mistake(indicator()) is None
    assert mistake(indicator({"groups": "a"}, kind=Kind.REQUESTS)) is None
    assert "groups and bad" in str(mistake(indicator({"groups": "a"}, kind=Kind.EVENTS)))
    assert "without bad" in str(mistake(indicator(kind=Kind.REQUESTS)))
