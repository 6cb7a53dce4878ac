"""Amazon SNS over HTTPS: notifications that are signed by SNS, version 2 of the signature alone.

``settings`` says which topics are believed, ``letter`` what stands in a message and what is signed, ``certificates`` gets what it
is signed with, ``topic`` puts them together. ``cryptography`` is an extra: it is imported when a sender is opened, and not before.
Deliberately absent: version 1 of the signature (SHA-1), and raw delivery, which carries none.
"""

from collections.abc import Callable
from importlib.util import find_spec

from watcher.errors import WatcherError
from watcher.signals.alert.senders.sender import Kind, Sender
from watcher.signals.alert.senders.sns.settings import Settings


class CryptographyMissing(WatcherError):
    """The extra is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "topics of SNS over HTTPS need cryptography, which is not installed",
            remedy="pip install 'rollbackd[signatures]', or subscribe a queue to the topic, which needs nothing",
        )


def _is_installed() -> bool:
    return find_spec("cryptography") is not None


def open_topics(settings: Settings, is_installed: Callable[[], bool] = _is_installed) -> Sender:
    """The sender. Nobody is asked yet.

    Raises:
        CryptographyMissing: The extra is not installed.
    """
    if not is_installed():
        raise CryptographyMissing
    from watcher.signals.alert.senders.sns.topic import Topics  # noqa: PLC0415 - cryptography is an extra

    return Topics(settings)


KIND = Kind(settings=Settings, open=open_topics)
