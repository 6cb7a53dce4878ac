"""The provider: questions to reports, and reports to states."""

import asyncio
import contextlib
import difflib
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from pydantic import BaseModel

from deploy.model import About
from deploy.ports import Aws, AwsAccount
from rules.model import Indicator
from rules.sample import Bucket, Invalid, NoData, Reading, Series, State, Unavailable, Who
from watcher.signals.application_signals.query import FITS, MINUTE, SETTLE, Query, bucket, parsed
from watcher.signals.application_signals.reports import Missing, Reports, Status
from watcher.signals.arms import ArmUnnamed, filled, names_in
from watcher.signals.cloudwatch.refusals import place
from watcher.signals.nowhere import without_account
from watcher.signals.on_aws import on_aws
from watcher.signals.provider import Kind, Opening, Provider, Question, Window
from watcher.signals.unknown import Unknown

MARGIN = 0.5  # seconds before the deadline
MOST_PAGES = 4  # of 50 SLOs each, to find what may have been meant
_MOST_MINUTES = 24 * 60


class ApplicationSignals:
    """One account in one region."""

    def __init__(self, aws: Aws, account: AwsAccount, now: Callable[[], datetime]) -> None:
        self._account = account
        self._now = now
        self._reports = Reports(aws, account, now)

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """All *questions* as of the end of *window*: fifty SLOs a call, and since when those that are bad are so."""
        readings: dict[str, Reading] = {}
        asked: dict[str, tuple[Question, tuple[str, ...]]] = {}
        for question in questions:
            try:
                asked[question.id] = question, _names(question)
            except ArmUnnamed as unnamed:
                readings[question.id] = Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
        names = {name for _, mine in asked.values() for name in mine}
        until = asyncio.get_running_loop().time() + (window.deadline - self._now()).total_seconds() - MARGIN
        words = f"Application Signals gave no answer in time ({place(self._account)})"
        late = Unavailable(Who.PROVIDER, words)
        stood = await self._stood(names, _floor(window.end), until, late)
        for name, (question, mine) in asked.items():
            try:
                async with asyncio.timeout_at(until):
                    readings[name] = await self._reading(question, mine, stood, window)
            except TimeoutError:
                readings[name] = late
        return readings

    async def _stood(
        self, names: Collection[str], end: datetime, until: float, late: Unavailable
    ) -> Mapping[str, Status]:
        """How *names* stood at *end*; what was told before the time was over is not lost with the rest."""
        try:
            async with asyncio.timeout_at(until):
                return await self._reports.at(end, names)
        except TimeoutError:
            return {name: self._reports.known(end, name) or late for name in names}

    async def _reading(
        self, question: Question, names: Sequence[str], stood: Mapping[str, Status], window: Window
    ) -> Reading:
        """What *names* say together: the worst of them."""
        query = parsed(question.indicator.query)
        for name in names:
            status = stood[name]
            if isinstance(status, Missing):
                return Invalid(Who.AUTHOR, no_slo(self._account, name))
            if not isinstance(status, str):
                return status
        bad = [name for name in names if stood[name] in query.bad]
        unsure = [name for name in names if stood[name] not in (*query.bad, *query.good)]
        if unsure and not bad:
            return NoData(f"the SLO {unsure[0]} is in {stood[unsure[0]]}, which is neither bad nor well")
        after = max(_floor(window.start), _floor(question.since or window.start))
        end = _floor(window.end)
        if not bad:
            state = State(str(stood[names[0]]), of=names[0])
            return (Series(question.indicator.id, (Bucket(end - MINUTE, end, canary=state),)),)
        turns = [(name, await self._reports.turned(name, frozenset(query.bad), end)) for name in bad]
        worst, since = max(turns, key=lambda turn: turn[1] or datetime.min.replace(tzinfo=UTC))
        state = State(str(stood[worst]), since, bad=True, of=worst)
        ends = [end] if since is None else _minutes(max(since, after), end)
        return (Series(question.indicator.id, tuple(Bucket(at - MINUTE, at, canary=state) for at in ends)),)


def _names(question: Question) -> tuple[str, ...]:
    """The SLOs that are asked for, each once."""
    query = parsed(question.indicator.query)
    return tuple(dict.fromkeys(filled(name, question.canary) for name in query.slo))


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _minutes(after: datetime, end: datetime) -> list[datetime]:
    """The ends of the minutes in ``(after, end]``, oldest first; at least one, at most a day of them."""
    many = min(max((end - after) // MINUTE, 1), _MOST_MINUTES)
    return [end - place * MINUTE for place in range(many)][::-1]


def no_slo(account: AwsAccount, name: str) -> str:
    """Words for an SLO that is not there."""
    return f"no SLO is called {name} in {place(account)}"


async def unknown(aws: Aws, account: AwsAccount, indicator: Indicator) -> Unknown | None:
    """Which SLO of *indicator* is not there, and what may have been meant; ``None``: all are. ARNs are not looked up.

    Args:
        aws: Who asks.
        account: Where.
        indicator: Of the kind `application_signals`; its query is right.

    Raises:
        AwsRefused: AWS does not say.
    """
    names = [
        name for name in parsed(indicator.query).slo if not names_in(name) and not name.startswith("arn:")
    ]
    known: list[str] = []
    token: dict[str, str] = {}
    for _ in range(MOST_PAGES if names else 0):
        answer = await aws.read(
            account.name, "application-signals", "list_service_level_objectives", MaxResults=50, **token
        )
        known += [str(each.get("Name", "")) for each in answer.get("SloSummaries", ())]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    else:
        return None  # there are more than anybody wants to look through
    missing = next((name for name in names if name not in known), None)
    if missing is None:
        return None
    near = difflib.get_close_matches(missing, known, 1)
    meant = f": did you mean {near[0]}?" if near else ""
    return Unknown(About.SLO, f"{no_slo(account, missing)}{meant}")


@contextlib.asynccontextmanager
async def open_application_signals(_settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider for the account that *opening* names."""
    aws = on_aws(opening)
    if aws is None or opening.account is None:
        yield without_account()
        return
    yield ApplicationSignals(aws, opening.account, opening.now)


KIND = Kind(
    query=Query,
    fits=FITS,
    bucket=bucket,
    settle=SETTLE,
    open=open_application_signals,
    on_aws=True,
    unknown=unknown,
)
