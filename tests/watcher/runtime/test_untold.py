"""What waits to be told is bounded, and the oldest goes first."""

from datetime import timedelta

from tests.fakes.world import START
from watcher.core.relayed import KEPT, Counted, Sample
from watcher.runtime.untold import Marked, Untold

KEY, OTHER = ("checkout", "production"), ("cart", "production")
BEAT = timedelta(seconds=10)


def some(*ends: int) -> list[Marked]:
    return [
        Marked(Sample("errors", START + (n - 1) * BEAT, START + n * BEAT, (Counted(0, n),)), "m")
        for n in ends
    ]


def test_what_is_first_stays_until_it_is_taken():
    untold = Untold()
    untold.add(KEY, some(1, 2, 3))

    assert untold.first(KEY, 2) == some(1, 2)
    assert untold.first(KEY, 2) == some(1, 2)
    untold.taken(KEY, 2)
    assert untold.first(KEY, 2) == some(3)
    assert untold.first(OTHER, 2) == []


def test_what_is_too_old_is_dropped():
    untold = Untold()
    untold.add(KEY, some(1, 2, 3))

    assert untold.drop(START + 2 * BEAT + KEPT) == 2
    assert untold.first(KEY, 9) == some(3)
    assert untold.drop(START + 3 * BEAT + KEPT - BEAT / 2) == 0


def test_of_what_is_too_much_the_oldest_is_dropped_whosever_it_is():
    untold = Untold(most=3)
    untold.add(KEY, some(1, 2, 3))
    untold.add(OTHER, some(1, 2))

    assert untold.drop(START) == 2
    assert len(untold) == 3
    assert untold.first(KEY, 9) == some(2, 3)
    assert untold.first(OTHER, 9) == some(2)
