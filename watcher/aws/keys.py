"""Roles, assumed with the daemon's own credentials when they are needed, and the keys that AWS gives for them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.ports import AwsCall
from watcher.aws.codes import NO_ROLE, UNREADABLE, Result, result_of
from watcher.aws.roles import AwsRoles

SESSION = "rollbackd"  # the name in CloudTrail, and in the ARN of whoever did something
AGAIN = timedelta(seconds=5)  # a refused role is not asked for sooner: forty services must not all ask
_KEYS = ("AccessKeyId", "SecretAccessKey", "SessionToken")
_NOT_STS = "the answer has no keys in it, so it is not one of STS"
FIRM = frozenset({Result.DENIED, Result.CREDENTIALS, Result.REFUSED})  # asking again at once would not help


@dataclass(frozen=True, slots=True)
class Keys:
    """Of an assumed role. *until* is by our own clock: how far it is off does not matter."""

    role: str
    access: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    until: datetime


@dataclass(frozen=True, slots=True)
class Purpose:
    """What roles are assumed for.

    Attributes:
        name: The key of the configuration under ``accounts.NAME``.
        lasts: How long AWS lets the keys live.
        kept: How long they are used.
        only: Nothing is done without the role (but see `AwsRoles.own_acts`), and its keys are dropped from memory as soon
            as they are not used.
    """

    name: str
    role: Callable[[AwsRoles], str | None]
    lasts: timedelta
    kept: timedelta
    only: bool = False


# An hour is what every role allows, and the most for a role that a role assumes; a quarter of an hour is the least.
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
READING = Purpose("read", lambda roles: roles.read, timedelta(hours=1), kept=timedelta(minutes=50))
ACTING = Purpose("act", lambda roles: roles.act, timedelta(minutes=15), kept=timedelta(minutes=14), only=True)


class Keyring:
    """The keys of one purpose, by account.

    Args:
        purpose: What for.
        own: Calls with the daemon's own credentials.
        now: The time.
        forgotten: Hears of an account whose keys were dropped.
    """

    def __init__(
        self,
        purpose: Purpose,
        own: AwsCall,
        now: Callable[[], datetime],
        forgotten: Callable[[str], None] = lambda _account: None,
    ) -> None:
        self._purpose = purpose
        self._own = own
        self._now = now
        self._forgotten = forgotten
        self._keys: dict[str, Keys] = {}
        self._refused: dict[str, tuple[AwsRefused, datetime]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def keys(self, roles: AwsRoles, operation: str) -> Keys | None:
        """The keys of the role, which is assumed if it is not already; ``None`` for the daemon's own credentials.

        Raises:
            AwsRefused: There is no role, or it cannot be assumed; *operation* did not happen.
        """
        role = self._purpose.role(roles)
        if role is None:
            self._need_none(roles, operation)
            return None
        async with self._locks[roles.name]:
            keys = self._keys.get(roles.name)
            if keys is None or self._now() >= keys.until:
                self.forget(roles.name)
                keys = self._keys[roles.name] = await self._assume(roles.name, role, operation)
                self._forget_later(roles.name)
            return keys

    def forget(self, account: str, refused: Keys | None = None) -> None:
        """Drop the keys of *account*: their time is over, or AWS does not take them any more.

        Where it *refused* some, only those: of many calls that had the same, the first drops them, and the next one that
        asks has new ones already.
        """
        if refused is not None and self._keys.get(account) is not refused:
            return
        timer = self._timers.pop(account, None)
        if timer is not None:
            timer.cancel()
        if self._keys.pop(account, None) is not None:
            self._forgotten(account)

    def close(self) -> None:
        """Drop all."""
        for account in list(self._keys):
            self.forget(account)

    def _need_none(self, roles: AwsRoles, operation: str) -> None:
        account = roles.name
        if self._purpose.only and not roles.own_acts:
            raise AwsRefused(
                operation,
                NO_ROLE,
                f"account {account} has no role to {self._purpose.name}, so nothing was sent",
                may_have_happened=False,
                remedy=f"write `accounts.{account}.{self._purpose.name}`, if rollbackd is to {self._purpose.name} there",
            )

    async def _assume(self, account: str, role: str, operation: str) -> Keys:
        refused, at = self._refused.get(account, (None, None))
        if refused is not None and at is not None and self._now() < at + AGAIN:
            raise self._cannot(refused, account, role, operation) from refused
        try:
            answer = await self._own(
                account,
                "sts",
                "assume_role",
                RoleArn=role,
                RoleSessionName=f"{SESSION}-{self._purpose.name}",
                DurationSeconds=int(self._purpose.lasts.total_seconds()),
            )
        except AwsRefused as no:
            if result_of(no.code) in FIRM:
                self._refused[account] = (no, self._now())
            raise self._cannot(no, account, role, operation) from no
        given = answer.get("Credentials") or {}
        access, secret, token = (str(given.get(name) or "") for name in _KEYS)
        if not (access and secret and token):
            none = AwsRefused(
                "AssumeRole",
                UNREADABLE,
                _NOT_STS,
                may_have_happened=False,
                remedy="what answers there: a proxy?",
            )
            raise self._cannot(none, account, role, operation) from none
        return Keys(role, access, secret, token, self._now() + self._purpose.kept)

    def _cannot(self, refused: AwsRefused, account: str, role: str, operation: str) -> AwsRefused:
        trust = (
            f"let its trust policy name the daemon's own role, and let that one do sts:AssumeRole on it;"
            f" or correct `accounts.{account}.{self._purpose.name}`"
        )
        return AwsRefused(
            operation,
            refused.code,
            f"the role {role} cannot be assumed (account {account}): {refused.words}",
            may_have_happened=False,
            remedy=trust if result_of(refused.code) is Result.DENIED else refused.remedy,
        )

    def _forget_later(self, account: str) -> None:
        if self._purpose.only:
            loop = asyncio.get_running_loop()
            self._timers[account] = loop.call_later(self._purpose.kept.total_seconds(), self.forget, account)
