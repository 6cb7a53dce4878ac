"""A system that people are told through: what every notifier must do. No secret ever leaves in a message or an error."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import BaseModel

from deploy.ports import Aws
from watcher.core.watch import Message
from watcher.core.wording import Chart
from watcher.http import Http


@dataclass(frozen=True, slots=True)
class Told:
    """It arrived. *ref* names it there, so that it can be changed later."""

    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """Not now (down, throttled): try again after *after*."""

    after: timedelta
    words: str


@dataclass(frozen=True, slots=True)
class Never:
    """It will not be taken: the channel is gone, the message is refused. An operator must act."""

    words: str


Telling = Told | Later | Never


class Notifier(Protocol):
    """One connection to one system that tells people."""

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:
        """Tell *message*; the same id may come twice. *narrowing* is what stands after the connection's name (a channel)."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a notifier is opened with.

    Attributes:
        chart_of: The picture of a watch, by its id, from what is stored of it; ``None`` where there is none to be had.
        public_url: Of the daemon, under which people reach it; without a slash at its end.
        aws: In the accounts that are configured; ``None`` where there is none.
    """

    http: Http
    now: Callable[[], datetime]
    chart_of: Callable[[str], Awaitable[Chart | None]] | None = None
    public_url: str | None = None
    aws: Aws | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notifier, for the registry.

    Attributes:
        settings: Of a connection; its secrets are `SecretStr`, with the values in them when it is opened. ``None``: a connection
            that signals are read by tells people, too; what is written there says the provider of the same name.
        open: Takes the settings and an `Opening`; gives the notifier, for as long as the context lasts.
        board: It disturbs nobody: it is shown how every watch stands, whatever `speak` says, and told nothing one by one.
        acts: It writes with its account's role to act.
        account_at: The keys, from the outside in, under which a connection's settings name an account of AWS.
        misfit: Why a narrowing (empty: none is written) cannot stand after the connection's name, and the remedy; ``None``: it
            can. For the check of a configuration.
    """

    settings: type[BaseModel] | None
    open: Callable[..., AbstractAsyncContextManager[Notifier]]
    board: bool = False
    acts: bool = False
    account_at: tuple[str, ...] = ()
    misfit: Callable[[str], tuple[str, str] | None] | None = None
