"""What people said: notes on watches, and what an idempotency key was answered."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from watcher.store.sql.audit import audited
from watcher.store.sql.operation import Operation, Row, moment, seconds
from watcher.store.store import Answered, Note, Replayed

# A note, if there is the watch.
NOTE = """
INSERT INTO notes (watch, actor, at, call, words)
SELECT id, :by, :at, :call, :words FROM watches WHERE id = :watch RETURNING seq
"""

# The notes of a watch.
NOTES = "SELECT watch, actor, at, call, words FROM notes WHERE watch = :watch ORDER BY seq"

# What a key was answered, lately.
ONCE = """
SELECT digest, status, body FROM answers
WHERE principal = :principal AND idempotency_key = :key AND at > :since
"""

# The first answer stands, until it is forgotten.
ANSWERED = """
INSERT INTO answers (principal, idempotency_key, digest, status, body, at)
VALUES (:principal, :key, :digest, :status, :body, :now)
ON CONFLICT (principal, idempotency_key) DO UPDATE SET digest = :digest, status = :status, body = :body, at = :now
WHERE answers.at <= :since
"""

KEYS_LAST = timedelta(hours=24)  # as long as a pipeline may sensibly go on trying


def note(said: Note, now: datetime) -> Operation[bool]:
    """Keep a note; whether there is the watch."""
    rows = yield (
        NOTE,
        {
            "watch": said.watch,
            "by": said.by,
            "at": seconds(said.at),
            "call": said.call,
            "words": said.words,
        },
    )
    if rows:
        yield audited(now, said.by, "watch.noted", said.watch, said.words, call=said.call)
    return bool(rows)


def notes(watch: str) -> Operation[Sequence[Note]]:
    """The notes of a watch, oldest first."""
    rows = yield NOTES, {"watch": watch}
    return [_note(row) for row in rows]


def once(principal: str, key: str, digest: bytes, now: datetime) -> Operation[Replayed | None]:
    """What a key was answered in the last day."""
    rows = yield ONCE, {"principal": principal, "key": key, "since": seconds(now - KEYS_LAST)}
    for row in rows:
        conflict = bytes(row["digest"]) != digest
        return Replayed(row["status"], bytes(row["body"]), conflict)
    return None


def answered(told: Answered, now: datetime) -> Operation[None]:
    """Remember an answer."""
    yield (
        ANSWERED,
        {
            "principal": told.principal,
            "key": told.key,
            "digest": told.digest,
            "status": told.status,
            "body": told.body,
            "now": seconds(now),
            "since": seconds(now - KEYS_LAST),
        },
    )


def _note(row: Row) -> Note:
    return Note(row["watch"], row["actor"], moment(row["at"]), row["call"], row["words"])
