"""Remembers: watches, actions, messages, releases and the inbox of events."""
