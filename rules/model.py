"""What a rule file says, once it is read: indicators, judges, rules. Plain values; no YAML, no positions.

Reading and checking the text is ``rules.rulefile``; `FITS` is at once its lint, the documentation and its message.
A rule keeps its provider's query as canonical JSON text: ``rules`` does not know providers, the watcher reads it.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Literal


class Kind(StrEnum):
    """What is measured."""

    RATIO = "ratio"
    EVENTS = "events"
    LATENCY = "latency"
    REQUESTS = "requests"
    VALUE = "value"
    STATE = "state"
    PROBE = "probe"


class Consequence(StrEnum):
    """What a breach leads to. The mode can only soften it."""

    ROLLBACK = "rollback"
    ASK = "ask"
    DOUBT = "doubt"
    TELL = "tell"


class WhenBlind(StrEnum):
    """What a blind rule leads to."""

    WAIT = "wait"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class CanaryVsBaseline:
    """Fine while p_canary <= ratio * p_baseline + plus (shares, 0..1)."""

    ratio: float = 1.5
    plus: float = 0.0005
    kind: Literal["canary_vs_baseline"] = "canary_vs_baseline"


@dataclass(frozen=True, slots=True)
class Slo:
    """Fine while bad / total <= burn_rate * (1 - objective); the objective is a share (0.999)."""

    objective: float
    burn_rate: float = 1.0
    kind: Literal["slo"] = "slo"


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """Fine while the rate <= ratio * history at this time of day + plus."""

    history: timedelta = timedelta(days=7)
    ratio: float = 1.5
    plus: float = 0.0005
    kind: Literal["before_after"] = "before_after"


@dataclass(frozen=True, slots=True)
class TrafficDrop:
    """Fine while the canary's share of the requests >= (1 - drop) * its weight."""

    drop: float = 0.5
    kind: Literal["traffic_drop"] = "traffic_drop"


@dataclass(frozen=True, slots=True)
class Threshold:
    """Breached when *bad* of the last *of* data points are beyond the limit.

    For ratio and probe *above* is a share (0..1); without a limit, a probe's data point is bad when any probe in it failed.
    """

    above: float | None = None
    below: float | None = None
    bad: int = 3
    of: int = 5
    kind: Literal["threshold"] = "threshold"


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """One pair of windows of a multi-window, multi-burn-rate alert."""

    long: timedelta
    short: timedelta
    burn: float


@dataclass(frozen=True, slots=True)
class BurnRate:
    """As in the SRE Workbook, chapter 5: no promise for a deployment."""

    objective: float
    windows: tuple[BurnWindow, ...]
    kind: Literal["burn_rate"] = "burn_rate"


@dataclass(frozen=True, slots=True)
class PercentileRank:
    """One percentile a bucket, ranked among the buckets of the history: no promise."""

    history: timedelta = timedelta(days=1)
    kind: Literal["percentile_rank"] = "percentile_rank"


@dataclass(frozen=True, slots=True)
class InState:
    """Breached when a bad state has lasted this long, and was not bad before the deployment."""

    lasting: timedelta = timedelta(minutes=1)  # written `for:`
    kind: Literal["state"] = "state"


Judge = CanaryVsBaseline | Slo | BeforeAfter | TrafficDrop | Threshold | BurnRate | PercentileRank | InState

FITS: dict[str, frozenset[Kind]] = {
    "canary_vs_baseline": frozenset({Kind.RATIO, Kind.EVENTS, Kind.LATENCY, Kind.PROBE}),
    "slo": frozenset({Kind.RATIO, Kind.LATENCY, Kind.PROBE}),
    "before_after": frozenset({Kind.RATIO, Kind.EVENTS, Kind.LATENCY}),
    "traffic_drop": frozenset({Kind.REQUESTS}),
    "threshold": frozenset({Kind.VALUE, Kind.RATIO, Kind.PROBE}),
    "burn_rate": frozenset({Kind.RATIO, Kind.LATENCY, Kind.PROBE}),
    "percentile_rank": frozenset({Kind.VALUE}),
    "state": frozenset({Kind.STATE}),
}
COMPARES = frozenset({"canary_vs_baseline", "traffic_drop"})  # judges that need two arms
PROMISES = frozenset(
    {"canary_vs_baseline", "slo", "before_after", "traffic_drop"}
)  # judges with a false-rollback probability


@dataclass(frozen=True, slots=True)
class Statistics:
    """The statistics' own knobs, all optional.

    Attributes:
        correlation: ``auto`` (from history), ``independent``, ``robust``, or the largest number of errors that one cause makes in a bucket.
        unit: What is counted; ``users`` where a router is sticky, ``tasks`` for lives of tasks.
        warmup: Buckets that begin within this time after the traffic came are not judged.
    """

    correlation: Literal["auto", "independent", "robust"] | float = "auto"
    unit: Literal["requests", "users", "tasks"] = "requests"
    routing: Literal["random", "sticky"] = "random"
    min_buckets: int = 2
    warmup: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Indicator:
    """What is measured, and where it is read.

    Attributes:
        provider: The kind of provider (``scrape``, ``http``, ``cloudwatch``, ...).
        connection: Which connection of that kind, where a configuration has several.
        query: The provider's own query, as canonical JSON (sorted keys, no blanks).
        compares_arms: The query names an arm (``${arm.x}``), so both are read.
        bounds: For a latency, its bounds in seconds.
    """

    id: str
    kind: Kind
    provider: str
    query: str
    connection: str | None = None
    compares_arms: bool = False
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """Indicator + judge + consequence; or `all_of`: names of rules that speak only through this one."""

    id: str
    name: str
    on_breach: Consequence
    indicator: str | None = None
    judge: Judge | None = None
    all_of: tuple[str, ...] = ()
    weight: float = 1.0
    must_have_seen: float = 0.05
    when_blind: WhenBlind = WhenBlind.WAIT
    statistics: Statistics = field(default=Statistics())


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All that is promised of one service, from all its rule files."""

    indicators: tuple[Indicator, ...]
    rules: tuple[Rule, ...]

    def indicator(self, name: str) -> Indicator:
        """The indicator called *name*.

        Raises:
            KeyError: There is none; reading a rule file makes sure that there is.
        """
        for indicator in self.indicators:
            if indicator.id == name:
                return indicator
        raise KeyError(name)
