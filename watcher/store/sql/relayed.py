"""What sidecars tell: each sample once for its instance and bucket, and who was heard when."""

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from rules.sample import Who
from watcher.core.relayed import (
    GONE,
    KEPT,
    SILENT,
    Counted,
    Fault,
    Instance,
    NotTaken,
    Relayed,
    Sample,
    Summed,
    Taken,
    Telling,
    Trouble,
)
from watcher.store.sql.operation import Operation, Row, Rows, TakenBack, moment, seconds

# Who else speaks for an instance: another token, or another process that was heard a moment ago and has not left.
OTHERS = """
SELECT principal, run FROM instances
WHERE service = :service AND environment = :environment AND instance = :instance AND left_at IS NULL
    AND ((principal <> :principal AND heard_at > :gone) OR (run <> :run AND heard_at > :silent))
ORDER BY heard_at DESC LIMIT 1
"""

# How many instances of a service live.
LIVING = """
SELECT COUNT(*) AS many FROM instances
WHERE service = :service AND environment = :environment AND left_at IS NULL AND heard_at > :gone
"""

# One was heard.
HEARD = """
INSERT INTO instances (service, environment, instance, run, principal, first_at, heard_at, left_at, names, troubles)
VALUES (:service, :environment, :instance, :run, :principal, :now, :now, :left_at, :names, :troubles)
ON CONFLICT (service, environment, instance, run) DO UPDATE SET
    principal = :principal, heard_at = :now, left_at = :left_at, names = :names, troubles = :troubles
RETURNING seq, first_at
"""

# One sample more, unless that time was told of before: what is told again, and what overlaps, is not counted twice.
SAMPLE = """
INSERT INTO samples (service, environment, instance, indicator, bound, end_at, start_at, bad, total, teller)
SELECT :service, :environment, :instance, :indicator, :bound, :end_at, :start_at, :bad, :total, :teller
WHERE NOT EXISTS (
    SELECT 1 FROM samples s
    WHERE s.service = :service AND s.environment = :environment AND s.instance = :instance
        AND s.indicator = :indicator AND s.bound = :bound AND s.end_at > :start_at AND s.start_at < :end_at
)
ON CONFLICT (service, environment, instance, indicator, bound, end_at) DO NOTHING
RETURNING end_at
"""

# Who was heard lately.
INSTANCES = """
SELECT seq, instance, run, first_at, heard_at, left_at, names, troubles FROM instances
WHERE service = :service AND environment = :environment AND heard_at > :since ORDER BY instance, first_at
"""

# What the instances of each release told of one indicator together, bucket by bucket, and which of them did.
SUMS = """
SELECT s.end_at, i.names, s.bound, MAX(s.start_at) AS start_at, SUM(s.bad) AS bad, SUM(s.total) AS total,
    group_concat(s.teller) AS tellers
FROM samples s JOIN instances i ON i.seq = s.teller
WHERE s.service = :service AND s.environment = :environment AND s.indicator = :indicator
    AND s.end_at > :since AND s.end_at <= :until
GROUP BY s.end_at, i.names, s.bound ORDER BY s.end_at, i.names, s.bound
"""


def relay(telling: Telling, principal: str, now: datetime, most: int) -> Operation[Taken | NotTaken]:
    """Keep what a sidecar tells; what is known already changes nothing."""
    whose: dict[str, object] = {
        "service": telling.service,
        "environment": telling.environment,
        "instance": telling.instance,
        "run": telling.run,
    }
    before = {"gone": seconds(now - GONE), "silent": seconds(now - SILENT)}
    others = yield OTHERS, {**whose, **before, "principal": principal}
    if others:
        return _anothers(telling, others[0], principal)
    rows = yield (
        HEARD,
        {
            **whose,
            "principal": principal,
            "now": seconds(now),
            "left_at": seconds(now) if telling.leaves else None,
            "names": json.dumps(dict(telling.names), sort_keys=True),
            "troubles": _written(telling.troubles),
        },
    )
    if rows[0]["first_at"] == seconds(now):
        yield from _refuse_a_crowd(telling, most, now)
    whose["teller"], new = rows[0]["seq"], 0
    for sample in telling.samples:
        inserted = False
        for counted in sample.counts:
            rows = yield SAMPLE, {**whose, **_row_of(sample, counted)}
            inserted = inserted or bool(rows)
        new += inserted
    return Taken(new, len(telling.samples) - new)


def relayed(
    service: str,
    environment: str,
    indicators: Collection[str],
    since: datetime,
    until: datetime,
    now: datetime,
) -> Operation[Relayed]:
    """Samples of *indicators* that end after *since* and not after *until*, and who was heard since they are kept."""
    whose = {"service": service, "environment": environment}
    heard = yield INSTANCES, {**whose, "since": seconds(now - KEPT)}
    sums: list[Summed] = []
    for indicator in sorted(set(indicators)):
        span = {"indicator": indicator, "since": seconds(since), "until": seconds(until)}
        rows = yield SUMS, {**whose, **span}
        sums += _summed(indicator, rows)
    return Relayed(tuple(_instance(row) for row in heard), tuple(sums))


def _refuse_a_crowd(telling: Telling, most: int, now: datetime) -> Operation[None]:
    whose = {"service": telling.service, "environment": telling.environment}
    (living,) = yield LIVING, {**whose, "gone": seconds(now - GONE)}
    if living["many"] > most:
        words = f"{most} instances of {telling.service} in {telling.environment} are heard already"
        raise TakenBack(NotTaken(words, "name instances so that they keep their names, or split the service"))


def _written(troubles: Mapping[str, Trouble]) -> str:
    return json.dumps({name: [each.fault, each.who, each.words] for name, each in troubles.items()})


def _anothers(telling: Telling, other: Row, principal: str) -> NotTaken:
    if other["principal"] != principal:
        words = f"another token speaks for the instance {telling.instance}"
        return NotTaken(words, "give each instance a name of its own")
    words = f"another process speaks for the instance {telling.instance}, and was heard within 30 s"
    return NotTaken(words, "after a restart this passes; else give each instance a name of its own")


def _row_of(sample: Sample, counted: Counted) -> Mapping[str, object]:
    return {
        "indicator": sample.indicator,
        "start_at": seconds(sample.start),
        "end_at": seconds(sample.end),
        "bound": counted.bound or 0.0,
        "bad": float(counted.bad),
        "total": float(counted.total),
    }


def _summed(indicator: str, rows: Rows) -> Iterator[Summed]:
    """The bounds of one bucket and release together; all of them were told by the same instances."""
    for (end, names), bounds in groupby(rows, key=lambda row: (row["end_at"], row["names"])):
        counted = list(bounds)
        yield Summed(
            indicator,
            moment(max(row["start_at"] for row in counted)),
            moment(end),
            tuple(Counted(row["bad"], row["total"], row["bound"] or None) for row in counted),
            json.loads(names),
            frozenset(map(int, counted[0]["tellers"].split(","))),
        )


def _instance(row: Row) -> Instance:
    troubles: Mapping[str, Any] = json.loads(row["troubles"])
    return Instance(
        row["seq"],
        row["instance"],
        row["run"],
        moment(row["first_at"]),
        moment(row["heard_at"]),
        None if row["left_at"] is None else moment(row["left_at"]),
        json.loads(row["names"]),
        {name: Trouble(Fault(fault), words, Who(who)) for name, (fault, who, words) in troubles.items()},
    )
