"""How a release is put back on Beanstalk: by the label of one environment, or by the name that two of them swap.

The target looks, leaves its trace and sends in the same way, whichever it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from deploy.model import Beginning, Finding, Foretold, Move, Progress, Unreadable
from deploy.ports import AwsAccount
from deploy.targets.beanstalk import examining, foretelling, looking, moving, progressing
from deploy.targets.beanstalk.looking import View
from deploy.targets.beanstalk.moving import Asked, Order
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.settings import Settings


class Way(Protocol):
    """What is particular to it. Only `look` catches `AwsRefused`."""

    async def look(self) -> View | Unreadable:
        """What people meet."""

    async def decide(self, view: View, move: Move, asked: Asked) -> Order | Beginning:
        """The next call that brings *view* to ``move.to``; or why there is none. Reads only."""

    async def changed(self, order: Order) -> str:
        """Why *order*, decided a moment ago, is none any more; empty: it is still. Reads only, right before it is sent."""

    async def progress(self, view: View, move: Move, asked: Asked) -> Progress | Unreadable:
        """How far *move* is. Reads only."""

    async def foretell(self, view: View, move: Move, at: datetime) -> Foretold:
        """What would follow if *move* were made. Reads only."""

    def unseen(self, move: Move, words: str) -> Foretold:
        """What can be said of *move* while nothing can be read."""

    async def examine(self, view: View) -> Sequence[Finding]:
        """What there is to be said before it is needed. Reads only."""


@dataclass(frozen=True, slots=True)
class InPlace:
    """One environment, which is told another label."""

    reader: Reader
    settings: Settings
    account: AwsAccount

    async def look(self) -> View | Unreadable:
        """The environment."""
        return await looking.look(self.reader, self.settings)

    async def decide(self, view: View, move: Move, asked: Asked) -> Order | Beginning:
        """See `moving`."""
        return await moving.decide(self.reader, view, self.settings, move, asked)

    async def changed(self, _order: Order) -> str:
        """Nothing: Beanstalk refuses an update beside another one, and of two that are alike the second changes nothing."""
        return ""

    async def progress(self, view: View, move: Move, asked: Asked) -> Progress | Unreadable:
        """See `progressing`."""
        line = moving.by_hand(moving.update(self.settings, move.to), self.account)
        return await progressing.progress(self.reader, view, move, asked, line)

    async def foretell(self, view: View, move: Move, at: datetime) -> Foretold:
        """See `foretelling`."""
        return await foretelling.foretell(self.reader, view, move, self.settings, self.account, at)

    def unseen(self, move: Move, words: str) -> Foretold:
        """The label to be set."""
        return foretelling.unseen(self.settings, move, self.account, words)

    async def examine(self, view: View) -> Sequence[Finding]:
        """See `examining`."""
        return await examining.examine(self.reader, view)
