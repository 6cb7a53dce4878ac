"""Announcements: accepted before they are acknowledged, taken until somebody says what became of them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from deploy.model import Announcement
from watcher.core.watch import Closing
from watcher.store.documents import ANNOUNCEMENT
from watcher.store.sql.audit import audited
from watcher.store.sql.operation import Operation, Row, moment, seconds
from watcher.store.store import Accepted, InboxItem

# One announcement more, if nothing is known under its key.
ACCEPT = """
INSERT INTO inbox (id, source, dedup_key, principal, received_at, due_at, state, why, watch, closed_at, digest, announcement, body)
VALUES (:id, :source, :key, :principal, :now, :now, :state, :why, :watch, :closed_at, :digest, :announcement, :body)
ON CONFLICT (source, dedup_key) DO NOTHING RETURNING id
"""

# What is known under a key.
KNOWN = "SELECT id, digest FROM inbox WHERE source = :source AND dedup_key = :key"

# The oldest that are due and open. Each is due again later and later: 5, 10, 20, 40, then every 60 s; a guess, of which the
# first has to be longer than one try at resolving takes, which is a few calls of the platform.
TAKE = """
WITH due AS MATERIALIZED (
    SELECT seq FROM inbox WHERE closed_at IS NULL AND due_at <= :now
    ORDER BY seq LIMIT :limit /* postgresql: FOR UPDATE SKIP LOCKED */
)
UPDATE inbox SET
    attempts = attempts + 1,
    due_at = :now + CASE attempts WHEN 0 THEN 5 WHEN 1 THEN 10 WHEN 2 THEN 20 WHEN 3 THEN 40 ELSE 60 END
WHERE seq IN (SELECT seq FROM due)
RETURNING seq, id, principal, received_at, attempts, state, why, watch, closed_at, announcement
"""

# What became of one that is still open.
CLOSE = """
UPDATE inbox SET state = :state, why = :why, watch = :watch, closed_at = :now
WHERE id = :id AND closed_at IS NULL RETURNING principal
"""

# One announcement.
ONE = """
SELECT id, principal, received_at, attempts, state, why, watch, closed_at, announcement FROM inbox WHERE id = :id
"""


def accept(
    id: str,
    announcement: Announcement | None,
    body: bytes,
    principal: str,
    now: datetime,
    dedup: tuple[str, str],
    closing: Closing | None,
) -> Operation[Accepted]:
    """Write an announcement down, once for each *dedup*."""
    source, key = dedup
    digest = hashlib.sha256(body).digest()
    rows = yield (
        ACCEPT,
        {
            "id": id,
            "source": source,
            "key": key,
            "principal": principal,
            "now": seconds(now),
            "state": closing and closing.state,
            "why": closing.why if closing else "",
            "watch": closing and closing.watch,
            "closed_at": closing and seconds(now),
            "digest": digest,
            "announcement": None if announcement is None else ANNOUNCEMENT.encode(announcement),
            "body": body,
        },
    )
    if rows:
        why = closing.why if closing else ""
        yield audited(now, principal, "announcement.accepted", id, why, source=source, key=key)
        return Accepted(id)
    known = (yield KNOWN, {"source": source, "key": key})[0]
    return Accepted(known["id"], duplicate=True, conflict=bytes(known["digest"]) != digest)


def take(limit: int, now: datetime) -> Operation[Sequence[InboxItem]]:
    """Take what is due, and count the try."""
    rows = yield TAKE, {"limit": limit, "now": seconds(now)}
    return [_item(row) for row in sorted(rows, key=lambda row: int(row["seq"]))]


def close(closing: Closing, now: datetime) -> Operation[None]:
    """Say what became of an announcement; the first word stands."""
    rows = yield (
        CLOSE,
        {
            "id": closing.announcement,
            "state": closing.state,
            "why": closing.why,
            "watch": closing.watch,
            "now": seconds(now),
        },
    )
    if rows:
        what = f"announcement.{closing.state}"
        yield audited(now, "rollbackd", what, closing.announcement, closing.why, watch=closing.watch)


def one(id: str) -> Operation[InboxItem | None]:
    """One announcement, if it is known."""
    rows = yield ONE, {"id": id}
    return _item(rows[0]) if rows else None


def _item(row: Row) -> InboxItem:
    return InboxItem(
        id=row["id"],
        announcement=None if row["announcement"] is None else ANNOUNCEMENT.decode(row["announcement"]),
        received_at=moment(row["received_at"]),
        principal=row["principal"],
        attempts=row["attempts"],
        closing=None if row["closed_at"] is None else _closing(row),
    )


def _closing(row: Row) -> Closing:
    return Closing(row["id"], row["state"], row["why"], row["watch"])
