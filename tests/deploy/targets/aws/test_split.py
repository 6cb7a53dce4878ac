"""How traffic is shared, and what follows from it for a move."""

from datetime import timedelta

import pytest

from deploy.model import AlreadyThere, Drifted, Failed, Move, Moving, Refused, Release, Serving
from deploy.targets.aws.split import LOST_AFTER, Split, decide, progress
from tests.fakes.aws.fixtures import NOON

V1, V2, V3 = (Release(f"sha256:{n}", str(n)) for n in (1, 2, 3))
BACK = Move("service", expect=V2, to=V1)


def test_where_one_release_has_everything_it_is_alone_and_nothing_comes():
    split = Split.of([(V1, 1.0), (V2, 0.0)])

    assert split.alone == split.serving == V1
    assert split.coming is None
    assert split.shares == {"sha256:1": 1.0}


def test_of_two_the_newest_is_on_its_way_however_much_it_has():
    for share in (0.05, 0.5, 0.95):
        split = Split.of([(V1, 1 - share), (V2, share)])

        assert (split.serving, split.coming, split.alone) == (V1, V2, None)


def test_of_several_that_are_older_the_one_with_most_serves():
    split = Split.of([(V1, 0.5), (V2, 0.2), (V3, 0.3)])

    assert (split.serving, split.coming) == (V1, V3)


def test_one_content_under_two_names_is_one_release_under_the_newer():
    again = Release("sha256:1", "7")

    split = Split.of([(V1, 0.9), (again, 0.1)])

    assert split.alone == again
    assert split.shares == {"sha256:1": pytest.approx(1.0)}


def test_without_traffic_nothing_serves():
    split = Split.of([(V1, 0.0)])

    assert (split.serving, split.coming, split.alone) == (None, None, None)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.99])
def test_a_move_is_sent_whatever_share_the_wanted_release_has_already(share):
    assert decide(Split.of([(V1, share), (V2, 1 - share)]), BACK) is None


def test_a_move_is_not_sent_where_it_is_there():
    assert decide(Split.of([(V1, 1.0)]), BACK) == AlreadyThere()


@pytest.mark.parametrize("parts", [[(V3, 1.0)], [(V2, 0.9), (V3, 0.1)], [(V1, 0.9), (V3, 0.1)]])
def test_a_third_release_is_somebody_elses_and_stops_the_move(parts):
    refused = decide(Split.of(parts), BACK)

    assert isinstance(refused, Refused)
    assert refused.third_tag == "3"
    assert "somebody else" in refused.words
    assert isinstance(progress(Split.of(parts), BACK, NOON, NOON, ""), Drifted)


def test_where_nothing_has_traffic_nothing_is_moved():
    refused = decide(Split(), BACK)

    assert isinstance(refused, Refused)
    assert refused.third_tag is None


def test_it_serves_once_it_is_alone():
    assert progress(Split.of([(V1, 1.0)]), BACK, NOON, NOON, "") == Serving()


def test_it_is_moving_until_an_order_of_which_nothing_is_seen_must_have_been_lost():
    split, late = Split.of([(V1, 0.9), (V2, 0.1)]), NOON + LOST_AFTER

    moving = progress(split, BACK, NOON, late - timedelta(seconds=1), "by hand")
    failed = progress(split, BACK, NOON, late, "by hand")

    assert isinstance(moving, Moving)
    assert "1 has 90%, 2 has 10%" in moving.words
    assert failed == Failed("1 was ordered, and nothing is seen of it: the order was lost", "by hand")
