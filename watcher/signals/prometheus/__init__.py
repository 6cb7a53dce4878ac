"""Reads Prometheus and its family (Thanos, Mimir, VictoriaMetrics, Amazon Managed Prometheus) as counts.

A thousand ratios are ten calls or fewer. Counts are whole: differences of samples, see `promql`.

Deliberately absent: percentiles as anything but a `value` (they can be neither added up nor divided), and recording rules
of ours (what exists is read by an expression).
"""

from watcher.signals.prometheus.provider import KIND, Prometheus, open_prometheus
from watcher.signals.prometheus.settings import Settings

__all__ = ["KIND", "Prometheus", "Settings", "open_prometheus"]
