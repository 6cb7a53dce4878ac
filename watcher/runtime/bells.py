"""Bells that wake a loop before its pause is over. Ringing is a hint: a bell that is not heard costs a pause, no more."""

import asyncio
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bells:
    """One bell a loop."""

    inbox: asyncio.Event = field(default_factory=asyncio.Event)
    watches: asyncio.Event = field(default_factory=asyncio.Event)
    actions: asyncio.Event = field(default_factory=asyncio.Event)
    messages: asyncio.Event = field(default_factory=asyncio.Event)
    marks: asyncio.Event = field(default_factory=asyncio.Event)
    barriers: asyncio.Event = field(default_factory=asyncio.Event)
    _moved: set[tuple[str, str]] = field(default_factory=set)

    def after_step(self) -> None:
        """A step was saved: whatever it queued is there now."""
        self.actions.set()
        self.messages.set()

    def after_move(self, service: tuple[str, str]) -> None:
        """A watch of *service* came into another state: how its releases stand may be different now."""
        self._moved.add(service)
        self.marks.set()

    def take_moved(self) -> frozenset[tuple[str, str]]:
        """The services whose watches moved, since this was last asked."""
        moved = frozenset(self._moved)
        self._moved.clear()
        return moved
