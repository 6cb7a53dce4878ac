"""Real series of production (``bench/recordings``): what is judged at moments at which nobody knows of a deployment."""

import itertools
from collections import Counter
from datetime import timedelta

import pytest

from bench.recorded import RECORDINGS, outcome, quiet, read

FEW, DAILY = RECORDINGS / "crashes-few.txt", RECORDINGS / "crashes-daily.txt"


@pytest.mark.parametrize("path", [FEW, DAILY], ids=lambda path: path.stem)
def test_a_recording_has_each_hour_once(path):
    ends = [hour.end for hour in read(path)]

    assert {after - before for before, after in itertools.pairwise(ends)} == {timedelta(hours=1)}


@pytest.mark.parametrize("path", [FEW, DAILY], ids=lambda path: path.stem)
def test_nothing_that_experts_found_usual_is_blamed_on_a_release(path):
    hours = tuple(read(path))

    found = Counter(outcome(hours, place) for place in list(quiet(hours))[::19])

    assert found.keys() == {"neither"}


def test_ten_times_the_crashes_are_found_where_the_past_was_quiet():
    hours = tuple(read(DAILY))

    found = Counter(outcome(hours, place, 10.0) for place in list(quiet(hours))[::29])

    assert found["back"] > 0
    assert found["back"] + found["asked"] > found["neither"]
