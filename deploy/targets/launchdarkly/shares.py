"""A flag whose percentages are shares: a release is what one variation gives, whoever gets it already. Pure.

    the flag                          who has what
    off                               `off` has all
    on, `true` for everybody          `on.true` has all
    on, true:5+false:95               `on.true` has 5 %, and `on.false` the rest

Without rules and targets `off` and the variation that is given when off are one release, by their content: a rollout that begins by
turning the flag on is one of the variation that is new. With some they are two, for what rules give is given by no percentage; but in
a rollout the rest is called `off`, whether it began there or where everybody else had the old variation: the flag does not say.

**Which of two is the newer** a flag does not say. What had everything when it was seen last is the older; else what our own last change
says, in its comment, if nobody else has changed the flag more than once since (two changes may be another rollout, whose direction they do
not tell); else, unless that comment says otherwise, the variation that is given when the flag is off, while it has half of it at least. Where none of
these tells, nothing is guessed: an old variation that is taken for a new one would end the watch of the bad one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from deploy.model import TAG, Beginning, Move, Refused, Release, Shift, percent
from deploy.targets.aws import split
from deploy.targets.aws.split import Split
from deploy.targets.launchdarkly.flag import Flag, Served
from deploy.targets.launchdarkly.moving import EXPERIMENT, Order, archived, back, order, unlike
from deploy.targets.launchdarkly.settings import Settings
from deploy.targets.launchdarkly.state import ALL, OFF, called_of, hash_of, set_to, tag_of, value_of

_OURS = re.compile(
    r"rollbackd [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}: "
    rf"(?:(?P<percent>[0-9]{{1,3}}(?:\.[0-9]{{1,5}})?) % to (?P<after>{TAG}), the rest to (?P<before>{TAG})"
    rf"|back from {TAG} to (?P<to>{TAG}))"
)


@dataclass(frozen=True, slots=True)
class Part:
    """A variation that somebody gets. *place*: its own, from 0; ``None``: the code decides."""

    release: Release
    share: float
    place: int | None


def parts_of(flag: Flag, name: str) -> tuple[Part, ...]:
    """Who has what share of those whom no rule or target concerns, in LaunchDarkly's order. *name*: the flag's key."""
    if not flag.on:
        return (Part(_off(flag, name), 1.0, flag.off),)
    weights = flag.fallthrough.weights
    if not weights:
        return (Part(given(flag, None, name), 1.0, None),)
    is_rolled_out = bool(flag.rest) and len(weights) > 1
    return tuple(
        Part(
            _off(flag, name) if is_rolled_out and place == flag.off else given(flag, place, name),
            weight / ALL,
            place,
        )
        for place, weight in weights
    )


def in_order(flag: Flag, parts: Sequence[Part], last: int | None, said: Iterable[str]) -> Split | None:
    """*parts*, the newest last; ``None``: nobody knows which it is.

    Args:
        flag: As it is set.
        parts: Its parts.
        last: The variation that had everything when the flag was seen last, if it was.
        said: The comments of its last changes, the newest first.
    """
    if len(parts) == 1:
        return Split.of([(parts[0].release, 1.0)])
    places = [each.place for each in parts]
    older = last if last in places else _older(flag, parts, said)
    if older is None:
        return None
    ordered = sorted(parts, key=lambda each: each.place != older)
    return Split.of((each.release, each.share) for each in ordered)


def decide(flag: Flag, settings: Settings, move: Move, key: str) -> Order | Beginning:
    """The patch that gives everybody ``move.to``; or why there is none.

    ===================================== =======================================================
    the flag                              what follows
    ===================================== =======================================================
    is archived                           refused
    gives everybody what is wanted        nothing is sent
    gives somebody a third variation      refused: somebody else has set it
    gives some what is to be undone       a patch, if what it leaves alone is what it was
    ===================================== =======================================================
    """
    if flag.archived:
        return archived(settings)
    decided = split.decide(seen_by(flag, settings, (move.to, move.expect)), move)
    if decided is not None:
        return decided
    wanted = next((each for each in _ways(flag, move) if _gives(each, settings, move.to)), None)
    if wanted is None:
        return Refused(unlike(settings, move))
    return order(flag, wanted, settings, back(move, key))


def _ways(flag: Flag, move: Move) -> Iterable[Flag]:
    """As the tag says; and off, where rules came since to what was on without any: off always works."""
    wanted = set_to(flag, move.to.tag)
    return (*((wanted,) if wanted is not None else ()), replace(flag, on=False))


def _gives(flag: Flag, settings: Settings, release: Release) -> bool:
    """*flag* gives everybody *release*."""
    parts = parts_of(flag, settings.flag)
    return len(parts) == 1 and parts[0].release.is_same_as(release)


def decide_shift(flag: Flag, settings: Settings, shift: Shift, key: str) -> Order | Beginning:
    """The patch that gives ``shift.after`` its share of the default rule, and turns the flag on; or why there is none."""
    if flag.archived:
        return archived(settings)
    if flag.fallthrough.is_experiment:
        return Refused(f"{settings.called}: {EXPERIMENT}")
    decided = split.decide_shift(seen_by(flag, settings, (shift.before, shift.after)), shift)
    if decided is not None:
        return decided
    after, before = place_of(flag, settings, shift.after), place_of(flag, settings, shift.before)
    if after is None or before is None:
        lost = shift.before if before is None else shift.after
        return Refused(f"no variation of {settings.called} is {lost.tag} any more: it was changed since")
    wanted = replace(flag, on=True, fallthrough=_shared(flag.fallthrough, after, before, shift.share))
    return order(flag, wanted, settings, forward(shift, key))


def seen_by(flag: Flag, settings: Settings, known: Sequence[Release]) -> Split:
    """Who has what, in no order, for what is done with the releases in *known*."""
    parts = parts_of(flag, settings.flag)
    return Split.of(
        (_as_known(flag, settings, each, known) if len(parts) > 1 else each.release, each.share)
        for each in parts
    )


def _as_known(flag: Flag, settings: Settings, part: Part, known: Sequence[Release]) -> Release:
    """What is given when off, of a flag with rules, is `off` while it is rolled out beside another; and may be known from before."""
    other = given(flag, part.place, settings.flag)
    is_other = any(other.is_same_as(each) for each in known)
    return other if is_other else part.release


def place_of(flag: Flag, settings: Settings, release: Release) -> int | None:
    """The variation that *release* is; ``None``: none of them."""
    for place in range(len(flag.variations)):
        if given(flag, place, settings.flag).is_same_as(release):
            return place
    return flag.off if _off(flag, settings.flag).is_same_as(release) else None


def given(flag: Flag, place: int | None, name: str) -> Release:
    """What the variation at *place* is, with the rules as they are."""
    weights = () if place is None else ((place, ALL),)
    alone = replace(flag, on=True, fallthrough=Served(weights))
    content = {"gives": value_of(flag, place)}
    if flag.rest:
        content |= {"rest": flag.rest, "variations": list(flag.variations)}
    return Release(hash_of(content), tag_of(alone), _names(flag, place, name, "on"))


def forward(shift: Shift, key: str) -> str:
    """What is said to a step forward: by it the newer of the two is known."""
    return f"rollbackd {key}: {percent(shift.share)} to {shift.after.tag}, the rest to {shift.before.tag}"


def _older(flag: Flag, parts: Sequence[Part], said: Iterable[str]) -> int | None:
    off = next((each.place for each in parts if each.place == flag.off and each.share >= _HALF), None)
    others = 0  # changes by other hands since our last one
    for comment in said:
        ours = _OURS.fullmatch(comment)
        if ours is None:
            others += 1
            continue
        told = _told(flag, parts, ours)
        if told is None:
            return off
        return told if others <= _KNOWN or told == off else None
    return off


_HALF = 0.5
_KNOWN = 1  # by so many other hands: from what we have set to what is there


def _told(flag: Flag, parts: Sequence[Part], ours: re.Match[str]) -> int | None:
    """The older of *parts*, by the comment of our own change; ``None``: it speaks of others."""
    places = {each.place for each in parts}
    called = {OFF: flag.off} | {given(flag, each, "").tag: each for each in places}
    called |= {each.release.tag: each.place for each in parts}
    alone = ours["to"] or (ours["after"] if float(ours["percent"]) >= _EVERYTHING else None)
    if alone is not None:  # it had everything then: whatever is beside it now came later
        return called.get(alone) if called.get(alone) in places else None
    before, after = called.get(ours["before"]), called.get(ours["after"])
    return before if {before, after} == places else None


_EVERYTHING = 100.0


def _shared(served: Served, after: int, before: int, share: float) -> Served:
    """In the order that the two have: by it LaunchDarkly tells who belongs to which share, so who has it keeps it."""
    weight = round(share * ALL)
    weights = {after: weight, before: ALL - weight}
    places = [place for place, _ in served.weights]
    ordered = places if set(places) == set(weights) else sorted(weights)
    kept = tuple((place, weights[place]) for place in ordered if weights[place] > 0)
    return Served(kept, served.how if len(kept) > 1 else ())


def _off(flag: Flag, name: str) -> Release:
    return Release(hash_of({"gives": value_of(flag, flag.off)}), OFF, _names(flag, flag.off, name, OFF))


def _names(flag: Flag, place: int | None, name: str, state: str) -> dict[str, str]:
    """For queries that tell the variations apart: by value where that is true or false, and by place."""
    called = called_of(flag).get(place) if place is not None else None
    given = {} if called is None else {"variation": called, "index": str(place)}
    return {"flag": name, "state": state, **given}
