"""What the peers' numbers make of a stream of data points."""

import pytest

from watcher.demo.peers import PEERS, POINT, alarm, alarms
from watcher.demo.record import Tally

CLOUDWATCH, FLAGGER, ARGO = PEERS
STEP = POINT.total_seconds()


def points(*shares: float | None) -> list[Tally]:
    """Data points with 1,000 requests and these shares of failures; None: no requests."""
    return [
        Tally(n * STEP, (n + 1) * STEP, 0 if share is None else 1000, round(1000 * (share or 0)))
        for n, share in enumerate(shares)
    ]


def test_cloudwatch_wants_three_points_in_a_row():
    assert alarm(CLOUDWATCH, points(0.05, 0.05, 0.0, 0.05, 0.05)).at is None
    assert alarm(CLOUDWATCH, points(0.0, 0.05, 0.05, 0.05)).at == 4 * STEP


def test_flagger_counts_failed_checks_for_ever_and_acts_a_tick_later():
    found = alarm(FLAGGER, points(0.05, 0.0, 0.05, 0.0, 0.05, 0.0, 0.05, 0.0, 0.05, 0.0))

    assert found.at == (9 + 1) * STEP


def test_argo_fails_only_with_the_fourth_failure():
    assert alarm(ARGO, points(0.06, 0.06, 0.06)).at is None
    assert alarm(ARGO, points(0.06, 0.06, 0.06, 0.06)).at == 4 * STEP


@pytest.mark.parametrize("peer", PEERS)
def test_what_is_on_the_limit_is_not_beyond_it(peer):
    assert alarm(peer, points(*[peer.judge.above] * 9)).at is None


@pytest.mark.parametrize("peer", PEERS)
def test_no_requests_are_no_failures(peer):
    assert alarm(peer, points(*[None] * 9)).at is None


def test_in_their_own_time_a_point_is_a_minute_and_cloudwatch_is_two_minutes_late():
    minutes = [
        each.in_its_time and each.in_its_time.total_seconds() / 60 for each in alarms(points(*[0.1] * 9))
    ]

    assert minutes == [3 + 2, 5 + 1, 4]


def test_slow_answers_are_no_failures_to_them():
    slow = [Tally(n * STEP, (n + 1) * STEP, total=100, slow=50) for n in range(9)]

    assert all(each.at is None for each in alarms(slow))


def test_nothing_was_seen():
    assert all(each.at is None for each in alarms([]))
