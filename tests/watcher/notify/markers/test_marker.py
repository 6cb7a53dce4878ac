"""Which markers a watch has: of its deployment and of its rollbacks, at the times that they were."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.world import START
from watcher.clock import new_id
from watcher.core.watch import Notice, State
from watcher.notify.markers import Marker, What, markers_of

LATER = START + timedelta(minutes=20)
WATCH = new_id("w", START)
ACTION = f"{WATCH}.7.0"


def a_notice(state: State, watch: str = WATCH, **facts: Any) -> Notice:
    told = {"state": state.value, "tag": "v43", "goes_to": "v42", **facts}
    return Notice(
        f"checkout · production: {state.words}",
        ("a line",),
        watch=watch,
        service="checkout",
        environment="production",
        at=LATER,
        facts=told,
    )


def markers(notice: Notice) -> list[Marker]:
    return list(markers_of(notice, LATER + timedelta(hours=1), "https://rollbackd.acme.example"))


def test_a_deployment_is_marked_when_its_watch_was_opened_however_late_it_is_told():
    (marker,) = markers(a_notice(State.WATCHING))

    assert (marker.id, marker.what, marker.at) == (WATCH, What.DEPLOYMENT, START)
    assert (marker.title, marker.release) == ("checkout · production: deployment of v43", "v43")
    assert marker.lines == ("checkout · production: watching", "a line")
    assert marker.url == f"https://rollbackd.acme.example/v1/watches/{WATCH}"


def test_a_rollback_is_marked_beside_its_deployment_and_says_where_from_and_to():
    deployment, rollback = markers(a_notice(State.ROLLING_BACK, action=ACTION))

    assert (rollback.id, rollback.what, rollback.at) == (ACTION, What.ROLLBACK, LATER)
    assert rollback.title == "checkout · production: rolling back from v43 to v42"
    assert (rollback.left, rollback.release) == ("v43", "v42")
    assert deployment.lines == ()  # what is said is about the rollback by now


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.ROLLED_BACK, "rolled back from v43"),
        (State.STUCK, "does not finish, from"),
        (State.KEPT, "begun"),
    ],
)
def test_a_rollback_that_is_told_late_is_told_as_it_stands(state, words):
    assert words in markers(a_notice(state, action=ACTION))[1].title


def test_a_watch_that_an_order_to_roll_back_has_opened_is_of_no_deployment():
    found = markers(a_notice(State.ROLLING_BACK, action=f"{WATCH}.1.0"))

    assert [each.what for each in found] == [What.ROLLBACK]


@pytest.mark.parametrize("facts", [{"state": "nowhere"}, {"state": ""}])
def test_what_says_nothing_of_how_a_watch_stands_has_no_marks(facts):
    assert markers(Notice("disarmed", watch=WATCH, facts=facts)) == []


@pytest.mark.parametrize("watch", ["", "w_1\r\nX: 1", "x" * 91])
def test_what_is_no_id_of_a_watch_has_no_marks(watch):
    assert markers(a_notice(State.WATCHING, watch=watch)) == []


@pytest.mark.parametrize(
    "watch",
    [
        new_id("w", LATER + timedelta(seconds=1)),
        new_id("w", LATER - timedelta(days=61)),
        f"w_{'f' * 32}",  # the year 10889
    ],
    ids=["to come", "long ago", "no time at all"],
)
def test_an_id_that_says_an_impossible_time_is_not_believed(watch):
    assert markers(a_notice(State.WATCHING, watch=watch))[0].at == LATER


def test_what_people_wrote_is_one_line_of_bounded_length():
    (marker,) = markers(a_notice(State.WATCHING, tag="v1\r\n\ud800\u202e" + "x" * 999))

    assert marker.title.isprintable()
    assert len(marker.title) < 500
