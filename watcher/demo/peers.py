"""What a fixed threshold with other tools' own numbers would have done on the same stream. Pure.

Each peer is our `Threshold` (M of N data points above a limit) with the peer's numbers. Their data points are minutes;
the demo's are two seconds, so that it does not take an hour: the same number of points with fewer requests in each.

Sources:
    CloudWatch: error ratio above 1 %, 3 of 3 one-minute data points, the alarm that CodeDeploy's and ECS's guides set up.
    https://docs.flagger.app/usage/how-it-works: success rate below 99 %, ``threshold: 5`` failed checks, never lowered; it acts one tick later.
    https://argo-rollouts.readthedocs.io/en/stable/features/analysis: success below 95 %, ``failureLimit: 3``, which takes four failures.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from rules.model import Threshold
from watcher.demo.record import Tally

POINT = timedelta(seconds=2)  # of the demo, for one minute of theirs
MINUTE = timedelta(minutes=1)
EVER = 1_000_000  # data points: of all that were seen


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool with the numbers that it comes with.

    Attributes:
        settles: How long after its end a data point can be read, in the peer's own time.
        ticks_later: Data points between the deciding one and the act.
    """

    name: str
    judge: Threshold
    says: str
    settles: timedelta = timedelta(0)
    ticks_later: int = 0


PEERS = (
    Peer(
        "CloudWatch alarm",
        Threshold(above=0.01, bad=3, of=3),
        "above 1 %, 3 of 3 points",
        settles=timedelta(minutes=2),
    ),
    Peer("Flagger", Threshold(above=0.01, bad=5, of=EVER), "below 99 %, threshold 5", ticks_later=1),
    Peer("Argo Rollouts", Threshold(above=0.05, bad=4, of=EVER), "below 95 %, failureLimit 3"),
)


@dataclass(frozen=True, slots=True)
class Alarm:
    """When a peer would have acted on the stream (Unix time; None: not at all), and after how much of its own time."""

    peer: Peer
    at: float | None = None
    in_its_time: timedelta | None = None


def alarm(peer: Peer, points: Sequence[Tally]) -> Alarm:
    """What *peer* would have done with *points*, whole data points from the deployment on."""
    judge, seen = peer.judge, deque[bool](maxlen=min(peer.judge.of, len(points) or 1))
    above = 0.0 if judge.above is None else judge.above
    for number, point in enumerate(points, start=1):
        seen.append(point.total > 0 and point.failed / point.total > above)
        if sum(seen) >= judge.bad:
            ticks = number + peer.ticks_later
            return Alarm(
                peer,
                point.end + peer.ticks_later * POINT.total_seconds(),
                in_its_time=ticks * MINUTE + peer.settles,
            )
    return Alarm(peer)


def alarms(points: Sequence[Tally]) -> tuple[Alarm, ...]:
    """What each of the peers would have done."""
    return tuple(alarm(peer, points) for peer in PEERS)
