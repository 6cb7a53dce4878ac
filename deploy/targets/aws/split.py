"""How the traffic of one part is shared between releases, on platforms that move it by weights and at one word. Pure.

Nothing moves there by itself: what was told to the platform is what is so, until somebody tells it otherwise. So a move is
sent whenever nothing but the two releases that it speaks of has traffic, however it is shared between them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.model import (
    AlreadyThere,
    Drifted,
    Failed,
    Move,
    Moving,
    Progress,
    Refused,
    Release,
    Serving,
    Shift,
    is_about,
    percent,
)

# An order of which nothing is seen for so long did not arrive: these platforms are late by seconds. A guess.
LOST_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Split:
    """Who has traffic.

    Attributes:
        parts: Each release that has some, with its share (0..1); the newest last.
    """

    parts: tuple[tuple[Release, float], ...] = ()

    @classmethod
    def of(cls, parts: Iterable[tuple[Release, float]]) -> "Split":
        """*parts*, the newest last: without what has nothing, and what is one release put together under its newest name."""
        found: list[tuple[Release, float]] = []
        for release, share in parts:
            if share <= 0:
                continue
            same = [each for each in found if each[0].is_same_as(release)]
            found = [each for each in found if each not in same]
            found.append((release, share + sum(old for _, old in same)))
        return cls(tuple(found))

    @property
    def alone(self) -> Release | None:
        """The release that has all the traffic."""
        return self.parts[0][0] if len(self.parts) == 1 else None

    @property
    def coming(self) -> Release | None:
        """The newest, where it shares the traffic with an older one."""
        return self.parts[-1][0] if len(self.parts) > 1 else None

    @property
    def serving(self) -> Release | None:
        """What serves; of those that are older than the newest, what has most."""
        older = self.parts if len(self.parts) == 1 else self.parts[:-1]
        return max(older, key=lambda part: part[1])[0] if older else None

    @property
    def shares(self) -> dict[str, float]:
        """By fingerprint."""
        return {release.fingerprint: share for release, share in self.parts}

    def third(self, move: Move) -> Release | None:
        """A release that has traffic, and that *move* does not speak of; the newest of them."""
        return self.beside(move.to, move.expect)

    def beside(self, one: Release, other: Release) -> Release | None:
        """A release that has traffic and is neither of the two; the newest of them."""
        for release, _ in reversed(self.parts):
            if not release.is_same_as(one) and not release.is_same_as(other):
                return release
        return None

    def share_of(self, release: Release) -> float:
        """What *release* has."""
        return sum(share for each, share in self.parts if each.is_same_as(release))


NOBODY = Split()


def decide(split: Split, move: Move) -> AlreadyThere | Refused | None:
    """Why *move* is not to be sent; ``None``: it is."""
    if split.alone is not None and split.alone.is_same_as(move.to):
        return AlreadyThere()
    if not split.parts:
        return Refused(f"nothing has traffic, neither {move.expect.tag} nor anything else")
    third = split.third(move)
    if third is not None:
        return Refused(_moved(third, split, move.expect), third.tag)
    return None


def progress(split: Split, move: Move, ordered: datetime, now: datetime, by_hand: str) -> Progress:
    """How far *move* is, which was ordered at *ordered*."""
    if split.alone is not None and split.alone.is_same_as(move.to):
        return Serving()
    third = split.third(move)
    if third is not None:
        return Drifted(_moved(third, split, move.to), third.tag)
    if now >= ordered + LOST_AFTER:
        return Failed(f"{move.to.tag} was ordered, and nothing is seen of it: the order was lost", by_hand)
    return Moving(f"{_told(split)}; {move.to.tag} was ordered")


def decide_shift(split: Split, shift: Shift) -> AlreadyThere | Refused | None:
    """Why *shift* is not to be sent; ``None``: it is."""
    third = split.beside(shift.before, shift.after)
    if third is not None:
        return Refused(_moved(third, split, shift.after), third.tag)
    share = split.share_of(shift.after)
    if is_about(share, shift.share):
        return AlreadyThere()
    if is_about(share, shift.expect):
        return None
    return Refused(
        f"{shift.after.tag} has {percent(share)} of the traffic, not {percent(shift.expect)}: somebody else has moved it",
        shift.after.tag,
    )


def shifted(split: Split, shift: Shift, ordered: datetime, now: datetime) -> Progress:
    """How far *shift* is, which was ordered at *ordered*."""
    decided = decide_shift(split, shift)
    if isinstance(decided, AlreadyThere):
        return Serving()
    if isinstance(decided, Refused):
        return Drifted(decided.words, decided.third_tag)
    if now >= ordered + LOST_AFTER:
        return Failed(
            f"{percent(shift.share)} for {shift.after.tag} was ordered, and nothing is seen of it: the order was lost"
        )
    return Moving(f"{_told(split)}; {percent(shift.share)} for {shift.after.tag} was ordered")


def _moved(third: Release, split: Split, wanted: Release) -> str:
    does = "serves" if split.alone else "has traffic"
    return f"{third.tag} {does}, not {wanted.tag}: somebody else has moved it"


def _told(split: Split) -> str:
    said = ", ".join(f"{release.tag} has {share:.0%}" for release, share in split.parts)
    return said or "nothing has traffic"
