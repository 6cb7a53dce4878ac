"""Makes the moves of a plan, one after the other, and follows them; each call is in the audit before it is made, and after."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import Move, RollbackPlan
from deploy.rollback import Broken, Done, Going, Lost, Outcome, Stopped, Unknown, roll_back
from deploy.target import Target
from watcher.commands._direct.diary import Diary, Event

Pause = Callable[[float], Awaitable[None]]
DONE = "serves again"


@dataclass(frozen=True, slots=True)
class Hands:
    """What a rollback is made with.

    Attributes:
        monotonic: Seconds, for the time-out.
        pause: Waits some seconds between looks.
        tell: Says to the person what goes on.
    """

    targets: Mapping[str, Target]
    diary: Diary
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    tell: Callable[[str], None]
    pause: Pause = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Came:
    """What came of it. *outcome* is `Going` or `Unknown` where the time was over; *sent*: how many moves were answered."""

    outcome: Outcome
    sent: int


async def carry_out(
    plan: RollbackPlan, key: str, sent: int, hands: Hands, timeout: timedelta, *, begun: bool = False
) -> Came:
    """Make the moves of *plan* until all serve, one fails, or *timeout* is over.

    Doing this again with the same *key*, what was *sent* and whether another was *begun* goes on where it was left: see `deploy.rollback`.

    Raises:
        DiaryUnwritten: Nothing more is sent then; what was sent goes on by itself.
    """
    until = hands.monotonic() + timeout.total_seconds()
    heard = ""
    while True:
        outcome, calls = await _step(plan, key, sent, hands, begun=begun)
        begun = begun and not calls
        words = words_of(outcome)
        if isinstance(outcome, Going | Unknown):
            sent = outcome.sent
        if calls:
            hands.diary.write(Event.ANSWERED, plan, key, hands.now(), words, sent=sent)
        if words != heard:
            heard = words
            hands.tell(words)
        if not isinstance(outcome, Going | Unknown):
            hands.diary.write(Event.ENDED, plan, key, hands.now(), words, sent=sent)
            return Came(outcome, sent)
        if hands.monotonic() + outcome.look_again_in.total_seconds() > until:
            hands.diary.write(Event.LEFT, plan, key, hands.now(), words, sent=sent)
            return Came(outcome, sent)
        await hands.pause(outcome.look_again_in.total_seconds())


async def _step(plan: RollbackPlan, key: str, sent: int, hands: Hands, *, begun: bool) -> tuple[Outcome, int]:
    """One look, and at most one move; how many calls were made."""
    calls: list[Move] = []

    async def intend(move: Move) -> bool:
        words = f"{move.part}: {move.expect.tag} → {move.to.tag}"
        hands.diary.write(Event.BEGINS, plan, key, hands.now(), words, sent=sent)
        hands.tell(f"{words}: sent now")
        calls.append(move)
        return True

    outcome = await roll_back(plan, hands.targets, key, sent=sent, intend=intend, begun=begun)
    return outcome, len(calls)


def words_of(outcome: Outcome) -> str:
    """In words."""
    match outcome:
        case Done():
            return DONE
        case Broken(words, by_hand):
            return f"{words}; by hand: {by_hand}" if by_hand else words
        case Going(words) | Unknown(words) | Stopped(words):
            return words
        case Lost():
            raise AssertionError("`intend` forbids nothing")
