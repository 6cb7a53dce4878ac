"""What the demo says that happened, each computed from what was written down. The exit status is 0 only if all of it held."""

from collections.abc import Iterator

from watcher.demo.figures import Figures, figures
from watcher.demo.record import Record
from watcher.demo.story import Act, Claim

WELL = (
    0.02  # the bad share, over seconds, up to which users count as served: ten times the usual, above chance
)
HIT = 0.03  # the bad share from which a hiccup was one


def claims(act: Act, record: Record) -> list[Claim]:
    """All that is claimed of *act*."""
    found = figures(act, record)
    if act.mode == "shadow":
        return list(_shadow(act))
    if act.is_bad:
        return [*_found(act, found), *_undone(act), *_killed(act), *_served(act, found, record)]
    return list(_kept(act, found, record))


def _shadow(act: Act) -> Iterator[Claim]:
    yield Claim(
        f"shadow: {act.new} would have gone back, and nothing was done",
        act.would_have is not None and not act.asked,
        f"would have at {_after(act, act.would_have)}; calls made: {act.asked}",
    )


def _found(act: Act, found: Figures) -> Iterator[Claim]:
    yield Claim(
        f"{act.new} was found out",
        act.breached is not None,
        f"{_after(act, act.breached)} after {found.new.total} of its requests, of which {found.new.bad} {act.wrong}",
    )
    told = [said for said in act.said if said.event == "watch.breached" or "%" in said.headline]
    yield Claim(
        "people were told what is wrong, with a number, and what happens next",
        any(any(letter.isdigit() for letter in said.headline) for said in told),
        told[0].headline if told else "no message came",
    )
    counting, rolling = act.saw("counting_down"), act.saw("rolling_back")
    yield Claim(
        "the rollback was counted down",
        counting is not None and rolling is not None,
        f"counting down at {_after(act, counting)}, rolling back at {_after(act, rolling)}",
    )


def _undone(act: Act) -> Iterator[Claim]:
    yield Claim(
        f"{act.old} was put back, with exactly one move",
        act.state == "rolled_back" and len(act.calls) == 1 and act.asked == 1,
        f"the watch ended {act.state.replace('_', ' ') or 'not at all'}; calls made: {act.asked}, taken: {len(act.calls)}",
    )
    yield Claim(
        "the pipeline was told: `rollbackd wait` exited with 1",
        act.exit == 1,
        f"it exited with {act.exit}",
    )


def _killed(act: Act) -> Iterator[Claim]:
    if act.killed is None:
        return
    first = act.calls[0] if act.calls else None
    middle = first is not None and act.served is not None and first <= act.killed < act.served
    yield Claim(
        "the daemon was killed (SIGKILL) in the middle of its rollback, and finished it after its restart",
        middle and act.restarted is not None and act.state == "rolled_back",
        f"moved at {_after(act, first)}, killed at {_after(act, act.killed)}, there again at {_after(act, act.restarted)},"
        f" users back at {_after(act, act.served)}",
    )


def _served(act: Act, found: Figures, record: Record) -> Iterator[Claim]:
    after = record.tally(act.served or act.end, act.end, late=act.late)
    yield Claim(
        "users are served again",
        bool(after.total)
        and (after.share or 0.0) <= max(WELL, 3 * found.usual)
        and act.recovered is not False,
        f"since then {after.bad} of {after.total} requests {act.wrong} (usual {found.usual:.1%})"
        if after.total
        else "the new release still serves",
    )


def _kept(act: Act, found: Figures, record: Record) -> Iterator[Claim]:
    if act.hiccup is not None:
        new, old = record.tally(*act.hiccup, act.new), record.tally(*act.hiccup, act.old)
        yield Claim(
            "both releases suffered the same hiccup",
            min(new.share or 0.0, old.share or 0.0) >= HIT,
            f"{new.share or 0:.1%} of {act.new}’s requests failed in it, {old.share or 0:.1%} of {act.old}’s",
        )
        wrong = [alarm for alarm in found.alarms if alarm.at is not None]
        yield Claim(
            "a fixed threshold would have rolled it back",
            bool(wrong),
            ", ".join(f"{alarm.peer.name} at {_after(act, alarm.at)}" for alarm in wrong)
            or "none would have",
        )
    if act.kind == "flaky":
        yield Claim(
            f"{act.new} fails more than {act.old}, and less than the margin allows",
            (found.new.share or 0.0) > (found.old.share or 0.0),
            f"{found.new.share or 0:.2%} against {found.old.share or 0:.2%}",
        )
    yield Claim(
        f"{act.new} was not rolled back, and passed",
        act.state == "passed" and not act.asked,
        f"the watch ended {act.state.replace('_', ' ') or 'not at all'}; calls made: {act.asked}",
    )
    yield Claim(
        "the pipeline was told: `rollbackd wait` exited with 0", act.exit == 0, f"it exited with {act.exit}"
    )


def _after(act: Act, at: float | None) -> str:
    return "never" if at is None else f"{at - act.deployed:.1f} s"
