"""Which lists are asked for: those of services, one by one, or those of their whole cluster. Pure.

A list has a hundred tasks a page. A service has two lists, so a thousand services at rest are two thousand calls; their
cluster has two as well, a page for each hundred of *all* its tasks. So the less is asked of a cluster, the rather service by
service, and what is fewer calls is done. What a list is of is known once it was asked for, and not before.

The whole cluster's lists tell no task's service: each task is described once for that, in the round in which it is first seen.
That is not weighed here, for a task is in the lists for an hour and more, which is 240 rounds.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

PAGE = 100  # tasks; ECS tells no more at once
MOST_PAGES = (
    10  # of each list of a service: a thousand tasks that run, and a thousand that stopped within the hour
)
MOST_WHOLE = (
    200  # of both lists of a cluster, one after the other: as many as a round has time for, at 25 ms each
)
LEAST = 2  # an empty list is a page too
KNOWN_FOR = timedelta(
    minutes=10
)  # how large a cluster is; so to have tried in vain costs a fortieth of all calls
GROWN = (
    2  # times as many calls for its services: then a cluster that was too large is tried again before that
)


@dataclass(frozen=True, slots=True)
class Lengths:
    """How many tasks are in the two lists of a service; of one that has not been read yet nothing is known."""

    running: int
    stopped: int

    @property
    def calls(self) -> int:
        """For both lists, as far as they are read."""
        return sum(min(max(ceil(many / PAGE), 1), MOST_PAGES) for many in (self.running, self.stopped))

    @property
    def is_silent(self) -> bool:
        """No task runs: whether there is such a service, the lists of its cluster cannot tell."""
        return self.running == 0


@dataclass(frozen=True, slots=True)
class Size:
    """How many pages the two lists of a whole cluster have together.

    Attributes:
        taken: When that was so.
        is_all: So many; else so many at least, for nobody went on.
    """

    pages: int
    taken: datetime
    is_all: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """How the services of one cluster are listed.

    Attributes:
        calls: Lists that it takes, as far as anybody knows before.
        most: Pages of the whole cluster for which that is fewer calls than service by service; 0: service by service.
    """

    calls: int
    most: int = 0


def planned(services: Iterable[Lengths | None], size: Size | None, now: datetime) -> Plan:
    """How to list *services* of one cluster at *now*, in as few calls as possible.

    Args:
        services: What is known of each; ``None``: nothing.
        size: What is known of their cluster.
        now: Of both something else may be true after a while.
    """
    known = tuple(services)
    singly = sum(LEAST if each is None else each.calls for each in known)
    by_name = sum(each is not None and each.is_silent for each in known)  # asked for besides
    most = min(singly - by_name - 1, MOST_WHOLE)
    pages = _expected(size, most, now)
    return Plan(singly) if pages > most else Plan(pages + by_name, most)


def _expected(size: Size | None, most: int, now: datetime) -> int:
    """How many pages the whole cluster may have, at least."""
    if size is None or now - size.taken > KNOWN_FOR or (not size.is_all and most >= GROWN * size.pages):
        return LEAST
    return size.pages if size.is_all else MOST_WHOLE + 1
