"""Messages: queued with a step, told until they arrived or are given up.

``show`` is one row a watch and channel: the newest notice wins, and stays due if it came while an older one was being
told. ``append`` is a row each, told at least once. In one channel the messages of a watch are told in their order as long
as nothing fails; after a failure nobody waits, because an alarm must not stand behind a picture that cannot be changed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from watcher.core.watch import Message
from watcher.store.documents import NOTICE
from watcher.store.sql.audit import audited
from watcher.store.sql.operation import Operation, Row, seconds
from watcher.store.store import Outgoing

# One message more.
APPEND = """
INSERT INTO messages (id, watch, kind, channel, queued_at, due_at, document)
VALUES (:id, :watch, 'append', :channel, :now, :now, :document)
"""

# What is shown now. Who is telling the older one keeps its lease, and what the channel answered is kept.
SHOW = """
INSERT INTO messages (id, watch, kind, channel, queued_at, due_at, document)
VALUES (:id, :watch, 'show', :channel, :now, :now, :document)
ON CONFLICT (watch, channel) WHERE kind = 'show' DO UPDATE SET
    id = :id, queued_at = :now, due_at = :now, done_at = NULL, attempts = 0, words = '', document = :document
"""

# Messages that are due and that nobody tells, under a higher fence; those wait that follow one which is tried first or told now.
CLAIM = """
WITH free AS MATERIALIZED (
    SELECT m.seq FROM messages m
    WHERE m.due_at <= :now AND m.lease_until <= :clock AND NOT EXISTS (
        SELECT 1 FROM messages e
        WHERE e.watch = m.watch AND e.channel = m.channel AND e.seq < m.seq AND e.due_at IS NOT NULL
            AND (e.attempts = 0 OR e.lease_until > :clock)
    )
    ORDER BY m.due_at, m.seq LIMIT :limit /* postgresql: FOR UPDATE OF m SKIP LOCKED */
)
UPDATE messages SET
    owner = :owner, fence = fence + 1, lease_until = :clock + :lease, attempts = attempts + 1, telling = id
WHERE seq IN (SELECT seq FROM free) RETURNING seq, id, watch, kind, channel, attempts, fence, document
"""

# What the channel answered to what is shown of a watch.
REF = "SELECT ref FROM messages WHERE watch = :watch AND channel = :channel AND kind = 'show'"

# One message by its id. What was shown, and is shown no longer, has none.
GET = "SELECT id, kind, channel, document FROM messages WHERE id = :id"

# What came of telling. A newer notice in the same row stays due, and is not the one that was told.
SENT = """
UPDATE messages SET
    ref = COALESCE(:ref, ref), owner = NULL, lease_until = 0, telling = NULL,
    due_at = CASE WHEN id = :id THEN :again_at ELSE due_at END,
    done_at = CASE WHEN id = :id THEN :done_at ELSE done_at END,
    words = CASE WHEN id = :id THEN :words ELSE words END
WHERE telling = :id AND fence = :fence RETURNING watch, channel
"""


def queue(watch: str | None, message: Message, now: datetime) -> Operation[None]:
    """Queue one message of a step; or of no watch, such as that of a switch."""
    yield (
        SHOW if message.kind == "show" else APPEND,
        {
            "id": message.id,
            "watch": watch,
            "channel": message.channel,
            "now": seconds(now),
            "document": NOTICE.encode(message.notice),
        },
    )


def claim(now: datetime, limit: int, owner: str, lease: timedelta) -> Operation[Sequence[Outgoing]]:
    """Take messages that are to be told, oldest first."""
    parameters = {"now": seconds(now), "limit": limit, "owner": owner, "lease": lease.total_seconds()}
    rows = yield CLAIM, parameters
    outgoing = []
    for row in sorted(rows, key=lambda row: int(row["seq"])):
        refs = yield REF, {"watch": row["watch"], "channel": row["channel"]}
        outgoing.append(_outgoing(row, refs[0]["ref"] if refs else None))
    return outgoing


def get(id: str) -> Operation[Message | None]:
    """The message called *id*; ``None`` where a newer one is shown in its place, or it was pruned."""
    rows = yield GET, {"id": id}
    return _message(rows[0]) if rows else None


def sent(
    message: str, fence: int, now: datetime, ref: str | None, again_at: datetime | None, words: str
) -> Operation[None]:
    """Say what came of telling a message. Words without *again_at* and *ref*: it is given up."""
    rows = yield (
        SENT,
        {
            "id": message,
            "fence": fence,
            "ref": ref,
            "again_at": seconds(again_at),
            "done_at": seconds(now) if again_at is None else None,
            "words": words,
        },
    )
    if rows and words and ref is None and again_at is None:
        channel = rows[0]["channel"]
        subject = rows[0]["watch"] or message
        yield audited(now, "rollbackd", "message.given_up", subject, words, message=message, channel=channel)


def _outgoing(row: Row, ref: str | None) -> Outgoing:
    return Outgoing(_message(row), attempts=row["attempts"], fence=row["fence"], ref=ref)


def _message(row: Row) -> Message:
    return Message(row["id"], row["kind"], row["channel"], NOTICE.decode(row["document"]))
