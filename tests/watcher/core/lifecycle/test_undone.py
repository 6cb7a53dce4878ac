"""A rollout that another hand takes back before it was complete: what that is, and how its watch ends."""

from dataclasses import replace
from typing import Any

import pytest

from deploy.model import PartChange
from tests.builders import NOON, a_live, a_release, a_watch, minutes, some_facts
from watcher.core.lifecycle import is_taken_back, seen_on_its_way, taken_back
from watcher.core.watch import State

FACTS = some_facts()
SEEN: dict[str, Any] = {"traffic_at": None, "complete_at": None, "seen_at": NOON - minutes(3)}
NEW = {**SEEN, "seen_at": None}
MOVING = a_live("v42", in_flight=a_release("v43"))


def a_pair(**changes):
    """A watch of two parts."""
    watch = a_watch(**{**SEEN, **changes})
    second = PartChange("web", a_release("web7"), a_release("web8"))
    return replace(watch, deployment=replace(watch.deployment, parts=(*watch.deployment.parts, second)))


# --------------------------------------------------------------------------------------------------------- it is seen


@pytest.mark.parametrize("live", [MOVING, a_live("v43")])
def test_when_its_release_is_first_seen_is_remembered(live):
    step = seen_on_its_way(a_watch(**NEW), {"service": live}, NOON, FACTS)

    assert step is not None
    assert (step.watch.seen_at, step.watch.revision, step.messages) == (NOON, 8, ())
    assert seen_on_its_way(step.watch, {"service": live}, NOON, FACTS) is None


@pytest.mark.parametrize(
    ("watch", "live"),
    [
        (a_watch(**NEW), {"service": a_live("v42")}),
        (a_watch(**NEW), {}),
        (a_watch(State.ROLLING_BACK, **NEW), {"service": MOVING}),
    ],
    ids=["not there yet", "not to be read", "on the way back"],
)
def test_what_is_not_seen_is_no_news(watch, live):
    assert seen_on_its_way(watch, live, NOON, FACTS) is None


# ---------------------------------------------------------------------------------------------------- it is taken back


def test_what_never_took_traffic_and_is_gone_ends_its_watch_and_people_hear_why():
    step = taken_back(a_watch(**SEEN), {"service": a_live("v42")}, NOON, FACTS)

    assert step is not None
    watch = step.watch
    assert (watch.state, watch.superseded_by, watch.was_taken_back) == (State.SUPERSEDED, None, True)
    assert watch.ending is not None
    assert watch.ending.words == (
        "its rollout was taken back by 12:00:00 UTC (its platform or another hand, not rollbackd), and v42 serves again"
    )
    assert (step.quarantines, step.serves, step.actions) == ((), (), ())
    assert {message.notice.event for message in step.messages} == {"watch.taken_back"}
    (line,) = step.messages[0].notice.lines
    assert line == (
        "It never took traffic. v43 is not quarantined: deployed again, it is watched like any release"
    )


def test_where_its_platform_said_that_it_failed_that_is_who_took_it_back():
    step = taken_back(a_watch(**SEEN, incomplete=True), {"service": a_live("v42")}, NOON, FACTS)

    assert step is not None
    assert step.watch.ending is not None
    assert "(its platform broke it off)" in step.watch.ending.words


def test_what_was_breached_when_it_was_taken_back_is_told_with_it():
    step = taken_back(a_watch(State.ASKING, **SEEN), {"service": a_live("v42")}, NOON, FACTS)

    assert step is not None
    assert "It was breached: " in step.messages[0].notice.lines[0]


@pytest.mark.parametrize(
    ("watch", "live"),
    [
        (a_watch(**NEW), {"service": a_live("v42")}),
        (a_watch(**SEEN), {"service": MOVING}),
        (a_watch(**SEEN), {"service": a_live("v42", in_flight=a_release("v44"))}),
        (a_watch(**SEEN), {"service": a_live(None)}),
        (a_watch(**SEEN), {}),
        (a_pair(), {"service": a_live("v42")}),
        (a_pair(), {"service": a_live("v42"), "web": a_live("web8")}),
        (a_watch(State.ROLLING_BACK, **SEEN), {"service": a_live("v42")}),
    ],
    ids=[
        "never seen",
        "still on its way",
        "another on its way",
        "nothing runs",
        "not to be read",
        "a part not to be read",
        "a part still there",
        "our own way back",
    ],
)
def test_nothing_else_is_taken_for_it(watch, live):
    assert not is_taken_back(watch, live)
    assert taken_back(watch, live, NOON, FACTS) is None


def test_what_took_traffic_is_taken_back_too_and_intake_watches_what_serves_again():
    watch = a_watch(**{**SEEN, "traffic_at": NOON - minutes(2)})

    assert is_taken_back(watch, {"service": a_live("v42")})
    assert taken_back(watch, {"service": a_live("v42")}, NOON, FACTS) is None
