"""Reads Datadog as counts: metric queries of both releases in one call, and the states of monitors.

Deliberately absent: `aws.*` (CloudWatch tells the same 10 to 20 minutes sooner), spans and logs as counts (they are sampled,
or indexed in part), percentiles as anything but a `value`, the history of SLOs (an hour is its bucket), deployment gates
(they give no counts), and the data source `apm_metrics` (trace metrics count the same requests, and how their groups are
called is documented).
"""

from watcher.signals.datadog.provider import KIND, Datadog, open_datadog
from watcher.signals.datadog.settings import Settings

__all__ = ["KIND", "Datadog", "Settings", "open_datadog"]
