"""Reads Sentry as counts: crashed sessions, failed requests and errors of a release, and its new issues as a state.

A thousand releases are ten calls of the table, or twice five of the sessions. Counts are those that Sentry keeps, never
those that it extrapolates from a sample.

Deliberately absent: users (estimates that cannot be added up), durations of sessions (no longer recorded), latencies,
percentiles, and marks of deployments in Sentry.
"""

from watcher.signals.sentry.provider import KIND, Sentry, open_sentry
from watcher.signals.sentry.settings import Settings

__all__ = ["KIND", "Sentry", "Settings", "open_sentry"]
