"""From what a person asked for to how it ended. Everything that is outside comes as an argument."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deploy.model import Foretold, Move, RollbackPlan, Unreadable
from deploy.rollback import LOOK_AGAIN, Broken, Done, Stopped, Unknown
from watcher.app.ports import Ports
from watcher.commands._client import Refused, Unreachable
from watcher.commands._direct.acting import actors
from watcher.commands._direct.choosing import SAME, DoneAlready, Wish, choose
from watcher.commands._direct.diary import Begun, Diary, Event
from watcher.commands._direct.doing import Came, Hands, Pause, carry_out, words_of
from watcher.commands._direct.opening import Opened
from watcher.commands._direct.remembering import Known, known_of
from watcher.commands._direct.telling import WARNINGS, afterwards, lines_of

DONE, FAILED, REFUSED, UNAVAILABLE, NOT_YET = 0, 1, 3, 4, 7
AWAITS = timedelta(
    minutes=6
)  # for the platform to know what is on its way: longer than a target takes to give that up


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the person sits.

    Attributes:
        say: Tells them something.
        agrees: Asks whether these moves are to be made; told whether something stands in the way of them.
    """

    say: Callable[[str], None]
    agrees: Callable[[bool], bool]


@dataclass(frozen=True, slots=True)
class Ended:
    """How it ended: the exit status, and what is told of it."""

    status: int
    words: str
    plan: RollbackPlan | None = None
    key: str = ""

    def as_data(self) -> dict[str, Any]:
        """For ``--json``."""
        moves = self.plan.moves if self.plan else ()
        return {
            "status": self.status,
            "words": self.words,
            "key": self.key,
            "moves": [{"part": each.part, "from": each.expect.tag, "to": each.to.tag} for each in moves],
        }


@dataclass(frozen=True, slots=True)
class _Intent:
    """What is to be done, under which key.

    Attributes:
        sent: How many of the moves a try before this one has sent.
        unanswered: Another was about to be sent then, and what came of it is not known.
        foretold: By part; nothing of what was begun: that is followed, whatever stands in its way now.
    """

    plan: RollbackPlan
    key: str
    sent: int
    foretold: Mapping[str, Foretold]
    notes: tuple[str, ...]
    unanswered: bool = False


async def go_back(
    opened: Opened,
    wish: Wish,
    diary: Diary,
    desk: Desk,
    ports: Ports,
    timeout: timedelta,
    pause: Pause = asyncio.sleep,
) -> Ended:
    """Look, choose, show, ask, and do it. Safe to repeat: what is there already or under way is not sent again.

    Raises:
        Misused: What was asked for cannot be meant.
        Refused: It must not be done, or the person said no. Nothing was sent.
        Unreachable: What runs cannot be read, or nobody may act. Nothing was sent.
        DiaryUnwritten: See `carry_out`.
    """
    acting = await actors(opened)
    intent = _again(diary, opened, wish, ports.now()) or await _anew(opened, wish, desk, ports, pause)
    if isinstance(intent, DoneAlready):
        return Ended(DONE, intent.words)

    running = (opened.daemon,) if opened.daemon else ()
    notes = (*intent.notes, *acting, *running, *WARNINGS)
    for line in (*lines_of(intent.plan, intent.foretold), *(f"note: {each}" for each in notes)):
        desk.say(line)
    if not desk.agrees(any(each.obstacles for each in intent.foretold.values())):
        raise Refused("nothing was sent", "")
    diary.write(Event.AGREED, intent.plan, intent.key, ports.now(), sent=intent.sent)
    hands = Hands(opened.targets, diary, ports.now, ports.monotonic, desk.say, pause)
    return await _ended(intent, hands, timeout)


async def _anew(opened: Opened, wish: Wish, desk: Desk, ports: Ports, pause: Pause) -> _Intent | DoneAlready:
    known = await _what_runs(opened, desk, ports, pause)
    chosen = choose(opened.service, known, wish, ports.now())
    if isinstance(chosen, DoneAlready):
        return chosen
    foretold = _told_now(await opened.foretell(chosen.plan), known, chosen.plan)
    return _Intent(chosen.plan, ports.new_id("direct", ports.now()), 0, foretold, chosen.notes)


async def _what_runs(opened: Opened, desk: Desk, ports: Ports, pause: Pause) -> Mapping[str, Known]:
    """By part. What the platform will know in a moment is waited for."""
    until = ports.monotonic() + AWAITS.total_seconds()
    known = await known_of(opened.service, opened.targets, ports.now())
    if isinstance(known, Unreadable) and known.awaited:
        desk.say(f"{known.words}; this is waited for")
    while isinstance(known, Unreadable):
        if not known.awaited:
            raise Unreachable(
                f"what runs cannot be read: {known.words}", "`rollbackd doctor` tries the permissions"
            )
        if ports.monotonic() >= until:
            raise Unreachable(
                f"what runs cannot be told: {known.words}",
                "where it stays so, its images cannot be pulled: stop that deployment on the platform itself",
            )
        await pause(LOOK_AGAIN.total_seconds())
        known = await known_of(opened.service, opened.targets, ports.now())
    return known


def _again(diary: Diary, opened: Opened, wish: Wish, now: datetime) -> _Intent | None:
    """The rollback that was begun from here and has not ended, if it is what is asked for."""
    begun = diary.begun(opened.service.key, SAME, now)
    if begun is None or not _is_meant(begun, wish):
        return None
    words = f"goes on with what {begun.by or 'somebody'} began; last heard of {begun.at:%H:%M:%S} UTC"
    return _Intent(begun.plan, begun.key, begun.sent, {}, (words,), begun.unanswered)


def _is_meant(begun: Begun, wish: Wish) -> bool:
    """It was asked for by the same names, or each of its moves is named and nothing else."""
    if not wish.to or set(wish.to) == set(begun.to):
        return True
    moves = begun.plan.moves
    return len(wish.to) == len(moves) and all(set(wish.to) & _names(move) for move in moves)


def _names(move: Move) -> set[str]:
    names = (move.to.tag, move.to.fingerprint)
    return {*names, *(f"{move.part}={name}" for name in names)}


def _told_now(
    foretold: Mapping[str, Foretold], known: Mapping[str, Known], plan: RollbackPlan
) -> Mapping[str, Foretold]:
    """What is on its way already stands in nobody's way, and is not sent."""
    told = dict(foretold)
    for move in plan.moves:
        coming = known[move.part].live.in_flight
        if coming is not None and coming.is_same_as(move.to):
            told[move.part] = Foretold(calls=(), takes=f"{move.to.tag} is on its way already")
    return told


async def _ended(intent: _Intent, hands: Hands, timeout: timedelta) -> Ended:
    came = await carry_out(intent.plan, intent.key, intent.sent, hands, timeout, begun=intent.unanswered)
    if came.sent:
        for line in afterwards(intent.plan):
            hands.tell(line)
    return Ended(status_of(came), words_of(came.outcome), intent.plan, intent.key)


def status_of(came: Came) -> int:
    """The exit status. What the platform refused before it took any move is refused; after one, it has failed."""
    match came.outcome:
        case Done():
            return DONE
        case Broken():
            return FAILED if came.sent else REFUSED
        case Stopped():
            return REFUSED
        case Unknown():
            return UNAVAILABLE
        case _:
            return NOT_YET
