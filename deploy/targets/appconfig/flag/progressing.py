"""How far a change of one flag is, by what AppConfig says of the deployments. Pure."""

from datetime import datetime

from deploy.model import Drifted, Failed, Move, Moving, Progress, Serving, Shift, Unfinished, percent
from deploy.targets.appconfig.flag.looking import FlagView
from deploy.targets.appconfig.progressing import LOST_AFTER
from deploy.targets.aws import split


def progress(
    view: FlagView, move: Move, key: str, ordered: datetime, now: datetime, by_hand: str
) -> Progress:
    """How far *move* is, which was ordered at *ordered*. Whose doing it was that ours failed, the log of its deployment tells."""
    of_ours = _of_ours(view, key, move.to.tag, by_hand)
    if of_ours is not None:
        return of_ours
    ahead = view.ahead
    if ahead.alone is not None and ahead.alone.is_same_as(move.to):
        is_there = view.newest is None or view.newest.serves
        return Serving() if is_there else Moving(_words(view, move.to.tag))
    if view.ours(key) is not None:
        return _of_what_was_stopped(view, move)
    third = ahead.third(move) or view.split.third(move)
    if third is not None:
        return Drifted(f"{third.tag} is given, not {move.to.tag}: somebody else has changed it", third.tag)
    if now >= ordered + LOST_AFTER:
        return Failed(f"{move.to.tag} was ordered, and nothing is seen of it: the order was lost", by_hand)
    return Moving(f"nothing is seen of it yet; {move.to.tag} was ordered")


def shifted(view: FlagView, shift: Shift, key: str, ordered: datetime, now: datetime) -> Progress:
    """How far *shift* is, which was ordered at *ordered*."""
    words = f"{percent(shift.share)} for {shift.after.tag}"
    return _of_ours(view, key, words, "") or split.shifted(view.split, shift, ordered, now)


def _of_ours(view: FlagView, key: str, wanted: str, by_hand: str) -> Progress | None:
    ours, last = view.ours(key), view.found.last
    if ours is None or last is None or not ours.starts:
        return None
    if last.is_undone or last.goes_back:
        return Failed(f"{wanted} was deployed (number {last.number}), and taken back", by_hand)
    return Serving() if last.serves else Moving(_words(view, wanted))


def _of_what_was_stopped(view: FlagView, move: Move) -> Progress:
    if view.newest is not None and view.newest is view.found.last and view.newest.goes_back:
        return Moving(f"AppConfig takes {move.expect.tag} back")
    return Unfinished(f"what brought {move.expect.tag} was taken back; {move.to.tag} is to be deployed")


def _words(view: FlagView, wanted: str) -> str:
    newest = view.newest
    if newest is None:
        return f"{wanted} was ordered"
    if newest.goes_back:
        return f"AppConfig takes back what was deployed (number {newest.number})"
    return f"{newest.share:.0%} of the targets may have {wanted} (deployment {newest.number}, {newest.state})"
