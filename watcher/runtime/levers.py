"""Levers: a file, or a parameter of Systems Manager, that holds the daemon off for as long as it says so.

For whoever can reach neither the API nor a command, and for whoever keeps all in one place: ``touch /etc/rollbackd/disarmed``.
What a lever says is in force within 10 s, and survives whatever becomes of the daemon: it is read before anything is done.
A lever that cannot be read leaves all as it was, for however long, and is told of once.

Every replica reads levers. A parameter is the same for all of them; a file is of one machine, so only the replica that saw it
lets it go: what is held off by one that is gone runs out (`HELD`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol

import structlog

from deploy.errors import AwsRefused
from deploy.ports import AwsCall
from watcher.core.disarm import ALL, HELD, Off, Pulled, Switch, announced, armed_again, by_lever, pulled
from watcher.core.watch import Message, Notice
from watcher.errors import WatcherError
from watcher.runtime.bells import Bells
from watcher.runtime.fleet import Current
from watcher.store.store import Disarmed, Store

EVERY = 4.0  # seconds: in force within 10 s, with the time that a call takes
MOST = 8 * 1024  # bytes that are read; a parameter has at most 8 KB
log = structlog.stdlib.get_logger("rollbackd.levers")


class LeverUnread(WatcherError):
    """A lever is there, and cannot be read: what it said last stays in force."""


class Lever(Protocol):
    """What holds the daemon off."""

    @property
    def name(self) -> str:
        """As who disarmed."""

    @property
    def is_shared(self) -> bool:
        """All replicas read the same one."""

    async def read(self) -> str | None:
        """What it says; ``None``: it is not there. Raises `LeverUnread`."""


@dataclass(frozen=True, slots=True)
class FileLever:
    """A local file. It is small, and read at once."""

    path: Path
    is_shared: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Its path."""
        return f"file:{self.path}"

    async def read(self) -> str | None:
        """See `Lever`. One that is there, and may not be read, or is too long, holds off all: somebody has pulled it."""
        try:
            with self.path.open("rb") as file:
                read = file.read(MOST + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if isinstance(error, PermissionError) and self._is_there():
                return f"{ALL}: {self.path} is there, and the daemon may not read it"
            raise LeverUnread(
                f"{self.path} cannot be read: {error.strerror or error}",
                remedy="let the user that the daemon runs as read it",
            ) from error
        if len(read) > MOST:
            return f"{ALL}: {self.path} is larger than {MOST // 1024} KiB"
        return read.decode(errors="replace")

    def _is_there(self) -> bool:
        """``False``: not even that may be known."""
        try:
            return self.path.exists()
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class ParameterLever:
    """A parameter of Systems Manager, in the clear.

    Source:
        https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
    """

    read_aws: AwsCall
    account: str
    parameter: str
    is_shared: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Its account and its name."""
        return f"ssm:{self.account}:{self.parameter}"

    async def read(self) -> str | None:
        """See `Lever`."""
        try:
            answer = await self.read_aws(self.account, "ssm", "get_parameter", Name=self.parameter)
        except AwsRefused as refused:
            if refused.code == "ParameterNotFound":
                return None
            raise LeverUnread(str(refused), remedy=refused.remedy) from refused
        return str(answer["Parameter"].get("Value", ""))[:MOST]


@dataclass
class Levers:
    """The loop that does as the levers say."""

    levers: Sequence[Lever]
    store: Store
    current: Current
    bells: Bells
    now: Callable[[], datetime]
    new_id: Callable[[str, datetime], str]
    _unread: set[str] = field(default_factory=set, init=False)
    _said: dict[str, Mapping[tuple[str, str], Pulled]] = field(default_factory=dict, init=False)

    async def go_round(self) -> bool:
        """Read each of them once. None hides another."""
        for lever in self.levers:
            try:
                text = await lever.read()
            except LeverUnread as error:
                if lever.name not in self._unread:
                    log.warning("lever.unread", lever=lever.name, words=str(error), remedy=error.remedy)
                self._unread.add(lever.name)
                await self._keep(lever.name)
                continue
            if lever.name in self._unread:
                self._unread.discard(lever.name)
                log.info("lever.recovered", lever=lever.name)
            await self._obey(lever, text)
        return False

    async def _keep(self, name: str) -> None:
        """What it said last stays in force."""
        now = self.now()
        switches = await self.store.disarmed(now)
        own = [Pulled(each.service, each.environment, each.reason) for each in switches if each.by == name]
        for off in by_lever(name, own, switches, now).renewed:
            await self.store.disarm(_row(off), now)

    async def _obey(self, lever: Lever, text: str | None) -> None:
        now, name = self.now(), lever.name
        wanted = pulled(text, self.current.services.keys())
        changes = by_lever(name, wanted.values(), await self.store.disarmed(now), now)
        for off in changes.off:
            log.warning(
                "lever.pulled",
                lever=name,
                service=off.service,
                environment=off.environment,
                reason=off.reason,
            )
            await self.store.disarm(_row(off), now, self._telling(off, announced(off, now), now))
        for off in changes.renewed:
            await self.store.disarm(_row(off), now)
        for on in changes.on:
            if lever.is_shared or (on.service, on.environment) in self._said.get(name, {}):
                await self._let_go(name, on, now)
        self._said[name] = wanted  # last: what the store did not take is tried again
        if changes.off or changes.on:
            self.bells.after_step()

    async def _let_go(self, name: str, on: Switch, now: datetime) -> None:
        """Arm again; or hand over to another lever that says the same, so that nothing starts in between."""
        key = (on.service, on.environment)
        for heir, said in self._said.items():
            if heir != name and key in said:
                held = Off(*key, heir, said[key].reason, on.since, now + HELD)
                await self.store.disarm(_row(held), now)
                return
        log.info("lever.let_go", lever=name, service=on.service, environment=on.environment)
        why = f"{name} no longer says so"
        news = self._telling(on, armed_again(on, name, now), now)
        await self.store.arm(on.service, on.environment, name, why, now, news)

    def _telling(self, switch: Switch, notice: Notice, now: datetime) -> Sequence[Message]:
        """The notice, once for each channel of the teams that it concerns."""
        where = (switch.service, switch.environment)
        concerned = [each for key, each in self.current.services.items() if where in {key, (ALL, ALL)}]
        first = self.new_id("m", now)
        channels = dict.fromkeys(channel for service in concerned for channel in service.team.tell)
        return [
            Message(f"{first}.{place}", "append", channel, notice) for place, channel in enumerate(channels)
        ]


def _row(off: Off) -> Disarmed:
    return Disarmed(off.service, off.environment, off.by, off.reason, off.since, off.until)
