"""A connection that cannot be used: what would be read by it is unavailable, and who has to act is told."""

from collections.abc import Mapping, Sequence

from deploy.model import About, Finding, Level
from rules.model import Indicator
from rules.sample import Reading, Unavailable, Who
from watcher.signals.provider import Question, Window
from watcher.signals.unknown import Unknown


class Nowhere:
    """In the place of a provider whose settings name what is not there; the daemon starts all the same.

    Attributes:
        words: What is wrong.
        remedy: What the operator can do.
    """

    def __init__(self, words: str, remedy: str) -> None:
        self.words = words
        self.remedy = remedy

    async def read(self, questions: Sequence[Question], _window: Window) -> Mapping[str, Reading]:
        """Nothing can be read."""
        return {question.id: Unavailable(Who.OPERATOR, self.words) for question in questions}

    async def examine(self) -> Sequence[Finding]:
        """What is wrong."""
        return [Finding(Level.FAIL, self.words, self.remedy, about=About.ACCESS)]

    async def unknown(self, _indicator: Indicator, _arm: Mapping[str, str]) -> Unknown | None:
        """Nobody says."""
        return None


def without_account() -> Nowhere:
    """There is no account of AWS to ask in."""
    return Nowhere("no account of AWS is configured", "name one under `accounts:`")
