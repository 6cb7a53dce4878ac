"""How far a move is, by what AppConfig says of the deployments. Pure, but for the log of one that was taken back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from deploy.model import Drifted, Failed, Move, Moving, Progress, Serving, Unfinished
from deploy.targets.appconfig.looking import View
from deploy.targets.aws.wording import plain

# An order of which nothing is seen for so long did not arrive: AppConfig shows a deployment at once. A guess.
LOST_AFTER = timedelta(minutes=2)
_ALARM = "CLOUDWATCH_ALARM"
_STAYS = "; while that rings, what is deployed by hand stays only by a strategy without a bake time"
_BY = {
    "USER": "somebody",
    "APPCONFIG": "AppConfig itself",
    _ALARM: "AppConfig, at an alarm",
    "INTERNAL_ERROR": "an error of AppConfig",
}
_BACK = frozenset({"ROLLBACK_STARTED", "ROLLBACK_COMPLETED", "REVERT_COMPLETED"})


def progress(view: View, move: Move, key: str, ordered: datetime, now: datetime, by_hand: str) -> Progress:
    """How far *move* is, which was ordered at *ordered*. Whose doing it was that ours failed, `why` tells."""
    if view.trace is not None and view.trace.key == key:
        return _of_ours(view, move, by_hand)
    ahead = view.ahead
    if ahead is not None and ahead.is_same_as(move.to):
        return Moving(_words(view, move)) if view.coming else Serving()
    if ahead is not None and not ahead.is_same_as(move.expect):
        does = "is on its way" if view.coming else "serves"
        return Drifted(f"{ahead.tag} {does}, not {move.to.tag}: somebody else has moved it", ahead.tag)
    if now >= ordered + LOST_AFTER:
        return Failed(f"{move.to.tag} was ordered, and nothing is seen of it: the order was lost", by_hand)
    return Moving(f"nothing is seen of it yet; {move.to.tag} was ordered")


def _of_ours(view: View, move: Move, by_hand: str) -> Progress:
    last = view.last.deployment if view.last else None
    if last is None or view.trace is None:
        return Moving(_words(view, move))
    if view.trace.starts:
        if last.is_undone or last.goes_back:
            return Failed(f"{move.to.tag} was deployed (number {last.number}), and taken back", by_hand)
        return Serving() if last.serves else Moving(_words(view, move))
    if last.goes_back:
        return Moving(f"AppConfig takes {move.expect.tag} back")
    if view.serving is not None and view.serving.is_same_as(move.to):
        return Serving()
    return Unfinished(f"{move.expect.tag} was taken back; {move.to.tag} is to be deployed")


def _words(view: View, move: Move) -> str:
    head = view.head.deployment if view.head else None
    if head is None:
        return f"{move.to.tag} was ordered"
    if head.goes_back:
        return f"AppConfig takes back what was deployed (number {head.number})"
    return f"{head.share:.0%} of the targets may have {move.to.tag} (deployment {head.number}, {head.state})"


def why(told: Mapping[str, Any] | None) -> str:
    """By whom a deployment was taken back, by its log (of GetDeployment); empty where that tells nothing."""
    log: Sequence[Mapping[str, Any]] = (told or {}).get("EventLog", ())
    for event in log:
        if event.get("EventType") in _BACK:
            by = _BY.get(str(event.get("TriggeredBy", "")), "somebody")
            said = plain(str(event.get("Description", "")), 200)
            stays = _STAYS if event.get("TriggeredBy") == _ALARM else ""
            return f"by {by}{f' ({said})' if said else ''}{stays}"
    return ""
