"""The kind ``pagerduty``."""

import contextlib
import re
from collections.abc import AsyncIterator

from watcher.errors import WatcherError
from watcher.notify.notifier import Kind, Notifier, Opening
from watcher.notify.pagerduty.pager import Pager
from watcher.notify.pagerduty.settings import Settings

_KEY = re.compile(r"[A-Za-z0-9]{32}")


class RoutingKeyMalformed(WatcherError):
    """What is given as the routing key of PagerDuty cannot be one."""

    def __init__(self, length: int) -> None:
        """*length*: in characters."""
        super().__init__(
            f"the routing key for PagerDuty has {length} characters, or others than letters and digits: it cannot be one",
            remedy="take the integration key (32 letters and digits) of an Events API v2 integration of the service",
        )


@contextlib.asynccontextmanager
async def open_pagerduty(settings: Settings, opening: Opening) -> AsyncIterator[Notifier]:
    """The notifier. Nothing is sent yet.

    Raises:
        RoutingKeyMalformed: It would be refused, at the time when somebody is needed.
    """
    key = settings.routing_key.get_secret_value()
    if not _KEY.fullmatch(key):
        raise RoutingKeyMalformed(len(key))
    yield Pager(settings, opening.http, opening.now, opening.public_url)


KIND = Kind(settings=Settings, open=open_pagerduty)
