"""Waiting for a verdict in a parameter of Systems Manager, for runners that have no way in to the daemon.

The parameter has how the *newest* watch of a service stands: before the daemon has heard of a deployment, that of the one before. So
each answer is held against what is meant; what is of another tag, or of a watch that began before, is not the verdict.

Source:
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html; what stands in it: ``watcher.notify.ssm``
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.ports import Aws, AwsAccount
from watcher import clock
from watcher.aws import AwsRoles, open_aws
from watcher.aws.codes import Result, result_of
from watcher.commands._client import Misused, Refused, Unreachable
from watcher.commands._screen import coloured, plain, say
from watcher.commands._waiting import Persistent, TimedOut
from watcher.notify.ssm.verdict import VERSION
from watcher.telemetry.metrics import Metrics

EVERY = 15.0  # seconds between two looks: Systems Manager allows 40 a second in an account, whoever asks
SKEW = timedelta(seconds=10)  # that a runner's clock may be ahead of the daemon's
HERE = "here"  # whose credentials: those that the runner has
_MISNAMED = frozenset({"ValidationException", "InvalidRegion"})
_TIMED = re.compile(r"w_([0-9a-f]{12})[0-9a-f]{20}")
_TOLD = {"watch": str, "tag": str, "state": str, "decided": bool, "breached": bool, "words": str}


@dataclass(frozen=True, slots=True)
class Meant:
    """Whose verdict is waited for: a *watch*, or the one of *tag* that began after *since* (aware)."""

    watch: str | None = None
    tag: str | None = None
    since: datetime | None = None

    def is_it(self, verdict: Mapping[str, Any]) -> bool:
        """*verdict* is of what is meant."""
        if self.watch is not None:
            return bool(verdict["watch"] == self.watch)
        latest = _began(verdict["watch"])
        is_new = self.since is None or (latest is not None and latest >= self.since)
        return is_new and bool(verdict["tag"] == self.tag)

    def is_past(self, verdict: Mapping[str, Any]) -> bool:
        """*verdict* is of a newer watch than the one that is named, which so never comes: ids sort by time."""
        both_tell = all(_began(each) is not None for each in (self.watch or "", verdict["watch"]))
        return both_tell and bool(verdict["watch"] > self.watch)

    def __str__(self) -> str:
        return self.watch or f"{self.tag}, deployed since {self.since:%Y-%m-%d %H:%M:%S %Z}"


def _began(watch: str) -> datetime | None:
    """When a watch was opened at the latest, by its id (`watcher.clock.new_id`); ``None``: that is none of ours."""
    found = _TIMED.fullmatch(watch)
    try:
        return datetime.fromtimestamp(int(found[1], 16) / 1000, UTC) + SKEW if found else None
    except (ValueError, OverflowError):  # after the year 9999
        return None


@dataclass(kw_only=True)
class InParameter(Persistent):
    """Looks at a parameter until it has the verdict.

    Attributes:
        name: Of the parameter.
        read: Its value; ``None``: there is no such parameter. Raises `Unreachable` where asking again may help.
        every: Seconds between two looks.
    """

    name: str
    read: Callable[[], str | None]
    meant: Meant
    every: float = EVERY

    def verdict(self) -> Mapping[str, Any]:
        """The verdict, or what is known of it when the time is over.

        Raises:
            TimedOut: Nothing of what is meant was seen.
            Failed: The parameter cannot be read, or is not one that rollbackd writes.
        """
        latest: Mapping[str, Any] | None = None
        other = ""
        while True:
            told = self.persist(self._look)
            if told is not None and self.meant.is_it(told):
                if latest is None or latest["state"] != told["state"]:
                    say(coloured(told["words"], told["state"]))
                latest = told
            elif told is not None and latest is not None and told["watch"] > latest["watch"]:
                return _overtaken(latest, told)
            elif told is not None and latest is None and self.meant.is_past(told):
                return _never_seen(self.meant, told)
            elif told is not None and told["watch"] != other:
                other = told["watch"]
                say(plain(f"{self.name} is of {told['tag']} ({other}) still"))
            if latest is not None and (latest["decided"] or self.left() <= 0):
                return latest
            if self.left() <= 0:
                raise TimedOut(
                    f"{self.name} had nothing of {self.meant}",
                    "`rollbackd services` beside the daemon says whether it has heard of the deployment; `rollbackd doctor`"
                    " whether it may write parameters",
                )
            self.pause(min(self.every, self.left()))

    def _look(self) -> Mapping[str, Any] | None:
        value = self.read()
        return None if value is None else _told(self.name, value)


def _told(name: str, value: str) -> Mapping[str, Any]:
    try:
        told = json.loads(value)
    except (ValueError, RecursionError):  # the latter: brackets without end
        told = None
    if isinstance(told, dict) and isinstance(told.get("v"), int) and told["v"] > VERSION:
        raise Misused(
            f"{name} was written by a newer rollbackd", "install the version here that the daemon has"
        )
    if not isinstance(told, dict) or not all(isinstance(told.get(key), kind) for key, kind in _TOLD.items()):
        raise Misused(
            f"{name} has no verdict of rollbackd in it",
            "a connection of the kind ssm writes them: docs/pipeline.md says into which parameter",
        )
    return told


def _overtaken(latest: Mapping[str, Any], newer: Mapping[str, Any]) -> Mapping[str, Any]:
    """It was seen, and then a newer watch stood there: how it ended in between is not told, and so it is not called passed."""
    words = f"{latest['words']}. Then {newer['tag']} was deployed, and how this one ended is not known here"
    return {**latest, "state": "superseded", "decided": True, "status": 6, "words": words}


def _never_seen(meant: Meant, newer: Mapping[str, Any]) -> Mapping[str, Any]:
    """A newer watch stands there already: waiting would never end, and how the one that is meant ended is not told."""
    words = f"{newer['tag']} ({newer['watch']}) was deployed since, and how {meant} ended is not known here"
    known = {"watch": meant.watch, "state": "superseded", "decided": True, "breached": False, "status": 6}
    return {
        "v": VERSION,
        "service": newer.get("service"),
        "environment": newer.get("environment"),
        **known,
        "words": words,
    }


# ---------------------------------------------------------------------------------------------------------------------- AWS


def waited(name: str, region: str, meant: Meant, ends: float) -> Mapping[str, Any]:
    """The verdict in the parameter *name*, read with the credentials that are here.

    Args:
        name: Of the parameter.
        region: Where it is.
        meant: Whose verdict is waited for.
        ends: When the time is over, in seconds by `watcher.clock.monotonic`.

    Raises:
        Failed: See `InParameter.verdict`.
    """
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        roles = {HERE: AwsRoles(HERE, region)}
        aws = runner.run(stack.enter_async_context(open_aws(roles, Metrics(), clock.now)))
        try:
            return InParameter(
                name=name, read=lambda: runner.run(value_of(aws, name, region)), meant=meant, ends=ends
            ).verdict()
        finally:
            runner.run(stack.aclose())


async def value_of(aws: Aws, name: str, region: str) -> str | None:
    """What stands in the parameter; ``None``: there is none such.

    Raises:
        Misused: There can be no parameter of that name.
        Refused: AWS does not let this runner read it.
        Unreachable: AWS did not answer, or cannot now.
    """
    try:
        answer = await aws.read(HERE, "ssm", "get_parameter", Name=name)
    except AwsRefused as refused:
        if refused.code == "ParameterNotFound":
            return None
        raise _failure(name, region, refused) from refused
    return str(answer["Parameter"].get("Value", ""))


def _failure(name: str, region: str, refused: AwsRefused) -> Misused | Refused | Unreachable:
    if refused.code in _MISNAMED:
        return Misused(
            f"{name} cannot be the name of a parameter in {region}: {refused}", "correct --ssm or --region"
        )
    match result_of(refused.code):
        case Result.DENIED:
            arn = (
                f"arn:{AwsAccount(HERE, region).partition}:ssm:{region}:ACCOUNT:parameter/{name.lstrip('/')}"
            )
            remedy = f"allow ssm:GetParameter on {arn} to the role that this runner has"
            return Refused(f"{name} may not be read here: {refused}", remedy)
        case Result.CREDENTIALS:
            remedy = (
                "give the job a role of AWS: of GitHub Actions, aws-actions/configure-aws-credentials does"
            )
            return Refused(f"{name} cannot be read without credentials: {refused}", remedy)
        case _:
            return Unreachable(
                f"AWS does not tell {name}: {refused}", "is the region right, and the way to AWS open?"
            )
