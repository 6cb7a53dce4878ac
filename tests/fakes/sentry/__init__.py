"""A Sentry that tells one world of requests as sessions, transactions, errors and issues.

Each request is a transaction; those of one session are one session, and one alone is a session for itself. A status of 500
or more is an error and a crash of its session; one that was never seen before is a new issue of the release that had it.
"""

from tests.fakes.sentry.line import Line, app
from tests.fakes.sentry.rest import respond
from tests.fakes.sentry.shop import ORGANIZATION, TOKEN, Shop

__all__ = ["ORGANIZATION", "TOKEN", "Line", "Shop", "app", "respond"]
