"""Slack, speaking: one message a deployment, its thread, its picture. What people click is heard by ``watcher.api.slack``."""
