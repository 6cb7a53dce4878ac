"""One capability towards AWS: a mode, the keys and the threads that go with it. Implements `deploy.ports.AwsCall`."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError
from botocore.parsers import ResponseParserError
from botocore.response import StreamingBody

from deploy.errors import AwsRefused
from watcher.aws.clients import Clients
from watcher.aws.codes import STALE, TIMEOUT, UNREADABLE, Result, result_of
from watcher.aws.keys import Keyring, Keys
from watcher.aws.modes import WAITS, Mode
from watcher.aws.refusals import MOST_WORDS, Raised, refuse
from watcher.aws.roles import AwsRoles
from watcher.aws.tally import Tally
from watcher.aws.threads import Threads
from watcher.aws.ticket import Ticket

MOST_STREAMED = 2 * 1024 * 1024  # bytes: what is read is a page, never a file of somebody's


@dataclass(frozen=True, slots=True)
class Capability:
    """Calls AWS in one mode.

    Attributes:
        keyring: Whose keys; ``None``: always the daemon's own credentials.
        threads: Those for a call, by its scope and its parameters.
    """

    mode: Mode
    accounts: Mapping[str, AwsRoles]
    keyring: Keyring | None
    clients: Clients
    threads: Callable[[str, Mapping[str, Any]], Threads]
    tally: Tally

    async def __call__(
        self, scope: str, service: str, operation: str, /, **parameters: Any
    ) -> Mapping[str, Any]:
        """Call *operation*; see `deploy.ports.AwsCall`."""
        if parameters.get("WaitTimeSeconds", 0) > WAITS:
            raise ValueError(f"a poll waits for at most {WAITS} s, for nothing can stop it")
        loop = asyncio.get_running_loop()
        began, result = loop.time(), Result.BUG
        try:
            answer = await self._in_time(self.accounts[scope], service, operation, parameters)
            result = Result.OK
        except AwsRefused as refused:
            result = result_of(refused.code)
            raise
        except asyncio.CancelledError:
            result = Result.CANCELLED
            raise
        finally:
            self.tally.ended(self.mode.name, service, operation, result, loop.time() - began)
        self.tally.paid(service, operation, parameters)
        return answer

    async def _in_time(
        self, roles: AwsRoles, service: str, operation: str, parameters: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The answer, or a refusal, within the time that the mode has for everything."""
        ticket, keys = Ticket(), None
        try:
            async with asyncio.timeout(self.mode.whole):
                keys = await self.keyring.keys(roles, operation) if self.keyring else None
                work = _Work(self, ticket, roles, keys, service, operation, parameters)
                return await self.threads(roles.name, parameters).run(work.do)
        except TimeoutError:
            lost = ticket.give_up() and self.mode.changes
            words = f"no answer within {self.mode.whole:g} s"
            raise AwsRefused(operation, TIMEOUT, words, may_have_happened=lost) from None
        except AwsRefused as refused:
            if self.keyring and keys and refused.code in STALE:
                self.keyring.forget(roles.name, keys)
            raise
        finally:
            ticket.give_up()


@dataclass(frozen=True, slots=True)
class _Work:
    """One call, as a thread does it."""

    by: Capability
    ticket: Ticket
    roles: AwsRoles
    keys: Keys | None
    service: str
    operation: str
    parameters: Mapping[str, Any]

    def do(self) -> Mapping[str, Any]:
        try:
            with self.ticket.of_this_thread():
                client = self.by.clients.get(self.by.mode, self.roles, self.service, self.keys)
                answer: dict[str, Any] = getattr(client, self.operation)(**self.parameters)
                answer |= {
                    name: _read(value, self.operation)
                    for name, value in answer.items()
                    if isinstance(value, StreamingBody)
                }
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            lost = self.by.mode.changes and self.ticket.sent
            self._refuse(error, self.keys.role if self.keys else None, lost=lost)
        except RuntimeError as error:
            if self.ticket.sent or "credentials" not in str(error):
                raise
            # Our own came out of date already: botocore has no class for it (credentials.py, _protected_refresh).
            none = CredentialRetrievalError(provider="botocore", error_msg=str(error))
            self._refuse(none, None, lost=False)
        except (ValueError, TypeError, LookupError) as error:
            if not self.ticket.sent:
                raise  # our bug; but once it was sent, it is an answer that botocore stumbles over
            told = str(error)
            words = f"an answer that cannot be read: {self.ticket.clean(told)}"[:MOST_WORDS]
            lost = self.by.mode.changes
            cause = (
                error if self.ticket.clean(told) == told else None
            )  # who shows the cause would show the keys
            raise AwsRefused(self.operation, UNREADABLE, words, may_have_happened=lost) from cause
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    def _refuse(self, error: Raised, role: str | None, *, lost: bool) -> NoReturn:
        refuse(
            error,
            self.service,
            self.operation,
            self.roles.name,
            role,
            parameters=self.parameters,
            lost=lost,
            clean=self.ticket.clean,
        )


def _read(body: StreamingBody, operation: str) -> bytes:
    """What boto3 would stream, read by the thread that asked for it; its connection is given back.

    Read until there is no more: only then does botocore say that the connection broke, or that the checksum is another.
    """
    with contextlib.closing(body):
        content = b""
        while more := body.read(MOST_STREAMED + 1 - len(content)):
            content += more
            if len(content) > MOST_STREAMED:
                words = f"an answer larger than {MOST_STREAMED // 1024} KiB"
                raise AwsRefused(operation, UNREADABLE, words, may_have_happened=False)
        return content
