"""The place where a rollout is moved forward.

`move_on` looks, decides, asks the platform for at most one thing, and returns what it saw: it never waits. Whoever calls
(the performer) writes the outcome down and calls again, until it is `Done`, `Broken` or `Stopped`, as with `roll_back`.

A step forward is one of two: the traffic is shared out anew (`Shift`), or the rollout's own hook is answered (`Answer`).

**What is sent twice.** The intent is written down just before (*intend*), and a shift carries its own key. So:

* a shift that was answered, were it by silence (`Unclear`), is only read from then on, unless its platform says that it needs another
  call (`Unfinished`);
* a shift whose intent is written but whose answer is not (the daemon was killed in between) is decided like a new one, by
  what runs: it has its share, nothing is sent; it has the share from before, it is sent with the *same key*;
* an answer to a hook is harmless when repeated, so one that was lost is given again while the platform still waits there.

Deliberately absent: whether the rollout may go on (the rules, and the table of states), and the way back (`roll_back`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from deploy.model import (
    AlreadyThere,
    Answer,
    Begun,
    Drifted,
    Failed,
    Gone,
    Live,
    Move,
    Moving,
    Refused,
    Release,
    Serving,
    Shift,
    Unclear,
    Unfinished,
    Unreadable,
    is_about,
    percent,
)
from deploy.rollback import AT_ONCE, LOOK_AGAIN, Broken, Done, Going, Lost, Outcome, Stopped, Unknown
from deploy.target import Hooked, Staged, StandingBy, Target

Forward = Shift | Answer
Intend = Callable[[Forward], Awaitable[bool]]

# Between two looks at a release that is not ready yet.
WARMS_UP = timedelta(seconds=5)
# After an answer to a hook was lost: by then a platform that heard it has gone on.
ANSWERS_LATE = timedelta(seconds=30)


async def move_on(
    step: Forward, targets: Mapping[str, Target], key: str, *, sent: int, intend: Intend
) -> Outcome:
    """Bring *step* further: read its part, and send at most one call.

    ============================ ===================================================
    a shift: the release has     outcome
    ============================ ===================================================
    the wanted share             `Done`
    the share from before        sent, unless it was; then `Going`, by `shifted`
    … and it needs another call  sent, with the same key
    … and it has to be ready     `Going`, until its platform says that it is
    another share                `Stopped`: somebody else has moved it
    ============================ ===================================================

    ============================ ===================================================
    an answer: the rollout       outcome
    ============================ ===================================================
    waits at that hook           sent, unless it was; then `Going`
    waits no longer, or goes on  `Done`
    is another one               `Stopped`
    ============================ ===================================================

    Args:
        step: What is to be done.
        targets: By part.
        key: The action's id; the platform gets it.
        sent: 1 if it was sent and answered, 0 at first; then what the last outcome said.
        intend: Writes down that it is about to be sent; ``False`` forbids it. Called at most once, just before.

    Returns:
        An outcome; takes at most 14 s. Raises nothing for what a platform says.
    """
    target = targets.get(step.part)
    if target is None:
        return Broken(f"{step.part}: the configuration has no such part any more")
    match step:
        case Shift():
            return await _shift(step, target, key, sent, intend)
        case Answer():
            return await _answer(step, target, key, sent, intend)
        case _:
            assert_never(step)


# ----------------------------------------------------------------------------------------------------------- beginning


@dataclass(frozen=True, slots=True)
class Beside:
    """A release that stands beside what serves, and what runs."""

    release: Release
    live: Live


async def beside(target: Target, hints: Mapping[str, str]) -> Beside | Unreadable | Gone:
    """The release that *hints* mean, which is to be given its first traffic: is it there, and can it serve? Reads only.

    Args:
        target: The part's.
        hints: Its names, as of an announcement.

    Returns:
        ``Gone``, in the platform's words, where it is not there or cannot serve.
    """
    if not isinstance(target, Staged):
        return Gone(f"{target.part}: what it runs on shares no traffic out at our word")
    live = await target.observe()
    if isinstance(live, Unreadable):
        return live
    found = await (target.stands_by(hints) if isinstance(target, StandingBy) else target.resolve(hints))
    if not isinstance(found, Release) or live.release is None or live.release.is_same_as(found):
        return Beside(found, live) if isinstance(found, Release) else found
    told = await target.foretell(Move(target.part, expect=live.release, to=found))
    if told.gone:
        return Gone("; ".join(told.gone))
    return Unreadable("; ".join(told.obstacles)) if told.unread else Beside(found, live)


# ------------------------------------------------------------------------------------------------------------ weights


async def _shift(shift: Shift, target: Target, key: str, sent: int, intend: Intend) -> Outcome:
    if not isinstance(target, Staged):
        return Broken(f"{shift.part}: what it runs on shares no traffic out at our word")
    if sent:
        view = await _shifted(shift, target, key)
    else:
        live, cold = await asyncio.gather(target.observe(), _cold(target, shift))
        view = _before_it(live, cold, shift)
    if view is not None:
        return view
    if not await intend(shift):
        return Lost()
    answer = await target.shift(shift, key)
    if isinstance(answer, Unclear):
        return Unknown(f"{shift.part}: {answer.words}; sent once, and read from now on", sent=1)
    told = f"{shift.part}: {percent(shift.share)} of the traffic for {shift.after.tag} was ordered"
    return _answered(answer, shift.part, told)


def _before_it(live: Live | Unreadable, cold: str, shift: Shift) -> Outcome | None:
    """What there is to be said before *shift* is sent; ``None``: it is sent."""
    if isinstance(live, Unreadable):
        return Unknown(f"{shift.part}: {live.words}")
    view = standing(live, shift)
    return Going(f"{shift.part}: {cold}", WARMS_UP) if view is None and cold else view


async def _cold(target: Target, shift: Shift) -> str:
    """Why its release is not given its first traffic yet; empty: it is."""
    if shift.ready_by is None or not isinstance(target, StandingBy):
        return ""
    told = await target.unready(shift.after)
    return told.words if isinstance(told, Unreadable) else told


def standing(live: Live, shift: Shift) -> Done | Stopped | None:
    """What is to be done with a part that runs so, when *shift* was not sent yet; ``None``: it is sent."""
    other = _third(live, shift.before, shift.after)
    if other is not None:
        return Stopped(
            f"{shift.part}: {other} has traffic, or is on its way: somebody else has moved it", other
        )
    share = live.share_of(shift.after)
    if is_about(share, shift.share):
        return Done()
    if is_about(share, shift.expect):
        return None
    return Stopped(
        f"{shift.part}: {shift.after.tag} has {percent(share)} of the traffic, neither {percent(shift.expect)} nor {percent(shift.share)}:"
        " somebody else has moved it",
        shift.after.tag,
    )


def _third(live: Live, before: Release, after: Release) -> str | None:
    """What runs besides the two."""
    for each in (live.in_flight, live.release):
        if each is not None and not each.is_same_as(before) and not each.is_same_as(after):
            return each.tag
    known = {each.fingerprint for each in (before, after, live.in_flight, live.release) if each is not None}
    return next((name for name, share in live.shares.items() if share > 0 and name not in known), None)


async def _shifted(shift: Shift, target: Staged, key: str) -> Outcome | None:
    """How far *shift* is; ``None``: it needs another call."""
    progress = await target.shifted(shift, key)
    match progress:
        case Serving():
            return Done()
        case Moving(words):
            return Going(f"{shift.part}: {words or 'on its way'}", sent=1)
        case Unfinished():
            return None
        case Failed(words, by_hand):
            return Broken(f"{shift.part}: {words}", by_hand)
        case Drifted(words, tag):
            return Stopped(f"{shift.part}: {words}", tag or shift.after.tag)
        case Unreadable(words):
            return Unknown(f"{shift.part}: {words}", sent=1)
        case _:
            assert_never(progress)


# -------------------------------------------------------------------------------------------------------------- hooks


async def _answer(answer: Answer, target: Target, key: str, sent: int, intend: Intend) -> Outcome:
    if not isinstance(target, Hooked):
        return Broken(f"{answer.part}: what it runs on has no hooks that are answered")

    live = await target.observe()
    view = (
        Unknown(f"{answer.part}: {live.words}", sent=sent)
        if isinstance(live, Unreadable)
        else waiting(live, answer, sent)
    )
    if view is not None:
        return view
    if not await intend(answer):
        return Lost()
    told = await target.answer(answer.pause, answer.word, key)
    if isinstance(told, Unclear):
        return Unknown(f"{answer.part}: {told.words}; if it still waits, it is told again", ANSWERS_LATE)
    return _answered(told, answer.part, f"{answer.part}: the hook was answered: {answer.word.value}")


def waiting(live: Live, answer: Answer, sent: int) -> Done | Going | Stopped | None:
    """What is to be done with a part that runs so, whose hook is to be answered; ``None``: the answer is sent."""
    ahead = live.in_flight or live.release
    if ahead is None or not ahead.is_same_as(answer.after):
        runs = f"{ahead.tag} is on its way, or serves" if ahead else "nothing runs"
        words = f"{answer.part}: {runs}, not {answer.after.tag}: somebody else has moved it"
        return Stopped(words, ahead.tag if ahead else None)
    if live.pause is None or not live.pause.is_same_as(answer.pause):
        return Done()
    if sent:
        return Going(f"{answer.part}: the hook was answered, and the platform still shows it", sent=1)
    return None


# ------------------------------------------------------------------------------------------------------------ answers


def _answered(answer: Begun | AlreadyThere | Refused, part: str, told: str) -> Outcome:
    match answer:
        case Begun():
            return Going(answer.words or told, LOOK_AGAIN, sent=1)
        case AlreadyThere():
            return Going(f"{part}: it is so already", AT_ONCE, sent=1)
        case Refused(words, third_tag, again_in):
            if third_tag is not None:
                return Stopped(f"{part}: {words}", third_tag)
            return Going(f"{part}: {words}", again_in) if again_in is not None else Broken(f"{part}: {words}")
        case _:
            assert_never(answer)
