"""The place where a rollback happens.

`roll_back` looks, decides, asks the platform for at most one move, and returns what it saw: it never waits. Whoever
calls (the performer) writes the outcome down and calls again, until it is `Done`, `Broken` or `Stopped`.

**What is sent twice.** Nothing is, by three things together. The intent is written down just before a move is sent
(*intend*), what came of it just after (`Going.sent`, `Unknown.sent`), and both carry the same *key*. So:

* a move that was answered, were it by silence (`Unclear`), is only read from then on, until its target says that it needs
  another call (`Unfinished`): the next of several, or the same after the first was seen to have come to nothing;
* a move whose intent is written but whose answer is not (the daemon was killed in between) may have been sent or not.
  It is decided like a new one, by what runs: on its way or there, nothing is sent; no trace of it, it is sent with the
  *same key*, which a platform that remembers keys drops, and which elsewhere sets the same release a second time;
* but where a move that is made twice is undone (`Live.undoes`), such a one is followed as if it had been answered: reads may be
  late, and that no trace of it is to be seen in the first seconds says nothing;
* a platform that shows our key has had our move, whatever the record says.

Deliberately absent: time-outs of the whole (the action's deadline is the performer's), the choice of the release to go
back to (``deploy.tags``), and whether it may be done at all (the guards of the store).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import assert_never

from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Failed,
    Foretold,
    Live,
    Move,
    Moving,
    Refused,
    Release,
    RollbackPlan,
    Serving,
    Unclear,
    Unfinished,
    Unreadable,
)
from deploy.target import Target

LOOK_AGAIN = timedelta(
    seconds=5
)  # a platform takes seconds to minutes; one read in 5 s is far from any limit on calls
AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Done:
    """Every part serves the release that it should, and nothing is in flight."""


@dataclass(frozen=True, slots=True)
class Going:
    """Under way. *sent*: how many of the plan's moves were sent and answered; it is given back at the next call."""

    words: str
    look_again_in: timedelta = LOOK_AGAIN
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not to be read now, or an answer was lost: read again, and nothing is sent before that. *sent* as in `Going`."""

    words: str
    look_again_in: timedelta = LOOK_AGAIN
    sent: int = 0


@dataclass(frozen=True, slots=True)
class Broken:
    """The platform said no or gave up, in its own words. A person is needed: *by_hand* is what they can run."""

    words: str
    by_hand: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What runs is not what was judged: another hand has moved it. Nothing more is sent. *third_tag*: what runs, if anything does."""

    words: str
    third_tag: str | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The intent could not be written: another replica, or nobody, goes on with it. Nothing was sent, nothing is to be recorded."""


Outcome = Done | Going | Unknown | Broken | Stopped | Lost


@dataclass(frozen=True, slots=True)
class _Waits:
    """The part runs what the plan expects: its move can be sent."""


_View = Done | Going | Unknown | Broken | Stopped | _Waits
Intend = Callable[[Move], Awaitable[bool]]


async def roll_back(
    plan: RollbackPlan,
    targets: Mapping[str, Target],
    key: str,
    *,
    sent: int,
    intend: Intend,
    begun: bool = False,
) -> Outcome:
    """Bring *plan* one step further: read all its parts, and send at most one move.

    All parts are read every time, in the plan's order; the first that does not serve its release yet decides. A part on
    which a third release runs stops the whole plan, and nothing is sent before every part could be read once: half a
    rollback is worse than one that comes five seconds later.

    A part whose move was not answered yet is decided by what runs (`standing`), one whose move was answered by the
    target's `progress`:

    ========================= =====================
    progress                  outcome
    ========================= =====================
    serving                   the next part, or `Done`
    moving                    `Going`
    unfinished                begun again, with the same key
    failed                    `Broken`
    drifted                   `Stopped`
    unreadable                `Unknown`
    ========================= =====================

    What the platform answers to a move:

    ========================= ===================== =====================================
    answer                    outcome               sent
    ========================= ===================== =====================================
    begun, already there      `Going`               counted: verified by the next call
    unclear                   `Unknown`             counted: read from then on
    refused, not now          `Going`               not counted: sent again
    refused, a third release  `Stopped`
    refused                   `Broken`
    ========================= ===================== =====================================

    Args:
        plan: The moves, in order.
        targets: By part.
        key: The action's id; the platform gets it (see `keys`).
        sent: How many of the moves were sent and answered: 0 at first, then what the last outcome said.
        intend: Writes down that a move is about to be sent; ``False`` forbids it. Called at most once, just before.
        begun: The intent of the move that comes after those was written, and nobody has written what came of it.

    Returns:
        An outcome; takes at most 7 s a part and 14 s for the move. Raises nothing for what a platform says.
    """
    key_of = keys(plan, key)
    views = [
        await _look(
            targets.get(move.part),
            move,
            key_of[move.part],
            answered=number < sent,
            begun=begun and number == sent,
        )
        for number, move in enumerate(plan.moves)
    ]
    number, view = _first(views, sent)
    outcome = await _step(plan, targets, key_of, (number, view), sent, intend)
    return _told_where(outcome, plan, views, number)


async def _step(
    plan: RollbackPlan,
    targets: Mapping[str, Target],
    key_of: Mapping[str, str],
    first: tuple[int, _View],
    sent: int,
    intend: Intend,
) -> Outcome:
    """What follows from the part that decides."""
    number, view = first
    if isinstance(view, _Waits):
        move = plan.moves[number]
        outcome = await _send(targets[move.part], move, number, key_of[move.part], intend)
        # What was answered stays answered, whatever became of another call of the same move.
        return (
            replace(outcome, sent=max(sent, outcome.sent))
            if isinstance(outcome, Going | Unknown)
            else outcome
        )
    return replace(view, sent=sent) if isinstance(view, Going | Unknown) else view


def _told_where(outcome: Outcome, plan: RollbackPlan, views: Sequence[_View], number: int) -> Outcome:
    """Of several parts, where each one is when it goes no further: nobody is left to guess what half of it was done."""
    if len(plan.moves) == 1 or not isinstance(outcome, Broken | Stopped):
        return outcome
    told = [
        "" if place == number else f"{move.part} {_where(move, view)}"
        for place, (move, view) in enumerate(zip(plan.moves, views, strict=True))
    ]
    return replace(outcome, words=f"{outcome.words}\nThe other parts: {'; '.join(filter(None, told))}")


def _where(move: Move, view: _View) -> str:
    match view:
        case Done():
            return f"is back on {move.to.tag}"
        case _Waits():
            return f"runs {move.expect.tag} still"
        case Going():
            return f"is on its way to {move.to.tag}"
        case _:
            return f"is not known to be on {move.to.tag}"


def keys(plan: RollbackPlan, key: str) -> Mapping[str, str]:
    """The key towards the platform, by part: the action's id, numbered where there are several moves.

    Two parts may be moved by one program or in one account: with one key for both, the second move would be dropped as
    a repetition of the first.
    """
    if len(plan.moves) == 1:
        return {plan.moves[0].part: key}
    return {move.part: f"{key}.{number}" for number, move in enumerate(plan.moves)}


def standing(live: Live, move: Move) -> Done | Going | Stopped | _Waits:
    """What is to be done with a part that runs so, when its move was not answered yet.

    ================= ============== ============== ============== ==============
    serves            nothing moves  moves to good  moves to bad   moves elsewhere
    ================= ============== ============== ============== ==============
    the good release  done           going          send           stopped
    the bad release   send           going          send           stopped
    a third release   stopped        going          send           stopped
    nothing           stopped        going          send           stopped
    ================= ============== ============== ============== ==============

    While the bad release is being rolled out its predecessor still serves, whichever it is: so what is in flight
    decides, and only where nothing is, what serves.
    """
    ahead = live.in_flight or live.release
    if ahead is None:
        return Stopped(f"{move.part}: nothing runs, neither {move.expect.tag} nor anything else")
    if ahead.is_same_as(move.to):
        return Going(f"{move.part}: on its way to {move.to.tag}") if live.in_flight else Done()
    if ahead.is_same_as(move.expect):
        return _Waits()
    return Stopped(_third(move, ahead, coming=live.in_flight is not None), third_tag=ahead.tag)


async def foretell(plan: RollbackPlan, targets: Mapping[str, Target]) -> Mapping[str, Foretold]:
    """What `roll_back` would do now, by part: for ``rollbackd plan``, and for shadow. Reads only."""
    return {move.part: await _foretell(targets.get(move.part), move) for move in plan.moves}


# ------------------------------------------------------------------------------------------------------------ looking


async def _look(target: Target | None, move: Move, key: str, *, answered: bool, begun: bool) -> _View:
    if target is None:
        return Broken(
            f"{move.part}: the configuration has no such part any more",
            by_hand=f"put {move.to.tag} back by hand",
        )
    if answered:
        return await _progress(target, move, key)

    live = await target.observe()
    if isinstance(live, Unreadable):
        return Unknown(f"{move.part}: {live.words}")
    if live.key == key:
        return await _progress(target, move, key)
    view = standing(live, move)
    if begun and live.undoes and isinstance(view, _Waits):
        return await _progress(target, move, key)
    return view


async def _progress(target: Target, move: Move, key: str) -> _View:
    progress = await target.progress(move, key)
    match progress:
        case Serving():
            return Done()
        case Moving():
            return Going(f"{move.part}: {progress.words or f'on its way to {move.to.tag}'}")
        case Unfinished():
            return _Waits()
        case Failed():
            return Broken(f"{move.part}: {progress.words}", progress.by_hand or await _by_hand(target, move))
        case Drifted():
            return Stopped(f"{move.part}: {progress.words}", third_tag=progress.tag)
        case Unreadable():
            return Unknown(f"{move.part}: {progress.words}")
        case _:
            assert_never(progress)


def _first(views: Sequence[_View], sent: int) -> tuple[int, _View]:
    """The part that decides, and its view; the last one where all are done."""
    stopped = next(((n, view) for n, view in enumerate(views) if isinstance(view, Stopped)), None)
    if stopped is not None:
        return stopped

    number, first = next(
        ((n, view) for n, view in enumerate(views) if not isinstance(view, Done)), (len(views) - 1, Done())
    )
    if isinstance(first, _Waits) and sent == 0:
        unfit = next(((n, view) for n, view in enumerate(views) if isinstance(view, Unknown | Broken)), None)
        return unfit or (number, first)
    return number, first


# ------------------------------------------------------------------------------------------------------------- acting


async def _send(target: Target, move: Move, number: int, key: str, intend: Intend) -> Outcome:
    if not await intend(move):
        return Lost()

    answer = await target.begin(move, key)
    match answer:
        case Begun():
            return Going(answer.words or f"{move.part}: {move.to.tag} was ordered", sent=number + 1)
        case AlreadyThere():
            return Going(f"{move.part}: {move.to.tag} is there already", AT_ONCE, sent=number + 1)
        case Unclear():
            return Unknown(f"{move.part}: {answer.words}; sent once, and read from now on", sent=number + 1)
        case Refused():
            return await _refused(target, move, number, answer)
        case _:
            assert_never(answer)


async def _refused(target: Target, move: Move, number: int, refused: Refused) -> Outcome:
    words = f"{move.part}: {refused.words}"
    if refused.third_tag is not None:
        return Stopped(words, refused.third_tag)
    if refused.again_in is not None:
        return Going(words, refused.again_in, sent=number)
    return Broken(words, await _by_hand(target, move))


async def _by_hand(target: Target, move: Move) -> str:
    return (await target.foretell(move)).by_hand


async def _foretell(target: Target | None, move: Move) -> Foretold:
    if target is None:
        return Foretold(calls=(), obstacles=(f"the configuration has no part {move.part}",))

    foretold = await target.foretell(move)
    live = await target.observe()
    view = Unknown(live.words) if isinstance(live, Unreadable) else standing(live, move)
    if isinstance(view, Done):
        return replace(foretold, calls=(), takes=f"nothing to do: {move.to.tag} serves already")
    if isinstance(view, _Waits):
        return foretold
    return replace(foretold, obstacles=(*foretold.obstacles, view.words))


def _third(move: Move, other: Release, *, coming: bool) -> str:
    does = "is on its way" if coming else "serves"
    return f"{move.part}: {other.tag} {does}, not {move.expect.tag}: somebody else has moved it"
