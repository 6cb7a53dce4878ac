"""A flag whose percentage is a share: a release is what its gradual rollout gives, to however many. Pure.

    the flag                                             who has what
    off, or on for 0 %                                   `off` has all
    on, by a gradual rollout of 5 %                      `on.100` has 5 %, and `off` the rest
    on, by that and by a strategy of another kind        `on.100@3f9a12bc` has 5 %, and what the other gives alone, `on.userWithId`, the rest
    on, by several gradual rollouts, or none             how it is set has all: nothing is shared out there

The gradual rollout is the only one that is active, or the one that the settings name. What it gives is always the newer of the two: nobody
has it by a flag that is off.

**Forward** its percentage alone is patched; a flag that is off is turned on after that, so that between the two calls nobody gets more
than the stage. **Back to `off`** is one call, which turns the flag off: it has no condition, and so nothing that somebody changes can
keep it from taking the flag from everybody.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from deploy.model import (
    AlreadyThere,
    Drifted,
    Failed,
    Move,
    Progress,
    Refused,
    Release,
    Serving,
    Shift,
    Unfinished,
)
from deploy.targets.aws import split
from deploy.targets.aws.split import Split
from deploy.targets.unleash.flag import ROLLOUT, Flag, Strategy
from deploy.targets.unleash.moving import Call, archived, by_hand, calls, next_call
from deploy.targets.unleash.progressing import Sent, is_another
from deploy.targets.unleash.settings import Settings
from deploy.targets.unleash.state import OFF, percent_of, release_of, set_to, with_share

WHOLE = 100  # parts that the traffic is shared out in: SDKs put everybody into one of a hundred
_NAMED = 3  # strategies that words name


def rolled_out(flag: Flag, settings: Settings) -> Strategy | str:
    """The strategy whose percentage is the share; or why there is none, and what to do."""
    if settings.strategy is not None:
        named = next((each for each in flag.strategies if each.id == settings.strategy), None)
        if named is None:
            return f"{settings.called} has no strategy {settings.strategy} that is active: look at `strategy`, which is its id"
        return named if percent_of(named) is not None else _unshared(settings, named)
    found = [each for each in flag.strategies if each.name == ROLLOUT]
    if len(found) == 1:
        return found[0] if percent_of(found[0]) is not None else _unshared(settings, found[0])
    if not found:
        return f"{settings.called} has no gradual rollout that is active: add one, of 0 %"
    ids = ", ".join(each.id for each in found[:_NAMED]) + (", …" if len(found) > _NAMED else "")
    return f"{settings.called} has {len(found)} gradual rollouts that are active: name the one that is raised, `strategy:` and its id ({ids})"


def _unshared(settings: Settings, strategy: Strategy) -> str:
    return f"the strategy {strategy.id} of {settings.called} gives the flag to no share in whole percents: make it a gradual rollout"


def given(flag: Flag, strategy: Strategy, settings: Settings) -> Release:
    """What *strategy* gives, whoever gets it: with what the flag gives besides, its constraints, segments, variants, stickiness and group."""
    whole = with_share(strategy, str(WHOLE)) or strategy
    return release_of(_alone(flag, whole), settings.flag)


def parts_of(flag: Flag, settings: Settings) -> Split:
    """Who has what share of those whom the strategy concerns."""
    if not flag.on:
        return Split(((release_of(flag, settings.flag), 1.0),))
    found = rolled_out(flag, settings)
    if isinstance(found, str):
        return Split(((release_of(flag, settings.flag), 1.0),))
    share = int(percent_of(found) or 0) / WHOLE
    return Split.of(((_beside(flag, found, settings), 1 - share), (given(flag, found, settings), share)))


def _taken_back(flag: Flag, settings: Settings, move: Move) -> Split:
    """Who has what, for *move*: while what it undoes is given to some, what all others get is no release of somebody else's."""
    found = parts_of(flag, settings)
    if found.coming is None or not found.coming.is_same_as(move.expect):
        return found
    (_, rest), newest = found.parts
    return Split(((move.to, rest), newest))


def decide(flag: Flag, settings: Settings, move: Move) -> Call | AlreadyThere | Refused:
    """The next call that gives everybody ``move.to``; or why there is none.

    ===================================== =======================================================
    the flag                              what follows
    ===================================== =======================================================
    is archived                           refused
    gives everybody what is wanted        nothing is sent
    gives somebody a third release        refused: somebody else has set it
    gives some what is to be undone       a call, if what it leaves alone is what it was
    ===================================== =======================================================
    """
    if flag.archived:
        return archived(settings)
    decided = split.decide(_taken_back(flag, settings, move), move)
    return decided or next_call(flag, wanted_of(flag, settings, move), settings, move)


def wanted_of(flag: Flag, settings: Settings, move: Move) -> Flag | None:
    """*flag* as it is to be; ``None``: it cannot be made of what it is now."""
    return next((each for each in _ways(flag, settings, move) if _gives(each, settings, move.to)), None)


def decide_shift(flag: Flag, settings: Settings, shift: Shift) -> Call | AlreadyThere | Refused:
    """The next call that gives ``shift.after`` its share, and turns the flag on; or why there is none."""
    if flag.archived:
        return archived(settings)
    decided = split.decide_shift(parts_of(flag, settings), shift)
    if decided is not None:
        return decided
    found, refused = rolled_out(flag, settings), unstartable(flag, settings)
    if isinstance(found, str) or refused:
        return Refused(refused)
    if not given(flag, found, settings).is_same_as(shift.after):
        return Refused(
            f"{settings.called} gives something else than {shift.after.tag} by now: it was changed since"
        )
    share = round(shift.share * WHOLE)
    if abs(share - shift.share * WHOLE) > _ROUNDED:
        return Refused(f"Unleash shares out whole percents, and {shift.share:.2%} is none: correct `stages`")
    wanted = _with(flag, with_share(found, str(share)) or found)
    return next(iter(calls(flag, wanted, settings)))


_ROUNDED = 1e-6


def unstartable(flag: Flag, settings: Settings) -> str:
    """Why nothing of it can be given to a share, and what to do; empty: it can."""
    found = rolled_out(flag, settings)
    if isinstance(found, str):
        return found
    if not flag.on and len(flag.strategies) > 1:
        return (
            f"{settings.called} is off, and turning it on would give it by its other strategies as well, to all whom they concern: turn it"
            " on first, with the gradual rollout at 0 %"
        )
    return ""


def progress(flag: Flag, settings: Settings, move: Move, sent: Sent, now: datetime) -> Progress:
    """How far *move* is."""
    if flag.archived:
        return Failed(f"{settings.called} was archived")
    hand = by_hand(flag, wanted_of(flag, settings, move), settings, move)
    found = split.progress(_taken_back(flag, settings, move), move, sent.at, now, hand)
    if not isinstance(found, Serving | Drifted) and is_another(decide(flag, settings, move), sent):
        return Unfinished(f"its strategies are as {move.to.tag} wants them; it is to be turned on")
    return found


def shifted(flag: Flag, settings: Settings, shift: Shift, sent: Sent, now: datetime) -> Progress:
    """How far *shift* is."""
    if flag.archived:
        return Drifted(f"{settings.called} was archived")
    found = split.shifted(parts_of(flag, settings), shift, sent.at, now)
    if not isinstance(found, Serving | Drifted) and is_another(decide_shift(flag, settings, shift), sent):
        return Unfinished(f"{shift.after.tag} has its share of a flag that is off; it is to be turned on")
    return found


def _ways(flag: Flag, settings: Settings, move: Move) -> Iterable[Flag]:
    """What *flag* can be made: off; what its gradual rollout gives to all, with stickiness and group as the tag says; and to nobody."""
    yield replace(flag, on=False)
    found = rolled_out(flag, settings)
    if isinstance(found, str):
        wanted = set_to(flag, move.to.tag, settings.flag)
        yield from () if wanted is None else (wanted,)
        return
    alone = set_to(_alone(flag, found), move.to.tag, settings.flag) if move.to.tag != OFF else None
    yield from () if alone is None else (_with(flag, alone.every[0]),)
    yield _with(flag, with_share(found, "0") or found)


def _gives(flag: Flag, settings: Settings, release: Release) -> bool:
    """*flag* gives everybody *release*."""
    alone = parts_of(flag, settings).alone
    return alone is not None and alone.is_same_as(release)


def _with(flag: Flag, strategy: Strategy) -> Flag:
    """*flag* on, with that one of its strategies otherwise."""
    return replace(
        flag, on=True, every=tuple(strategy if each.id == strategy.id else each for each in flag.every)
    )


def _alone(flag: Flag, strategy: Strategy) -> Flag:
    """One that is on by *strategy*; what other strategies give besides is content of it that is not looked into."""
    others = [
        [each.name, dict(each.parameters), each.rest] for each in flag.strategies if each.id != strategy.id
    ]
    rest = {**(flag.rest or {}), "besides": others} if others else flag.rest
    return replace(flag, on=True, every=(strategy,), rest=rest)


def _beside(flag: Flag, strategy: Strategy, settings: Settings) -> Release:
    """What those get to whom *strategy* does not give it."""
    others = tuple(each for each in flag.strategies if each.id != strategy.id)
    return release_of(replace(flag, on=bool(others), every=others), settings.flag)
