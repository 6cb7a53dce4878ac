"""A release that answers nothing any more has no errors either: what tells is that its share of the traffic does not come."""

import json
from dataclasses import replace

import pytest

from rules.model import Kind, RuleSet, TrafficDrop
from tests.builders import minutes
from tests.scenarios.story import watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import a_rule, a_service, a_world, an_indicator, at, release
from watcher.core.watch import State


def its_share():
    indicator = replace(an_indicator("errors"), kind=Kind.REQUESTS)
    assert json.loads(indicator.query)["version"] == "${arm.version}"
    return RuleSet((indicator,), (a_rule(TrafficDrop(0.5)),))


def answering(share, since):
    """From then on the release answers this share of all requests, whatever the router was told."""

    async def go(stage):
        stage.traffic["checkout"].serves(since.total_seconds(), {"v1": 1 - share, "v2": share})

    return at(since, go)


def told(share, *happens):
    service = a_service(rules=its_share())
    return in_virtual_time(
        watched(a_world(service, release("v2", at=minutes(10), share=share), *happens), minutes=35)
    )


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_release_that_answers_nothing_goes_back_though_nothing_fails(share):
    story = told(share, answering(0.0, minutes(14)))

    assert minutes(14) < story.rolled_back_at <= minutes(18)
    assert story.calls_that_change == ["UpdateService v1"]


def test_one_that_gets_its_share_passes():
    assert told(0.1).watch.state is State.PASSED


def test_where_all_the_traffic_goes_to_it_there_is_nothing_to_share_and_it_is_not_passed():
    story = told(1.0)

    assert story.watch.state is State.WATCHING
    assert story.calls_that_change == []
