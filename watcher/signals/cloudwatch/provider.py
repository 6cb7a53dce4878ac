"""The provider: questions to metrics and alarms, and their answers to readings."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel

from deploy.ports import Aws, AwsAccount
from rules.duration import duration_text
from rules.model import Indicator
from rules.sample import Invalid, NoData, Reading, Who
from watcher.signals.arms import ArmUnnamed, filled
from watcher.signals.cloudwatch import alarms, count
from watcher.signals.cloudwatch.alarms import Alarm, Alarms
from watcher.signals.cloudwatch.doubts import PATIENCE, Doubts, looking_up
from watcher.signals.cloudwatch.fetch import Answers, Fetch
from watcher.signals.cloudwatch.names import Wanted, no_alarm, unknown, unknown_alarm, unknown_metric, wanted
from watcher.signals.cloudwatch.pace import Pace
from watcher.signals.cloudwatch.plan import Span, arm_of, many_of, packed
from watcher.signals.cloudwatch.query import FITS, MINUTE, SETTLE, Query, bucket, mistake, parsed, settle
from watcher.signals.cloudwatch.refusals import Fault
from watcher.signals.nowhere import without_account
from watcher.signals.on_aws import on_aws
from watcher.signals.provider import Kind, Opening, Provider, Question, Window
from watcher.signals.unknown import words_of

MARGIN = timedelta(
    milliseconds=500
)  # before the deadline, so that what did come is not lost with what did not
PRICE = 0.01 / 1000  # USD, for a metric each time that it is asked for
KEPT = (
    (timedelta(hours=3), MINUTE),
    (timedelta(days=15), timedelta(minutes=5)),
    (timedelta(days=63), timedelta(hours=1)),
)


class CloudWatch:
    """One account in one region."""

    def __init__(
        self, aws: Aws, account: AwsAccount, now: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._now = now
        self._account = account
        self._fetch = Fetch(aws, account, Pace(monotonic))
        self._alarms = Alarms(aws, account, now)

        async def look_metric(of: Wanted) -> str | None:
            return words_of(await unknown_metric(aws, account, of))

        async def look_alarm(name: str) -> str | None:
            return words_of(await unknown_alarm(aws, account, name))

        self.metrics = Doubts(look_metric, now, PATIENCE)
        self.names = Doubts(look_alarm, now, timedelta(0))

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While it lasts, names that seem wrong are looked up."""
        async with looking_up(self.metrics), looking_up(self.names):
            yield

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """All *questions* over *window*: metrics in calls of 500, alarms of a hundred, both at the same time."""
        readings: dict[str, Reading] = {}
        states: list[Question] = []
        asked: dict[str, count.Asked] = {}
        for question in questions:
            prepared = self._prepared(question, window)
            if isinstance(prepared, count.Asked):
                asked[question.id] = prepared
            elif prepared is None:
                states.append(question)
            else:
                readings[question.id] = prepared
        patience = (window.deadline - self._now() - MARGIN).total_seconds()
        async with asyncio.TaskGroup() as tasks:
            counted = tasks.create_task(self._counted(asked, window, patience))
            stated = tasks.create_task(self._stated(states, window, patience))
        return readings | counted.result() | stated.result()

    def cost(self, indicator: Indicator) -> str | None:
        """What a day of a watch costs, in words; ``None`` for alarms, which cost nothing to read.

        Source:
            https://aws.amazon.com/cloudwatch/pricing/ (a metric that GetMetricData is asked for; the first regions' price)
        """
        query = parsed(indicator.query)
        many = many_of(indicator, query)
        if not many:
            return None
        dollars = many * (timedelta(days=1) / query.period) * PRICE
        metrics = "1 metric" if many == 1 else f"{many} metrics"
        return f"{metrics} each {duration_text(query.period)}: some {dollars:.2f} USD for a day of a watch"

    def _prepared(self, question: Question, window: Window) -> count.Asked | Reading | None:
        """What has to be asked of metrics; ``None``: of alarms; or why nothing can be asked."""
        indicator = question.indicator
        wrong = mistake(indicator)
        if wrong is not None:
            return Invalid(Who.AUTHOR, f"{wrong[0]}: {wrong[1]}")
        query = parsed(indicator.query)
        beside = question.baseline if indicator.compares_arms else None
        try:
            if query.alarms is not None:
                _names(query, question)
                return None
            canary = arm_of(indicator, query, question.canary)
            baseline = None if beside is None else arm_of(indicator, query, beside)
        except ArmUnnamed as unnamed:
            return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
        for age, least in KEPT:
            if query.period < least and window.start < self._now() - age:
                return NoData(f"CloudWatch does not keep periods of {query.period} for more than {age}")
        return count.Asked(
            indicator=indicator,
            canary=canary,
            baseline=baseline,
            after=max(window.start, question.since or window.start),
            until=window.end,
            final=self._now() - settle(indicator),
        )

    # --------------------------------------------------------------------------------------------------------- metrics

    async def _counted(
        self, asked: Mapping[str, count.Asked], window: Window, patience: float
    ) -> dict[str, Reading]:
        batches = packed({name: each.metrics for name, each in asked.items()})
        answers = await self._fetch.all(batches, Span(window.start, window.end), patience)
        return {name: self._doubted(each, count.read(each, answers), answers) for name, each in asked.items()}

    def _doubted(self, asked: count.Asked, reading: Reading, answers: Answers) -> Reading:
        """*reading*; or, where nothing was ever seen and no such metric is known, what is wrong with the name."""
        if isinstance(reading, tuple):
            for each in wanted(asked.indicator) if self.metrics.are_any else ():
                self.metrics.none_of(each)
            return reading
        if not all(count.is_silent(arm, answers) for arm in asked.arms):
            return reading
        words = [self.metrics.of(each) for each in wanted(asked.indicator)]
        known = [each for each in words if each]
        return Invalid(Who.AUTHOR, known[0]) if len(known) == len(words) else reading

    # ---------------------------------------------------------------------------------------------------------- alarms

    async def _stated(
        self, questions: Sequence[Question], window: Window, patience: float
    ) -> dict[str, Reading]:
        names = {question.id: _names(parsed(question.indicator.query), question) for question in questions}
        every = {name for each in names.values() for name in each}
        read = await self._alarms.read(every, window.end, patience) if every else {}
        return {
            question.id: self._state(question, [read[name] for name in names[question.id]], window)
            for question in questions
        }

    def _state(self, question: Question, read: Sequence[Alarm | Fault], window: Window) -> Reading:
        there: list[Alarm] = []
        for each in read:
            if not isinstance(each, Alarm):
                return each
            if each.state is None:
                return Invalid(Who.AUTHOR, self.names.of(each.name) or no_alarm(self._account, each.name))
            self.names.none_of(each.name)
            there.append(each)
        after = max(window.start, question.since or window.start)
        query = parsed(question.indicator.query)
        return alarms.reading(question.indicator.id, query, there, after, window.end, self._now())


def _names(query: Query, question: Question) -> tuple[str, ...]:
    """The alarms that are asked for, each once."""
    return tuple(dict.fromkeys(filled(name, question.canary) for name in query.alarms or ()))


@contextlib.asynccontextmanager
async def open_cloudwatch(_settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider for the account that *opening* names."""
    aws = on_aws(opening)
    if aws is None or opening.account is None:
        yield without_account()
        return
    provider = CloudWatch(aws, opening.account, opening.now, opening.monotonic)
    async with provider.open():
        yield provider


KIND = Kind(
    query=Query,
    fits=FITS,
    bucket=bucket,
    settle=SETTLE,
    settles=settle,
    open=open_cloudwatch,
    mistake=mistake,
    on_aws=True,
    unknown=unknown,
)
