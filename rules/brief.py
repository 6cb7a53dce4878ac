"""What is fixed when a watch opens: the setting, one `Case` a judge and series, and the `Brief` of them all.

Nothing here changes while the watch lives; what does is in ``rules.evidence``. A brief is made by
``rules.preparing`` and written down by ``rules.evidence.encode_brief``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rules.model import Kind, Rule
from rules.verdict import Because

Spell = tuple[datetime, datetime | None]  # from, until; None: it still lasts


@dataclass(frozen=True, slots=True)
class Margin:
    """What a comparison lets the canary be worse by: acceptable is canary <= ratio * baseline + plus."""

    ratio: float = 1.0
    plus: float = 0.0

    def allows(self, baseline: float) -> float:
        """The worst acceptable share or rate beside *baseline*."""
        return self.ratio * baseline + self.plus


@dataclass(frozen=True, slots=True)
class PassEarly:
    """What has to be proven of a release, for its bake to end before its shortest time.

    Attributes:
        worse_than: The release is not so bad: relative to what serves beside it, or to an objective.
        miss_probability: A release that is so bad is proven well all the same with at most this probability (0..1).
    """

    worse_than: Margin
    miss_probability: float


@dataclass(frozen=True, slots=True)
class Setting:
    """The circumstances of one watch.

    Attributes:
        false_rollback_probability: Of one deployment, all its rules together (0..1).
        at_least: The bake's shortest time; also how far back "came" and "fresh" look.
        at_most: The bake's longest time; onsets are looked for within it.
        buckets: Length of a bucket, by indicator.
        settles: How long after its end a bucket is final, by indicator.
        early: What has to be proven for the bake to end early; ``None``: it never does.
        suspects: Spells of the past that say nothing of what is usual: what served in them is suspected itself.
        not_comparable: Why the two arms of an indicator cannot be told apart, in words, by indicator.
    """

    false_rollback_probability: float
    opened_at: datetime
    at_least: timedelta
    at_most: timedelta
    buckets: Mapping[str, timedelta]
    settles: Mapping[str, timedelta]
    not_comparable: Mapping[str, str] = field(default_factory=dict)
    suspects: tuple[Spell, ...] = ()
    early: PassEarly | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """How one indicator is sampled: its kind, the length of a bucket, and when a bucket is final."""

    indicator: str
    kind: Kind
    bucket: timedelta
    settle: timedelta


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a case cannot be judged at all: it is blind from the start, and says so."""

    because: Because
    words: str


@dataclass(frozen=True, slots=True)
class Case:
    """One rule over one series, as it stood when the watch opened.

    Attributes:
        key: The rule's id; where a latency has several bounds, with the bound (``slow@0.3``).
        bound: The bound of the series in seconds; ``None`` but for a latency.
        bounds: How many series of the rule share its level: those of all bounds; else 1.
        window: How many buckets back "came" looks.
        alpha: The level at which the rule, or the group that it is part of, breaches (0..1).
        weight: The rule's weight in the group (0..1); 0 outside of it.
        horizon: Within how many buckets an onset is looked for.
        cap: The most that one bucket adds to the logarithm of the evidence, so that one bucket never decides alone.
        phi: How many errors one cause is held to make in a bucket, as `rules.objectives.factors` means it; ``None``: any number (robust).
        learns: *phi* may be replaced by what the baseline shows during the watch.
        ceiling: For an absolute objective, the largest acceptable share of bad (0..1).
        margin: For a comparison.
        usual: The share of bad in the history (0..1); ``None`` without one.
        assumes: What the promise rests on, in words; empty if the history was looked at.
        tells_arms: Its indicator tells the releases apart; if not, it is of the service as a whole.
        ceilings: Against the past, the largest acceptable rate in each half hour of the day (UTC).
        usuals: The rate that was counted in the past in each of them.
        only_asks: Why its breach asks, though the rule says ``rollback``; empty if it does not.
        among: For a rank, values of the history, ascending.
    """

    key: str
    rule: Rule
    indicator: str
    kind: Kind
    bound: float | None
    bucket: timedelta
    settle: timedelta
    window: int
    alpha: float
    weight: float
    horizon: int
    cap: float
    phi: float | None = 1.0
    learns: bool = False
    ceiling: float | None = None
    margin: Margin = Margin()
    usual: float | None = None
    usual_total: float = 0.0
    assumes: str = ""
    tells_arms: bool = True
    refusal: Refusal | None = None
    ceilings: tuple[float, ...] = ()
    usuals: tuple[float, ...] = ()
    only_asks: str = ""
    bounds: int = 1
    among: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Voice:
    """How one rule is heard beside the others.

    Attributes:
        keys: Of its cases; empty for an ``all_of``.
        part_of: The ``all_of`` through which alone it speaks; ``None`` if it speaks itself.
        weight: In the group (0..1, summing to 1); 0 outside of it.
        alpha: The level of the group, or of the rule where it stands alone.
        promises: Its evidence keeps a false-rollback probability.
    """

    rule: Rule
    keys: tuple[str, ...]
    part_of: str | None
    weight: float
    alpha: float
    promises: bool


@dataclass(frozen=True, slots=True)
class Brief:
    """All that is fixed when a watch opens.

    Attributes:
        alpha: `Setting.false_rollback_probability`.
        voices: One a rule, in the order of the rule files.
        cases: By key, in the order of the rules and their bounds.
        beats: By indicator, those that a rule looks at.
        early: `Setting.early`.
    """

    alpha: float
    opened_at: datetime
    at_least: timedelta
    at_most: timedelta
    voices: tuple[Voice, ...]
    cases: Mapping[str, Case]
    beats: Mapping[str, Beat]
    early: PassEarly | None = None
