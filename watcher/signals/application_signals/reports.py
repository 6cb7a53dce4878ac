"""Reports of budgets: fifty SLOs a call, as of one moment. What was once asked is remembered for a while.

A report says how a budget stood at a moment, and not since when; so where it is bad, and was not an hour ago, the
minute in which it turned is looked for between them, by halves.

Source:
    https://docs.aws.amazon.com/applicationsignals/latest/APIReference/API_BatchGetServiceLevelObjectiveBudgetReport.html
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from deploy.errors import AwsRefused
from deploy.ports import Aws, AwsAccount
from rules.sample import Invalid, Unavailable, Who
from watcher.aws.codes import Result, result_of
from watcher.signals.application_signals.query import MINUTE
from watcher.signals.cloudwatch.refusals import place
from watcher.signals.on_aws import NotAsked

ACTION = "application-signals:BatchGetServiceLevelObjectiveBudgetReport"
MOST = 50  # SLOs in one call
PAUSE = 0.15  # seconds between calls: AWS takes 10 a second, for everybody
LOOK_BACK = timedelta(hours=1)  # in which the moment is looked for at which a budget turned
_FORGOTTEN = timedelta(hours=2)
_MOST_KEPT = 100_000
_NEVER = datetime.min.replace(tzinfo=UTC)
_WORDS = 200  # characters of AWS's own
_NONE = frozenset({"ResourceNotFoundException", "ResourceNotFound"})
Fault = Unavailable | Invalid


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such SLO."""

    name: str


@dataclass(frozen=True, slots=True)
class _Turned:
    """It is bad since, and was still when it was last read."""

    since: datetime | None
    bad_until: datetime


Status = str | Missing | Fault
_Key = tuple[str, datetime]


class Reports:
    """The SLOs of one account and region."""

    def __init__(self, aws: Aws, account: AwsAccount, now: Callable[[], datetime]) -> None:
        self._aws = aws
        self._account = account
        self._now = now
        self._known: dict[_Key, str] = {}
        self._asked_at: dict[str, datetime] = {}
        self._turned: dict[tuple[str, frozenset[str]], _Turned] = {}
        self._one = asyncio.Lock()

    async def at(self, moment: datetime, names: Collection[str]) -> Mapping[str, Status]:
        """How *names* stood at *moment*. A cancellation loses nothing of what was told before it."""
        found: dict[str, Status] = {}
        async with self._one:
            self._forget()
            unknown = [name for name in set(names) if (name, moment) not in self._known]
            # Where there is no time for all, those come first that have waited longest.
            unknown.sort(key=lambda name: (self._asked_at.get(name, _NEVER), name))
            for first in range(0, len(unknown), MOST):
                found |= await self._asked(moment, unknown[first : first + MOST])
        return {name: self._known.get((name, moment)) or found[name] for name in names}

    def known(self, moment: datetime, name: str) -> str | None:
        """How *name* stood at *moment*, where that was told."""
        return self._known.get((name, moment))

    async def turned(self, name: str, bad: frozenset[str], end: datetime) -> datetime | None:
        """The last minute's end at which *name* was not bad yet; it is bad at *end*.

        Returns:
            ``None``: it has been bad for an hour or longer, or nobody says: nobody knows since when.
        """
        known = self._turned.get((name, bad))
        if known is not None and known.bad_until <= end <= known.bad_until + 2 * MINUTE:
            since = known.since
        else:
            since = await self._looked_for(name, bad, end - LOOK_BACK, end)
        self._turned[name, bad] = _Turned(since, end)
        return since

    async def _looked_for(
        self, name: str, bad: frozenset[str], start: datetime, end: datetime
    ) -> datetime | None:
        before = (await self.at(start, [name]))[name]
        if not isinstance(before, str) or before in bad:
            return None
        while end - start > MINUTE:
            middle = start + (end - start) // MINUTE // 2 * MINUTE
            status = (await self.at(middle, [name]))[name]
            if not isinstance(status, str):
                return None
            start, end = (start, middle) if status in bad else (middle, end)
        return start

    async def _asked(self, moment: datetime, names: Sequence[str]) -> Mapping[str, Status]:
        try:
            answer = await self._aws.read(
                self._account.name,
                "application-signals",
                "batch_get_service_level_objective_budget_report",
                Timestamp=moment,
                SloIds=list(names),
            )
        except AwsRefused as refused:
            return dict.fromkeys(names, self._fault(refused))
        self._asked_at |= dict.fromkeys(names, moment)
        found: dict[str, Status] = {}
        for report in answer.get("Reports", ()):
            for name in {report.get("Name", ""), report.get("Arn", "")} & set(names):
                if report.get("BudgetStatus"):  # one without says nothing, and is asked for again
                    self._known[name, moment] = str(report["BudgetStatus"])
        for error in answer.get("Errors", ()):
            for name in {error.get("Name", ""), error.get("Arn", "")} & set(names):
                found[name] = self._error(name, error.get("ErrorCode", ""), error.get("ErrorMessage", ""))
        await asyncio.sleep(PAUSE)
        silent = Unavailable(
            Who.PROVIDER, f"Application Signals says nothing of it in {place(self._account)}"
        )
        return {name: found.get(name) or silent for name in names}

    def _error(self, name: str, code: str, words: str) -> Status:
        """A part of an answer may fail, in an answer that is well for the rest."""
        if code in _NONE:
            return Missing(name)
        return Unavailable(Who.PROVIDER, f"{ACTION} of {name}: {code}: {words[:_WORDS]}")

    def _fault(self, refused: AwsRefused) -> Fault:
        if isinstance(refused, NotAsked):
            return refused.trouble
        words = refused.words[:_WORDS]
        if refused.code == "ValidationException":
            return Invalid(Who.AUTHOR, f"Application Signals refuses the question: {words}")
        who, what = {
            Result.DENIED: (Who.OPERATOR, f"{ACTION} is not allowed"),
            Result.CREDENTIALS: (Who.OPERATOR, "no credentials"),
            Result.THROTTLED: (Who.PROVIDER, f"Application Signals throttles {ACTION}"),
        }.get(result_of(refused.code), (Who.PROVIDER, f"{ACTION} failed ({refused.code})"))
        return Unavailable(who, f"{what} in {place(self._account)}: {words}")

    def _forget(self) -> None:
        oldest = self._now() - _FORGOTTEN
        self._asked_at = {name: at for name, at in self._asked_at.items() if at >= oldest}
        self._turned = {key: each for key, each in self._turned.items() if each.bad_until >= oldest}
        if len(self._known) > _MOST_KEPT:
            self._known = {key: status for key, status in self._known.items() if key[1] >= oldest}
