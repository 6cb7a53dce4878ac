"""The record of rollbacks past the daemon: a file of JSON lines, only ever added to, on disk before a call and after it.

It is the audit, and it is what a second try knows of a first that was killed: the key, and how many moves were answered.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deploy.model import Move, RollbackPlan
from watcher.errors import WatcherError
from watcher.runtime.fleet import Key

_MOVES = TypeAdapter(tuple[Move, ...])


class DiaryUnwritten(WatcherError):
    """The audit file cannot be read, or written."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"the audit file {path} cannot be kept: {error.strerror or error}",
            remedy="what is not written down is not done: name another, --audit PATH",
        )


class Event(StrEnum):
    """What a line tells."""

    AGREED = "agreed"  # a person said yes to these moves
    BEGINS = "begins"  # a move is about to be sent
    ANSWERED = "answered"  # what the platform said to it
    LEFT = "left"  # it is under way still, and nobody follows it any more
    ENDED = "ended"  # done, failed or refused


class _Line(BaseModel):
    """What is read back of a line."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    at: AwareDatetime
    event: Event
    service: str
    environment: str
    key: str
    user: str = ""
    to: tuple[str, ...] = ()
    moves: tuple[Move, ...] = Field(min_length=1)
    sent: int = Field(default=0, ge=0)


@dataclass(frozen=True, slots=True)
class Begun:
    """A rollback of which a move may have been sent, and that has not ended.

    Attributes:
        sent: How many moves were answered.
        unanswered: Another was about to be sent, and what came of it was not written.
        at: When it was last heard of.
        to: The names that a person gave.
    """

    key: str
    plan: RollbackPlan
    sent: int
    at: datetime
    by: str
    to: tuple[str, ...]
    unanswered: bool = False


@dataclass(frozen=True, slots=True)
class Who:
    """Who does it, where."""

    user: str
    host: str


@dataclass(frozen=True, slots=True)
class Diary:
    """One file. Each write raises `DiaryUnwritten` where it cannot be kept.

    Attributes:
        to: The names that a person gave.
        clean: Takes secrets out of what is written.
        sync: Gives back once a file is on disk.
    """

    path: Path
    who: Who
    reason: str
    to: tuple[str, ...] = ()
    clean: Callable[[str], str] = str
    sync: Callable[[int], None] = os.fsync

    def begun(self, key: Key, newest: timedelta, now: datetime) -> Begun | None:
        """The last rollback of the service *key*, if it is under way still and was heard of within *newest*."""
        lines = [each for each in self._lines() if (each.service, each.environment) == key]
        if not lines:
            return None
        last = [each for each in lines if each.key == lines[-1].key]
        events = {each.event for each in last}
        if Event.BEGINS not in events or Event.ENDED in events or last[-1].at < now - newest:
            return None
        newest_line, sent = last[-1], max(each.sent for each in last)
        plan = RollbackPlan(*key, newest_line.moves)
        calls = [each.event for each in last if each.event in {Event.BEGINS, Event.ANSWERED}]
        unanswered = calls[-1] is Event.BEGINS
        return Begun(
            newest_line.key, plan, sent, newest_line.at, newest_line.user, newest_line.to, unanswered
        )

    def write(
        self, event: Event, plan: RollbackPlan, key: str, now: datetime, words: str = "", *, sent: int = 0
    ) -> None:
        """One line more, on disk when this returns. *sent*: how many of the moves were answered by now."""
        line = {
            "at": now.isoformat(),
            "event": event.value,
            "user": self.who.user,
            "host": self.who.host,
            "service": plan.service,
            "environment": plan.environment,
            "key": key,
            "reason": self.clean(self.reason),
            "to": self.to,
            "moves": _MOVES.dump_python(plan.moves, mode="json"),
            "sent": sent,
            "words": self.clean(words),
        }
        try:
            self._append(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise DiaryUnwritten(self.path, error) from error

    def _append(self, line: str) -> None:
        is_new = not self.path.exists()
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(file).st_size
            torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"  # whoever wrote last was killed
            _whole(file, (("\n" if torn else "") + line).encode())
            self.sync(file)
        finally:
            os.close(file)
        if is_new:
            self._sync_folder()

    def _sync_folder(self) -> None:
        file = os.open(self.path.parent, os.O_RDONLY)
        try:
            self.sync(file)
        finally:
            os.close(file)

    def _lines(self) -> Sequence[_Line]:
        """Those that can be read: one that was torn tells of nothing that was done."""
        try:
            written = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise DiaryUnwritten(self.path, error) from error
        return [line for line in map(_read, written.splitlines()) if line is not None]


def _read(written: str) -> _Line | None:
    try:
        return _Line.model_validate_json(written)
    except ValidationError:
        return None


def _whole(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
