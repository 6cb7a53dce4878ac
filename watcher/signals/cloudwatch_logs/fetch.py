"""Asks Logs Insights: a query is started, looked at again and again, and stopped when nobody waits for it any more.

What is not ready when a round ends goes on, and is asked for in the next one: its scan is paid for already.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from deploy.errors import AwsRefused
from deploy.ports import Aws, AwsAccount
from rules.sample import Invalid, Unavailable, Who
from watcher.aws.codes import Result, result_of
from watcher.signals.cloudwatch.refusals import place
from watcher.signals.cloudwatch_logs.plan import MOST_ROWS, Row, Scan, rows_of
from watcher.signals.cloudwatch_logs.refusals import Fault, fault_of, may_be_one_groups
from watcher.signals.on_aws import NotAsked

AT_ONCE = 5  # queries; an account has 30 (lately 100), for its dashboards too
LOOK = 1.0  # seconds between looks
MOST_AGE = timedelta(minutes=10)  # of a query that nobody has asked for again
LEAVING = 2.0  # seconds to stop what is left, at the end
_FAILED = frozenset({"Failed", "Cancelled", "Timeout", "Unknown"})
log = structlog.stdlib.get_logger("rollbackd.signals")


@dataclass(frozen=True, slots=True)
class Found:
    """What was counted of ``[start, end)``; *bytes* were read for it."""

    end: datetime
    rows: list[Row]
    bytes: float


@dataclass(frozen=True, slots=True)
class _Running:
    id: str
    end: datetime
    started: datetime


_Key = tuple[str, tuple[str, ...], datetime]


class Fetch:
    """Logs Insights of one account and region."""

    def __init__(self, aws: Aws, account: AwsAccount, now: Callable[[], datetime]) -> None:
        self._aws = aws
        self._account = account
        self._now = now
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._running: dict[_Key, _Running] = {}

    async def count(self, scan: Scan, start: datetime, end: datetime) -> Found | Fault:
        """The lines of *scan* in ``[start, end)``, or in the part of it that was asked for before.

        A cancellation leaves the query running, to be found again.
        """
        key = (scan.text, tuple(sorted(scan.groups)), start)
        async with self._gate:
            try:
                running = self._running.get(key) or await self._started(key, end)
                return await self._results(scan, key, running)
            except AwsRefused as refused:
                # What may not be looked at just now runs on, and is paid for: it is looked at again.
                if not isinstance(refused, NotAsked) and result_of(refused.code) is not Result.THROTTLED:
                    self._running.pop(key, None)
                return fault_of(refused, self._account, scan)

    async def whole(self, scan: Scan, start: datetime, end: datetime) -> list[tuple[Scan, Found | Fault]]:
        """The same; where a log group is not there, without those of others having to suffer for it."""
        found = await self.count(scan, start, end)
        halves = scan.halves() if isinstance(found, Invalid) and may_be_one_groups(found) else None
        if halves is None:
            return [(scan, found)]
        return [
            *await self.whole(halves[0], start, end),
            *await self.whole(halves[1], start, end),
        ]

    async def _started(self, key: _Key, end: datetime) -> _Running:
        text, groups, start = key
        try:
            answer = await self._aws.read(
                self._account.name,
                "logs",
                "start_query",
                logGroupNames=list(groups),
                startTime=int(start.timestamp()),
                endTime=int(end.timestamp()),  # inclusive; what is of the bucket after it is left out below
                queryString=text,
                limit=MOST_ROWS,
            )
        except NotAsked as refused:
            if "queryId" in refused.answer:  # by a wrong clock: it runs, about a time that is not over
                await self._end(str(refused.answer["queryId"]))
            raise
        running = _Running(str(answer.get("queryId", "")), end, self._now())
        self._running[key] = running
        return running

    async def _results(self, scan: Scan, key: _Key, running: _Running) -> Found | Fault:
        while True:
            answer = await self._aws.read(self._account.name, "logs", "get_query_results", queryId=running.id)
            status = answer.get("status")
            if status == "Complete":
                self._running.pop(key, None)
                return self._read(scan, key, running, answer)
            if status in _FAILED:
                self._running.pop(key, None)
                words = f"the query ended as {status} in {place(self._account)}"
                return Unavailable(Who.PROVIDER, words)
            await asyncio.sleep(LOOK)

    def _read(self, scan: Scan, key: _Key, running: _Running, answer: Mapping[str, Any]) -> Found | Fault:
        results = answer.get("results", ())
        if len(results) >= MOST_ROWS:
            told_by = ", ".join([*sorted(scan.names), *scan.words])
            return Invalid(
                Who.AUTHOR,
                f"more than {MOST_ROWS:,} different lines: {told_by} have too many values to be told apart by",
            )
        try:
            rows = [row for row in rows_of(scan, results) if key[2] <= row.start < running.end]
        except (KeyError, ValueError, StopIteration) as error:
            words = f"CloudWatch Logs answers something that cannot be read: {type(error).__name__}"
            return Unavailable(Who.PROVIDER, words)
        return Found(running.end, rows, float(answer.get("statistics", {}).get("bytesScanned", 0.0)))

    # ------------------------------------------------------------------------------------------------------------- ends

    async def forget(self) -> None:
        """Stop what nobody has asked for again."""
        old = [key for key, each in self._running.items() if self._now() - each.started > MOST_AGE]
        await self._stop(old)

    async def close(self) -> None:
        """Stop all of it, as far as that is quick."""
        try:
            async with asyncio.timeout(LEAVING):
                await self._stop(list(self._running))
        except TimeoutError:
            log.info("query.abandoned", account=self._account.name, words="it was not stopped in time")

    async def _stop(self, keys: list[_Key]) -> None:
        for key in keys:
            running = self._running.pop(key, None)
            if running is None:  # it was asked for, and told, while another was stopped
                continue
            await self._end(running.id)

    async def _end(self, query: str) -> None:
        try:
            await self._aws.read(self._account.name, "logs", "stop_query", queryId=query)
        except AwsRefused as refused:
            if isinstance(refused, NotAsked) and refused.answer:
                return  # it is stopped, whatever the clock says
            # It ends by itself, within an hour.
            log.info("query.abandoned", account=self._account.name, words=refused.words[:200])
