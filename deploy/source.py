"""Where deploy events come from: a parser for every source, and a feed for those that are asked in a loop.

A parser is pure: bytes in, meaning out. It is called by whoever received the bytes, after they were written down.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from deploy.github import Access
from deploy.model import Announcement, Finding
from deploy.ports import Aws, AwsAccount, Get, Need, Rest


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived: the raw bytes, the headers that matter (lower case), when, and from whom."""

    body: bytes
    headers: Mapping[str, str]
    at: datetime
    principal: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Understood, and of no concern here."""

    why: str


@dataclass(frozen=True, slots=True)
class Knock(Ignored):
    """No deployment yet: one waits until it is said whether it may begin. What waits is read (`Barrier`); this only hurries it."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a platform, as its bus (EventBridge) or its topic (SNS) told it. Bounded as `deploy.sources.sqs.envelope` says.

    Attributes:
        id: The platform's own; the same again where the event comes again.
        kind: Its ``detail-type``.
        source: Such as ``aws.ecs``.
        at: Its own time; ``None`` where it has none that can be read.
        resources: What it is about: mostly ARNs.
        detail: As its kind says; not checked yet.
        environment: Ours, in which it happened, where the settings of its source say so; ``None``: nothing is known of it.
    """

    id: str
    kind: str
    source: str
    account: str
    region: str
    at: datetime | None
    resources: Sequence[str]
    detail: Mapping[str, Any]
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Aside:
    """Understood, and no deployment of ours: an event that whoever conducts may want to know (an alarm, a change elsewhere).

    Attributes:
        why: As of `Ignored`, where nobody wants it.
        via: The source that it came by, as the configuration names it; whoever received it says so.
    """

    event: Event
    why: str
    via: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not understood, or not allowed: what is wrong, where in the body, and what to send instead."""

    why: str
    remedy: str
    where: str = ""


class Source(Protocol):
    """One source of deploy events."""

    name: str

    def read(self, received: Received) -> Announcement | Aside | Ignored | Rejected:
        """What *received* says. Pure; raises nothing for bad input."""


@runtime_checkable
class Hooked(Protocol):
    """A source whose system comes to ``POST /v1/hooks/NAME``, and proves by itself who it is."""

    name: str

    def admits(self, headers: Mapping[str, str], body: bytes) -> bool:
        """The system has sent *body*, with these *headers* (lower case; of one that came twice both values, with a comma).

        A pure function of the secrets of the settings, the headers and the bytes, which nobody has looked into yet: it
        raises nothing, whatever stands there, and takes as long for a wrong signature as for a right one.
        """

    def read(self, received: Received) -> Announcement | Aside | Ignored | Rejected:
        """As `Source.read`."""


@runtime_checkable
class Discreet(Protocol):
    """A source whose deliveries carry more than names (the values of flags): of its bytes none are kept.

    Attributes:
        keeps_nothing: It is one, by having this.
    """

    keeps_nothing: bool


@dataclass(frozen=True, slots=True)
class Parcel:
    """One received message of a feed, and what acknowledges it."""

    received: Received
    receipt: str


class Feed(Protocol):
    """A source that is asked in a loop (a queue)."""

    async def receive(self) -> Sequence[Parcel]:
        """Wait for messages, at most 10 s. An empty answer means that there were none."""

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        """Tell the queue that these are written down. Doing it twice is harmless."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Which part of which service something on a platform is. *part* is ``None`` where the service has only one."""

    service: str
    environment: str
    part: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A deployment that its system holds until it is said whether it may begin.

    Attributes:
        id: By which it is known again; part of nothing that is asked of anybody.
        whose: Whose deployment it would be.
        by: Who deploys, for the audit: ``github:acme/shop/actions/runs/42/attempts/1``.
        tag: What is deployed, where that is told.
        commit: The same, as a commit of git.
        mark: The key of a move of ours that it says it is, and the tag that it is to deploy: to be looked up before it is believed.
        barred: Why it may never be passed, such as that it is of somebody else's repository. Empty: it may be.
        untold: Why nobody can say what it deploys, if it is no move of ours. Empty: *tag* or *commit* say it.
        place: What answers it, for the barrier that told of it.
    """

    id: str
    whose: Whose
    by: str
    tag: str | None
    commit: str | None
    mark: tuple[str, str] | None = None
    barred: str = ""
    untold: str = ""
    place: tuple[str, ...] = ()


class Review(StrEnum):
    """What a system is told of a deployment that it holds."""

    APPROVED = "approved"
    REJECTED = "rejected"
    COMMENT = "comment"  # it waits on, and people can read why


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The system has taken it; or it holds that deployment no longer, or never asked us (*words* say which)."""

    words: str = ""


class Barrier(Protocol):
    """A system that holds deployments at its own gate and lets somebody else say whether they may begin. Read, again and again."""

    @property
    def places(self) -> Sequence[str]:
        """Which are read one by one: one that cannot be read hides no other."""

    async def waiting(self, place: str) -> Sequence[Waiting]:
        """All that wait at *place* now, of services that are configured. Reads only.

        Raises:
            DeployError: It could not be read.
        """

    async def say(self, waiting: Waiting, review: Review, words: str) -> Reviewed:
        """Tell it. Doing this twice is harmless. *words*: for people; shortened to what the system takes.

        Raises:
            DeployError: It is not known to have been taken: say it again.
        """


# What is configured to run at an address of a platform (`deploy.target.Kind.addresses`): how news that know only the
# platform's names find their service.
Directory = Callable[[str], Sequence[Whose]]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a source is opened with: its name in the configuration, and whose the platform's names are."""

    name: str
    directory: Directory = lambda _address: ()


def needs_nothing(_settings: BaseModel, _account: AwsAccount) -> tuple[Need, ...]:
    """It is read without permissions of AWS."""
    return ()


def anywhere(_settings: BaseModel, _account: AwsAccount) -> None:
    """Any account will do."""


def nowhere(_narrowing: Any) -> Sequence[tuple[str, str | None]]:
    """It is not narrowed."""
    return ()


def fits(_settings: Any, _narrowing: Any) -> tuple[str, str] | None:
    """Any service may be heard from it."""
    return None


S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """One kind of source, for the registry.

    Attributes:
        settings: What may stand under ``sources: {name: {kind: settings}}``.
        open: Gives the parser. Touches nothing.
        feed: Gives what is asked in a loop, for a source that has one. Its settings then name an ``account``. Touches
            nothing yet.
        reads: The same over HTTP, without an account, where its settings say so; ``None``: they do not.
        examine: Looks at what the feed would ask, before it is asked. Reads only; raises `deploy.errors.AwsRefused`.
        needs: The permissions without which the feed could not be asked, beyond those that `examine` tries.
        misplaced: Why the account that its settings name cannot have it, and the remedy.
        barrier: The gate of the system that it is told by, where its settings say that we keep it; ``None``: they do not.
        narrowing: What may stand after its name in ``heard_from``; ``None``: nothing.
        heard_at: The addresses, for `Opening.directory`, of a service that is heard from it with this narrowing; and which
            part of the service, if only one.
        unfit: Why a service cannot be heard from it with this narrowing (or with none), and the remedy.
        moves_alone: It tells of what else moved, and of no deployment: services name it in ``changes: {told_by}``.
    """

    settings: type[S]
    open: Callable[[S, Opening], Source]
    feed: Callable[[S, Aws, Callable[[], datetime]], Feed] | None = None
    reads: Callable[[S, Get, Callable[[], datetime]], Feed | None] | None = None
    examine: Callable[[S, Aws, datetime], Awaitable[Sequence[Finding]]] | None = None
    needs: Callable[[S, AwsAccount], tuple[Need, ...]] = needs_nothing
    misplaced: Callable[[S, AwsAccount], tuple[str, str] | None] = anywhere
    barrier: (
        Callable[[S, Opening, Callable[[Access], Rest], Callable[[], datetime]], Barrier | None] | None
    ) = None
    narrowing: type[BaseModel] | None = None
    heard_at: Callable[[Any], Sequence[tuple[str, str | None]]] = nowhere
    unfit: Callable[[S, Any], tuple[str, str] | None] = fits
    moves_alone: bool = False
