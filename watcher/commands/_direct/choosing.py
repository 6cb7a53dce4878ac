"""Where to go back to: what a person named, or the known-good of what the platform remembers. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import TAG, Move, Release, RollbackPlan, Unreadable
from deploy.tags import QUARANTINED, Back, Entry, Grade, Ledger, back_to, find, grade, way_back
from watcher.commands._client import Misused, Refused, Unreachable
from watcher.commands._direct.remembering import Known
from watcher.core.service import Service
from watcher.runtime.keeper import is_ours

# A rollback that was begun so lately is taken for the one that is asked for again. Longer than most take, shorter than it
# takes to deploy, see fail, and want to go back once more. A guess.
SAME = timedelta(hours=1)
FORGETS = "its platform remembers no releases"
UNREAD = "what served before, and how it is marked, cannot be read"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The moves, and what a person should know before they agree."""

    plan: RollbackPlan
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DoneAlready:
    """There is nothing to do, and why."""

    words: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for.

    Attributes:
        to: Names of releases, each ``TAG`` or ``PART=TAG``; empty: the known-good.
        even_quarantined: Also one that is marked as bad.
    """

    to: tuple[str, ...] = ()
    even_quarantined: bool = False


def choose(service: Service, parts: Mapping[str, Known], wish: Wish, now: datetime) -> Chosen | DoneAlready:
    """The moves that *wish* means, from what runs now.

    Raises:
        Misused: A name is no release's, is several', or has to be given.
        Refused: There is nothing to go back to, or it is quarantined; nothing runs.
        Unreachable: The platform's memory cannot be read now, and no name was given.
    """
    for part, known in parts.items():
        if known.ahead is None:
            raise Refused(
                f"{part}: nothing runs, so there is nothing to go back from", "deploy a release to it"
            )
    named = _named(parts, wish.to)
    if not named:
        return _known_good(service, parts, now)
    return _to(service, parts, named, wish, now)


# ------------------------------------------------------------------------------------------------------ the known-good


def _known_good(service: Service, parts: Mapping[str, Known], now: datetime) -> Chosen | DoneAlready:
    if len(parts) > 1:
        raise Misused(
            "it has several parts, and which of them a release changed is in the daemon's store alone",
            " ".join(f"--to {part}=TAG" for part in parts) + ", for those that are to go back",
        )
    ((part, known),) = parts.items()
    ledger = _ledger(part, known)
    live = _ahead(known)
    if is_ours(known.live.key) and (known.live.since or now) >= now - SAME:
        return _put_by_us(service, part, known, live)

    back = way_back(
        ledger, live.fingerprint, service.policy.known_good.served_after, now, reversible=live.reversible
    )
    if back is None:
        raise Refused(
            f"the platform remembers no known-good release but {live.tag}, which runs",
            f"name one, --to TAG: {_listed(ledger, live, service, now) or 'it knows of none'}",
        )
    return Chosen(_plan(service, Move(part, live, back.release)), tuple(_said(back)))


def _put_by_us(service: Service, part: str, known: Known, live: Release) -> Chosen | DoneAlready:
    """It was asked for just now: what runs is where that led, and not what is to be undone."""
    if known.live.in_flight is None:
        return DoneAlready(
            f"{live.tag} serves: a rollback put it there just now. To go further back, say --to TAG"
        )
    return Chosen(
        _plan(service, Move(part, _from(known, live), live)),
        (f"a rollback to {live.tag} is under way already",),
    )


def _ledger(part: str, known: Known) -> Ledger:
    match known.ledger:
        case Ledger():
            return known.ledger
        case Unreadable(words):
            raise Unreachable(f"{part}: {UNREAD}: {words}", "try again, or name the release: --to TAG")
        case None:
            raise Misused(f"{part}: {FORGETS}", "name the release to go back to: --to TAG")


def _listed(ledger: Ledger, live: Release, service: Service, now: datetime) -> str:
    """What is known besides *live*, the newest first, and how each stands."""
    served_after = service.policy.known_good.served_after
    stands = [
        (
            entry.release.tag,
            QUARANTINED if entry.quarantined else grade(ledger, _of(entry), served_after, now),
        )
        for entry in reversed(ledger.entries)
        if not entry.release.is_same_as(live)
    ]
    return ", ".join(f"{tag} ({how})" for tag, how in stands)


def _of(entry: Entry) -> str:
    return entry.release.fingerprint


# --------------------------------------------------------------------------------------------------- what was named


def _named(parts: Mapping[str, Known], to: Sequence[str]) -> Mapping[str, str]:
    """The names by part."""
    named: dict[str, str] = {}
    for each in to:
        part, is_split, name = each.partition("=")
        if not is_split or part not in parts:
            part, name = next(iter(parts)), each
            if len(parts) > 1:
                raise Misused(f"of which part is {each}?", f"--to PART=TAG; the parts: {', '.join(parts)}")
        if part in named:
            raise Misused(f"{part} can go back to one release only", "say --to once for a part")
        named[part] = name
    return {part: named[part] for part in parts if part in named}


def _to(
    service: Service, parts: Mapping[str, Known], named: Mapping[str, str], wish: Wish, now: datetime
) -> Chosen | DoneAlready:
    moves: list[Move] = []
    notes: list[str] = []
    for part, name in named.items():
        known = parts[part]
        release = _release(part, known, name)
        if _serves(known, release):
            continue
        moves.append(Move(part, _from(known, release), release))
        notes += _notes(service, part, known, release, wish, now)
    if not moves:
        return DoneAlready(f"{', '.join(named.values())} serves already, and nothing is in flight")
    return Chosen(RollbackPlan(*service.key, tuple(moves)), tuple(notes))


def _serves(known: Known, release: Release) -> bool:
    live = known.live
    return live.in_flight is None and live.release is not None and live.release.is_same_as(release)


def _from(known: Known, to: Release) -> Release:
    """What is undone: what is coming; and where that is *to* already, what serves until it is there."""
    ahead = _ahead(known)
    return known.live.release or ahead if ahead.is_same_as(to) else ahead


def _release(part: str, known: Known, name: str) -> Release:
    for live in (known.live.in_flight, known.live.release):
        if live is not None and name in {live.tag, live.fingerprint}:
            return live
    found = find(known.ledger, name) if isinstance(known.ledger, Ledger) else ()
    if len(found) > 1:
        several = ", ".join(f"{each.tag} {each.fingerprint}" for each in found)
        raise Misused(f"{part}: several releases go by {name!r}", f"name one by its fingerprint: {several}")
    if found:
        return found[0]
    if re.fullmatch(TAG, name) is None:
        raise Misused(f"{part}: {name[:200]!r} is the name of no release", "a tag, as the platform writes it")
    return Release.of_tag(name)


def _notes(
    service: Service, part: str, known: Known, release: Release, wish: Wish, now: datetime
) -> Iterator[str]:
    if not isinstance(known.ledger, Ledger):
        why = FORGETS if known.ledger is None else f"{UNREAD}: {known.ledger.words}"
        yield f"{part}: {why}; whether {release.tag} was good nobody can say"
        return
    entry = next((each for each in known.ledger.entries if each.release.is_same_as(release)), None)
    if entry is None:
        yield f"{part}: the platform does not remember {release.tag}: whether it was good nobody can say"
        return
    if entry.quarantined is not None:
        yield _quarantined(part, entry, wish)
    live = _ahead(known)
    served_after = service.policy.known_good.served_after
    back = back_to(known.ledger, _of(entry), live.fingerprint, served_after, now, reversible=live.reversible)
    if back is not None and not live.is_same_as(release):
        yield from _said(back)


def _quarantined(part: str, entry: Entry, wish: Wish) -> str:
    why = entry.quarantined.why if entry.quarantined else ""
    words = f"{part}: {entry.release.tag} is quarantined: {why or 'its mark does not say why'}"
    if not wish.even_quarantined:
        raise Refused(words, "name another release, or say --even-quarantined")
    return words


def _said(back: Back) -> Iterator[str]:
    good = "is not known to be good" if back.grade is Grade.UNKNOWN else f"is known-good ({back.grade})"
    yield f"{back.release.tag} {good}, by what the platform remembers"
    if back.crosses:
        yield f"leaves out {back.crosses} releases between"
    if back.floor:
        yield "goes past a release that cannot be undone"


def _ahead(known: Known) -> Release:
    if known.ahead is None:
        raise AssertionError("`choose` has refused it")
    return known.ahead


def _plan(service: Service, move: Move) -> RollbackPlan:
    return RollbackPlan(*service.key, (move,))
