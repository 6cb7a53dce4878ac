"""What rules say: a `Verdict` each, and a `Judgement` of them all.

Nothing here decides what is *done*: mode, ceilings and people come later, in ``watcher.core``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rules.model import Consequence


class Outcome(StrEnum):
    """What a rule says now. The order is from best to worst: the worst of several is the latest in this list."""

    HEALTHY = "healthy"
    UNDECIDED = "undecided"
    BLIND = "blind"
    BREACHED = "breached"


class Because(StrEnum):
    """Why a verdict is what it is. A reason that people see comes with words.

    While replicas are upgraded one after the other, an older one reads what a newer one wrote: a reason that it does not know
    is `UNKNOWN` to it, and the words stay.
    """

    WITHIN = "within"  # healthy: judged, covered, fresh, and it would have seen
    NOT_SEEN_ENOUGH = "not_seen_enough"  # undecided: too little traffic to have seen an effect worth seeing
    NOT_STARTED = "not_started"  # undecided: no settled bucket yet
    BAD_BEFORE = "bad_before"  # undecided: a state that was bad before the release took traffic
    HOLES = "holes"  # blind: fewer than 80 % of the buckets came
    STALE = "stale"  # blind: the newest settled bucket is too old
    NO_DATA = "no_data"  # blind
    UNAVAILABLE = "unavailable"  # blind
    INVALID = "invalid"  # blind
    NOT_COMPARABLE = "not_comparable"  # blind: both arms have the same name, or there is no second arm
    SHORT_HISTORY = "short_history"  # blind: too little past to compare with
    BASELINE_GONE = "baseline_gone"  # spent: nothing serves beside the canary any more
    EVIDENCE = "evidence"  # breached: E >= 1 / alpha
    POINTS = "points"  # breached: M of N data points
    STATE = "state"  # breached: an alarm's state
    BURN = "burn"  # breached: the budget burns too fast, over a long and a short window
    RANK = "rank"  # breached: values rank too high among those of the history
    PART_OF = "part_of"  # speaks only through an `all_of`
    UNKNOWN = "unknown"  # of a version that is newer than this one

    @classmethod
    def _missing_(cls, value: object) -> "Because | None":
        return cls.UNKNOWN if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the interval that holds at every time at once (a confidence sequence), as a share (0..1) or in the query's unit."""

    value: float
    low: float | None = None
    high: float | None = None
    baseline: float | None = None


@dataclass(frozen=True, slots=True)
class Onset:
    """When it began: most probable moment, and the interval that holds 95 % of the posterior.

    Attributes:
        quartile: It began before this with a probability of a quarter; ``None``: as `low`.
        grain: What began with the switch may be seen to begin so much later: a bucket and what was not judged, or the
            time that an alarm takes.
    """

    at: datetime
    low: datetime
    high: datetime
    quartile: datetime | None = None
    grain: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was looked at so far: settled buckets, requests of the canary, and up to when."""

    buckets: int = 0
    requests: float = 0.0
    bad: float = 0.0
    until: datetime | None = None
    wanted: float | None = (
        None  # requests needed before `healthy` can be said; None where that is no question
    )


@dataclass(frozen=True, slots=True)
class Sight:
    """The smallest effect that can still be found in the watch that remains: bad share *level* within *within*."""

    level: float
    within: timedelta


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says at one time.

    Attributes:
        spent: A comparing rule whose baseline is gone: it may have breached before, it no longer blocks.
        log10_e: Evidence against "acceptable", as log10; ``None`` without a promise.
        threshold: The log10 that it must reach; ``None`` without a promise.
        share: The rule's part of the group's evidence (0..1), where it is part of the group.
        only_asks: Why its breach only asks, though the rule says ``rollback``.
        proven: It is shown not to be as bad as `rules.brief.PassEarly` says; never, where that is not asked.
        promise: What is promised of this verdict, in words ("a good release looks like this less than once in 1,000").
    """

    rule: str  # the rule's id
    name: str
    consequence: Consequence
    outcome: Outcome
    because: Because
    words: str
    seen: Seen = Seen()
    spent: bool = False
    log10_e: float | None = None
    threshold: float | None = None
    share: float | None = None
    estimate: Estimate | None = None
    onset: Onset | None = None
    can_see: Sight | None = None
    promise: str = ""
    asks_when_blind: bool = False
    only_asks: str = ""
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """All verdicts of one round.

    Attributes:
        outcome: Breached if the group or a single acting rule (rollback, ask) breached; else the worst of the rules that can act and are not spent.
        log10_e: Of the group: the weighted average of its members' E.
        breached_by: Ids of the rules whose breach counts, the most to blame first; those that only ask come last.
        asks: The breach comes only from rules whose consequence is `ask`.
        doubts: Names of the controls (`doubt`) that got worse too.
        controls: Names of the controls that are well: looked at, fresh, and not worse.
        compared: What breached was compared at the same time (both arms reported), so a late onset is still evidence.
            Where nothing breached: anything was. Here and below a rule that asks does not count beside one that rolls back.
        alike: What breached compares nothing, and a rule that compares the same indicator finds the releases alike: what
            serves beside this one fails too, and going back to it would not help.
        proven: Every rule that can act is healthy and proven to be well: the bake may end.
    """

    at: datetime
    outcome: Outcome
    verdicts: tuple[Verdict, ...]
    log10_e: float | None = None
    threshold: float | None = None
    breached_by: tuple[str, ...] = ()
    asks: bool = False
    doubts: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    compared: bool = False
    alike: bool = False
    proven: bool = False

    @property
    def resting_on(self) -> tuple[Verdict, ...]:
        """The verdicts that what follows from the breach rests on: of rules that roll back, where one of them breached; else of all.

        A rule that asks vouches for none that rolls back: neither for when it began, nor that it is this release's alone.
        """
        blamed = tuple(said for rule in self.breached_by if (said := self.verdict(rule)) is not None)
        return tuple(said for said in blamed if said.consequence is Consequence.ROLLBACK) or blamed

    def verdict(self, rule: str) -> Verdict | None:
        """The verdict of *rule* (an id), if there is one."""
        return next((verdict for verdict in self.verdicts if verdict.rule == rule), None)
