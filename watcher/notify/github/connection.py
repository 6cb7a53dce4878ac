"""The kind ``github``. gidgethub is an extra: it is imported when a connection is opened, and not before."""

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from importlib.util import find_spec

from deploy.github import Access
from deploy.ports import Rest
from watcher.errors import WatcherError
from watcher.http import Http
from watcher.notify.github.settings import Settings
from watcher.notify.notifier import Kind, Notifier, Opening

ONE_REQUEST = timedelta(seconds=3)  # of a target, which has 7 s for everything


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

    client = Client(settings, opening.http, opening.now)
    yield Board(client, opening.now, opening.public_url, settings.app, commits=settings.commits)


def rest(http: Http, now: Callable[[], datetime], access: Access) -> Rest:
    """GitHub's REST API, for whoever acts there. Nothing is sent yet.

    Raises:
        GitHubMissing: The extra is not installed.
    """
    if find_spec("gidgethub") is None:
        raise GitHubMissing
    from watcher.notify.github.client import Client  # noqa: PLC0415 - as above

    settings = Settings(token=access.token, app=access.app, url=access.url, timeout=ONE_REQUEST)
    return Client(settings, http, now)


KIND = Kind(settings=Settings, open=open_github, board=True)
