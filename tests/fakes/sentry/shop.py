"""What one organisation in Sentry holds of a world, and how that Sentry behaves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.world import Happened, World

ORGANIZATION = "shop"
TOKEN = "sntryu_of-ours"
ALL_SCOPES = frozenset({"org:read", "event:read", "project:releases"})


@dataclass
class Shop:
    """The organisation.

    Attributes:
        projects: Their numbers, by slug.
        project_of: The slug of the project that a request is of.
        named: What its release is called.
        created: Releases that the pipeline has announced, by name, whether or not anything came of them.
        late: How long an event takes until it is told.
        sample_rate: Of the transactions that are kept; errors and sessions are all kept.
        least: The shortest interval of sessions.
        older: Ends of sessions are told so that they add up to more than all: those that crashed are errored, too.
        unhandled: It tells sessions that are unhandled, too.
        coarsest: The shortest interval of a time series, in seconds: a shorter one is replaced without a word.
        scanned: What it says of how much it looked at.
        limit: Calls in a second to each endpoint; None: an own Sentry, without limits.
        concurrent: Calls at once to each endpoint.
        ahead: How far its clock is ahead of the world's.
        lists: A search of issues may name several releases.
        global_views: Several projects may be asked about at once.
    """

    world: World
    projects: dict[str, int] = field(default_factory=lambda: {"checkout": 1})
    project_of: Callable[[Happened], str] = lambda _: "checkout"
    named: Callable[[str], str] = lambda version: f"checkout@{version}"
    environment: str = "production"
    created: set[str] = field(default_factory=set)
    late: timedelta = timedelta(0)
    sample_rate: float = 1.0
    least: timedelta = timedelta(seconds=10)
    older: bool = False
    unhandled: bool = False
    scanned: str = "full"
    coarsest: int = 0
    limit: int | None = 30
    concurrent: int = 15
    ahead: timedelta = timedelta(0)
    global_views: bool = True
    lists: bool = True
    scopes: frozenset[str] = ALL_SCOPES
    asked: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)
    down: int = 0  # answers that are a 502
    time: Callable[[], datetime] | None = None
    counted: dict[str, tuple[int, int]] = field(
        default_factory=dict
    )  # by endpoint: the second, and calls in it
    open: dict[str, int] = field(default_factory=dict)  # by endpoint: calls that are being answered

    @property
    def now(self) -> datetime:
        """The world's time."""
        return self.world.now if self.time is None else self.time()

    @property
    def clock(self) -> datetime:
        """Its own."""
        return self.now + self.ahead

    def told(self, start: datetime, end: datetime) -> Iterator[Happened]:
        """What happened in ``[start, end)`` and has come."""
        return (each for each in self.world.log if start <= each.at < end and each.at + self.late <= self.now)

    def kept(self, start: datetime, end: datetime) -> Iterator[Happened]:
        """The same, as far as it was kept of the transactions: every so many-th."""
        every = round(1 / self.sample_rate)
        return (each for each in self.told(start, end) if round(each.at.timestamp() * 1e6) // 7 % every == 0)

    def releases(self) -> dict[str, set[str]]:
        """The releases that it has heard of, the newest last, and the projects of each."""
        found: dict[str, set[str]] = {name: set(self.projects) for name in sorted(self.created)}
        for each in sorted(self.world.log):
            if each.at + self.late <= self.now:
                found.setdefault(self.named(each.version), set()).add(self.project_of(each))
        return found
