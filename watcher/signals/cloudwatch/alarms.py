"""Alarms: all of an account in one call, at most once a minute, however many watches ask.

The quota of ``DescribeAlarms`` (9 a second) is shared with whatever else steers by alarms, ECS itself among it. An alarm
tells since when it is in its state, so a reading also tells of the minutes since then.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.ports import Aws, AwsAccount
from rules.sample import Bucket, NoData, Reading, Series, State, Unavailable, Who
from watcher.signals.cloudwatch.names import alarms_in, describing
from watcher.signals.cloudwatch.query import MINUTE, Query
from watcher.signals.cloudwatch.refusals import Fault, fault_of, place

ACTION = "cloudwatch:DescribeAlarms"
MOST_NAMES = 100  # in one call
_FORGOTTEN = timedelta(minutes=10)  # what nobody asked for since then is not read along any more
_NOW = timedelta(minutes=2)  # a window that ends before this asks of the past


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm as it was last read. *state* is ``None`` where there is no such alarm."""

    name: str
    read_at: datetime
    state: str | None
    since: datetime | None


class Alarms:
    """The alarms of one account and region."""

    def __init__(self, aws: Aws, account: AwsAccount, now: Callable[[], datetime]) -> None:
        self._aws = aws
        self._account = account
        self._now = now
        self._read: dict[str, Alarm] = {}
        self._wanted: dict[str, datetime] = {}
        self._one = asyncio.Lock()

    async def read(
        self, names: Collection[str], end: datetime, patience: float
    ) -> Mapping[str, Alarm | Fault]:
        """*names*, as they were at *end* or after it.

        Args:
            names: Any number.
            end: A reading that is no older than this is good enough, and is not made again.
            patience: Seconds, after which what is not answered yet is unavailable.
        """
        self._want(names)
        faults: dict[str, Fault] = {}
        try:
            async with asyncio.timeout(patience), self._one:
                if any(self._is_old(name, end) for name in names):
                    old = sorted(name for name in self._wanted if self._is_old(name, end))
                    for first in range(0, len(old), MOST_NAMES):
                        faults |= await self._ask(old[first : first + MOST_NAMES])
        except TimeoutError:
            words = f"CloudWatch gave no answer in time ({place(self._account)})"
            late: Fault = Unavailable(Who.PROVIDER, words)
            faults = {**dict.fromkeys(names, late), **faults}
        found: dict[str, Alarm | Fault] = {}
        for name in names:
            fault = faults.get(name) if self._is_old(name, end) else None
            found[name] = self._read[name] if fault is None else fault
        return found

    def _want(self, names: Collection[str]) -> None:
        now = self._now()
        self._wanted |= dict.fromkeys(names, now)
        for name in [name for name, at in self._wanted.items() if now - at > _FORGOTTEN]:
            del self._wanted[name]
            self._read.pop(name, None)

    def _is_old(self, name: str, end: datetime) -> bool:
        known = self._read.get(name)
        return known is None or known.read_at < end

    async def _ask(self, names: Sequence[str]) -> Mapping[str, Fault]:
        now = self._now()
        try:
            answer = await self._aws.read(
                self._account.name, "cloudwatch", "describe_alarms", **describing(AlarmNames=list(names))
            )
        except AwsRefused as refused:
            return dict.fromkeys(names, fault_of(refused, ACTION, self._account))
        told = {each["AlarmName"]: each for each in alarms_in(answer)}
        for name in names:
            each = told.get(name, {})
            self._read[name] = Alarm(
                name, now, each.get("StateValue"), each.get("StateTransitionedTimestamp")
            )
        return {}


def reading(
    indicator: str, query: Query, alarms: Sequence[Alarm], after: datetime, end: datetime, now: datetime
) -> Reading:
    """What *alarms*, all of which are there, say together: the worst of them, and of those the newest.

    Args:
        indicator: Whose.
        query: Says which states are bad, and which are well.
        alarms: At least one.
        after: Minutes that end at or before it are known.
        end: The newest minute that is wanted.
        now: The time.
    """
    bad = [alarm for alarm in alarms if alarm.state in query.states_bad]
    unsure = [alarm for alarm in alarms if alarm.state not in (*query.states_bad, *query.states_good)]
    if unsure and not bad:
        return NoData(
            f"the alarm {unsure[0].name} is in {unsure[0].state}, which is neither bad nor well; where silence is well, let "
            "the alarm treat missing data as not breaching, or add `good: [OK, INSUFFICIENT_DATA]`"
        )
    worst = max(bad or alarms, key=lambda alarm: alarm.since or end)
    state = State(worst.state or "", worst.since, bad=bool(bad), of=worst.name)
    buckets = tuple(
        Bucket(at - MINUTE, at, canary=state)
        for at in _minutes(after, end)
        if (at == end and end > now - _NOW) or (worst.since is not None and worst.since <= at)
    )
    return (
        (Series(indicator, buckets),)
        if buckets
        else NoData("alarms tell how they are, and not how they were")
    )


def _minutes(after: datetime, end: datetime) -> list[datetime]:
    """The ends of the minutes in ``(after, end]``, oldest first; at most a day of them."""
    many = min(max(-((after - end) // MINUTE), 0), _MOST_MINUTES)
    return [end - place * MINUTE for place in range(many)][::-1]


_MOST_MINUTES = 24 * 60
