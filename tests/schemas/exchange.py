"""What went to and fro between rollbackd and a fake, and what of it does not fit what the vendor publishes.

A fake tells of each exchange; what does not fit is kept until the test is over, and then the test has failed, whatever it was about
(tests/conftest.py): inside of a server an exception would only be an answer with 500, which rollbackd is made to bear.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """One question and its answer.

    Attributes:
        operation: Method and path, without a query.
        kind: Of the content of the answer.
    """

    operation: str
    query: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    status: int = 200
    kind: str = "application/json"
    answer: bytes = b""

    @property
    def asked(self) -> Any:
        """The body of the question, read."""
        return json.loads(self.body) if self.body else None

    @property
    def is_trouble(self) -> bool:
        """It was refused by something on the way, which has a language of its own, or none."""
        return self.status >= 400 and (self.status >= 500 or "json" not in self.kind or not self.answer)


_unlike: list[str] = []


def note(vendor: str, exchange: Exchange, wrongs: Iterator[str]) -> None:
    """Keep what is wrong with *exchange*."""
    _unlike.extend(f"{vendor}: {exchange.operation}: {words}" for words in wrongs)


def drained() -> Sequence[str]:
    """What was kept since this was asked last."""
    found = list(dict.fromkeys(_unlike))
    _unlike.clear()
    return found


@contextlib.contextmanager
def caught() -> Iterator[list[str]]:
    """What is kept while this lasts, and does not fail the test."""
    found: list[str] = []
    before = drained()
    try:
        yield found
    finally:
        found += drained()
        _unlike.extend(before)
