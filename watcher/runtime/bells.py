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

    def after_step(self) -> None:
        """A step was saved: whatever it queued is there now."""
        self.actions.set()
        self.messages.set()
