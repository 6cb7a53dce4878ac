"""What happened to alerts: who turned into what, and when."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from watcher.signals.alert.pushed import Mood

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECRET = "0123456789abcdef-of-the-alerts-0123456789"
_WORSE = (Mood.FIRING, Mood.UNKNOWN, Mood.WELL)


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


@dataclass(frozen=True)
class Alert:
    """One alert. *number* is what systems that count call it."""

    name: str
    number: int = 1
    labels: Mapping[str, str] = field(
        default_factory=lambda: {"service": "checkout", "env": "production"}, hash=False
    )


@dataclass(frozen=True)
class Turn:
    at: datetime
    alert: Alert
    mood: Mood


@dataclass(frozen=True)
class Log:
    """All that happened, in the order of its times. Before its first turn an alert is well, and nobody has told of it."""

    turns: Sequence[Turn]

    @property
    def alerts(self) -> Sequence[Alert]:
        found: list[Alert] = []
        for turn in self.turns:
            if turn.alert not in found:
                found.append(turn.alert)
        return found

    @property
    def end(self) -> datetime:
        return max(turn.at for turn in self.turns)

    def last(self, alert: Alert, until: datetime) -> Turn | None:
        """The turn that made it what it is then."""
        turns = [turn for turn in self.turns if turn.alert == alert and turn.at <= until]
        return turns[-1] if turns else None

    def mood(self, alert: Alert) -> Mood:
        """How it ends."""
        last = self.last(alert, self.end)
        return Mood.WELL if last is None else last.mood


@dataclass(frozen=True)
class Delivery:
    """One request.

    Attributes:
        at: When it is sent, by the system's clock.
        headers: As they are written.
    """

    at: datetime
    body: bytes
    headers: Mapping[str, str]

    def received(self) -> Mapping[str, str]:
        """The headers by lower-case name, as a server hands them on."""
        return {name.lower(): value for name, value in self.headers.items()}

    def with_headers(self, **changes: str) -> "Delivery":
        """With other headers; underscores stand for hyphens, and ``""`` for none."""
        named = {name.replace("_", "-").lower(): value for name, value in changes.items()}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in named}
        return replace(self, headers=kept | {name: value for name, value in named.items() if value})


class System(Protocol):
    """A system that pushes.

    Attributes:
        kind: In the registry of senders; empty where it is no door of its own.
        settings: What a user writes for it, with the secrets in place.
        retries: It sends again what was answered by 5xx.
    """

    kind: str
    settings: Mapping[str, Any]
    retries: bool

    def deliveries(self, log: Log, until: datetime) -> Sequence[Delivery]:
        """What it sends until then, in order."""

    def keys(self, log: Log, alert: Alert) -> Sequence[str]:
        """What the alert is called there; several where one alert is several there."""

    def says(self, mood: Mood) -> Mood:
        """*mood*, as far as it can say it."""


def worst(moods: Collection[Mood]) -> Mood:
    """Of several the worst; of none: nobody has said anything."""
    return min(moods, key=_WORSE.index, default=Mood.WELL)
