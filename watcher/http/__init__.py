"""Outgoing HTTP, for everyone: guarded addresses, no redirects, no proxies, bounded bodies and times.

Deliberately absent: retries (who asks knows whether asking twice is safe), and JSON (who asks knows what to expect).
"""

from watcher.http.answer import BY_TIME, Answer, Fault, HttpRefused, Request, refusal
from watcher.http.client import Http
from watcher.http.cookies import Cookies
from watcher.http.guard import Guard
from watcher.http.lateness import Late, too_late

__all__ = [
    "BY_TIME",
    "Answer",
    "Cookies",
    "Fault",
    "Guard",
    "Http",
    "HttpRefused",
    "Late",
    "Request",
    "refusal",
    "too_late",
]
