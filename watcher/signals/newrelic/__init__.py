"""Reads New Relic by NRQL as counts: of events of one type, how many there were and how many of them were bad or slow.

A thousand services are one request: they are told apart by facets, and not asked about one by one.

Deliberately absent: NRQL of an author's own, percentiles, metrics (whose windows New Relic moves), and marks of deployments.
"""

from watcher.signals.newrelic.provider import KIND, NewRelic, open_newrelic
from watcher.signals.newrelic.settings import Settings

__all__ = ["KIND", "NewRelic", "Settings", "open_newrelic"]
