"""Reads CloudWatch: metrics as exact counts, latencies by how many samples are above a bound, single values, and alarms.

A thousand ratios are four calls: 500 metrics a call, each metric once, bad and total of one indicator always in the same
call. The calls of a round run side by side, and one that fails touches what it asked for alone.

Deliberately absent: metric math (it hides which periods had data), Metrics Insights, log lines (`cloudwatch_logs`), and percentiles as
anything but a `value` (they can be neither added up nor divided).

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from watcher.signals.cloudwatch.names import unknown
from watcher.signals.cloudwatch.provider import KIND, CloudWatch

__all__ = ["KIND", "CloudWatch", "unknown"]
