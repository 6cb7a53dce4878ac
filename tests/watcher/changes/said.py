"""What platforms tell of changes: events as they document them, or made after their pages."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

from deploy.source import Aside, Event, Rejected
from tests.deploy.sources.sqs.said import LINES, NOON, Line, documented, read

__all__ = ["LINES", "NOON", "OURS", "aside_of", "event", "heard", "of"]


def lines() -> Iterator[Line]:
    for line in Path(__file__).with_name("events.jsonl").read_text().splitlines():
        said = json.loads(line)
        yield Line(said["of"], said["page"], said["event"])


OURS = tuple(lines())


def of(name: str) -> Any:
    """A copy of the event of the file, to be changed."""
    return deepcopy(next(line.event for line in OURS if line.of == name))


def heard(said: Any) -> Event:
    """*said*, as it comes out of the queue: nothing there is of a service that is configured."""
    return aside_of(said).event


def offered(said: Any) -> Event | None:
    """The event that is offered to whoever may want it; ``None``: it is not as its platform writes it."""
    found = read(said, lambda _address: ())
    assert isinstance(found, Aside | Rejected), found
    return found.event if isinstance(found, Aside) else None


def aside_of(said: Any) -> Aside:
    found = read(said, lambda _address: ())
    assert isinstance(found, Aside), found
    return found


def event(name: str, **detail: Any) -> Event:
    """The event of either file, with some of its detail changed."""
    said = of(name) if any(line.of == name for line in OURS) else documented(name)
    said["detail"] |= detail
    return heard(said)
