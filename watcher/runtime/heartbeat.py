"""The heartbeat: tells a monitor outside that all is well, so that it calls somebody when it hears nothing.

A daemon cannot report its own death. It is told only while the daemon is truly well: the event loop turns, the store writes
and reads, and it is not about to end. In every other case it stays silent, and the silence is what alarms.

Source:
    https://healthchecks.io/docs/http_api/
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from pydantic import SecretStr

from watcher.http import Http, HttpRefused, Request
from watcher.telemetry.metrics import Metrics

SYSTEM = "heartbeat"
TIMEOUT = timedelta(seconds=10)
MOST_ANSWER = 64 * 1024  # bytes of an answer, which is not looked at
log = structlog.stdlib.get_logger("rollbackd.heartbeat")


@dataclass
class Heartbeat:
    """The loop that tells the monitor.

    Attributes:
        url: Of the monitor: whoever knows it can keep the monitor quiet.
        unwell: Why the daemon is not well; ``None``: it is.
    """

    url: SecretStr
    http: Http
    metrics: Metrics
    now: Callable[[], datetime]
    unwell: Callable[[], str | None]
    _quiet: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        for result in ("sent", "failed", "withheld"):
            self.metrics.heartbeats.labels(result)

    async def go_round(self) -> bool:
        """Tell it once, if there is good news. Never raises for the monitor: it is told again at the next round."""
        why = self.unwell()
        if why is not None:
            self._silent("withheld", why)
            return False
        try:
            await self.http.fetch(beat(self.url))
        except HttpRefused as refused:
            self._silent("failed", refused.words)
            return False
        if self._quiet:
            log.info("heartbeat.recovered")
        self._quiet = False
        self.metrics.heartbeats.labels("sent").inc()
        self.metrics.heartbeat_at.set(self.now().timestamp())
        return False

    def _silent(self, result: str, why: str) -> None:
        """Count it, and say it once."""
        self.metrics.heartbeats.labels(result).inc()
        if not self._quiet:
            log.warning("heartbeat.missed", result=result, words=why)
        self._quiet = True


def beat(url: SecretStr) -> Request:
    """What the monitor gets: a GET, which every one of them takes."""
    return Request(SYSTEM, url.get_secret_value(), timeout=TIMEOUT, most=MOST_ANSWER)
