"""How the daemon is: for orchestrators, for Prometheus, for readers."""

from datetime import timedelta
from http import HTTPStatus

from watcher.api.asked import Nothing
from watcher.api.bodies import NoBody
from watcher.api.deps import Status
from watcher.api.problems import Declined
from watcher.api.route import Call, Raw
from watcher.api.told import Health
from watcher.telemetry.metrics import CONTENT_TYPE

BEAT = timedelta(seconds=15)  # the lease: a loop that is later than this has lost its work
STORE_SEEN = timedelta(seconds=10)  # operations.md, 4.2

Bare = Call[Nothing, NoBody]


async def livez(call: Bare) -> Health:
    """Alive. Looks at no store: one that is down must not make an orchestrator restart every replica."""
    status = call.deps.status()
    if status.beat_age > BEAT:
        raise _unwell(f"a loop did not go round for {status.beat_age.total_seconds():.0f} s", status)
    return Health(status="alive", words=status.words)


async def readyz(call: Bare) -> Health:
    """Ready to take work."""
    status = call.deps.status()
    if status.draining:
        raise _unwell("the daemon is about to end: it finishes what it has in hand", status)
    if status.store_age is None or status.store_age > STORE_SEEN:
        raise _unwell("the store was not seen to write and read for more than 10 s", status)
    return Health(status="ready", words=status.words)


async def metrics(call: Bare) -> Raw:
    """Metrics, as Prometheus reads them."""
    return Raw(CONTENT_TYPE, call.deps.metrics())


def _unwell(detail: str, status: Status) -> Declined:
    return Declined(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unwell",
        "; ".join((detail, *status.words)),
        remedy="the log says more; `rollbackd doctor` tries what the daemon needs",
        retry_after=timedelta(seconds=5),
    )
