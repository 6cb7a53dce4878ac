"""A platform in memory, for the tests of what acts on platforms: it moves a part from tag to tag, and keeps a log."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from deploy.model import (
    Beginning,
    Begun,
    Drifted,
    Foretold,
    Live,
    Move,
    Moving,
    Progress,
    Release,
    Serving,
    Unclear,
    Unreadable,
)


def release(tag: str, *, reversible: bool = True) -> Release:
    return Release(f"sha256:{tag}", tag, reversible=reversible)


@dataclass
class Platform:
    """A target, and the platform behind it.

    ``slow`` moves are on their way until `arrive`; only those of a platform that ``shows_moves`` are seen meanwhile.
    """

    part: str = "service"
    live: Release | None = field(default_factory=lambda: release("v2"))
    slow: bool = False
    shows_moves: bool = True
    keeps_keys: bool = True
    answers: list[Beginning] = field(default_factory=list)  # instead of doing anything
    says: Progress | None = None
    unreadable: str = ""
    moving_to: Release | None = None
    key: str | None = None
    sent: list[str] = field(default_factory=list)  # every order that came, "tag key"
    effects: list[str] = field(default_factory=list)  # every change of what is wanted
    lose_answer: bool = False

    async def resolve(self, hints: Mapping[str, str]) -> Release | Unreadable:
        raise AssertionError("a rollback resolves nothing")

    async def observe(self) -> Live | Unreadable:
        if self.unreadable:
            return Unreadable(self.unreadable)
        return Live(
            self.live, self.moving_to if self.shows_moves else None, key=self.key if self.keeps_keys else None
        )

    async def begin(self, move: Move, key: str) -> Beginning:
        self.sent.append(f"{move.to.tag} {key}")
        if self.answers:
            return self.answers.pop(0)
        if not (self.keeps_keys and self.key == key):
            self._want(move.to, key)
        return (
            Unclear("the answer was lost") if self.lose_answer else Begun(words=f"{move.to.tag} was ordered")
        )

    async def progress(self, move: Move, key: str) -> Progress | Unreadable:
        if self.unreadable:
            return Unreadable(self.unreadable)
        if self.says is not None:
            return self.says
        if self.live and self.live.is_same_as(move.to) and self.moving_to is None:
            return Serving()
        ahead = self.moving_to or self.live
        if ahead is None or ahead.tag in {move.to.tag, move.expect.tag}:
            return Moving()
        return Drifted("another", ahead.tag)

    async def foretell(self, move: Move) -> Foretold:
        return Foretold(calls=(f"set {move.to.tag}",), by_hand=f"by hand: {move.to.tag}")

    def arrive(self) -> None:
        """What is on its way is there."""
        if self.moving_to is not None:
            self.live, self.moving_to = self.moving_to, None

    def deployed(self, tag: str) -> None:
        """Somebody else deploys."""
        self.live, self.moving_to, self.key = release(tag), None, None

    def _want(self, to: Release, key: str) -> None:
        wanted = self.moving_to or self.live
        if wanted is None or wanted.tag != to.tag:
            self.effects.append(to.tag)
        self.moving_to, self.key = replace(to), key
        if not self.slow:
            self.arrive()
