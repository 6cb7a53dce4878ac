"""Outgoing HTTP, for everyone: guarded addresses, no redirects, no proxies, bounded bodies and times.

Deliberately absent: retries (who asks knows whether asking twice is safe), and JSON (who asks knows what to expect).
"""

from watcher.http.answer import Answer, Fault, HttpRefused, Request, refusal
from watcher.http.client import Http
from watcher.http.cookies import Cookies
from watcher.http.guard import Guard

__all__ = ["Answer", "Cookies", "Fault", "Guard", "Http", "HttpRefused", "Request", "refusal"]
