"""What the tests of judging are made of: one service, one indicator, buckets of a minute from noon on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rules.brief import Brief, Case, PassEarly
from rules.evaluate import Evaluation, Setting, Timing, evaluate, prepare, start
from rules.evidence import Evidence
from rules.model import Consequence, Indicator, Judge, Kind, Rule, RuleSet, Statistics
from rules.sample import Bucket, Counts, Measure, Reading, Series
from rules.verdict import Estimate, Judgement, Verdict

NOON = datetime(2025, 6, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DEFAULT = Statistics()


def noon(minutes: float = 0) -> datetime:
    """So many minutes after noon."""
    return NOON + minutes * MINUTE


def an_indicator(name: str = "errors", kind: Kind = Kind.RATIO, bounds: tuple[float, ...] = ()) -> Indicator:
    return Indicator(name, kind, "fake", "{}", compares_arms=True, bounds=bounds)


def a_rule(
    judge: Judge | None,
    name: str = "errors",
    indicator: str | None = None,
    consequence: Consequence = Consequence.ROLLBACK,
    statistics: Statistics = DEFAULT,
    **more: object,
) -> Rule:
    """A rule over the indicator of the same name, unless another is said."""
    about = None if more.get("all_of") else indicator or name
    return Rule(name, f"{name} are well", consequence, about, judge, statistics=statistics, **more)  # type: ignore[arg-type]


def a_setting(
    rules: RuleSet,
    *,
    alpha: float = 0.001,
    bucket: timedelta = MINUTE,
    settle: timedelta = timedelta(0),
    at_least: timedelta = 30 * MINUTE,
    at_most: timedelta = 24 * HOUR,
    not_comparable: Mapping[str, str] | None = None,
    early: PassEarly | None = None,
) -> Setting:
    names = [indicator.id for indicator in rules.indicators]
    return Setting(
        false_rollback_probability=alpha,
        opened_at=NOON,
        at_least=at_least,
        at_most=at_most,
        buckets=dict.fromkeys(names, bucket),
        settles=dict.fromkeys(names, settle),
        not_comparable=not_comparable or {},
        early=early,
    )


def a_brief(
    *rules: Rule,
    indicators: Sequence[Indicator] = (),
    histories: Mapping[str, Reading] | None = None,
    **setting: object,
) -> Brief:
    known = tuple(indicators) or tuple(
        an_indicator(name) for name in dict.fromkeys(rule.indicator for rule in rules) if name
    )
    all_rules = RuleSet(known, rules)
    return prepare(all_rules, a_setting(all_rules, **setting), histories or {})  # type: ignore[arg-type]


def a_case(
    judge: Judge,
    kind: Kind = Kind.RATIO,
    *,
    history: Sequence[tuple[float, float]] = (),
    statistics: Statistics = DEFAULT,
    bound: float | None = None,
    consequence: Consequence = Consequence.ROLLBACK,
    **setting: object,
) -> Case:
    """The case of one rule; *history* is (requests, bad) of the minutes before noon."""
    bounds = (bound,) if bound is not None else ()
    rule = a_rule(judge, statistics=statistics, consequence=consequence)
    histories = {"errors": (a_history(history, bound),)} if history else {}
    brief = a_brief(rule, indicators=[an_indicator(kind=kind, bounds=bounds)], histories=histories, **setting)
    return next(iter(brief.cases.values()))


def a_history(counts: Sequence[tuple[float, float]], bound: float | None = None) -> Series:
    buckets = [
        a_bucket(place - len(counts), canary=Counts(bad, requests))
        for place, (requests, bad) in enumerate(counts)
    ]
    return Series("errors", tuple(buckets), bound)


INDEPENDENT = [(6000.0, 6.0 + place % 5) for place in range(400)]  # fewer swings than chance: phi is 1


def a_bucket(
    minute: float,
    canary: Measure | None = None,
    baseline: Measure | None = None,
    length: timedelta = MINUTE,
    *,
    incomplete: bool = False,
) -> Bucket:
    """The bucket that starts so many *length*s after noon."""
    start_ = NOON + minute * length
    return Bucket(start_, start_ + length, canary, baseline, incomplete=incomplete)


def counts(bad: float, total: float) -> Counts:
    return Counts(float(bad), float(total))


def series(
    *buckets: Bucket, name: str = "errors", bound: float | None = None, cumulative: bool = False
) -> Series:
    return Series(name, tuple(buckets), bound, cumulative)


@dataclass
class Played:
    """A watch in play: it takes readings a round, and keeps what came of them."""

    brief: Brief
    evidence: Evidence = field(init=False)
    buckets: list[Series] = field(default_factory=list)
    last: Evaluation = field(init=False)
    traffic_at: datetime | None = NOON
    complete_at: datetime | None = NOON

    def __post_init__(self) -> None:
        self.evidence = start(self.brief)

    def reads(self, now: datetime, **readings: Reading) -> Judgement:
        """One round at *now*."""
        self.last = evaluate(
            self.brief, self.evidence, readings, Timing(now, self.traffic_at, self.complete_at)
        )
        self.evidence = self.last.evidence
        self.buckets += self.last.buckets
        return self.last.judgement

    def sees(
        self, pairs: Iterable[tuple[Measure | None, Measure | None]], name: str = "errors", first: int = 0
    ) -> Judgement:
        """One round a minute, of (canary, baseline)."""
        said = None
        for minute, (canary, baseline) in enumerate(pairs, start=first):
            said = self.reads(
                noon(minute + 1), **{name: (series(a_bucket(minute, canary, baseline), name=name),)}
            )
        assert said is not None
        return said

    def verdict(self, rule: str = "errors") -> Verdict:
        found = self.last.judgement.verdict(rule)
        assert found is not None
        return found

    def estimate(self, rule: str = "errors") -> Estimate:
        found = self.verdict(rule).estimate
        assert found is not None
        return found


def a_watch(*rules: Rule, **brief: object) -> Played:
    return Played(a_brief(*rules, **brief))  # type: ignore[arg-type]
