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
        raise _unwell(not_alive(status), status)
    return Health(status="alive", words=status.words)


async def readyz(call: Bare) -> Health:
    """Ready to take work."""
    status = call.deps.status()
    why = not_ready(status)
    if why is not None:
        raise _unwell(why, status)
    return Health(status="ready", words=status.words)


async def metrics(call: Bare) -> Raw:
    """Metrics, as Prometheus reads them."""
    return Raw(CONTENT_TYPE, call.deps.metrics())


def not_ready(status: Status) -> str | None:
    """Why the daemon is not ready to take work; ``None``: it is."""
    if status.draining:
        return "the daemon is about to end: it finishes what it has in hand"
    if status.store_age is None or status.store_age > STORE_SEEN:
        return "the store was not seen to write and read for more than 10 s"
    return None


def unwell(status: Status) -> str | None:
    """Why the daemon is not alive and ready, both; ``None``: it is. For the heartbeat."""
    if status.beat_age > BEAT:
        return not_alive(status)
    return not_ready(status)


def not_alive(status: Status) -> str:
    """In words."""
    return f"a loop did not go round for {status.beat_age.total_seconds():.0f} s"


def _unwell(detail: str, status: Status) -> Declined:
    return Declined(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unwell",
        "; ".join((detail, *status.words)),
        remedy="the log says more; `rollbackd doctor` tries what the daemon needs",
        retry_after=timedelta(seconds=5),
    )
