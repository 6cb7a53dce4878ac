"""What may stand in the path and the query of a request. Nothing else may. Both are text, and are read leniently (``limit=20``)."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from watcher.api.grammar import (
    AnnouncementId,
    Commit,
    Fingerprint,
    FreezeId,
    Lasting,
    Moment,
    Name,
    NameOrAll,
    PassageId,
    Revision,
    Tag,
    WatchId,
)
from watcher.core.gate import Passing
from watcher.core.watch import State


class Asked(BaseModel):
    """Of the path and the query."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Asked):
    """Nothing may stand there."""


# ---------------------------------------------------------------------------------------------------- paths and queries


class OneAnnouncement(Asked):
    """An announcement, and how long to wait until it is known what became of it."""

    id: AnnouncementId
    wait: Lasting = timedelta(0)


class OneHook(Asked):
    """A source that is told over HTTP by a system that signs."""

    source: Name


class OneSender(Asked):
    """A system that tells of its alerts by itself."""

    sender: Name


class OneConnection(Asked):
    """A connection to a system that people click in."""

    connection: Name


class SomeWatches(Asked):
    """Which watches; *after* is the id of the last one of the page before."""

    service: Name | None = None
    environment: Name | None = None
    state: State | None = None
    after: WatchId | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class OneWatch(Asked):
    """A watch."""

    id: WatchId


class OneVerdict(OneWatch):
    """A watch, and how long to wait until it is decided."""

    wait: Lasting = timedelta(0)


class OneService(Asked):
    """A service in an environment."""

    service: Name
    environment: Name


class OneServiceOrAll(Asked):
    """A service in an environment, or all of them: ``*`` and ``*``."""

    service: NameOrAll
    environment: NameOrAll


class WayBack(OneService):
    """A service, and where to go back to; without *to*, where the daemon would go."""

    to: Tag | None = None


class OneRelease(Asked):
    """A release, by its content."""

    fingerprint: Fingerprint


class AtGate(OneService):
    """What is to be deployed to a service, by at least one of its names; *digest* is that of its image."""

    tag: Tag | None = None
    fingerprint: Fingerprint | None = None
    digest: Fingerprint | None = None
    sha: Commit | None = None


class OnePassage(Asked):
    """What is at a gate, and how long to wait until it is decided."""

    id: PassageId
    wait: Lasting = timedelta(0)


class SomePassages(Asked):
    """What asked to pass; *after* is the id of the last one of the page before."""

    service: Name | None = None
    environment: Name | None = None
    state: Passing | None = None
    after: PassageId | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50


class OneFreeze(Asked):
    """A freeze."""

    id: FreezeId


class SomeChanges(Asked):
    """Which changes: from *since* on (a day ago), before *until* (now). With a service and its environment: what concerns it."""

    since: Moment | None = None
    until: Moment | None = None
    service: Name | None = None
    environment: Name | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class SomeAudit(Asked):
    """Which lines of the audit; *after* is the number of the last one of the page before."""

    after: Revision = 0
    subject: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
