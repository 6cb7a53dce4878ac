"""Reads Loki as counts of lines: how many a release wrote in each bucket, and how many of them were bad.

Both releases, and all services that ask alike, are grouped by their labels in one query; a bucket is counted by a range
that is as long as the step, so that no line is counted twice.

Deliberately absent: latencies by `unwrap` (an estimate of a sketch, or a value), and lines themselves.
"""

from watcher.signals.loki.provider import KIND, Loki, open_loki
from watcher.signals.loki.settings import Settings

__all__ = ["KIND", "Loki", "Settings", "open_loki"]
