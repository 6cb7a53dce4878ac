"""What was measured, and why there is none.

A provider answers each indicator with a `Reading`: series of buckets, or the reason that there are none. The five
answers (counts, zero traffic, no data, unavailable, invalid) stay distinct to the screen: zero traffic is a `Counts`
whose total is 0, the other absences are classes of their own. There are no ratios here and no tags: a ratio is
computed once, from sums, by whoever judges; which tag is behind an arm is known to the watcher alone.

All times are aware UTC. All durations are `timedelta`. Counts are floats, because some vendors extrapolate.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Counts:
    """*bad* of *total* in one bucket; for a latency, *bad* are those slower than the bound of the series."""

    bad: float
    total: float


@dataclass(frozen=True, slots=True)
class Value:
    """A gauge: one number, in the unit that the query's author chose."""

    x: float


@dataclass(frozen=True, slots=True)
class State:
    """What an alarm, a monitor or a budget says of itself, in the vendor's word.

    Attributes:
        since: When it came into this state; ``None`` where the vendor does not tell.
        bad: The query counts this state as bad.
        of: Which of several it is of, by name; empty where there is one.
        before: It has been in this state since before the new release took traffic. ``rules.assemble`` says so, and
            no provider does.
    """

    name: str
    since: datetime | None = None
    bad: bool = False
    of: str = ""
    before: bool = False


Measure = Counts | Value | State


@dataclass(frozen=True, slots=True)
class Bucket:
    """One span of an indicator, ``[start, end)``, for each arm that reported.

    Attributes:
        canary: The release under watch. ``None`` means that nothing was reported, which is not zero.
        baseline: What serves beside it, where anything does.
        share: The canary's share of the traffic (0..1), where the target tells it.
        incomplete: The vendor says that more is to come; shown, never judged.
        approximate: The vendor extrapolated or sampled.
    """

    start: datetime
    end: datetime
    canary: Measure | None = None
    baseline: Measure | None = None
    share: float | None = None
    incomplete: bool = False
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """The buckets of one indicator, oldest first.

    Attributes:
        bound: For a latency, the bound in seconds that *bad* counts are slower than; ``None`` elsewhere.
        cumulative: The measures are readings of counters that may restart from 0, not increments.
    """

    indicator: str
    buckets: tuple[Bucket, ...]
    bound: float | None = None
    cumulative: bool = False


class Who(StrEnum):
    """Who must act before a reading can be had."""

    OPERATOR = "operator"  # the daemon's credentials, network or configuration
    AUTHOR = "author"  # of the rule file: the query is wrong
    PROVIDER = "provider"  # the signal system itself
    SERVICE = "service"  # the service that is measured does not answer as it should


@dataclass(frozen=True, slots=True)
class NoData:
    """The provider answered, and has nothing for this indicator (or nothing final yet)."""

    words: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The provider could not be asked: down, throttled, refused, too slow. *remedy*: where whoever asked knows one."""

    who: Who
    words: str
    retry_at: datetime | None = None
    remedy: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Invalid:
    """The provider answered something that cannot be counts: the query, its unit or the answer is wrong. *remedy*: as above."""

    who: Who
    words: str
    remedy: str = field(default="", compare=False)


Reading = tuple[Series, ...] | NoData | Unavailable | Invalid
