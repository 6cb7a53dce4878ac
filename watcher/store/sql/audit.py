"""The audit: append-only, written by the operations themselves in their own transaction."""

import json
from collections.abc import Sequence
from datetime import datetime

from watcher.store.sql.operation import Operation, Row, Statement, moment, seconds
from watcher.store.store import AuditRow

# One line more.
APPEND = """
INSERT INTO audit (at, actor, what, subject, why, facts) VALUES (:at, :by, :what, :subject, :why, :facts)
"""

# Lines in order, after one that is known; of one subject, where it is given.
READ = """
SELECT seq, at, actor, what, subject, why, facts FROM audit
WHERE seq > :after AND (CAST(:subject AS TEXT) IS NULL OR subject = :subject)
ORDER BY seq LIMIT :limit
"""


def audited(at: datetime, by: str, what: str, subject: str, why: str = "", **facts: object) -> Statement:
    """The statement that writes one line. Facts are JSON's own types."""
    return APPEND, {
        "at": seconds(at),
        "by": by,
        "what": what,
        "subject": subject,
        "why": why,
        "facts": json.dumps(facts, allow_nan=False),
    }


def read(after: int, subject: str | None, limit: int) -> Operation[Sequence[AuditRow]]:
    """Lines of the audit, oldest first."""
    rows = yield READ, {"after": after, "subject": subject, "limit": limit}
    return [_audit_row(row) for row in rows]


def _audit_row(row: Row) -> AuditRow:
    return AuditRow(
        seq=row["seq"],
        at=moment(row["at"]),
        by=row["actor"],
        what=row["what"],
        subject=row["subject"],
        why=row["why"],
        facts=json.loads(row["facts"]),
    )
