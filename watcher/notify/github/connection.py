"""The kind ``github``. gidgethub is an extra: it is imported when a connection is opened, and not before."""

import contextlib
from collections.abc import AsyncIterator
from importlib.util import find_spec

from watcher.errors import WatcherError
from watcher.notify.github.settings import Settings
from watcher.notify.notifier import Kind, Notifier, Opening


class GitHubMissing(WatcherError):
    """The extra is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "a connection to GitHub needs gidgethub, which is not installed",
            remedy="pip install 'rollbackd[github]'",
        )


@contextlib.asynccontextmanager
async def open_github(settings: Settings, opening: Opening) -> AsyncIterator[Notifier]:
    """The notifier. Nothing is sent yet.

    Raises:
        GitHubMissing: The extra is not installed.
    """
    if find_spec("gidgethub") is None:
        raise GitHubMissing
    from watcher.notify.github.board import Board  # noqa: PLC0415 - gidgethub and PyJWT are an extra
    from watcher.notify.github.client import Client  # noqa: PLC0415 - as above

    yield Board(Client(settings, opening.http, opening.now), opening.now, opening.public_url, settings.app)


KIND = Kind(settings=Settings, open=open_github, board=True)
