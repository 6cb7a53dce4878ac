"""A release watched by what CloudWatch tells, asked as the patrol asks: how soon, how blind, and by which alarms."""

from dataclasses import replace
from datetime import datetime, timedelta

from rules.evaluate import Brief, Evidence, Timing, evaluate, prepare, start, wanted_since
from rules.model import (
    CanaryVsBaseline,
    Consequence,
    Indicator,
    InState,
    Judge,
    Kind,
    Rule,
    RuleSet,
    Slo,
    Statistics,
)
from rules.verdict import Because, Judgement, Outcome, Verdict
from tests.rules.building import a_setting
from tests.watcher.signals.cloudwatch.balancer import BLUE, GREEN, RATIO, Balancer, an_indicator, asked, noon
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.runtime.rounds import Boundary
from watcher.signals.cloudwatch import KIND
from watcher.telemetry.metrics import Metrics

SWITCH = noon(0.5)  # when the new release began to take traffic
INDEPENDENT = Statistics(correlation="independent")  # as after a history
ALARM = an_indicator({"alarms": ["db"]}, Kind.STATE, "alarm")


class Watched:
    """One rule over one indicator, asked about every ten seconds."""

    def __init__(self, balancer: Balancer, indicator: Indicator, judge: Judge) -> None:
        self.balancer = balancer
        self._indicator = indicator
        self._inquiry = Inquiry({"cloudwatch": Connected(KIND, balancer.provider)}, Metrics())
        bucket, settle = self._inquiry.beat(indicator)
        rule = Rule("rule", "rule", Consequence.ROLLBACK, indicator.id, judge, statistics=INDEPENDENT)
        rules = RuleSet((indicator,), (rule,))
        setting = replace(
            a_setting(rules, bucket=bucket, settle=settle, at_least=timedelta(minutes=30)), opened_at=noon(0)
        )
        self._brief: Brief = prepare(rules, setting, {})
        self._evidence: Evidence = start(self._brief)
        self._judgement: Judgement | None = None

    async def until(self, end: datetime) -> Verdict:
        """What is said at *end*, or as soon as it is a breach."""
        while self.balancer.time < end:
            self.balancer.time += timedelta(seconds=10)
            question = asked(
                self._indicator, wanted_since(self._brief, self._evidence, self._indicator.id, SWITCH)
            )
            answers = self._inquiry.ask([question], self.balancer.time)
            await Boundary("patrol").each(answers.reads)
            timing = Timing(self.balancer.time, SWITCH, SWITCH)
            done = evaluate(self._brief, self._evidence, await answers.to([question]), timing)
            self._evidence, self._judgement = done.evidence, done.judgement
            if done.judgement.outcome is Outcome.BREACHED:
                break
        assert self._judgement is not None
        return self._judgement.verdicts[0]


def serving(minutes: int, fails: float, every: int = 1) -> Balancer:
    balancer = Balancer()
    for minute in range(0, minutes, every):
        for place in range(6):  # ten seconds each
            balancer.serves(GREEN, minute + place / 6, 100, bad=round(100 * fails))
            balancer.serves(BLUE, minute + place / 6, 900, bad=1)
    return balancer


async def test_a_bad_release_is_found_within_six_minutes_and_never_sooner_than_data_settle():
    """The floor: the minute of the switch is dropped, two whole minutes are wanted, and each settles for three."""
    balancer = serving(15, fails=0.5)

    verdict = await Watched(balancer, an_indicator(RATIO), CanaryVsBaseline()).until(noon(15))

    assert verdict.outcome is Outcome.BREACHED
    assert noon(3) + timedelta(minutes=3) <= balancer.time <= noon(6.5)


async def test_a_good_release_is_healthy_once_enough_was_seen():
    verdict = await Watched(serving(40, fails=0.0), an_indicator(RATIO), Slo(0.99)).until(noon(40))

    assert verdict.outcome is Outcome.HEALTHY
    assert verdict.seen.buckets == 36


async def test_without_requests_it_is_blind_and_says_that_there_were_none():
    balancer = Balancer()
    balancer.serves(BLUE, -60, 100)

    watched = Watched(balancer, an_indicator(RATIO), Slo(0.99))

    assert (await watched.until(noon(6))).outcome is Outcome.UNDECIDED
    verdict = await watched.until(noon(12))
    assert (verdict.outcome, verdict.because) == (Outcome.BLIND, Because.NO_DATA)
    assert verdict.words.startswith("no data: no requests between ")


async def test_metrics_of_five_minutes_are_waited_for_and_are_not_stale_meanwhile():
    balancer = serving(90, fails=0.0)
    watched = Watched(balancer, an_indicator({**RATIO, "period": "5m"}), Slo(0.99))

    verdicts = [await watched.until(noon(minute)) for minute in range(25, 90)]

    assert {verdict.outcome for verdict in verdicts} <= {Outcome.UNDECIDED, Outcome.HEALTHY}
    assert verdicts[-1].outcome is Outcome.HEALTHY


async def test_an_alarm_that_the_release_sets_off_is_a_breach_within_two_minutes():
    balancer = Balancer()
    balancer.aws.cloudwatch.set_alarm("db", "OK", noon(-60))
    balancer.aws.cloudwatch.set_alarm("db", "ALARM", noon(5.2))

    verdict = await Watched(balancer, ALARM, InState()).until(noon(30))

    assert verdict.outcome is Outcome.BREACHED
    assert verdict.words == "db in ALARM since 12:05 UTC"
    assert balancer.time <= noon(7.2)
    assert balancer.aws.count("cloudwatch", "DescribeAlarms") <= 8


async def test_an_alarm_that_rang_before_says_nothing_until_it_was_well():
    balancer = Balancer()
    balancer.aws.cloudwatch.set_alarm("db", "ALARM", noon(-20))
    balancer.aws.cloudwatch.set_alarm("db", "OK", noon(20.5))
    balancer.aws.cloudwatch.set_alarm("db", "ALARM", noon(33.5))
    watched = Watched(balancer, ALARM, InState())

    assert (await watched.until(noon(20))).because is Because.BAD_BEFORE
    assert (await watched.until(noon(30))).outcome is Outcome.HEALTHY
    assert (await watched.until(noon(40))).outcome is Outcome.BREACHED
