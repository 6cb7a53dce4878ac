"""Checks, side by side: each has its own time, and none hides another, whatever becomes of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from deploy.errors import AwsRefused, DeployError
from deploy.model import About, Finding, Level
from watcher.aws.codes import TIMEOUT, UNREACHABLE
from watcher.errors import WatcherError

USUAL = timedelta(seconds=20)  # some calls, each of at most 6 s
_HERE = {
    ", `rollbackd doctor` tries them": "",
    "`rollbackd doctor` tries the permissions": "is it called so there, in this account and region; and may it be asked?",
}
OF_A_SERVICE = "service "
Work = Callable[[], Awaitable[Sequence[Finding]]]


class Mark(StrEnum):
    """How one thing stands, the worst first. What could not be told is neither well nor known to be wrong."""

    RED = "red"
    UNTOLD = "untold"
    WARN = "warn"
    OK = "ok"


_MARKS = {Level.OK: Mark.OK, Level.WARN: Mark.WARN, Level.FAIL: Mark.RED}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at.

    Attributes:
        subject: Whose: ``account shop``, ``service checkout/production``.
        name: What, in a word or two.
        where: At which part of the subject, and through what: ``errors (dog)``, ``ecs``. Empty: at the subject itself.
        by: The subject through which it is asked, which has a check of its own: ``connection dog``. Empty: none.
    """

    subject: str
    name: str
    work: Work
    limit: timedelta = USUAL
    where: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a check found. *unreachable*: nobody answered. *where* and *by* are those of the check."""

    subject: str
    check: str
    finding: Finding
    unreachable: bool = False
    where: str = ""
    by: str = ""

    @property
    def service(self) -> str | None:
        """``checkout/production``, where it is about one service; ``None``: it concerns every service."""
        return self.subject.removeprefix(OF_A_SERVICE) if self.subject.startswith(OF_A_SERVICE) else None

    @property
    def mark(self) -> Mark:
        """How it stands."""
        if self.unreachable or self.finding.untold:
            return Mark.UNTOLD
        return _MARKS[self.finding.level]


async def carried_out(checks: Sequence[Check]) -> list[Found]:
    """What all *checks* found, in their order."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_carried_out(check)) for check in checks]
    return [found for task in running for found in task.result()]


async def _carried_out(check: Check) -> list[Found]:
    unreachable = False
    findings: Sequence[Finding]
    try:
        async with asyncio.timeout(check.limit.total_seconds()):
            findings = await check.work()
    except TimeoutError:
        unreachable = True
        words = f"no answer within {check.limit.total_seconds():.0f} s"
        findings = [Finding(Level.FAIL, words, "is the way there open: network, proxy, security group?")]
    except AwsRefused as refused:
        unreachable = refused.code in {TIMEOUT, UNREACHABLE}
        findings = [refusal(refused)]
    except (DeployError, WatcherError) as error:
        findings = [Finding(Level.FAIL, str(error), error.remedy)]
    except Exception as bug:  # noqa: BLE001 - the one boundary here: a bug in a check must not hide what the others found
        words = f"a bug of rollbackd: {type(bug).__name__}: {bug}"
        findings = [Finding(Level.FAIL, words, "report it, with these words")]
    return [
        Found(check.subject, check.name, _from_inside(finding), unreachable, check.where, check.by)
        for finding in findings
    ]


def _from_inside(finding: Finding) -> Finding:
    """Remedies of others send people to the doctor, where they are already."""
    remedy = finding.remedy
    for words, instead in _HERE.items():
        remedy = remedy.replace(words, instead)
    return finding if remedy == finding.remedy else replace(finding, remedy=remedy)


def refusal(refused: AwsRefused) -> Finding:
    """A call that AWS did not answer as it should."""
    way = "is the way to AWS open: network, proxy, VPC endpoints?"
    lost = refused.code in {TIMEOUT, UNREACHABLE}
    return Finding(Level.FAIL, str(refused), way if lost else refused.remedy)


def not_told(words: str, remedy: str, about: About) -> Finding:
    """The daemon that runs did not say what it alone knows."""
    return Finding(Level.WARN, words, remedy or "set ROLLBACKD_URL and ROLLBACKD_TOKEN", about, untold=True)
