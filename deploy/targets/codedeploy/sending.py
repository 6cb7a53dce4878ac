"""What this process has sent of late, for the seconds in which CodeDeploy does not show it yet. A restart may forget it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploy.targets.aws.keeping import Kept

# An order of which nothing is seen for so long did not arrive: reads of CodeDeploy are late by seconds. A guess.
LOST_AFTER = timedelta(minutes=2)
KEPT = 64  # moves of one group


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is decided about a move, and what was sent for it.

    Attributes:
        stopped: Ids of deployments that were stopped to make room.
        created: When the way back was deployed; ``None``: not that this process knew.
        told: When CodeDeploy was told to go back itself; likewise.
    """

    now: datetime
    stopped: frozenset[str] = frozenset()
    created: datetime | None = None
    told: datetime | None = None

    @property
    def was_told(self) -> bool:
        """That CodeDeploy was told to go back should be seen in a moment."""
        return self.told is not None and self.now < self.told + LOST_AFTER

    @property
    def awaits(self) -> bool:
        """What was sent should be seen in a moment."""
        return self.created is not None and self.now < self.created + LOST_AFTER


@dataclass
class Sent:
    """What was sent for a group."""

    _stopped: Kept[str, bool] = field(default_factory=lambda: Kept(KEPT))
    _created: Kept[str, datetime] = field(default_factory=lambda: Kept(KEPT))
    _told: Kept[str, datetime] = field(default_factory=lambda: Kept(KEPT))

    def stop(self, deployment: str) -> None:
        """It was stopped, to make room."""
        self._stopped.keep(deployment, True)

    def create(self, key: str, now: datetime) -> None:
        """The way back *key* was deployed, or may have been."""
        self._created.keep(key, now)

    def tell(self, key: str, now: datetime) -> None:
        """CodeDeploy was told to go back for *key*, or may have been."""
        self._told.keep(key, now)

    def moment(self, key: str, last: str | None, now: datetime) -> Moment:
        """Now, with what was sent for *key*, and whether *last* was stopped."""
        was = frozenset({last} if last is not None and self._stopped.get(last) else ())
        return Moment(now, was, self._created.get(key), self._told.get(key))
