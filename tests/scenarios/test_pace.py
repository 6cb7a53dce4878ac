"""Stories are cheap, or nobody would tell many. Speeds are for the benchmarks: this counts what is computed, with a generous margin."""

from tests.builders import minutes
from tests.effort import counted
from tests.scenarios.story import watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import a_world, release


def test_forty_minutes_are_computed_by_less_than_a_million_calls():
    """Half a million are meant: half a second."""
    with counted() as effort:
        in_virtual_time(watched(a_world(release("v2", at=minutes(10), fails=0.05)), minutes=40))

    assert effort.calls < 1_000_000
