"""What else moved: as a value, whose it is, and which of it matters to a watch. Pure.

A change is kept as its system tells it. Whose it is, is said when it is looked for, by the configuration that is in force then:

1. what a platform's address, or whoever told it, says: that service's alone;
2. a deployment of another service of the same environment: everybody's but its own;
3. what a service calls its own (``changes: {own: …}``), where it runs: that service's;
4. anything else: everybody's who runs in the same account and region, for they share what is there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from watcher.core.alerts import Fires
from watcher.core.service import Around, Service

HOUR = timedelta(
    hours=1
)  # how long before it began what moved may still have to do with it: a guess, and what people ask for
MOST_WORDS = 300  # characters of what moved, in words
MOST_NAME = 256


class ChangeKind(StrEnum):
    """What sort of thing moved."""

    FLAG = "flag"
    PARAMETER = "parameter"
    SECRET = "secret"
    CONFIGURATION = "configuration"
    SCALING = "scaling"
    REPLACEMENT = "replacement"  # of instances, one by one (an instance refresh)
    DEPLOYMENT = "deployment"  # of another service
    FAILOVER = "failover"
    MAINTENANCE = "maintenance"
    PLATFORM = "platform"  # what the cloud says of itself (AWS Health)
    OTHER = "other"


# What a rollback leaves as it is, though the release may depend on it.
SETTINGS = frozenset(
    {ChangeKind.FLAG, ChangeKind.PARAMETER, ChangeKind.SECRET, ChangeKind.CONFIGURATION, ChangeKind.OTHER}
)


@dataclass(frozen=True, slots=True)
class Change:
    """Anything else that moved: a flag, a parameter, a scaling event. Shown beside the evidence.

    Attributes:
        at: When, by the clock of whoever knows.
        what: In words, without the value that it has now: that may be a secret.
        service: Whose it is, where that is known; with its environment.
        name: What moved, as its system calls it: what `Around.own` looks at.
        account: The account of AWS that it moved in, twelve digits.
        key: By which it is known again when it is told again; ``None``: every telling is another change.
        told_by: Who said so: a person, or a pipeline; ``None``: the platform.
    """

    at: datetime
    what: str
    service: str | None = None
    environment: str | None = None
    kind: ChangeKind = ChangeKind.OTHER
    name: str = ""
    account: str | None = None
    region: str | None = None
    key: str | None = None
    told_by: str | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What else moved around one watch.

    Attributes:
        changes: Those that concern its service, oldest first.
        told: Somebody would have told of others: that there are none says something.
        deaf: Sources that would tell of changes, and did not answer lately.
        around: What the service calls its own.
        more: More moved than was looked through: what is not among *changes* may have moved too.
        fires: Alerts that were pushed, that rules of the watch mean, and that fire; those that began last first.
    """

    changes: tuple[Change, ...] = ()
    told: bool = False
    around: Around = field(default=Around())
    deaf: tuple[str, ...] = ()
    more: bool = False
    fires: tuple[Fires, ...] = ()


# ------------------------------------------------------------------------------------------------------------ whose it is


def concerns(change: Change, service: Service, services: Iterable[Service]) -> bool:
    """Whether *change* matters to *service*, which is one of *services*."""
    if change.kind is ChangeKind.DEPLOYMENT and change.service is not None:
        return change.environment == service.environment and change.service != service.name
    if change.environment not in {None, service.environment}:
        return False
    if change.service is not None:
        return change.service == service.name
    if not _is_near(change, service.around):
        return False
    owners = [each.key for each in services if is_own(change, each.around) and _is_near(change, each.around)]
    return not owners or service.key in owners


def is_own(change: Change, around: Around) -> bool:
    """A service calls what moved its own."""
    return any(fnmatchcase(change.name, pattern) for pattern in around.own) if change.name else False


def _is_near(change: Change, around: Around) -> bool:
    """It moved where the service runs; of one that runs on no account that is known nobody can say that it did not."""
    if change.region is None or not around.places:
        return True
    return any(
        region == change.region and account in {None, change.account} for account, region in around.places
    )


def concerning(
    changes: Iterable[Change], service: Service, services: Sequence[Service]
) -> tuple[Change, ...]:
    """Those of *changes* that matter to *service*, oldest first."""
    found = (change for change in changes if concerns(change, service, services))
    return tuple(sorted(found, key=lambda change: change.at))


def nearest(changes: Iterable[Change], at: datetime, most: int) -> tuple[Change, ...]:
    """The *most* of *changes* that are nearest to *at*, oldest first."""
    found = sorted(changes, key=lambda change: abs(change.at - at))[:most]
    return tuple(sorted(found, key=lambda change: change.at))


# ------------------------------------------------------------------------------------------------- what it has to do with it


@dataclass(frozen=True, slots=True)
class Weighed:
    """What moved around the time at which it began, by what it has to do with it; the nearest to that time first.

    Attributes:
        left: Settings of the service's own that moved before the switch: as likely as not for this release, and no rollback puts
            them back.
        suspects: What moved between the switch and the beginning: it may be that, and not the release.
        others: What moved before or after.
        besides: Suspects and others.
    """

    left: tuple[Change, ...] = ()
    suspects: tuple[Change, ...] = ()
    others: tuple[Change, ...] = ()
    besides: tuple[Change, ...] = ()


def weighed(changes: Iterable[Change], around: Around, switched_at: datetime, began: datetime) -> Weighed:
    """What *changes* have to do with what began at *began*, in the hour before (that of what is left: before the switch).

    Args:
        changes: Those that concern the service.
        around: Which of them it calls its own.
        switched_at: From when the release serves.
        began: When it got bad, at the latest. What moved afterwards cannot be why, and is shown all the same.
    """
    nearest = sorted(changes, key=lambda change: abs(change.at - began))
    before = [each.at <= switched_at and is_left(each, around) for each in nearest]
    left = (each for each, is_left in zip(nearest, before, strict=True) if is_left)
    besides = [
        each for each, is_left in zip(nearest, before, strict=True) if not is_left and each.at >= began - HOUR
    ]
    return Weighed(
        left=tuple(each for each in left if each.at >= switched_at - HOUR),
        suspects=tuple(each for each in besides if switched_at < each.at <= began),
        others=tuple(each for each in besides if not switched_at < each.at <= began),
        besides=tuple(besides),
    )


def is_left(change: Change, around: Around) -> bool:
    """It is a setting of the service's own, which no rollback puts back. *change* concerns that service."""
    return change.kind in SETTINGS and (change.service is not None or is_own(change, around))


@dataclass(frozen=True, slots=True)
class Moved:
    """Changes of one kind that say the same, told as one: what they say, how many, from when to when."""

    what: str
    many: int
    first: datetime
    last: datetime


def told_once(changes: Iterable[Change]) -> list[Moved]:
    """*changes*, in their order; what says the same stands where the first of it stood."""
    same: dict[tuple[ChangeKind, str], list[datetime]] = {}
    for change in changes:
        same.setdefault((change.kind, change.what), []).append(change.at)
    return [Moved(what, len(times), min(times), max(times)) for (_, what), times in same.items()]
