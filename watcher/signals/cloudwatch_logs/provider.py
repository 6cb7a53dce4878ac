"""The provider: questions to scans, and their rows to readings."""

import asyncio
import contextlib
import difflib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from deploy.model import About
from deploy.ports import Aws, AwsAccount
from rules.duration import duration_text
from rules.model import Indicator
from rules.sample import Bucket, Counts, Invalid, NoData, Reading, Series, Unavailable, Who
from watcher.signals.arms import ArmUnnamed
from watcher.signals.cloudwatch.refusals import Fault, place
from watcher.signals.cloudwatch_logs.fetch import Fetch, Found
from watcher.signals.cloudwatch_logs.plan import Arm, Counted, Scan, arm_of, planned
from watcher.signals.cloudwatch_logs.query import FITS, SETTLE, Query, bucket, mistake, parsed
from watcher.signals.cloudwatch_logs.refusals import NO_GROUP
from watcher.signals.nowhere import without_account
from watcher.signals.on_aws import on_aws
from watcher.signals.provider import Kind, Opening, Provider, Question, Window
from watcher.signals.unknown import Unknown

MARGIN = timedelta(milliseconds=500)  # before the deadline, so that what came is not lost with what did not
_MOST_LISTED = 5
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. *after*: buckets that end at or before it are known. *final*: those that end later may still grow."""

    indicator: Indicator
    arms: tuple[Arm, ...]
    after: datetime
    until: datetime
    final: datetime


class CloudWatchLogs:
    """One account in one region."""

    def __init__(self, aws: Aws, account: AwsAccount, now: Callable[[], datetime]) -> None:
        self._account = account
        self._now = now
        self._fetch = Fetch(aws, account, now)
        self._read_at: dict[tuple[str, ...], datetime] = {}
        self._cost: dict[tuple[str, ...], tuple[float, timedelta, int]] = {}

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While it lasts, queries may be running; what is left of them at the end is stopped."""
        try:
            yield
        finally:
            await self._fetch.close()

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """All *questions* over *window*, each line scanned once for all that share its log group."""
        readings: dict[str, Reading] = {}
        asked: dict[str, Asked] = {}
        for question in questions:
            prepared = self._prepared(question, window)
            if isinstance(prepared, Asked):
                asked[question.id] = prepared
            else:
                readings[question.id] = prepared
        patience = (window.deadline - self._now() - MARGIN).total_seconds()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._fetch.forget())
            running = [
                tasks.create_task(self._counted(scan, *_span(scan, asked.values()), patience))
                for scan in sorted(planned(each.arms for each in asked.values()), key=self._waited)
            ]
        counted = {arm: counts for task in running for arm, counts in task.result().items()}
        return readings | {name: _reading(each, counted) for name, each in asked.items()}

    def _waited(self, scan: Scan) -> datetime:
        """When one of its groups was read: where there is no time for all, those come first that have waited longest."""
        return min(self._read_at.get(arm.groups, _NEVER) for arm in scan.arms)

    def _prepared(self, question: Question, window: Window) -> Asked | Reading:
        indicator = question.indicator
        wrong = mistake(indicator)
        if wrong is not None:
            return Invalid(Who.AUTHOR, f"{wrong[0]}: {wrong[1]}")
        query = parsed(indicator.query)
        both = [question.canary]
        if indicator.compares_arms and question.baseline is not None:
            both.append(question.baseline)
        try:
            arms = tuple(arm_of(query, names) for names in both)
        except ArmUnnamed as unnamed:
            return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
        after = max(window.start, question.since or window.start)
        return Asked(indicator, arms, after, window.end, self._now() - SETTLE)

    async def _counted(
        self, scan: Scan, start: datetime, end: datetime, patience: float
    ) -> dict[Arm, Counted | Fault]:
        """What each arm of *scan* has in ``[start, end)``, as far as it is known without a hole."""
        slices = scan.slices(start, end)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._in_time(scan, *each, patience)) for each in slices]
        pieces: dict[Arm, tuple[Found, ...]] = dict.fromkeys(scan.arms, ())
        faults: dict[Arm, Fault] = {}
        until = dict.fromkeys(scan.arms, start)
        for (begins, _), task in zip(slices, running, strict=True):
            for part, found in task.result():
                for arm in part.arms:
                    if not isinstance(found, Found):
                        faults[arm] = found
                    elif until[arm] == begins:
                        pieces[arm] += (found,)
                        until[arm] = found.end
        return faults | _shared({arm: each for arm, each in pieces.items() if arm not in faults})

    async def _in_time(
        self, scan: Scan, start: datetime, end: datetime, patience: float
    ) -> list[tuple[Scan, Found | Fault]]:
        try:
            async with asyncio.timeout(patience):
                found = await self._fetch.whole(scan, start, end)
        except TimeoutError:
            words = f"the query of CloudWatch Logs is still running in {place(self._account)}; it is looked at again"
            return [(scan, Unavailable(Who.PROVIDER, words))]
        for part, each in found:
            if isinstance(each, Found):
                self._note(part, each.bytes, each.end - start)
        return found

    # ---------------------------------------------------------------------------------------------------------- doctor

    def _note(self, scan: Scan, read: float, span: timedelta) -> None:
        """How much was read for the groups of *scan*; kept for those that are asked, so never many."""
        self._read_at |= {arm.groups: self._now() for arm in scan.arms}
        self._cost |= {arm.groups: (read, span, len(scan.groups)) for arm in scan.arms}

    def cost(self, indicator: Indicator) -> str | None:
        """What the last question about *indicator* scanned, in words; ``None``: none was answered yet."""
        known = self._cost.get(tuple(sorted(set(parsed(indicator.query).groups))))
        if known is None:
            return None
        read, span, many = known
        groups = "1 log group" if many == 1 else f"{many} log groups"
        return f"{read / 1e6:,.1f} MB were scanned for {duration_text(span)} of {groups}"


def _shared(pieces: Mapping[Arm, tuple[Found, ...]]) -> dict[Arm, Counted]:
    """The rows of each arm: those that were told the same have them together, for rows are many, and so are arms."""
    together: dict[tuple[int, ...], Counted] = {}
    found: dict[Arm, Counted] = {}
    for arm, each in pieces.items():
        key = tuple(map(id, each))
        if key not in together:
            together[key] = Counted([row for piece in each for row in piece.rows])
        found[arm] = together[key]
    return found


def _span(scan: Scan, asked: Iterable[Asked]) -> tuple[datetime, datetime]:
    """From the first bucket that anybody lacks to the last one that anybody wants."""
    arms = set(scan.arms)
    concerned = [each for each in asked if not arms.isdisjoint(each.arms)]
    length = scan.bucket.total_seconds()
    start = -(-min(each.after for each in concerned).timestamp() // length) * length
    end = max(each.until for each in concerned).timestamp() // length * length
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)


def _reading(asked: Asked, counted: Mapping[Arm, Counted | Fault]) -> Reading:
    """The buckets of *asked*; or why there are none. Where a release has no line there is no count, and never zero."""
    arms: list[Mapping[datetime, tuple[int, int]]] = []
    for arm in asked.arms:
        found = counted[arm]
        if not isinstance(found, Counted):
            return found
        arms.append(found.of(arm))
    length = asked.arms[0].bucket
    buckets = []
    for start in sorted({start for arm in arms for start in arm}):
        end = start + length
        if asked.after < end <= asked.until:
            both = [
                Counts(float(arm[start][0]), float(arm[start][1])) if start in arm else None for arm in arms
            ]
            beside = both[1] if len(both) > 1 else None
            buckets.append(Bucket(start, end, both[0], beside, incomplete=end > asked.final))
    if buckets:
        return (Series(asked.indicator.id, tuple(buckets)),)
    span = f"between {asked.after:%H:%M} and {asked.until:%H:%M} UTC"
    return NoData(f"no line that is meant {span} in {', '.join(asked.arms[0].groups[:_MOST_LISTED])}")


async def unknown(aws: Aws, account: AwsAccount, indicator: Indicator) -> Unknown | None:
    """Which log group of *indicator* is not there, and what may have been meant; ``None``: all are.

    Args:
        aws: Who asks.
        account: Where.
        indicator: Of the kind `cloudwatch_logs`; its query is right.

    Raises:
        AwsRefused: AWS does not say.
    """
    for group in parsed(indicator.query).groups:
        answer = await aws.read(
            account.name, "logs", "describe_log_groups", logGroupNamePrefix=group, limit=50
        )
        if group not in _names(answer):
            like = group[: max(group.rfind("/") + 1, 1)]
            answer = await aws.read(
                account.name, "logs", "describe_log_groups", logGroupNamePrefix=like, limit=50
            )
            near = difflib.get_close_matches(group, _names(answer), 1)
            meant = f": did you mean {near[0]}?" if near else ""
            return Unknown(About.LOG_GROUP, f"{NO_GROUP} {group} in {place(account)}{meant}")
    return None


def _names(answer: Mapping[str, Any]) -> list[str]:
    return [str(each.get("logGroupName", "")) for each in answer.get("logGroups", ())]


@contextlib.asynccontextmanager
async def open_cloudwatch_logs(_settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider for the account that *opening* names."""
    aws = on_aws(opening)
    if aws is None or opening.account is None:
        yield without_account()
        return
    provider = CloudWatchLogs(aws, opening.account, opening.now)
    async with provider.open():
        yield provider


KIND = Kind(
    query=Query,
    fits=FITS,
    bucket=bucket,
    settle=SETTLE,
    open=open_cloudwatch_logs,
    mistake=mistake,
    on_aws=True,
    unknown=unknown,
)
