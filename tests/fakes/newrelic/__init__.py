"""A New Relic that tells one world of requests as events of the type Transaction.

It reads as much of GraphQL and of NRQL as is needed to answer by the rules of both: aliases and variables, filters, facets,
time series; errors with status 200, one alias at a time; limits of a user and of a query.
"""

from tests.fakes.newrelic.graph import KEY, Account, respond
from tests.fakes.newrelic.line import Line, app

__all__ = ["KEY", "Account", "Line", "app", "respond"]
