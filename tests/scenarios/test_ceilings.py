"""The machine goes back a few times by itself; then it asks."""

from tests.builders import minutes
from tests.scenarios.story import known, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import a_service, a_world, compared, release
from watcher.core.watch import Doubtful, State

MANY = [f"service-{number}" for number in range(10)]


def test_of_ten_services_that_breach_in_the_same_minute_three_go_back_and_seven_ask():
    services = [a_service(name, compared(name)) for name in MANY]
    deployed = [release("v2", at=minutes(10), fails=0.05, of=name) for name in MANY]

    story = in_virtual_time(watched(a_world(*services, *deployed), minutes=30))

    ended = [watch.state for watch in story.watches]
    assert ended.count(State.ROLLED_BACK) == 3
    assert ended.count(State.ASKING) == 7
    assert len(story.calls_that_change) == 3
    asked = [watch.question.because for watch in story.watches if watch.question]
    assert set(asked) == {(Doubtful.CEILING_FLEET,)}


def test_the_third_bad_release_of_a_day_asks():
    deployed = [release(f"v{number}", at=minutes(30 * number), fails=0.05) for number in (2, 3, 4)]

    story = in_virtual_time(watched(a_world(*deployed), minutes=150))

    assert [watch.state for watch in story.watches] == [State.ROLLED_BACK, State.ROLLED_BACK, State.ASKING]
    assert known(story.watches[2].question).because == (Doubtful.CEILING_SERVICE,)
    assert len(story.calls_that_change) == 2
