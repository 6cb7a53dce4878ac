"""One connection: looks at the parameter of a service, and writes the verdict there where it says more.

It is written with the role to act, whose policy names the parameters; in shadow too, where there is such a role: to write down
what was seen moves nothing. Two replicas, or a message that comes late, never put an older watch over a newer one.

Source:
    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from deploy.errors import AwsRefused
from deploy.model import About, Finding, Level
from deploy.ports import Aws
from watcher.aws.codes import Result, result_of
from watcher.core.watch import Message
from watcher.notify.notifier import Later, Never, Telling, Told
from watcher.notify.ssm.settings import Settings
from watcher.notify.ssm.verdict import is_news, verdict_of, written

SOON = timedelta(seconds=5)
# What the same call will always get; anything else may pass, and is tried again.
_HOPELESS = frozenset(
    {
        "HierarchyLevelLimitExceededException",
        "HierarchyTypeMismatchException",
        "InvalidAllowedPatternException",
        "ParameterLimitExceeded",
        "ParameterMaxVersionLimitExceeded",
        "ParameterPatternMismatchException",
        "UnsupportedParameterType",
        "ValidationException",
    }
)
_NEEDS = "allow ssm:PutParameter on it to the account's role to act, and ssm:GetParameter to its role to read"
log = structlog.stdlib.get_logger("rollbackd.notify.ssm")


class Parameter:
    """The parameters of one connection."""

    def __init__(self, settings: Settings, aws: Aws) -> None:
        self._settings = settings
        self._aws = aws

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:
        """Write how the watch stands; what is told one by one is not written."""
        if narrowing:
            return Never(f"{narrowing}: nothing stands behind the name of a connection to Systems Manager")
        verdict = verdict_of(message.notice) if message.kind == "show" else None
        if verdict is None:
            return Told(ref)
        name = self._settings.name_of(verdict["service"], verdict["environment"])
        try:
            if is_news(verdict, await self._there(name)):
                await self._put(name, written(verdict))
                log.info("verdict.written", parameter=name, watch=verdict["watch"], state=verdict["state"])
        except AwsRefused as refused:
            return _refused(name, refused)
        return Told(name)

    async def _there(self, name: str) -> str | None:
        try:
            answer = await self._aws.read(self._settings.account, "ssm", "get_parameter", Name=name)
        except AwsRefused as refused:
            if refused.code == "ParameterNotFound":
                return None
            raise
        return str(answer["Parameter"].get("Value", ""))

    async def _put(self, name: str, value: str) -> None:
        await self._aws.act(
            self._settings.account,
            "ssm",
            "put_parameter",
            Name=name,
            Value=value,
            Type="String",
            Overwrite=True,
        )

    async def examine(self, narrowings: Sequence[str]) -> Sequence[Finding]:  # noqa: ARG002 - nothing is narrowed
        """May a parameter be looked at. None is written, so whether that is allowed is not told."""
        name = self._settings.name_of("doctor", "nowhere")
        try:
            await self._there(name)
        except AwsRefused as refused:
            return [Finding(Level.FAIL, f"{name}: {refused}", _NEEDS, about=About.TELLING)]
        words = f"{self._settings.parameter} may be read; whether it may be written was not tried"
        return [Finding(Level.OK, words, about=About.TELLING)]


def _refused(name: str, refused: AwsRefused) -> Later | Never:
    if result_of(refused.code) is Result.DENIED:
        return Never(f"{name}: {refused}; {_NEEDS}")
    words = f"{name}: {refused}"
    return Never(words) if refused.code in _HOPELESS else Later(SOON, words)
