"""Alerts that other systems push to the daemon.

``pushed`` is what one alert says, ``senders`` reads what each system sends and says who has sent it. ``query``, ``reading`` and
``provider`` answer a rule from what is remembered of them. Deliberately absent: any call to those systems. Who can be asked is
asked by a provider of its own (cloudwatch, datadog), and says more.
"""

from watcher.signals.alert.provider import KIND

__all__ = ["KIND"]
