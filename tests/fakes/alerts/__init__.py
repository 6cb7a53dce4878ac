"""Systems that push their alerts, and what they send: all of it derived from one log of what happened to the alerts.

``log`` is what happened; each system tells of it in its own way: in groups and again and again, or once each; with words for "no
data", or without. ``post`` sends what they made over real HTTP, as they do, and ``trouble`` is what can happen to it on the way.
"""

from tests.fakes.alerts.log import NOON, SECRET, Alert, Delivery, Log, System, Turn, at, worst

__all__ = ["NOON", "SECRET", "Alert", "Delivery", "Log", "System", "Turn", "at", "worst"]
