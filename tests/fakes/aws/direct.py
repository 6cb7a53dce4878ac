"""The fake as an implementation of `deploy.ports.Aws`, in process: for stories in virtual time, without threads.

It behaves as ``watcher.aws`` does over boto3: as many attempts, as long, the same codes where no answer came.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from botocore.handlers import handle_copy_source_param

from deploy.errors import AwsRefused
from tests.fakes.aws.models import operation_of
from tests.fakes.aws.trouble import AwsError, FakeBug
from tests.fakes.aws.world import Answer, AwsWorld
from watcher.aws.refusals import refuse

ALL = "*"  # a role that is the daemon's own credentials
_WAITS = 3.5  # seconds for an answer
_WHOLE = 6.0  # seconds for all attempts
_TRIES = 3  # of a read: botocore's standard mode
_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"}
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What an account's name stands for.

    Attributes:
        read: The ARN of the role to read; none: the daemon's own credentials.
        act: Of the role to act; none: nothing is sent, and ``NoRoleToAct`` is said. `ALL`: the daemon's own credentials.
    """

    region: str
    read: str | None = None
    act: str | None = None


class Direct:
    """`read`, `act` and `poll` of one world. A scope that nobody named is at home, and may do everything."""

    def __init__(self, world: AwsWorld, scopes: Mapping[str, Scope] | None = None) -> None:
        self._world = world
        self._scopes = dict(scopes or {})

    async def read(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        """With botocore's standard retries; it changes nothing, so it never may have happened."""
        where = self._scope(scope)
        asked = _Asked(scope, where.read, service, operation, parameters)
        try:
            async with asyncio.timeout(_WHOLE):
                for tried in range(1, _TRIES):
                    answer = await self._ask(where, where.read, service, operation, parameters)
                    if not _is_worth_another(answer):
                        return _heard(asked, answer, acts=False)
                    await asyncio.sleep(0.5 * tried)
                answer = await self._ask(where, where.read, service, operation, parameters)
                return _heard(asked, answer, acts=False)
        except TimeoutError:
            raise AwsRefused(
                operation, "Timeout", f"no answer within {_WHOLE:g} s", may_have_happened=False
            ) from None

    async def act(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        """Once. What is tried without a role is noted in ``world.calls``, though nothing is sent."""
        where = self._scope(scope)
        if where.act is None:
            name = operation_of(service, operation)
            self._world.note_unsent(service, name, parameters, where.region, "NoRoleToAct")
            words = f"account {scope} has no role to act, so nothing was sent"
            raise AwsRefused(operation, "NoRoleToAct", words, may_have_happened=False)
        answer = await self._ask(where, where.act, service, operation, parameters)
        return _heard(_Asked(scope, where.act, service, operation, parameters), answer, acts=True)

    async def poll(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Mapping[str, Any]:
        """A long poll waits as long as it asks to (``WaitTimeSeconds``), or until there is something."""
        where = self._scope(scope)
        for _ in range(int(parameters.get("WaitTimeSeconds", 0))):
            if self._world.has_message(parameters["QueueUrl"], self._account(where), where.region):
                break
            await asyncio.sleep(1)
        answer = await self._ask(where, where.read, service, operation, parameters)
        return _heard(_Asked(scope, where.read, service, operation, parameters), answer, acts=False)

    def _account(self, where: Scope) -> str:
        return where.read.split(":")[4] if where.read else self._world.account

    def _scope(self, name: str) -> Scope:
        if not self._scopes:
            return Scope(self._world.region, act=ALL)
        return self._scopes[name]

    async def _ask(
        self, where: Scope, role: str | None, service: str, operation: str, parameters: Mapping[str, Any]
    ) -> Answer:
        try:
            who = self._world.identities.named(None if role == ALL else role)
        except AwsError as error:
            return Answer(error=error)
        sent = dict(parameters)
        handle_copy_source_param(sent)  # boto3 itself writes a key as a part of an address
        answer = self._world.ask(service, operation_of(service, operation), sent, who, where.region)
        if answer.spoilt:
            raise FakeBug("what spoils answers stands between sockets, and there are none here")
        await asyncio.sleep(min(answer.delay, _WAITS))
        return answer


def _is_worth_another(answer: Answer) -> bool:
    error = answer.error
    return (
        answer.lost
        or answer.delay > _WAITS
        or (error is not None and (error.code in _THROTTLED or error.status >= 500))
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked, where and as whom."""

    scope: str
    role: str | None
    service: str
    operation: str
    parameters: Mapping[str, Any]


def _heard(asked: _Asked, answer: Answer, *, acts: bool) -> Mapping[str, Any]:
    operation = asked.operation
    if answer.delay > _WAITS:
        raise AwsRefused(operation, "Timeout", f"no answer within {_WAITS:g} s", may_have_happened=acts)
    if answer.lost:
        words = "Connection was closed before we received a valid response"
        raise AwsRefused(operation, "Unreachable", words, may_have_happened=acts)
    if answer.error is not None:
        error = ClientError(
            {
                "Error": {"Code": answer.error.code, "Message": answer.error.message},
                "ResponseMetadata": {"HTTPStatusCode": answer.error.status},
            },
            operation_of(asked.service, operation),
        )
        role = None if asked.role == ALL else asked.role
        refuse(error, asked.service, operation, asked.scope, role, parameters=asked.parameters, lost=acts)
    return answer.content
