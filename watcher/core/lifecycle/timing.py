"""When a watch has to be looked at again, and what time alone ends. All durations that users cannot change stand here."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from watcher.core.facts import Beat
from watcher.core.stages import asks_at, is_driven, moves_within
from watcher.core.watch import State, Watch

LONGEST_HOLD = timedelta(hours=24)
HOLD = timedelta(minutes=15)  # when nobody says how long: as on the button
ASK_AGAIN = timedelta(minutes=15)  # the same
RECOVERY = timedelta(minutes=10)
BLIND_FOR = timedelta(minutes=5)  # a guess: beyond the longest settle time (3 min, CloudWatch) and a bucket
LAST_LOOK = timedelta(
    hours=1
)  # a guess: after the longest bake, time to judge it once more (the daemon may have been away)
IDLE = timedelta(seconds=30)  # where nothing is read on a grid

_EPOCH = datetime.fromtimestamp(0, UTC)


def next_due(watch: Watch, grid: timedelta | None, settle: timedelta, now: datetime) -> datetime:
    """When to look again: the next bucket of *grid* (from the epoch) that is final, or the state's own end if that is earlier.

    Args:
        watch: Any that is not final.
        grid: How long a bucket is; ``None``: nothing is read on a grid.
        settle: How long after its end a bucket is final.
        now: The time.
    """
    return earliest(watch, ((grid, settle),) if grid else (), now)


def earliest(watch: Watch, beats: tuple[Beat, ...], now: datetime) -> datetime:
    """The same, for several grids."""
    ends = deadline(watch)
    if watch.state in {State.ROLLING_BACK, State.STUCK} and ends is not None:
        return ends  # nothing is judged: the performer and the world tell
    looks = [_final(grid, settle, now) for grid, settle in beats] or [now + IDLE]
    return min([*looks, max(ends, now)] if ends is not None else looks)


def _final(grid: timedelta, settle: timedelta, now: datetime) -> datetime:
    whole = (now - settle - _EPOCH) // grid
    return _EPOCH + (whole + 1) * grid + settle


def deadline(watch: Watch) -> datetime | None:
    """When time alone changes the watch, and be it only who is told; ``None`` for a final one."""
    return min((each for each in (end(watch), watch.escalates_at) if each is not None), default=None)


def end(watch: Watch) -> datetime | None:
    """When time alone ends the state that the watch is in; ``None`` for a final one."""
    return _ENDS[watch.state](watch) if watch.state in _ENDS else None


def stage_ends(watch: Watch) -> datetime | None:
    """When time alone says that the stage it is at has taken too long; ``None`` where it is at none."""
    if watch.at is None or not is_driven(watch):
        return None
    if watch.at.action is not None and watch.at.acted_at is not None:
        return watch.at.acted_at + moves_within(watch)
    return asks_at(watch, watch.at) + LAST_LOOK


def _watching_until(watch: Watch) -> datetime:
    ends = stage_ends(watch)
    if ends is not None:
        return ends
    if watch.complete_at is None:
        return watch.complete_by
    return max(watch.complete_at + watch.policy.bake.at_most, watch.since) + LAST_LOOK


def _asking_until(watch: Watch) -> datetime:
    if watch.question is None:
        return watch.since
    again = watch.question.again_at
    return min(again, watch.question.expires_at) if again else watch.question.expires_at


_ENDS: Mapping[State, Callable[[Watch], datetime]] = {
    State.WATCHING: _watching_until,
    State.COUNTING_DOWN: lambda watch: watch.countdown_until or watch.since,
    State.ASKING: _asking_until,
    State.HELD: lambda watch: watch.hold.until if watch.hold else watch.since,
    State.ROLLING_BACK: lambda watch: watch.since + watch.policy.move_timeout,
    State.STUCK: lambda watch: watch.since + watch.policy.asking.stuck,
    State.RECOVERING: lambda watch: watch.since + RECOVERY,
}
