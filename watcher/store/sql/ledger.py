"""The ledger: which releases there were, when each served, how their watches ended, what was laid on them and by whom.

Grades are not here: ``deploy.tags`` computes them from what is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal

from deploy.model import UNREAD, Recalled, Release
from deploy.tags import Ending, Entry, Ledger, Mark, Span
from watcher.core.watch import Quarantine, Serves
from watcher.store.sql.audit import audited
from watcher.store.sql.guards import gate
from watcher.store.sql.operation import Operation, Row, moment, seconds

# A release, seen first or again. Its newest tag counts; a floor stays one, also where it is later seen without the word.
SEEN = """
INSERT INTO releases (service, environment, part, fingerprint, tag, reversible, first_seen, last_seen)
VALUES (:service, :environment, :part, :fingerprint, :tag, :reversible, :now, :now)
ON CONFLICT (service, environment, part, fingerprint) DO UPDATE SET
    tag = :tag, last_seen = :now,
    reversible = CASE WHEN releases.reversible = 0 THEN 0 ELSE :reversible END
RETURNING seq
"""

# One name of a release in one system; all that it ever had are kept, the newest counts.
NAMED = """
INSERT INTO names (release, system, name, seen_at) VALUES (:release, :system, :name, :now)
ON CONFLICT (release, system, name) DO UPDATE SET seen_at = :now
"""

# The release that serves a part.
OPEN_SPAN = """
SELECT fingerprint, start_at FROM spans
WHERE service = :service AND environment = :environment AND part = :part AND end_at IS NULL
"""

# It serves no more.
CLOSE_SPAN = """
UPDATE spans SET end_at = :at WHERE service = :service AND environment = :environment AND part = :part AND end_at IS NULL
"""

# From now on this one serves.
BEGIN_SPAN = """
INSERT INTO spans (service, environment, part, fingerprint, start_at, adopted)
VALUES (:service, :environment, :part, :fingerprint, :at, :adopted)
"""

# A mark, unless it is on the release already.
LAY = """
INSERT INTO marks (service, environment, part, fingerprint, mark, at, actor, why)
VALUES (:service, :environment, :part, :fingerprint, :mark, :now, :by, :why)
ON CONFLICT DO NOTHING RETURNING seq
"""

# A mark is taken off; that it was there is kept.
LIFT = """
UPDATE marks SET lifted_at = :now
WHERE service = :service AND environment = :environment AND part = :part AND fingerprint = :fingerprint
    AND mark = :mark AND lifted_at IS NULL RETURNING seq
"""

# Whether anybody has seen a release.
KNOWN = """
SELECT seq FROM releases
WHERE service = :service AND environment = :environment AND part = :part AND fingerprint = :fingerprint
"""

# Whether anything is known of a part.
ANY = "SELECT seq FROM releases WHERE service = :service AND environment = :environment AND part = :part LIMIT 1"

# The releases of a part that were seen last, and all that a mark is on, however long ago; oldest first. One row a name, so
# that the newest of each system comes last.
RELEASES = """
SELECT r.seq, r.fingerprint, r.tag, r.reversible, r.first_seen, n.system, n.name
FROM releases r LEFT JOIN names n ON n.release = r.seq
WHERE r.seq IN (
    SELECT seq FROM releases WHERE service = :service AND environment = :environment AND part = :part
    ORDER BY last_seen DESC, seq DESC LIMIT :many
) OR r.seq IN (
    SELECT l.seq FROM releases l JOIN marks m ON m.service = l.service AND m.environment = l.environment
        AND m.part = l.part AND m.fingerprint = l.fingerprint
    WHERE l.service = :service AND l.environment = :environment AND l.part = :part AND m.lifted_at IS NULL
) ORDER BY r.seq, n.seen_at, n.name
"""

# The marks that are on them.
MARKS = """
SELECT fingerprint, mark, at, actor, why FROM marks
WHERE service = :service AND environment = :environment AND part = :part AND lifted_at IS NULL
"""

# When each served: the newest spans.
SPANS = """
SELECT seq, fingerprint, start_at, end_at, adopted FROM spans
WHERE service = :service AND environment = :environment AND part = :part ORDER BY seq DESC LIMIT :many
"""

# How their watches ended: the newest endings.
ENDINGS = """
SELECT fingerprint, at, state, breached, by_person FROM endings
WHERE service = :service AND environment = :environment AND part = :part ORDER BY at DESC, watch DESC LIMIT :many
"""

LONGEST_TAG = 128  # `deploy.model.TAG`
IN_SIGHT = 200  # releases: months of a busy service, and far more than a rollback would ever cross

QUARANTINED, DISTRUSTED, ALLOWED, PROVEN = "quarantined", "distrusted", "allowed", "proven"
MACHINE = "rollbackd"

# By what a person says: the marks that it takes off, and the one that it lays. An allowance counts from the newest word.
LIFTED_BY: Mapping[Literal["allow", "distrust"], tuple[tuple[str, ...], str]] = {
    "allow": ((QUARANTINED, DISTRUSTED, ALLOWED), ALLOWED),
    "distrust": ((ALLOWED,), DISTRUSTED),
}


def seen(service: str, environment: str, part: str, release: Release, now: datetime) -> Operation[None]:
    """Remember a release and its names."""
    rows = yield (
        SEEN,
        _place(service, environment, part, release.fingerprint)
        | {"tag": release.tag, "reversible": int(release.reversible), "now": seconds(now)},
    )
    for system, name in release.names.items():
        yield NAMED, {"release": rows[0]["seq"], "system": system, "name": name, "now": seconds(now)}


def serves(service: str, environment: str, what: Serves, by: str, now: datetime) -> Operation[None]:
    """Close the span of what served before, and open that of *what*; nothing if it is open already."""
    yield from seen(service, environment, what.part, what.release, now)
    place = _place(service, environment, what.part, what.release.fingerprint)
    rows = yield OPEN_SPAN, place
    at = seconds(what.at)
    for row in rows:
        if row["fingerprint"] == what.release.fingerprint:
            return
        at = max(
            what.at.timestamp(), row["start_at"]
        )  # news may come in the wrong order; spans do not overlap
    yield CLOSE_SPAN, place | {"at": at}
    yield BEGIN_SPAN, place | {"at": at, "adopted": int(what.adopted)}
    yield _audited(now, by, "release.serves", place, tag=what.release.tag, adopted=what.adopted)


def adopt(
    service: str, environment: str, part: str, release: Release, now: datetime, *, adopted: bool
) -> Operation[None]:
    """A release was found live. *adopted*: by a daemon that has just arrived, which changes nothing where it knows what serves."""
    if adopted and (yield OPEN_SPAN, _place(service, environment, part, "")):
        yield from seen(service, environment, part, release, now)
    else:
        yield from serves(service, environment, Serves(part, release, now, adopted), "rollbackd", now)


def recall(service: str, environment: str, part: str, recalled: Recalled, now: datetime) -> Operation[bool]:
    """What the platform remembers of a part of which nothing is known; whether that is so. What serves now is adopted."""
    nowhere = _place(service, environment, part, "")
    if (yield ANY, nowhere):
        return False
    for number, (release, since) in enumerate(recalled.served, 1):
        yield from seen(service, environment, part, release, since)
        what = Serves(part, release, since, adopted=number == len(recalled.served))
        yield from serves(service, environment, what, MACHINE, now)
    for release in _unserved(recalled):
        yield from seen(service, environment, part, release, now)
    for fingerprint, at in recalled.proven.items():
        place = nowhere | {"fingerprint": fingerprint}
        yield from _lay(place, PROVEN, MACHINE, "says its mark on the platform", now, at)
    for fingerprint, (at, why) in recalled.quarantined.items():
        yield from _lay(nowhere | {"fingerprint": fingerprint}, QUARANTINED, MACHINE, why, now, at)
    many = len({release.fingerprint for release, _ in recalled.served})
    yield audited(now, MACHINE, "ledger.recalled", f"{service}/{environment}", part=part, releases=many)
    return True


def _unserved(recalled: Recalled) -> list[Release]:
    """Marked releases that never served alone. Of one by whose fingerprint alone it is known nobody knows the tag until it is seen."""
    known = {release.fingerprint for release, _ in recalled.served} | {
        release.fingerprint for release in recalled.others
    }
    unseen = [fingerprint for fingerprint in recalled.quarantined if fingerprint not in known]
    return [
        *recalled.others,
        *(Release(fingerprint, fingerprint.removeprefix(UNREAD)[:LONGEST_TAG]) for fingerprint in unseen),
    ]


def quarantine(service: str, environment: str, what: Quarantine, by: str, now: datetime) -> Operation[None]:
    """Lay a quarantine on a release, or lift it."""
    place = _place(service, environment, what.part, what.fingerprint)
    if what.lift:
        yield from _lift(place, QUARANTINED, by, what.why, now)
    else:
        yield from _lay(place, QUARANTINED, by, what.why, now)


def mark(
    place: tuple[str, str, str, str], word: Literal["allow", "distrust"], by: str, why: str, now: datetime
) -> Operation[bool]:
    """What a person says of the release at *place* (service, environment, part, fingerprint)."""
    where = _place(*place)
    yield from gate()
    if not (yield KNOWN, where):
        return False
    lifted, laid = LIFTED_BY[word]
    for each in lifted:
        yield LIFT, where | {"mark": each, "now": seconds(now)}
    yield from _lay(where, laid, by, why, now)
    return True


def read(service: str, environment: str, part: str) -> Operation[Ledger]:
    """What is remembered of a part: the releases seen last with their spans and endings, and all that are marked."""
    place = {"service": service, "environment": environment, "part": part, "many": IN_SIGHT}
    marks: dict[tuple[str, str], Mark] = {}
    for row in (yield MARKS, place):
        marks[row["fingerprint"], row["mark"]] = Mark(moment(row["at"]), row["actor"], row["why"])
    releases = yield RELEASES, place
    entries = [_entry(list(rows), marks) for _, rows in groupby(releases, key=lambda row: row["seq"])]
    spans = yield SPANS, place | {"many": 2 * IN_SIGHT}
    endings = yield ENDINGS, place | {"many": 2 * IN_SIGHT}
    return Ledger(
        service,
        environment,
        part,
        entries=tuple(entries),
        spans=tuple(_span(row) for row in reversed(spans)),
        endings=tuple(_ending(row) for row in reversed(endings)),
    )


def _lay(
    place: dict[str, object], what: str, by: str, why: str, now: datetime, at: datetime | None = None
) -> Operation[None]:
    """Lay a mark; *at*: if that was not now."""
    if (yield LAY, place | {"mark": what, "now": seconds(at or now), "by": by, "why": why}):
        yield _audited(now, by, f"release.{what}", place, why)


def _lift(place: dict[str, object], what: str, by: str, why: str, now: datetime) -> Operation[None]:
    if (yield LIFT, place | {"mark": what, "now": seconds(now)}):
        yield _audited(now, by, f"release.{what}_no_more", place, why)


def _place(service: str, environment: str, part: str, fingerprint: str) -> dict[str, object]:
    return {"service": service, "environment": environment, "part": part, "fingerprint": fingerprint}


def _audited(
    now: datetime, by: str, what: str, place: dict[str, object], why: str = "", **facts: object
) -> tuple[str, dict[str, object]]:
    where = {key: place[key] for key in ("service", "environment", "part")}
    statement, parameters = audited(now, by, what, str(place["fingerprint"]), why, **where, **facts)
    return statement, dict(parameters)


def _entry(rows: Sequence[Row], marks: dict[tuple[str, str], Mark]) -> Entry:
    """The entry of one release, of which there is a row for each name."""
    row, fingerprint = rows[0], rows[0]["fingerprint"]
    names = {each["system"]: each["name"] for each in rows if each["system"] is not None}
    return Entry(
        Release(fingerprint, row["tag"], names, reversible=bool(row["reversible"])),
        first_seen=moment(row["first_seen"]),
        quarantined=marks.get((fingerprint, QUARANTINED)),
        distrusted=marks.get((fingerprint, DISTRUSTED)),
        allowed=marks.get((fingerprint, ALLOWED)),
        proven=marks.get((fingerprint, PROVEN)),
    )


def _span(row: Row) -> Span:
    end = row["end_at"]
    return Span(
        row["fingerprint"],
        moment(row["start_at"]),
        None if end is None else moment(end),
        adopted=bool(row["adopted"]),
    )


def _ending(row: Row) -> Ending:
    return Ending(
        row["fingerprint"],
        moment(row["at"]),
        row["state"],
        breached=bool(row["breached"]),
        by_person=bool(row["by_person"]),
    )
