"""As much of the query language as is needed to answer honestly: ``fields``, ``filter … in``, ``stats count(*) … by``, ``limit``.

Anything else is malformed, so that no test can rely on an answer that was put there for it.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html [D]
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.fakes.aws.trouble import AwsError

_NAME = r"[A-Za-z_@][A-Za-z0-9_.@]*"
_STRING = r'"(?:[^"\\]|\\.)*"'
_HAS = re.compile(rf"strcontains\(@message, ({_STRING})\) as ({_NAME})")
_IN = re.compile(rf"filter ({_NAME}) in \[((?:{_STRING}(?:, )?)+)\]")
_STATS = re.compile(rf"stats count\(\*\) as ({_NAME}) by bin\((\d+)([sm])\)((?:, {_NAME})*)")


@dataclass(frozen=True)
class Event:
    """One line. *found*: when it can be found."""

    at: datetime
    found: datetime
    group: str
    message: str


@dataclass(frozen=True)
class Asked:
    """A query, taken apart."""

    has: tuple[tuple[str, str], ...]
    among: tuple[tuple[str, frozenset[str]], ...]
    count: str
    bin: int
    written: str
    by: tuple[str, ...]
    limit: int


def asked(text: str) -> Asked:
    has: list[tuple[str, str]] = []
    among: list[tuple[str, frozenset[str]]] = []
    stats, limit = None, 10_000
    for stage in (each.strip() for each in text.split("\n| ")):
        if found := _IN.fullmatch(stage):
            among.append((found[1], frozenset(json.loads(each) for each in re.findall(_STRING, found[2]))))
        elif found := _STATS.fullmatch(stage):
            stats = found
        elif found := re.fullmatch(r"limit (\d+)", stage):
            limit = int(found[1])
        elif stage.startswith("fields ") and ", ".join(each[0] for each in _HAS.finditer(stage)) == stage[7:]:
            has += [(each[2], json.loads(each[1])) for each in _HAS.finditer(stage)]
        else:
            raise AwsError("MalformedQueryException", f"unexpected symbol found near {stage[:40]}")
    if stats is None:
        raise AwsError("MalformedQueryException", "a query of lines is not faked")
    many, unit = int(stats[2]), stats[3]
    if many > 60:
        raise AwsError("MalformedQueryException", "bin: at most 60 of seconds and of minutes")  # [D]
    return Asked(
        tuple(has),
        tuple(among),
        stats[1],
        many * (60 if unit == "m" else 1),
        f"bin({many}{unit})",
        tuple(each.strip() for each in stats[4].split(",") if each.strip()),
        limit,
    )


def answered(query: Asked, events: Sequence[Event], account: str) -> list[list[dict[str, str]]]:
    """Rows, in no order that means anything; what a line has not is left out of its row [U]."""
    rows: Counter[tuple[tuple[str, str], ...]] = Counter()
    for event in events:
        told = {**_discovered(event.message), "@log": f"{account}:{event.group}", "@message": event.message}
        told |= {name: str(int(text in event.message)) for name, text in query.has}
        if all(told.get(name) in values for name, values in query.among):
            at = datetime.fromtimestamp(event.at.timestamp() // query.bin * query.bin, UTC)
            key = [(query.written, f"{at:%Y-%m-%d %H:%M:%S}.000")]
            key += [(name, told[name]) for name in query.by if name in told]
            rows[tuple(key)] += 1
    found = [
        [{"field": name, "value": value} for name, value in (*key, (query.count, str(many)))]
        for key, many in rows.items()
    ]
    return found[::-1][: query.limit]


def _discovered(message: str) -> Mapping[str, str]:
    """[D] Fields of a line that is JSON; of another one there are none."""
    try:
        content = json.loads(message)
    except ValueError:
        return {}
    return {name: str(value) for name, value in content.items()} if isinstance(content, dict) else {}
