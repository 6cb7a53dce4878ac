"""Bugs, reported to Sentry; nothing at all without a DSN.

The SDK's defaults send tokens, bodies, signatures, local variables and query strings (measured: 7 of 7 planted secrets
leaked). Here each of these is off, and `Scrubber` takes out of the finished event what is left.

Source:
    https://docs.sentry.io/platforms/python/configuration/options/
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from watcher.errors import WrongDsn
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

DSN = "SENTRY_DSN"  # where the address stands: as the SDK itself calls it
MOST_A_MINUTE = 20  # reports of one kind of bug; a bug in a loop is one bug
KINDS = 200  # of bugs that are told apart
GOODBYE = 2.0  # seconds for what is still to be sent at the end

Report = Callable[[BaseException], object]  # what it gives is the SDK's own


@dataclass
class Scrubber:
    """Makes an event fit to leave, or drops it."""

    redactor: Redactor
    monotonic: Callable[[], float]
    metrics: Metrics
    recent: dict[str, deque[float]] = field(default_factory=dict)

    def event(self, event: Any, _hint: Any) -> Any:
        """*event* without secrets; ``None`` if there were too many of its kind."""
        if self._too_many(_kind(event)):
            self.metrics.crashes.labels("dropped").inc()
            return None
        self.metrics.crashes.labels("reported").inc()
        if "request" in event:
            event["request"] = _request(event["request"])
        for key in ("extra", "user", "server_name", "modules"):
            event.pop(key, None)
        return self.redactor.clean(event)

    def breadcrumb(self, crumb: Any, _hint: Any) -> Any:
        """*crumb* without secrets, and without the query of a URL."""
        data = crumb.get("data")
        if isinstance(data, dict):
            data = {
                key: value
                for key, value in data.items()
                if key not in {"http.query", "http.fragment", "subprocess.cwd"}
            }
            crumb = {**crumb, "data": {key: _bare(value) for key, value in data.items()}}
        return self.redactor.clean(crumb)

    def _too_many(self, kind: str) -> bool:
        now = self.monotonic()
        if len(self.recent) > KINDS:
            self.recent.clear()
        times = self.recent.setdefault(kind, deque())
        while times and times[0] < now - 60:
            times.popleft()
        if len(times) >= MOST_A_MINUTE:
            return True
        times.append(now)
        return False


@contextlib.contextmanager
def crashes(dsn: SecretStr | None, release: str, environment: str, scrubber: Scrubber) -> Iterator[Report]:
    """What a bug is reported with; does nothing without *dsn*. At the end, what is queued is sent for two seconds.

    Raises:
        WrongDsn: *dsn* is no address of Sentry's.
    """
    if dsn is None:
        yield lambda _error: None
        return
    import sentry_sdk  # noqa: PLC0415 - an extra half second, which only those pay who use it
    from sentry_sdk.integrations.asyncio import AsyncioIntegration  # noqa: PLC0415 - the same
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415 - the same
    from sentry_sdk.scrubber import EventScrubber  # noqa: PLC0415 - the same
    from sentry_sdk.utils import BadDsn, Dsn  # noqa: PLC0415 - the same

    try:
        Dsn(dsn.get_secret_value())
    except BadDsn:  # its words quote parts of the address
        raise WrongDsn(DSN) from None
    sentry_sdk.init(
        dsn=dsn.get_secret_value(),
        release=release,
        environment=environment,
        # Personal data is off where nothing is said; newer SDKs warn if it is said.
        include_local_variables=False,
        max_request_body_size="never",
        auto_enabling_integrations=False,
        integrations=[AsyncioIntegration(), LoggingIntegration(level=None, event_level=None)],
        event_scrubber=EventScrubber(recursive=True),
        before_send=scrubber.event,
        before_breadcrumb=scrubber.breadcrumb,
        traces_sample_rate=0,
        max_breadcrumbs=20,
        shutdown_timeout=GOODBYE,
        send_client_reports=False,
        auto_session_tracking=False,
    )
    try:
        yield sentry_sdk.capture_exception
    finally:
        sentry_sdk.get_client().close(timeout=GOODBYE)
        sentry_sdk.get_global_scope().set_client(None)


def _kind(event: Any) -> str:
    """What makes two events one bug: the type, and where it was raised."""
    values = (event.get("exception") or {}).get("values") or [{}]
    frames = ((values[-1].get("stacktrace") or {}).get("frames")) or [{}]
    return f"{values[-1].get('type')}:{frames[-1].get('filename')}:{frames[-1].get('lineno')}"


def _request(request: Any) -> dict[str, Any]:
    return {"method": request.get("method"), "url": _bare(request.get("url"))}


def _bare(value: Any) -> Any:
    """A URL without its query, its fragment and its user; anything else as it is."""
    if not isinstance(value, str) or "://" not in value:
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return "://"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
