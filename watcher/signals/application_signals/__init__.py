"""Reads SLOs of CloudWatch Application Signals as states: how their error budgets stand, and since when.

A budget is of days and slow to turn: good for controls and questions (`on_breach: doubt`, `ask`), and no verdict within minutes.

Deliberately absent: attainment and what is left of a budget as numbers, which are no counts.
"""

from watcher.signals.application_signals.provider import KIND, ApplicationSignals, unknown

__all__ = ["KIND", "ApplicationSignals", "unknown"]
