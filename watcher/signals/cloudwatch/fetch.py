"""Asks GetMetricData: pages joined, parts continued, failures asked once more. A failing call touches what it asked alone.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataResult.html
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from deploy.errors import AwsRefused
from deploy.ports import Aws, AwsAccount
from rules.sample import Unavailable, Who
from watcher.aws.codes import UNREADABLE
from watcher.signals.cloudwatch.pace import Pace
from watcher.signals.cloudwatch.plan import Batch, Metric, Span, slices
from watcher.signals.cloudwatch.refusals import Fault, fault_of, is_the_questions, place

ACTION = "cloudwatch:GetMetricData"
MOST_PAGES = 50
_TOKEN_LOST = "InvalidNextToken"  # noqa: S105 - the name of an error
_TRIES = 2

Points = Mapping[datetime, float]  # by the start of the period
Answers = Mapping[Metric, Points | Fault]


@dataclass
class _Told:
    """What was told of one metric, over all pages."""

    points: dict[datetime, float] = field(default_factory=dict)
    status: str = "nothing"  # what no result stands for is not known to be without data
    words: str = ""


class _BeginAgain(Exception):
    """The pages do not go on: they must be read from the first."""


class Fetch:
    """GetMetricData in one account and region."""

    def __init__(self, aws: Aws, account: AwsAccount, pace: Pace) -> None:
        self._aws = aws
        self._account = account
        self._pace = pace

    async def all(self, batches: Iterable[Batch], span: Span, patience: float) -> Answers:
        """What CloudWatch knows of all metrics in *batches*.

        Args:
            batches: As `packed`.
            span: From when to when; data points are of periods that begin in it.
            patience: Seconds, after which what is not answered yet is unavailable.
        """
        parts = [(batch, part) for batch in batches for part in slices(span, list(batch.metrics))]
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(self._in_time(batch, part, patience)) for batch, part in parts]
        answers: dict[Metric, Points | Fault] = {}
        for task in asked:
            _join(answers, task.result())
        return answers

    async def _in_time(self, batch: Batch, span: Span, patience: float) -> Answers:
        try:
            async with asyncio.timeout(patience), self._pace.gate:
                return await self._whole(batch, span)
        except TimeoutError:
            words = f"CloudWatch gave no answer in time ({place(self._account)})"
            return dict.fromkeys(batch.metrics, Unavailable(Who.PROVIDER, words))

    async def _whole(self, batch: Batch, span: Span) -> Answers:
        """All of *batch*; where AWS does not understand a question, without the others having to suffer for it."""
        try:
            told = await self._told(list(batch.metrics), span)
            failed = [metric for metric, each in told.items() if each.status == "InternalError"]
            if failed:
                told |= await self._told(list(batch.touched_by(failed).metrics), span)
        except AwsRefused as refused:
            if is_the_questions(refused) and len(batch.needs) > 1:
                one, other = batch.halves()
                return {**await self._whole(one, span), **await self._whole(other, span)}
            return dict.fromkeys(batch.metrics, fault_of(refused, ACTION, self._account))
        return {metric: self._points(metric, each) for metric, each in told.items()}

    async def _told(self, metrics: Sequence[Metric], span: Span) -> dict[Metric, _Told]:
        for _ in range(_TRIES):
            try:
                return await self._pages(metrics, span)
            except _BeginAgain:
                continue
        words = "CloudWatch does not go on with its pages"
        return dict.fromkeys(metrics, _Told(status="PartialData", words=words))

    async def _pages(self, metrics: Sequence[Metric], span: Span) -> dict[Metric, _Told]:
        told = {metric: _Told() for metric in metrics}
        by_id = {f"m{number}": metric for number, metric in enumerate(metrics)}
        request: dict[str, Any] = {
            "MetricDataQueries": [metric.query(name) for name, metric in by_id.items()],
            "StartTime": span.start,
            "EndTime": span.end,
            "ScanBy": "TimestampAscending",
        }
        for _ in range(MOST_PAGES):
            answer = await self._page(request, span.points(metrics))
            _read_page(answer, by_id, told)
            token = answer.get("NextToken")
            if not token:
                return told
            request["NextToken"] = token
        raise _BeginAgain

    async def _page(self, request: Mapping[str, Any], points: int) -> Mapping[str, Any]:
        await asyncio.sleep(self._pace.wait_for(points))
        try:
            return await self._aws.read(self._account.name, "cloudwatch", "get_metric_data", **request)
        except AwsRefused as refused:
            if refused.code.removesuffix("Exception") == _TOKEN_LOST:
                raise _BeginAgain from refused
            raise

    def _points(self, metric: Metric, told: _Told) -> Points | Fault:
        match told.status:
            case "Complete":
                return told.points
            case "Forbidden":
                words = f"{ACTION} of {metric} is not allowed in {place(self._account)}"
                return Unavailable(Who.OPERATOR, f"{words}{f': {told.words}' if told.words else ''}")
            case status:
                words = f"CloudWatch answers {status} for {metric} in {place(self._account)}"
                return Unavailable(Who.PROVIDER, f"{words}{f': {told.words}' if told.words else ''}")


def _read_page(answer: Mapping[str, Any], by_id: Mapping[str, Metric], told: Mapping[Metric, _Told]) -> None:
    """A status is that of the last page on which the metric stands."""
    for result in answer.get("MetricDataResults", ()):
        try:
            each = told[by_id[result["Id"]]]
            each.points.update(zip(result.get("Timestamps", ()), result.get("Values", ()), strict=True))
        except (KeyError, ValueError) as error:
            words = f"an answer that cannot be read: {error}"
            raise AwsRefused("get_metric_data", UNREADABLE, words, may_have_happened=False) from error
        each.status = result.get("StatusCode", "Complete")
        each.words = _words(result.get("Messages", ())) or each.words
    general = _words(answer.get("Messages", ()))
    if general:  # of the whole call, such as too many metrics: nobody can tell what is missing
        for each in told.values():
            each.status, each.words = "only a part", general


def _words(messages: Iterable[Mapping[str, Any]]) -> str:
    return "; ".join(f"{each.get('Code', '')}: {each.get('Value', '')}"[:200] for each in messages)


def _join(answers: dict[Metric, Points | Fault], more: Answers) -> None:
    """Of a metric that was asked in several parts, or by several batches, a failure of one is a failure of all."""
    for metric, answer in more.items():
        known = answers.get(metric)
        if known is None or isinstance(answer, Fault):
            answers[metric] = answer
        elif not isinstance(known, Fault):
            answers[metric] = {**known, **answer}
