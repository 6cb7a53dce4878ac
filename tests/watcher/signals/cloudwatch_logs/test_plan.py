"""How many queries a thousand questions cost, and what a query may not say."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from pydantic import ValidationError

from rules.model import Kind
from tests.fakes.aws.logs import insights
from tests.fakes.world import START
from tests.watcher.signals.cloudwatch_logs.asking import MINUTE, NEW, OLD, RATIO, indicator
from watcher.signals.cloudwatch_logs.plan import Arm, Scan, arm_of, planned
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
    [(10, True, 1), (100, True, 1), (1000, True, 2), (10_000, True, 16), (100, False, 2), (1000, False, 20)],
)
def test_so_many_ratios_are_so_many_queries(ratios, share, queries):
    scans = _scans(ratios, share=share)

    assert len(scans) == queries
    assert all(len(scan.text) <= 10_000 and len(scan.groups) <= 50 for scan in scans)
    arms = [arm for scan in scans for arm in scan.arms]
    assert len(arms) == len(set(arms)) == 2 * ratios


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
