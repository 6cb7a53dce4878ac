"""What is left of a provider's limits, in our metrics, by the connection that was told so: nothing is decided by this."""

from watcher.telemetry.metrics import Metrics

MOST_LIMITS = 20  # of one connection, that are shown: their names may be the far end's


class Budget:
    """The limits of one connection. *provider*: its kind."""

    def __init__(self, metrics: Metrics, provider: str, connection: str) -> None:
        self._metrics = metrics
        self._labels = (provider, connection)
        self._shown: set[str] = set()

    def told(self, limit: str, remaining: int | None, allowed: int | None) -> None:
        """So many requests are left of *limit* (its name, or the endpoint that it is of); ``None``: it was not said."""
        if not limit or (limit not in self._shown and len(self._shown) >= MOST_LIMITS):
            return
        self._shown.add(limit)
        if remaining is not None:
            self._metrics.limit_remaining.labels(*self._labels, limit).set(remaining)
        if allowed is not None:
            self._metrics.limit_allowed.labels(*self._labels, limit).set(allowed)
