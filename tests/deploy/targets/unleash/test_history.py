"""A flag's events tell how it was set, as far back as they say what was before."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from deploy.model import Recalled, Unreadable
from deploy.targets.unleash.history import events_of
from tests.fakes.launchdarkly.world import Told
from tests.fakes.unleash import strategy


def tags(recalled: Recalled) -> list[str]:
    return [release.tag for release, _ in recalled.served]


def test_what_was_set_is_remembered_with_when_it_was(stage):
    times = []
    of = stage.world.adds(strategy(5))
    for share in ("5", "50", "100"):
        stage.clock.go_on(hours=1)
        stage.world.changes_strategy(of, parameters={"rollout": share})
        stage.world.turns(on=True)
        times.append(stage.clock.time)
    stage.clock.go_on(hours=1)
    stage.world.turns(on=False, by="eve")

    recalled = stage.recalled()

    assert tags(recalled) == ["off", "on.5", "on.50", "on.100", "off"]
    assert [since for _, since in recalled.served[1:]] == [*times, stage.clock.time]
    assert recalled.proven == {}


def test_what_was_set_within_a_day_may_be_watched_still_and_is_no_past(stage):
    stage.world.adds(strategy(5))
    stage.clock.go_on(hours=1)
    stage.world.turns(on=True)

    assert tags(stage.recalled(timedelta(hours=23))) == ["off"]
    assert tags(stage.recalled(timedelta(hours=25))) == ["off", "on.5"]


def test_strategies_that_came_and_went_and_their_order_are_gone_through(stage):
    first = stage.world.adds(strategy(5))
    stage.world.turns(on=True)
    stage.clock.go_on(hours=1)
    second = stage.world.adds(strategy(50))
    stage.clock.go_on(hours=1)
    stage.world.removes(first)
    stage.clock.go_on(hours=1)
    stage.world.changes_strategy(second, disabled=True)  # which turns the flag off, in the same moment

    assert tags(stage.recalled()) == ["off", "on.5", stage.recalled().served[2][0].tag, "on.50", "off"]
    assert stage.recalled().served[2][0].tag.startswith("on.5+50@")


def test_what_somebody_did_elsewhere_or_beside_it_is_nothing_of_its(stage):
    stage.world.adds(strategy(5))
    stage.clock.go_on(hours=1)
    stage.world.turns(on=True)
    turned = stage.clock.time
    stage.clock.go_on(hours=1)
    stage.world.turns(on=True, environment="development")
    stage.clock.go_on(hours=1)
    stage.world._event("feature-tagged", stage.clock.time, environment=None)

    recalled = stage.recalled()

    assert tags(recalled) == ["off", "on.5"]
    assert recalled.served[-1][1] == turned


def test_where_it_is_not_said_what_was_before_the_past_ends(stage):
    stage.world.adds(strategy(5))
    stage.world.turns(on=True)
    stage.clock.go_on(hours=1)
    stage.world.depends_on("payments")
    stage.clock.go_on(hours=1)
    stage.world.turns(on=False)

    recalled = stage.recalled()

    assert [tag.partition("@")[0] for tag in tags(recalled)] == ["on.5", "off"]


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b'{"events": [{"id": 1, "type": "x", "createdAt": "yesterday"}]}',
        b'{"events": [{"id": 1, "type": "x", "createdAt": "0001-01-01T00:00:00+05:00"}]}',
    ],
)
def test_what_is_no_answer_is_unreadable_and_never_an_empty_past(stage, body):
    real = stage.send

    async def odd(method, url, *more, **words):
        got = await real(method, url, *more, **words)
        return type(got)(200, got.headers, body) if "/search/events" in url else got

    stage.send = odd

    assert isinstance(stage.recalled(), Unreadable)


@pytest.mark.parametrize(
    "written", ["2026-03-01T12:00:00.000Z", "2026-03-01T14:00:00+02:00", "2026-03-01T12:00:00"]
)
def test_times_are_utc_in_whatever_zone_this_machine_is(monkeypatch, written):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        found = events_of(json.dumps({"events": [{"id": 1, "type": "x", "createdAt": written}]}).encode())
    finally:
        monkeypatch.undo()
        time.tzset()

    assert not isinstance(found, Unreadable)
    assert [each.at for each in found] == [datetime(2026, 3, 1, 12, tzinfo=UTC)]


def test_where_nothing_can_be_read_nothing_is_remembered(stage):
    stage.world.befalls("GET", Told(503, {}))

    assert isinstance(stage.recalled(), Unreadable)


def test_marks_have_no_place_there_and_nothing_is_written(stage):
    assert stage.run(stage.target().mark(())) == ""
    assert stage.sent() == []
