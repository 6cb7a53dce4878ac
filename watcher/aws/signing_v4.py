"""Signature Version 4, by botocore: the keys of the role, or the daemon's own, which are refreshed on a thread.

Source:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError

from deploy.errors import AwsRefused
from watcher.aws.codes import NO_CREDENTIALS, TIMEOUT
from watcher.aws.keys import Keyring
from watcher.aws.refusals import OWN
from watcher.aws.roles import AwsRoles
from watcher.aws.threads import Threads

OPERATION = "sign"
PATIENCE = 3.0  # seconds that keys may take to come; they are in memory but for once an hour


class SignerV4:
    """Implements `watcher.aws.signing.Signs`."""

    def __init__(self, accounts: Mapping[str, AwsRoles], keyring: Keyring) -> None:
        self._accounts = accounts
        self._keyring = keyring
        self._own = _Own()
        self._threads = Threads("aws-sign", 1)

    async def sign(
        self, account: str, service: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, str]:
        """See `Signs`."""
        roles = self._accounts.get(account)
        if roles is None:
            words = f"no account is called {account}"
            raise AwsRefused(OPERATION, NO_CREDENTIALS, words, may_have_happened=False)
        credentials = await self._credentials(roles)
        request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
        SigV4Auth(credentials, service, roles.region).add_auth(request)
        return {name: value for name, value in request.headers.items() if name not in headers}

    def close(self) -> None:
        """Let the thread end once it is free."""
        self._threads.close()

    async def _credentials(self, roles: AwsRoles) -> Credentials | ReadOnlyCredentials:
        try:
            async with asyncio.timeout(PATIENCE):
                keys = await self._keyring.keys(roles, OPERATION)
                if keys is not None:
                    return Credentials(keys.access, keys.secret, keys.token)
                return await self._threads.run(self._own.now)
        except TimeoutError:
            words = f"no credentials within {PATIENCE:g} s"
            raise AwsRefused(OPERATION, TIMEOUT, words, may_have_happened=False) from None
        except (BotoCoreError, RuntimeError) as error:
            raise _none(str(error)) from error


class _Own:
    """The daemon's own credentials. botocore looks for them once, and refreshes them when their time is near."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Any = None

    def now(self) -> ReadOnlyCredentials:
        with self._lock:
            if self._found is None:
                self._found = botocore.session.Session().get_credentials()
            if self._found is None:
                raise _none("none are found where AWS's programs look for them")
            frozen: ReadOnlyCredentials = self._found.get_frozen_credentials()
            return frozen


def _none(words: str) -> AwsRefused:
    return AwsRefused(OPERATION, NO_CREDENTIALS, f"{OWN}: {words}", may_have_happened=False)
