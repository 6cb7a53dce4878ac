"""The kind ``slack``. slack_sdk is an extra: it is imported when a connection with a token is opened, and not before."""

import contextlib
from collections.abc import AsyncIterator
from importlib.util import find_spec

from watcher.errors import WatcherError
from watcher.notify.notifier import Kind, Notifier, Opening
from watcher.notify.slack.hook import Hook
from watcher.notify.slack.settings import Settings


class SlackMissing(WatcherError):
    """The extra is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "a connection to Slack with a token needs slack_sdk, which is not installed",
            remedy="pip install 'rollbackd[slack]', or use an incoming webhook (`webhook: {env: NAME}`)",
        )


def must_be_installed() -> None:
    """Who speaks to Slack with a token, or hears it, needs slack_sdk.

    Raises:
        SlackMissing: The extra is not installed.
    """
    if find_spec("slack_sdk") is None:
        raise SlackMissing


@contextlib.asynccontextmanager
async def open_slack(settings: Settings, opening: Opening) -> AsyncIterator[Notifier]:
    """The notifier. Nothing is sent yet.

    Raises:
        SlackMissing: The extra is not installed.
    """
    if settings.webhook is not None:
        yield Hook(
            settings, settings.webhook.get_secret_value(), opening.http, opening.now, opening.public_url
        )
        return
    must_be_installed()
    from watcher.notify.slack.speaking import open_bot  # noqa: PLC0415 - slack_sdk is an extra, and costs 40 MiB

    async with open_bot(settings, opening) as bot:
        yield bot


KIND = Kind(settings=Settings, open=open_slack)
