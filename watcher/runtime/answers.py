"""Which feeds answer: that a queue told nothing says something only as long as it can be asked."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

DEAF = timedelta(minutes=3)  # two tries of one that is asked later and later, a minute apart at most


@dataclass
class Answers:
    """When each feed answered last; the feeder writes it down."""

    _at: dict[str, datetime] = field(default_factory=dict)

    def begins(self, feed: str, now: datetime) -> None:
        """It is asked from now on; until it is known better, it answers."""
        self._at.setdefault(feed, now)

    def answered(self, feed: str, now: datetime) -> None:
        """It has."""
        self._at[feed] = now

    def ends(self, feed: str) -> None:
        """It is asked no more."""
        self._at.pop(feed, None)

    def is_deaf(self, source: str, at: datetime) -> bool:
        """It has not answered for a while, as of *at*. What is not asked in a loop is never deaf."""
        answered = self._at.get(source)
        return answered is not None and at - answered > DEAF
