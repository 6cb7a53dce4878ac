"""The figures of one act: how soon, how many, and what the peers' numbers would have made of it. Pure."""

from dataclasses import dataclass
from datetime import timedelta

from watcher.demo.peers import POINT, Alarm, alarms
from watcher.demo.record import Record, Tally
from watcher.demo.story import Act

AFTER = 3.0  # seconds after the end of an act in which users should be well


@dataclass(frozen=True, slots=True)
class Figures:
    """All of one act. Times in seconds, counted from the deployment.

    Attributes:
        detected: Until the daemon had enough evidence.
        moved: Until the platform was asked to move.
        back: Until no request reached the new release any more, as the client saw it.
        harm: Requests that went wrong between deployment and back, of both releases.
        usual: The share that goes wrong when nothing is deployed.
        speed: Requests a second that went wrong while the new release served.
    """

    detected: float | None
    moved: float | None
    back: float | None
    harm: Tally
    usual: float
    speed: float
    new: Tally
    old: Tally
    alarms: tuple[Alarm, ...]


def figures(act: Act, record: Record) -> Figures:
    """What *record* says of *act*."""
    served_until = act.served or act.end
    moved = act.calls[0] if act.calls else None
    judged_until = min(moved or act.end, served_until)
    harm = record.tally(act.deployed, served_until, late=act.late)
    new = record.tally(act.deployed, judged_until, act.new, late=act.late)
    points = record.tallies(act.deployed, act.end, POINT.total_seconds(), act.new)
    return Figures(
        detected=_since(act, act.breached),
        moved=_since(act, moved),
        back=_since(act, act.served),
        harm=harm,
        usual=record.tally(*act.calm, late=act.late).share or 0.0,
        speed=new.bad / max(judged_until - act.deployed, 1.0),
        new=new,
        old=record.tally(act.deployed, judged_until, act.old, late=act.late),
        alarms=alarms([point for point in points if point.total]),
    )


def failed_by(alarm: Alarm, speed: float) -> float | None:
    """Requests that would have failed until *alarm*, in its own time, at *speed* a second."""
    return None if alarm.in_its_time is None else speed * (alarm.in_its_time / timedelta(seconds=1))


def _since(act: Act, at: float | None) -> float | None:
    return None if at is None else at - act.deployed
