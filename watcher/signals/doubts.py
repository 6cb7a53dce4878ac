"""What has been silent for long, and what is known to be wrong with its name: looked up within a reading, a few at a time."""

from collections.abc import Awaitable, Callable, Container, Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from rules.sample import Invalid, Reading, Unavailable, Who

PATIENCE = timedelta(minutes=5)  # after which silence may be a wrong name
AGAIN = timedelta(hours=1)  # before the same name is looked up again
MOST = 4096  # that are remembered
Name = TypeVar("Name", bound=Hashable)


class Doubts:
    """Names that may be wrong.

    Args:
        now: The clock, aware UTC.
        most: How many are looked up in one reading: each costs some calls, and calls are few.
    """

    def __init__(self, now: Callable[[], datetime], most: int = 2) -> None:
        self._now = now
        self._most = most
        self._silent: dict[Hashable, datetime] = {}
        self._looked_up: dict[Hashable, tuple[datetime, str | None]] = {}

    async def of(
        self,
        silent: Mapping[str, Name],
        heard: Iterable[Hashable],
        look: Callable[[Name], Awaitable[str | None]],
        may_look: Callable[[], bool],
    ) -> dict[str, Reading]:
        """One reading: what is known to be wrong with the names that were silent, by the question.

        Args:
            silent: By question, what it asked for in vain.
            heard: What is there; nothing is held against it any more.
            look: Says what is wrong with a name; ``None``: nothing, or nobody says.
            may_look: There is still time for it in this reading. If not, it is looked up in the next.
        """
        for name in heard:
            self._silent.pop(name, None)
            self._looked_up.pop(name, None)
        due = [name for name in dict.fromkeys(silent.values()) if self._is_due(name)]
        for name in due[: self._most]:
            if may_look():
                self._looked_up[name] = (self._now(), await look(name))
        words = {question: self._looked_up.get(name, (None, None))[1] for question, name in silent.items()}
        return {question: Invalid(Who.AUTHOR, said) for question, said in words.items() if said}

    def _is_due(self, name: Hashable) -> bool:
        if len(self._silent) > MOST:
            self._silent.clear()
            self._looked_up.clear()
        now = self._now()
        since = self._silent.setdefault(name, now)
        last = self._looked_up.get(name)
        return now - since >= PATIENCE and (last is None or now - last[0] >= AGAIN)


def heard(asked: Mapping[str, Name], silent: Container[str], readings: Mapping[str, Reading]) -> set[Name]:
    """What is there, of all names that were *asked* for by these questions.

    A question that failed was not answered: else no name would be doubted of a system that refuses one question in five minutes.
    """
    return {
        name
        for question, name in asked.items()
        if question not in silent and not isinstance(readings[question], Invalid | Unavailable)
    }
