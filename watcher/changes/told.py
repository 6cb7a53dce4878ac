"""What an event tells of a change, and how somebody else's words become words of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watcher.core.change import MOST_NAME, MOST_WORDS, ChangeKind


@dataclass(frozen=True, slots=True)
class Told:
    """One change, as an event tells it.

    Attributes:
        name: What moved, as its system calls it.
        at: When, where that is another time than the event's.
        addresses: Of a service on its platform, as `Around.addresses` knows it: it is that service's alone.
        within: Beginnings of such addresses: it is a step of the releases of whoever runs under one of them, and those are known.
        region: Where, if not where the event comes from; empty: everywhere.
        once: By what it is known again, where several events tell of one thing; ``None``: by the event's id.
    """

    kind: ChangeKind
    what: str
    name: str
    at: datetime | None = None
    addresses: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    region: str | None = None
    once: str | None = None


def clean(text: object, most: int = MOST_WORDS) -> str:
    """Somebody else's text in one line of ours: nothing in it moves the cursor, quotes, or is longer than *most* characters."""
    if not isinstance(text, str):
        return ""
    return cut(
        " ".join("".join(c if c.isprintable() and c != "`" else " " for c in text[: 4 * most]).split()), most
    )


def cut(line: str, most: int) -> str:
    """*line*, of at most *most* characters."""
    return line if len(line) <= most else f"{line[: most - 1]}…"


def named(told: Mapping[str, Any], *path: str) -> str:
    """The name at *path*, cleaned; empty where there is none."""
    found: Any = told
    for step in path:
        found = found.get(step) if isinstance(found, Mapping) else None
    return clean(found, MOST_NAME)
