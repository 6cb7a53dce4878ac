"""What the store writes whole, as JSON: watches, actions, notices, announcements, alerts, buckets.

Every document carries its version, ``"v": 1``. A field that is added with a default needs no new version; anything else
raises `Document.version` and adds the way from the old one to ``upgrades``. JSON knows neither NaN nor infinity: they are
written as words ("-Infinity") and read back as the same floats. What the judges remember is text of theirs, opaque here.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from deploy.model import Announcement
from rules.sample import Bucket, Counts, Measure, State, Value
from watcher.core.alerts import Alert
from watcher.core.gate import Passage
from watcher.core.watch import Action, Notice, Watch
from watcher.errors import StoreTooNew, StoreUnavailable

T = TypeVar("T")
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
_NUMBERS_AS_WORDS = ConfigDict(ser_json_inf_nan="strings")


@dataclass(frozen=True, slots=True)
class Document(Generic[T]):
    """How values of one type are written down and read back.

    Attributes:
        name: For people: what the document is of.
        adapter: Of a tuple that holds the value alone: pydantic takes a configuration for a dataclass only from around it.
        version: What is written now.
        upgrades: From the version to the next one, over the plain data. What has no ``v`` is version 0.
    """

    name: str
    adapter: TypeAdapter[tuple[T]]
    version: int = 1
    upgrades: Mapping[int, Upgrade] = field(default_factory=dict)

    def encode(self, value: T) -> str:
        """The document of *value*."""
        inside = self.adapter.dump_json((value,))[2:-1]  # what follows "[{", without "]"
        separator = "" if inside == b"}" else ","
        return f'{{"v":{self.version}{separator}{inside.decode()}'

    def decode(self, text: str) -> T:
        """The value that was written as *text*, by this version or an older one.

        Raises:
            StoreTooNew: A newer version wrote it.
            StoreUnavailable: It is damaged.
        """
        current = text.startswith((f'{{"v":{self.version},', f'{{"v":{self.version}}}'))
        try:
            if current:
                return self.adapter.validate_json(f"[{text}]")[0]
            return self.adapter.validate_python((self._upgraded(json.loads(text)),))[0]
        except ValueError as error:
            raise _damaged(self.name, error) from error

    def _upgraded(self, data: dict[str, Any]) -> dict[str, Any]:
        version = data.pop("v", 0)
        if version > self.version:
            raise StoreTooNew(
                f"a {self.name} was written as version {version}, and this program knows up to {self.version}",
                remedy="run the version of rollbackd that wrote it, or a newer one",
            )
        for each in range(version, self.version):
            data = self.upgrades[each](data)
        return data


def _damaged(name: str, error: ValueError) -> StoreUnavailable:
    words = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return StoreUnavailable(
        f"a {name} in the store cannot be read: {words}",
        remedy="put back a backup of the store, or run the version of rollbackd that wrote it",
    )


def _unchanged(data: dict[str, Any]) -> dict[str, Any]:
    """Version 0 had no ``v``, and was otherwise version 1."""
    return data


_UPGRADES: Mapping[int, Upgrade] = {0: _unchanged}

WATCH = Document("watch", TypeAdapter(tuple[Watch], config=_NUMBERS_AS_WORDS), upgrades=_UPGRADES)
ACTION = Document("action", TypeAdapter(tuple[Action], config=_NUMBERS_AS_WORDS), upgrades=_UPGRADES)
NOTICE = Document("notice", TypeAdapter(tuple[Notice], config=_NUMBERS_AS_WORDS), upgrades=_UPGRADES)
ANNOUNCEMENT = Document(
    "announcement", TypeAdapter(tuple[Announcement], config=_NUMBERS_AS_WORDS), upgrades=_UPGRADES
)
PASSAGE = Document("passage", TypeAdapter(tuple[Passage], config=_NUMBERS_AS_WORDS))
ALERT = Document("alert", TypeAdapter(tuple[Alert], config=_NUMBERS_AS_WORDS))


# Buckets are many and small: a list each, without names. A measure begins with what it is, because a `Measure` has no kind.

_BUCKETS_VERSION = 1
_PLAIN: TypeAdapter[list[Any]] = TypeAdapter(list[Any], config=_NUMBERS_AS_WORDS)


def encode_buckets(buckets: Sequence[Bucket]) -> str:
    """The buckets of one series as a document."""
    rows = [_bucket_row(bucket) for bucket in buckets]
    return f'{{"v":{_BUCKETS_VERSION},"buckets":{_PLAIN.dump_json(rows).decode()}}}'


def decode_buckets(text: str) -> tuple[Bucket, ...]:
    """The buckets that were written as *text*, bit for bit.

    Raises:
        StoreTooNew: A newer version wrote it.
    """
    data = json.loads(text)
    if data["v"] > _BUCKETS_VERSION:
        raise StoreTooNew(
            f"buckets were written as version {data['v']}, and this program knows up to {_BUCKETS_VERSION}",
            remedy="run the version of rollbackd that wrote them, or a newer one",
        )
    return tuple(_BUCKET.validate_python(_bucket_fields(row)) for row in data["buckets"])


_BUCKET: TypeAdapter[Bucket] = TypeAdapter(Bucket)


def _bucket_row(bucket: Bucket) -> list[Any]:
    return [
        bucket.start,
        bucket.end,
        _measure_row(bucket.canary),
        _measure_row(bucket.baseline),
        bucket.share,
        int(bucket.incomplete),
        int(bucket.approximate),
    ]


def _measure_row(measure: Measure | None) -> list[Any] | None:
    match measure:
        case None:
            return None
        case Counts(bad, total):
            return ["counts", bad, total]
        case Value(x):
            return ["value", x]
        case State(name, since, bad, of, before):
            return ["state", name, since, bad, of, before]


def _bucket_fields(row: list[Any]) -> dict[str, Any]:
    start, end, canary, baseline, share, incomplete, approximate = row
    return {
        "start": start,
        "end": end,
        "canary": _measure(canary),
        "baseline": _measure(baseline),
        "share": share,
        "incomplete": bool(incomplete),
        "approximate": bool(approximate),
    }


_COUNTS: TypeAdapter[Counts] = TypeAdapter(Counts)
_VALUE: TypeAdapter[Value] = TypeAdapter(Value)
_STATE: TypeAdapter[State] = TypeAdapter(State)


def _measure(row: list[Any] | None) -> Measure | None:
    match row:
        case None:
            return None
        case ["counts", bad, total]:
            return _COUNTS.validate_python({"bad": bad, "total": total})
        case ["value", x]:
            return _VALUE.validate_python({"x": x})
        case ["state", name, since, *rest]:
            return _STATE.validate_python(
                {"name": name, "since": since, **dict(zip(("bad", "of", "before"), rest, strict=False))}
            )
        case _:
            raise _damaged("bucket", ValueError(f"no such measure: {row[0]}"))
