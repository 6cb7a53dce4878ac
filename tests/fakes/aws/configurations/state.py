"""What a deployment is at a time: it follows from when it began, by which strategy, and from what befell it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

VALIDATES = timedelta(seconds=2)  # a guess
REVERTS_WITHIN = timedelta(hours=72)  # [M]


@dataclass(frozen=True, slots=True)
class Strategy:
    """By which a version comes to all clients: minutes, percent."""

    id: str
    duration: int = 0
    factor: float = 100.0
    bake: int = 10
    growth: str = "LINEAR"

    def percent(self, elapsed: timedelta) -> float:
        """How many may have it so long after it began [D]."""
        if self.duration == 0 or elapsed >= timedelta(minutes=self.duration):
            return 100.0
        step = timedelta(minutes=self.duration) * self.factor / 100
        steps = int(elapsed / step)
        grown = self.factor * (2**steps) if self.growth == "EXPONENTIAL" else self.factor * (1 + steps)
        return min(grown, 100.0)


PREDEFINED = {
    each.id: each
    for each in (
        Strategy("AppConfig.AllAtOnce"),
        Strategy("AppConfig.Linear50PercentEvery30Seconds", duration=1, factor=50.0, bake=30),
        Strategy("AppConfig.Canary10Percent20Minutes", duration=20, factor=10.0, growth="EXPONENTIAL"),
        Strategy("AppConfig.Linear20PercentEvery6Minutes", duration=30, factor=20.0, bake=30),
    )
}


@dataclass
class Deployment:
    """One deployment.

    Attributes:
        before: The version that clients had when it began; ``None``: none.
        undone: When it was told to go back, by whom (as the log says it), and with what words; ``None``: never.
        takes_back: How long that takes.
        managed: AppConfig itself made it, for an experiment.
    """

    number: int
    profile: str
    version: str
    strategy: Strategy
    started: datetime
    before: str | None
    description: str = ""
    label: str = ""
    kms: str = ""
    managed: bool = False
    undone: tuple[datetime, str, str] | None = None
    takes_back: timedelta = timedelta(0)
    validates: timedelta = VALIDATES

    @property
    def goes_out(self) -> datetime:
        """When the first clients may have it."""
        return self.started + self.validates

    @property
    def is_out(self) -> datetime:
        """When all may, if nothing befalls it."""
        return self.goes_out + timedelta(minutes=self.strategy.duration)

    @property
    def completes(self) -> datetime:
        """When alarms are minded no more, if nothing befalls it."""
        return self.is_out + timedelta(minutes=self.strategy.bake)

    @property
    def ends(self) -> datetime:
        """When it is over, one way or the other."""
        return self.undone[0] + self.takes_back if self.undone else self.completes

    def state(self, at: datetime) -> str:
        """As AppConfig calls it [M]."""
        if self.undone is not None and at >= self.undone[0]:
            if self.undone[0] >= self.completes:
                return "REVERTED" if at >= self.ends else "ROLLING_BACK"
            return "ROLLED_BACK" if at >= self.ends else "ROLLING_BACK"
        if at < self.goes_out:
            return "VALIDATING"
        if at < self.is_out:
            return "DEPLOYING"
        return "BAKING" if at < self.completes else "COMPLETE"

    def percent(self, at: datetime) -> float:
        """How many clients may have it. The model knows none below 1 [M]."""
        seen = min(at, self.undone[0]) if self.undone else at
        return max(self.strategy.percent(seen - self.goes_out) if seen >= self.goes_out else 1.0, 1.0)

    def has(self, at: datetime) -> dict[str | None, float]:
        """Which version is given to which share of the clients."""
        state = self.state(at)
        if state in {"BAKING", "COMPLETE"}:
            return {self.version: 1.0}
        if state == "DEPLOYING":
            share = self.percent(at) / 100
            return {self.version: share, self.before: 1 - share}
        return {self.before: 1.0}

    def log(self, at: datetime) -> list[dict[str, Any]]:
        """Newest first [D]."""
        found = [("DEPLOYMENT_STARTED", "USER", "Deployment started", self.started)]
        if self.undone is not None and self.undone[0] <= at:
            when, by, words = self.undone
            kind = "REVERT_COMPLETED" if self.state(at) == "REVERTED" else "ROLLBACK_STARTED"
            found.append((kind, by, words, when))
        elif self.completes <= at:
            found.append(("DEPLOYMENT_COMPLETED", "APPCONFIG", "Deployment completed", self.completes))
        keys = ("EventType", "TriggeredBy", "Description", "OccurredAt")
        return [dict(zip(keys, each, strict=True)) for each in reversed(found)]


@dataclass
class Environment:
    """An environment of an application, with all its deployments, oldest first.

    Attributes:
        alarms: The ARNs of those that it minds.
        rings: From when to when one of them rings.
    """

    alarms: tuple[str, ...] = ()
    rings: tuple[datetime, datetime] | None = None
    takes_back: timedelta = timedelta(0)
    validates: timedelta = VALIDATES
    deployments: list[Deployment] = field(default_factory=list)

    def seen(self, at: datetime) -> list[Deployment]:
        """Those that there were, newest first."""
        return [each for each in reversed(self.deployments) if each.started <= at]

    def under_way(self, at: datetime) -> Deployment | None:
        """The one that lets no other begin."""
        over = {"COMPLETE", "ROLLED_BACK", "REVERTED"}
        return next((each for each in self.seen(at) if each.state(at) not in over), None)


@dataclass
class Profile:
    """A configuration profile.

    Attributes:
        versions: By number; one that was deleted is ``None``.
        refuses: Versions that its validators do not let pass.
        overtaken: By which error it is told that there is a newer version than the one that was named. [U] which it is.
        says: What was said of a version, by number.
        reuses: The number of the newest is given again once that was deleted. [U] Public reports of Terraform's provider say so.
    """

    kind: str = "AWS.Freeform"
    location: str = "hosted"
    versions: dict[str, tuple[bytes, str] | None] = field(default_factory=dict)
    refuses: frozenset[str] = frozenset()
    overtaken: str = "ConflictException"
    says: dict[str, str] = field(default_factory=dict)
    reuses: bool = False

    @property
    def newest(self) -> int:
        """The number of the newest version, as it is counted from."""
        there = (int(number) for number, each in self.versions.items() if each is not None or not self.reuses)
        return max(there, default=0)


Told = Mapping[str, Any]
