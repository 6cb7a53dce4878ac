"""Watches: read, shared out under leases, hurried. How they are written is in ``steps``."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from rules.sample import Bucket, Series
from watcher.core.watch import State, Watch
from watcher.store.documents import WATCH, decode_buckets
from watcher.store.sql.operation import Operation, from_another, seconds
from watcher.store.store import Leased

# One watch.
ONE = "SELECT document FROM watches WHERE id = :id"

# The watch of a service that lives.
LIVING = "SELECT document FROM watches WHERE service = :service AND environment = :environment AND final = 0"

# A page of watches, newest first: their ids sort by time. No states: all of them.
LIST = """
SELECT document FROM watches
WHERE id < :before AND (:states = '' OR :states LIKE '% ' || state || ' %')
    AND (CAST(:environment AS TEXT) IS NULL OR environment = :environment)
ORDER BY id DESC LIMIT :limit
"""

# The same, of one service: a statement of its own, so that its index is used.
LIST_OF_SERVICE = """
SELECT document FROM watches
WHERE service = :service AND id < :before AND (:states = '' OR :states LIKE '% ' || state || ' %')
    AND (CAST(:environment AS TEXT) IS NULL OR environment = :environment)
ORDER BY id DESC LIMIT :limit
"""

# Those that live.
ALL_LIVING = "SELECT document FROM watches WHERE final = 0"

# All settled buckets of a watch, as they were saved.
BUCKETS = """
SELECT revision, indicator, bound, cumulative, document FROM buckets WHERE watch = :watch ORDER BY seq
"""

# Due watches that nobody holds, under a higher fence. That somebody wanted it sooner is answered by taking it. One that rests
# is left to its last owner for a while. *before* is whose it was: PostgreSQL answers a subquery as things were when the
# statement began; SQLite as they are now, and there nobody else is.
CLAIM = """
WITH free AS MATERIALIZED (
    SELECT id FROM watches
    WHERE final = 0 AND lease_until <= :clock AND (due_at <= :now OR hurried_at <= :now)
        AND (owner IS NULL OR owner = :owner OR due_at <= :others OR hurried_at <= :others)
    ORDER BY due_at, id LIMIT :limit /* postgresql: FOR UPDATE SKIP LOCKED */
)
UPDATE watches SET owner = :owner, fence = fence + 1, lease_until = :clock + :lease, hurried_at = NULL
WHERE id IN (SELECT id FROM free)
RETURNING fence, (SELECT b.owner FROM watches b WHERE b.id = watches.id) AS before, document
"""

# Leases that still run, prolonged: one statement, whether they are two or a thousand, because it has to be back in time.
RENEW = """
UPDATE watches SET lease_until = :clock + :lease FROM json_each(:held) AS held
WHERE watches.id = held.key AND watches.fence = CAST(held.value AS INTEGER)
    AND watches.owner = :owner AND watches.lease_until > :clock RETURNING watches.id
"""

# Leases given back.
LET_GO = """
UPDATE watches SET owner = NULL, lease_until = 0 FROM json_each(:held) AS held
WHERE watches.id = held.key AND watches.fence = CAST(held.value AS INTEGER) AND watches.owner = :owner
"""

# Leases given back between two rounds. Whose they were stands there, so that they are left to them.
REST = """
UPDATE watches SET lease_until = 0 FROM json_each(:held) AS held
WHERE watches.id = held.key AND watches.fence = CAST(held.value AS INTEGER) AND watches.owner = :owner
"""

# How many live watches each has that has any.
HOLDINGS = "SELECT owner, COUNT(*) AS many FROM watches WHERE final = 0 AND owner IS NOT NULL GROUP BY owner"

# Some of those that rest with another rest with us from now on. A round that is under way is not disturbed.
MOVE_OVER = """
WITH free AS MATERIALIZED (
    SELECT id FROM watches WHERE final = 0 AND owner = :other AND lease_until <= :clock
    ORDER BY id LIMIT :many /* postgresql: FOR UPDATE SKIP LOCKED */
)
UPDATE watches SET owner = :owner WHERE id IN (SELECT id FROM free) RETURNING id
"""

# All of one who leaves.
LEAVE = "UPDATE watches SET owner = NULL, lease_until = 0 WHERE owner = :owner AND final = 0"

# Nobody else lives who could hold a lease: what an earlier process held is free.
FREE_WATCHES = "UPDATE watches SET owner = NULL, lease_until = 0 WHERE owner IS NOT NULL AND final = 0"
FREE_ACTIONS = "UPDATE actions SET owner = NULL, lease_until = 0 WHERE lease_until > 0"
FREE_MESSAGES = "UPDATE messages SET owner = NULL, lease_until = 0 WHERE lease_until > 0"

# An announcement that it was resolving need not wait for its next try.
FREE_INBOX = "UPDATE inbox SET due_at = received_at WHERE closed_at IS NULL"

# Due now, whatever the step that is under way says: it stands beside ``due_at``, so that a save does not undo it.
HURRY = "UPDATE watches SET hurried_at = :now WHERE id = :id AND final = 0"


def one(id: str) -> Operation[Watch | None]:
    """One watch, if it is known."""
    rows = yield ONE, {"id": id}
    return WATCH.decode(rows[0]["document"]) if rows else None


def living(service: str, environment: str) -> Operation[Watch | None]:
    """The watch of a service that is not final, if one lives."""
    rows = yield LIVING, {"service": service, "environment": environment}
    return WATCH.decode(rows[0]["document"]) if rows else None


def all_living() -> Operation[Sequence[Watch]]:
    """All watches that are not final."""
    rows = yield ALL_LIVING, {}
    return [WATCH.decode(row["document"]) for row in rows]


def page(
    service: str | None, environment: str | None, states: Sequence[State], after: str | None, limit: int
) -> Operation[Sequence[Watch]]:
    """A page of watches, newest first, after the one called *after*."""
    rows = yield (
        LIST if service is None else LIST_OF_SERVICE,
        {
            "service": service,
            "environment": environment,
            "states": f" {' '.join(state.value for state in states)} " if states else "",
            "before": "~" if after is None else after,  # "~" sorts behind every id
            "limit": limit,
        },
    )
    return [WATCH.decode(row["document"]) for row in rows]


def buckets(watch: str) -> Operation[Sequence[Series]]:
    """All settled buckets of a watch: one series an indicator and bound, in the order of their first bucket."""
    gathered: dict[tuple[str, float | None, bool], list[Bucket]] = {}
    for _, each in (yield from buckets_as_saved(watch)):
        gathered.setdefault((each.indicator, each.bound, each.cumulative), []).extend(each.buckets)
    return [
        Series(indicator, tuple(series), bound, cumulative)
        for (indicator, bound, cumulative), series in gathered.items()
    ]


def buckets_as_saved(watch: str) -> Operation[Sequence[tuple[int, Series]]]:
    """The same in the order of saving, each with the revision of its step."""
    rows = yield BUCKETS, {"watch": watch}
    return [
        (
            row["revision"],
            Series(row["indicator"], decode_buckets(row["document"]), row["bound"], bool(row["cumulative"])),
        )
        for row in rows
    ]


def claim_due(
    now: datetime, limit: int, owner: str, lease: timedelta, grace: timedelta
) -> Operation[Sequence[Leased]]:
    """Take due watches that nobody holds, those first that are due longest; what rests with others after *grace*."""
    rows = yield (
        CLAIM,
        {
            "now": seconds(now),
            "others": seconds(now - grace),
            "limit": limit,
            "owner": owner,
            "lease": lease.total_seconds(),
        },
    )
    leased = [
        Leased(WATCH.decode(row["document"]), row["fence"], from_another(row["before"], owner))
        for row in rows
    ]
    return sorted(leased, key=lambda each: (each.watch.due_at or now, each.watch.id))


def renew(held: Mapping[str, int], owner: str, lease: timedelta) -> Operation[frozenset[str]]:
    """Prolong leases; those that still ran."""
    rows = yield RENEW, {"held": json.dumps(held), "owner": owner, "lease": lease.total_seconds()}
    return frozenset(row["id"] for row in rows)


def let_go(held: Mapping[str, int], owner: str) -> Operation[None]:
    """Give leases back."""
    yield LET_GO, {"held": json.dumps(held), "owner": owner}


def rest(held: Mapping[str, int], owner: str) -> Operation[None]:
    """Give leases back, and stay the one to whom these watches are left."""
    yield REST, {"held": json.dumps(held), "owner": owner}


def even_out(owner: str) -> Operation[int]:
    """Take over what rests with whoever has the most, as long as *owner* has less than its share; how many watches.

    Two that do so in the same moment may take too much; the next time they give it back.
    """
    held = {row["owner"]: int(row["many"]) for row in (yield HOLDINGS, {})}
    mine = held.pop(owner, 0)
    if not held:
        return 0
    other = max(sorted(held), key=lambda each: held[each])
    share = (sum(held.values()) + mine) // (len(held) + 1)
    many = min(share - mine, held[other] - share)
    if many <= 0:
        return 0
    return len((yield MOVE_OVER, {"owner": owner, "other": other, "many": many}))


def leave(owner: str) -> Operation[None]:
    """Give back whatever is held, and whatever is left to *owner*."""
    yield LEAVE, {"owner": owner}


def hurry(watch: str, now: datetime) -> Operation[None]:
    """Make a watch due now."""
    yield HURRY, {"id": watch, "now": seconds(now)}


def free_leases() -> Operation[None]:
    """Give back all leases, and all announcements. Only for a store that one process has to itself, before it begins."""
    for statement in (FREE_WATCHES, FREE_ACTIONS, FREE_MESSAGES, FREE_INBOX):
        yield statement, {}
