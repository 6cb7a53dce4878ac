"""Reads Datadog as counts: metric queries of both releases in one call, SLOs among them, and the states of monitors and of SLOs.

Deliberately absent: `aws.*` (CloudWatch tells the same 10 to 20 minutes sooner), spans and logs as counts (they are sampled,
or indexed in part), percentiles as anything but a `value`, the sums in the history of an SLO (Datadog chooses their spans,
and silence is zero in them: what it counts is counted by the minute instead), deployment gates (they give no counts), and the data source `apm_metrics` (trace metrics count the same requests, and how their groups are
called is documented).
"""

from watcher.signals.datadog.provider import KIND, Datadog, open_datadog
from watcher.signals.datadog.settings import Settings

__all__ = ["KIND", "Datadog", "Settings", "open_datadog"]
