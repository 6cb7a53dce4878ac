"""What sidecars tell: counts of their own instance, bucket by bucket. Values alone; who sums them is ``watcher.signals.relay``.

A sidecar reads its own task and decides nothing. What it tells is kept by instance and bucket, each once, so that telling
again changes nothing, and N sidecars make one judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rules.sample import Invalid, NoData, Unavailable, Who

KEPT = timedelta(
    minutes=15
)  # how long samples are kept, and told again: what the central daemon may be away for
SILENT = timedelta(seconds=30)  # after which nobody waits for an instance, and another run may speak for it
GONE = timedelta(minutes=5)  # after which an instance that says nothing is not missed any more
SKEW = timedelta(seconds=5)  # by how much two clocks may differ: half of a usual bucket
MOST_INSTANCES = 1000  # of one service, that live
MOST_SAMPLES = 200  # in one telling
MOST_NAMES = 16
MOST_BOUNDS = 16  # of one latency
MOST_TROUBLES = 64  # in one telling


@dataclass(frozen=True, slots=True)
class Counted:
    """How many were bad of how many. *bound*: of a latency, in seconds; ``None`` elsewhere."""

    bad: float
    total: float
    bound: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """What one instance counted of one indicator in ``[start, end)``; *end* lies on the grid of the indicator."""

    indicator: str
    start: datetime
    end: datetime
    counts: tuple[Counted, ...]


class Fault(StrEnum):
    """What kind of answer a sidecar has instead of counts: the same as a provider's."""

    NO_DATA = "no_data"
    UNAVAILABLE = "unavailable"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a sidecar cannot read an indicator. *who* must act; nobody where there is only nothing yet."""

    fault: Fault
    words: str
    who: Who = Who.SERVICE

    @classmethod
    def of(cls, reading: NoData | Unavailable | Invalid) -> "Trouble":
        """What *reading* says."""
        match reading:
            case NoData(words):
                return cls(Fault.NO_DATA, words)
            case Unavailable(who, words):
                return cls(Fault.UNAVAILABLE, words, who)
            case _:
                return cls(Fault.INVALID, reading.words, reading.who)

    def reading(self, words: str) -> NoData | Unavailable | Invalid:
        """The same as a reading, in *words*."""
        match self.fault:
            case Fault.NO_DATA:
                return NoData(words)
            case Fault.UNAVAILABLE:
                return Unavailable(self.who, words)
            case _:
                return Invalid(self.who, words)


@dataclass(frozen=True, slots=True)
class Telling:
    """What one sidecar tells at once.

    Attributes:
        instance: Who it is; unique in its service.
        run: Of its process: another one of the same name is known by it.
        names: What its release is called, by system: ``{"version": "v43"}``.
        samples: In order.
        troubles: Why it cannot read an indicator just now, by the indicator.
        leaves: It ends in good order, and says nothing more.
    """

    service: str
    environment: str
    instance: str
    run: str
    names: Mapping[str, str]
    samples: Sequence[Sample] = ()
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """How many samples were new, and how many were *known*: told before, or over a time that was told of before."""

    new: int
    known: int


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Nothing of it was kept: somebody else speaks for the instance, or there are too many. *words* and *remedy* say more."""

    words: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One run of one sidecar, as far as it was heard.

    Attributes:
        number: By which `Summed` names it.
        first_at, heard_at: When it was heard first, and last.
        left_at: When it said that it ends; ``None``: it did not.
        names, troubles: As it said last, see `Telling`.
    """

    number: int
    name: str
    run: str
    first_at: datetime
    heard_at: datetime
    left_at: datetime | None
    names: Mapping[str, str]
    troubles: Mapping[str, Trouble] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summed:
    """One bucket of an indicator, as the instances of one release counted it together.

    Attributes:
        start: Where the sample begins that begins last.
        counts: For each bound.
        names: What the release is called, by system.
        tellers: Numbers of the instances that told.
    """

    indicator: str
    start: datetime
    end: datetime
    counts: tuple[Counted, ...]
    names: Mapping[str, str]
    tellers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Relayed:
    """What the sidecars of one service told of some time: who was heard lately, and the sums, in order of their ends."""

    instances: tuple[Instance, ...] = ()
    sums: tuple[Summed, ...] = ()
