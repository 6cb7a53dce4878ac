"""What the judges remember between two rounds, and how it is written down.

Values only: how they grow is in ``rules.assemble`` and ``rules.objectives``. Written down they are text that the store
does not look into: JSON around the bytes of the floats, which lose nothing and know −∞, which a fresh threshold has as
its evidence. What was decoded goes on bit for bit as if it had never been written. (``float.hex`` would do the same in ten times
the time, and every watch is read and written in every round.)

`Memory`, `Process` and `Tally` are tuples: they are made for each bucket and rule, and frozen dataclasses take four times as long.
"""

import json
import struct
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import exp, isnan, nan
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from rules.brief import Brief
from rules.errors import RulesError
from rules.verdict import Because

VERSION = 2  # rises where an older one could not go on with what is written; what it may as well forget comes last, and needs none
_LOGARITHMS = 1  # the version before: weights as logarithms, and the evidence their mean. A watch lives on through an upgrade
_MOST = 299.0  # nats; a weight that was larger is less than it was, which keeps the promise
SIZE = 13  # effects in the grid of `rules.objectives.eprocess`


class UnreadableEvidence(RulesError):
    """A brief or evidence that this version cannot read: cut short, or of a newer version."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(
            f"cannot read the {what}: {why}",
            remedy="run the version that wrote it, or let the watch begin anew",
        )


class Tally(NamedTuple):
    """What was counted so far: settled buckets, the canary's requests and bad ones, and those beside it."""

    buckets: int = 0
    requests: float = 0.0
    bad: float = 0.0
    beside_requests: float = 0.0
    beside_bad: float = 0.0
    clamped: int = 0  # buckets in which more was bad than there was


class Process(NamedTuple):
    """One e-process: a mixture over effects and onsets.

    Attributes:
        placed: For how many buckets the onset's weight is placed.
        weights: The weight on each effect; 0 until the first bucket.
        log_e: The natural logarithm of the evidence against "acceptable".
        information: What the evidence would have gained so far, had the effect worth seeing been there; in nats.
    """

    placed: int = 0
    weights: tuple[float, ...] = (0.0,) * SIZE
    log_e: float = 0.0
    information: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """Counts of both arms that wait for the smaller arm's first request, and since when."""

    since: datetime
    requests: float
    bad: float
    beside_requests: float
    beside_bad: float


@dataclass(frozen=True, slots=True)
class Alone:
    """Since when, until when, and through how many requests nothing served beside the canary."""

    since: datetime
    until: datetime
    requests: float


@dataclass(frozen=True, slots=True)
class Learned:
    """What the baseline shows of how errors come in clumps, where no history could.

    Attributes:
        merged: How many buckets make one block; doubles whenever the blocks are full.
        blocks: (requests, bad) of the baseline, oldest first; the last may be partial.
        partial: How many buckets are in the last block.
        phi: The estimate that is in force; ``None`` until there is one.
    """

    merged: int = 1
    blocks: tuple[tuple[float, float], ...] = ()
    partial: int = 0
    phi: float | None = None


@dataclass(frozen=True, slots=True)
class Stood:
    """How a state stood when it was last read.

    Attributes:
        name: In the vendor's word.
        of: Which of several it is of.
        since: When it came into this state, or was first read in it where the vendor does not tell.
        before: It is bad, and was before the release took traffic.
    """

    name: str
    of: str
    bad: bool
    since: datetime
    before: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """What came since *start* in one stretch of a window whose end moves on; the stretches of a window are as good as equal.

    Attributes:
        came: Buckets.
        failed: Buckets of them in which something was bad.
    """

    start: datetime
    total: float
    bad: float
    came: int
    failed: int


class Memory(NamedTuple):
    """What one judge remembers of one case.

    Attributes:
        origin: Start of the first bucket that was judged; onsets count from here.
        newest: End of the newest bucket that came whole.
        came: One bit a bucket that came, the newest first.
        guess: Requests and bad of the baseline, fading; they foretell its next bucket.
        points: For a threshold, one letter a data point, the newest last: ``x`` beyond the limit, ``.`` within.
        latest: For a threshold, the newest data point.
        stood: For a state, how it was last read.
        cells: For burn rates, what the long window of each pair holds, oldest first.
        ranked: For a rank, the values of the watch in the order in which they came.
        proof: For each effect, the logarithm of the evidence that the release is well; empty where that is not asked.
    """

    origin: datetime | None = None
    newest: datetime | None = None
    came: int = 0
    tally: Tally = Tally()
    process: Process = Process()
    guess: tuple[float, float] = (0.0, 0.0)
    waiting: Waiting | None = None
    alone: Alone | None = None
    learned: Learned | None = None
    points: str = ""
    latest: float | None = None
    stood: Stood | None = None
    cells: tuple[tuple[Cell, ...], ...] = ()
    ranked: tuple[float, ...] = ()
    proof: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the newest reading of an indicator holds no counts."""

    because: Because
    words: str


@dataclass(frozen=True, slots=True)
class Counter:
    """The last reading of a cumulative series, for one arm: the reference of the next increment."""

    bound: float | None
    arm: str
    at: datetime
    bad: float
    total: float


@dataclass(frozen=True, slots=True)
class Intake:
    """How far an indicator has been read.

    Attributes:
        watermark: End of the newest bucket that was taken in; nothing before it is ever looked at again.
        trouble: What kept the newest reading from holding counts; ``None`` when it held some.
    """

    watermark: datetime | None = None
    counters: tuple[Counter, ...] = ()
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one watch so far.

    Attributes:
        since: From when buckets count: when the new release was first known to take traffic.
        intakes: By indicator.
        memories: By the key of the case.
        breached: When each rule breached, by its id; a breach does not go away.
        blamed: The rules whose evidence made the group breach, the most to blame first.
    """

    since: datetime | None = None
    intakes: Mapping[str, Intake] = field(default_factory=dict)
    memories: Mapping[str, Memory] = field(default_factory=dict)
    breached: Mapping[str, datetime] = field(default_factory=dict)
    blamed: tuple[str, ...] = ()


# ------------------------------------------------------------------------------------------------ writing it down

_BRIEF: TypeAdapter[Brief] = TypeAdapter(Brief)


def encode_brief(brief: Brief) -> str:
    """The brief as JSON text; nothing is lost. A rule is written once, its cases name it."""
    fields = _BRIEF.dump_python(brief, mode="json")
    cases = {key: {**case, "rule": case["rule"]["id"]} for key, case in fields["cases"].items()}
    document = {"v": VERSION, "brief": {**fields, "cases": cases}}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def decode_brief(text: str) -> Brief:
    """The brief that `encode_brief` wrote.

    Raises:
        UnreadableEvidence: The text is cut short, or of another version.
    """
    document = _document("brief", text)
    try:
        fields = document["brief"]
        rules = {voice["rule"]["id"]: voice["rule"] for voice in fields["voices"]}
        cases = {key: {**case, "rule": rules[case["rule"]]} for key, case in fields["cases"].items()}
        return _BRIEF.validate_python({**fields, "cases": cases})
    except _DAMAGE as error:  # pydantic's is a ValueError
        raise UnreadableEvidence("brief", _first_line(error)) from error


def encode_evidence(evidence: Evidence) -> str:
    """The evidence as JSON text; nothing is lost, −∞ included."""
    document = {
        "v": VERSION,
        "since": _stamp(evidence.since),
        "intakes": {name: _intake(intake) for name, intake in evidence.intakes.items()},
        "memories": {key: _memory(memory) for key, memory in evidence.memories.items()},
        "breached": {rule: at.timestamp() for rule, at in evidence.breached.items()},
        "blamed": evidence.blamed,
    }
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def decode_evidence(text: str) -> Evidence:
    """The evidence that `encode_evidence` wrote.

    Raises:
        UnreadableEvidence: The text is cut short, or of another version.
    """
    document = _document("evidence", text)
    try:
        memories = {key: _read_memory(*fields) for key, fields in document["memories"].items()}
        return Evidence(
            since=_read_stamp(document["since"]),
            intakes={name: _read_intake(*fields) for name, fields in document["intakes"].items()},
            memories=memories if document["v"] == VERSION else _from_logarithms(memories),
            breached={rule: _moment(at) for rule, at in document["breached"].items()},
            blamed=tuple(document["blamed"]),
        )
    except _DAMAGE as error:
        raise UnreadableEvidence("evidence", _first_line(error)) from error


# What decoding meets when a text was cut short or tampered with.
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError, struct.error)


def _document(what: str, text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise UnreadableEvidence(what, _first_line(error)) from error
    if not isinstance(document, dict) or document.get("v") not in (VERSION, _LOGARITHMS):
        raise UnreadableEvidence(what, f"it is not of version {VERSION}")
    return document


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__} {error}".splitlines()[0]


# A float of seconds is exact: it holds the microseconds of any date before the year 2255.


def _stamp(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _read_stamp(seconds: float | None) -> datetime | None:
    return None if seconds is None else _moment(seconds)


def _intake(intake: Intake) -> list[Any]:
    counters = [[each.bound, each.arm, each.at.timestamp(), each.bad, each.total] for each in intake.counters]
    trouble = intake.trouble and [intake.trouble.because.value, intake.trouble.words]
    return [_stamp(intake.watermark), counters, trouble]


def _read_intake(
    watermark: float | None, counters: list[list[Any]], trouble: list[str] | None, *_newer: Any
) -> Intake:
    return Intake(
        watermark=_read_stamp(watermark),
        counters=tuple(
            Counter(bound, arm, _moment(at), bad, total) for bound, arm, at, bad, total in counters
        ),
        trouble=None if trouble is None else Trouble(Because(trouble[0]), trouble[1]),
    )


# A memory is one block of bytes: three whole numbers, then floats; NaN stands for what is not there.
_BLOCK = struct.Struct(f">3q{19 + SIZE}d")
_NO_WAITING = (nan,) * 5
_NO_ALONE = (nan,) * 3


def _memory(memory: Memory) -> list[Any]:
    tally, process, waiting, alone = memory.tally, memory.process, memory.waiting, memory.alone
    block = _BLOCK.pack(
        tally.buckets,
        tally.clamped,
        process.placed,
        *(_float(memory.origin), _float(memory.newest), nan if memory.latest is None else memory.latest),
        *(tally.requests, tally.bad, tally.beside_requests, tally.beside_bad),
        *(process.log_e, process.information, *memory.guess),
        *(_waiting(waiting) if waiting else _NO_WAITING),
        *(_alone(alone) if alone else _NO_ALONE),
        *process.weights,
    )
    fields: list[Any] = [b64encode(block).decode(), f"{memory.came:x}", memory.points]
    return [*fields, *_without_end(*_of_some_judges(memory))]


def _of_some_judges(memory: Memory) -> Iterator[Any]:
    """What most judges do not have.

    What is added comes last, and is nothing by default: older evidence lacks it, and an older version, which knows nothing of
    it, leaves it out of what it writes. So it has to be harmless to lose.
    """
    yield memory.learned and _learned(memory.learned)
    yield memory.stood and _stood(memory.stood)
    yield [_cells(each) for each in memory.cells] or None
    yield _floats(memory.ranked) if memory.ranked else None
    yield _floats(memory.proof) if memory.proof else None


def _without_end(*fields: Any) -> tuple[Any, ...]:
    """*fields* without what is nothing at their end."""
    return _without_end(*fields[:-1]) if fields and fields[-1] is None else fields


def _float(at: datetime | None) -> float:
    return nan if at is None else at.timestamp()


def _waiting(waiting: Waiting) -> tuple[float, ...]:
    counts = (waiting.requests, waiting.bad, waiting.beside_requests, waiting.beside_bad)
    return (waiting.since.timestamp(), *counts)


def _alone(alone: Alone) -> tuple[float, ...]:
    return alone.since.timestamp(), alone.until.timestamp(), alone.requests


def _stood(stood: Stood) -> list[Any]:
    return [stood.name, stood.of, stood.bad, stood.since.timestamp(), stood.before]


def _learned(learned: Learned) -> list[Any]:
    counts = [number for block in learned.blocks for number in block]
    return [learned.merged, learned.partial, learned.phi, _floats(counts)]


def _floats(numbers: Sequence[float]) -> str:
    return b64encode(struct.pack(f">{len(numbers)}d", *numbers)).decode()


_CELL = struct.Struct(">3d2q")


def _cells(cells: Sequence[Cell]) -> str:
    packed = [
        _CELL.pack(each.start.timestamp(), each.total, each.bad, each.came, each.failed) for each in cells
    ]
    return b64encode(b"".join(packed)).decode()


def _read_memory(
    block: str,
    came: str,
    points: str,
    learned: list[Any] | None = None,
    stood: list[Any] | None = None,
    cells: list[str] | None = None,
    ranked: str | None = None,
    proof: str | None = None,
    *_newer: Any,
) -> Memory:
    buckets, clamped, placed, *floats = _BLOCK.unpack(b64decode(block, validate=True))
    origin, newest, latest, requests, bad, beside_requests, beside_bad = floats[:7]
    log_e, information, guess_requests, guess_bad = floats[7:11]
    return Memory(
        origin=_time(origin),
        newest=_time(newest),
        came=int(came, 16),
        tally=Tally(buckets, requests, bad, beside_requests, beside_bad, clamped),
        process=Process(placed, tuple(floats[19:]), log_e, information),
        guess=(guess_requests, guess_bad),
        waiting=_read_waiting(floats[11:16]),
        alone=_read_alone(floats[16:19]),
        learned=None if learned is None else _read_learned(*learned),
        points=points,
        latest=None if isnan(latest) else latest,
        stood=None if stood is None else _read_stood(*stood),
        cells=tuple(_read_cells(each) for each in cells or ()),
        ranked=_read_floats(ranked or ""),
        proof=_read_floats(proof or ""),
    )


def _from_logarithms(memories: Mapping[str, Memory]) -> dict[str, Memory]:
    """The same evidence, with its weights as they are kept now."""
    return {
        key: memory._replace(process=memory.process._replace(weights=_weights(memory.process.weights)))
        for key, memory in memories.items()
    }


def _weights(logarithms: Sequence[float]) -> tuple[float, ...]:
    return tuple(exp(min(each, _MOST)) / SIZE for each in logarithms)


def _time(seconds: float) -> datetime | None:
    return None if isnan(seconds) else _moment(seconds)


def _read_waiting(floats: Sequence[float]) -> Waiting | None:
    since = _time(floats[0])
    return None if since is None else Waiting(since, *floats[1:])


def _read_alone(floats: Sequence[float]) -> Alone | None:
    return None if isnan(floats[0]) else Alone(_moment(floats[0]), _moment(floats[1]), floats[2])


def _read_stood(name: str, of: str, bad: bool, since: float, before: bool) -> Stood:  # noqa: FBT001  (as written)
    return Stood(name, of, bad, _moment(since), before)


def _read_learned(merged: int, partial: int, phi: float | None, block: str) -> Learned:
    counts = _read_floats(block)
    return Learned(merged, tuple(zip(counts[::2], counts[1::2], strict=True)), partial, phi)


def _read_floats(block: str) -> tuple[float, ...]:
    data = b64decode(block, validate=True)
    return struct.unpack(f">{len(data) // 8}d", data)


def _read_cells(block: str) -> tuple[Cell, ...]:
    read = _CELL.iter_unpack(b64decode(block, validate=True))
    return tuple(Cell(_moment(start), total, bad, came, failed) for start, total, bad, came, failed in read)
