"""How far a move is: what is read decides, and what this process itself has sent."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploy.model import Drifted, Failed, Move, Moving, Progress, Serving, Unfinished
from deploy.targets.aws.keeping import Kept
from deploy.targets.unleash.flag import Flag
from deploy.targets.unleash.moving import Call, by_hand, decide, wanted_of
from deploy.targets.unleash.settings import Settings
from deploy.targets.unleash.state import release_of

# A call of which nothing is seen for so long did not arrive: Unleash shows a change at once. A guess.
LOST_AFTER = timedelta(minutes=2)
KEPT = 64


@dataclass(frozen=True, slots=True)
class Sent:
    """A call. ``None``: one of a process that is gone, whichever it was."""

    call: Call | None
    at: datetime


@dataclass
class Ordered:
    """The last call of each move, by its key."""

    _kept: Kept[str, Sent] = field(default_factory=lambda: Kept(KEPT))

    def note(self, key: str, call: Call | None, now: datetime) -> Sent:
        """It is sent now."""
        return self._kept.keep(key, Sent(call, now))

    def last(self, key: str, now: datetime) -> Sent:
        """The last call of the move; where none is known it is taken for sent just now."""
        return self._kept.get(key) or self.note(key, None, now)


def progress(flag: Flag, settings: Settings, move: Move, sent: Sent, now: datetime) -> Progress:
    """How far *move* is."""
    if flag.archived:
        return Failed(f"{settings.called} was archived")
    live = release_of(flag, settings.flag)
    if live.is_same_as(move.to):
        return Serving()
    if not live.is_same_as(move.expect):
        return Drifted(f"it is {live.tag}, not {move.to.tag}: somebody else has set it", live.tag)
    ahead = decide(flag, settings, move)
    if is_another(ahead, sent):
        return Unfinished(f"its strategies are as {move.to.tag} wants them; it is to be turned on")
    if now >= sent.at + LOST_AFTER:
        words = f"{move.to.tag} was ordered, and nothing is seen of it: the order was lost"
        return Failed(words, by_hand(flag, wanted_of(flag, settings, move), settings, move))
    return Moving(f"it is {live.tag} still; {move.to.tag} was ordered")


def is_another(ahead: object, sent: Sent) -> bool:
    """What is to be sent next is not what was sent last, which so has arrived.

    After a restart nobody knows what that was; a flag that is to be turned on is turned on then, since twice is harmless.
    """
    if not isinstance(ahead, Call):
        return False
    return ahead.path.endswith("/on") if sent.call is None else ahead != sent.call
