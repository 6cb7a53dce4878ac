"""The kind ``sns``."""

import contextlib
from collections.abc import AsyncIterator

from watcher.errors import WatcherError
from watcher.notify.notifier import Kind, Notifier, Opening
from watcher.notify.sns.settings import Settings
from watcher.notify.sns.topic import Topic


class TopicWithoutAccount(WatcherError):
    """A topic is to be told, and no account of AWS is configured."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"{topic} cannot be told: no account of AWS is configured",
            remedy="write the account that `account` names under `accounts`",
        )


@contextlib.asynccontextmanager
async def open_sns(settings: Settings, opening: Opening) -> AsyncIterator[Notifier]:
    """The notifier. Nothing is published yet.

    Raises:
        TopicWithoutAccount: There is no way to AWS.
    """
    if opening.aws is None:
        raise TopicWithoutAccount(settings.topic)
    yield Topic(settings, opening.aws)


KIND = Kind(settings=Settings, open=open_sns, account_at=("account",))
