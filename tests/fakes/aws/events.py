"""What EventBridge is told, in the shapes of AWS's own pages (``aws_events.jsonl`` holds them letter for letter)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Event = Mapping[str, Any]


def in_seconds(at: datetime) -> str:
    """As an envelope says a time: ``2020-05-23T12:31:14Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_milliseconds(at: datetime) -> str:
    """As a detail says it: ``2020-01-23T17:57:34.402Z``."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class _Told:
    at: datetime
    event: Event


class Events:
    """All events of this world, of every account and region."""

    def __init__(self, draw: Callable[[str], str]) -> None:
        self._draw = draw
        self._told: list[_Told] = []
        self._heard: dict[str, int] = {}

    def tell(
        self,
        at: datetime,
        kind: tuple[str, str],
        where: tuple[str, str],
        resources: Sequence[str],
        detail: Mapping[str, Any],
    ) -> None:
        """Tell of something: *kind* is source and detail type, *where* account and region."""
        drawn = self._draw("event")
        event = {
            "version": "0",
            "id": f"{drawn[:8]}-{drawn[8:12]}-{drawn[12:16]}-{drawn[16:20]}-{drawn[20:32]}",
            "detail-type": kind[1],
            "source": kind[0],
            "account": where[0],
            "time": in_seconds(at),
            "region": where[1],
            "resources": list(resources),
            "detail": dict(detail),
        }
        self._told.append(_Told(at, event))

    def told(self, until: datetime) -> list[Event]:
        """Every event until now, oldest first."""
        return [each.event for each in sorted(self._told, key=lambda told: told.at) if each.at <= until]

    def fresh(self) -> list[Event]:
        """The events since this was last asked, oldest first: for a test that carries them on itself."""
        return self._since("a test")

    def unheard(self) -> list[Event]:
        """The same for those who listen to the world."""
        return self._since("listeners")

    def _since(self, who: str) -> list[Event]:
        new = sorted(self._told[self._heard.get(who, 0) :], key=lambda told: told.at)
        self._heard[who] = len(self._told)
        return [each.event for each in new]
