"""Databases of RDS and Aurora: failovers, restarts, maintenance.

Source:
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloudwatch-events.sample.html
    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_Events.Messages.html
"""

from collections.abc import Mapping

from deploy.source import Event
from deploy.sources.sqs.envelope import moment
from watcher.changes.told import Told, clean, named
from watcher.core.change import ChangeKind

MOST_MESSAGE = 160  # characters of what RDS says of it

# By category, the gravest first: of an event of several the first is meant. What is not here (backups, creation, replicas that
# are added) moves nothing that serves.
_CATEGORIES: Mapping[str, tuple[ChangeKind, str]] = {
    "failover": (ChangeKind.FAILOVER, "failover"),
    "failure": (ChangeKind.MAINTENANCE, "failure"),
    "availability": (ChangeKind.MAINTENANCE, "availability"),
    "recovery": (ChangeKind.MAINTENANCE, "recovery"),
    "maintenance": (ChangeKind.MAINTENANCE, "maintenance"),
    "low storage": (ChangeKind.MAINTENANCE, "low storage"),
    "configuration change": (ChangeKind.CONFIGURATION, "configuration changed"),
}


def database(event: Event) -> Told | None:
    """Something happened to a database, or to a cluster of them."""
    name, told = named(event.detail, "SourceIdentifier"), event.detail.get("EventCategories")
    categories = [each for each in told if isinstance(each, str)] if isinstance(told, list) else []
    found = next((_CATEGORIES[each] for each in _CATEGORIES if each in categories), None)
    if not name or found is None:
        return None
    kind, happened = found
    message = clean(event.detail.get("Message"), MOST_MESSAGE)
    said = f": {message}" if message else ""
    return Told(kind, f"database `{name}` {happened}{said}", name, moment(event.detail.get("Date")))
