"""The kind ``ssm``."""

import contextlib
from collections.abc import AsyncIterator

from watcher.errors import WatcherError
from watcher.notify.notifier import Kind, Notifier, Opening
from watcher.notify.ssm.parameter import Parameter
from watcher.notify.ssm.settings import Settings


class ParameterWithoutAccount(WatcherError):
    """A parameter is to be written, and no account of AWS is configured."""

    def __init__(self, parameter: str) -> None:
        super().__init__(
            f"{parameter} cannot be written: no account of AWS is configured",
            remedy="write the account that `account` names under `accounts`, with a role to act",
        )


@contextlib.asynccontextmanager
async def open_ssm(settings: Settings, opening: Opening) -> AsyncIterator[Notifier]:
    """The notifier. Nothing is written yet.

    Raises:
        ParameterWithoutAccount: There is no way to AWS.
    """
    if opening.aws is None:
        raise ParameterWithoutAccount(settings.parameter)
    yield Parameter(settings, opening.aws)


KIND = Kind(settings=Settings, open=open_ssm, board=True, acts=True, account_at=("account",))
