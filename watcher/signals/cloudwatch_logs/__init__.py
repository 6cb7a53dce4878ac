"""Reads CloudWatch Logs Insights as counts: how many log lines of a release there were in each bucket, and how many were bad.

Every question scans all lines of its log groups in its time, and is paid by the byte: so what shares log groups is one
question, no time is asked twice, and one that takes longer than a round is waited for in the next.

Deliberately absent: queries of one's own (two of these cannot share a scan), and groups of another account.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from watcher.signals.cloudwatch_logs.provider import KIND, CloudWatchLogs, unknown

__all__ = ["KIND", "CloudWatchLogs", "unknown"]
