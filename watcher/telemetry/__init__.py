"""Logs, metrics and crashes of the daemon itself."""
