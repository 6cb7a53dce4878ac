"""What deploy needs of the world, as protocols; the watcher gives the implementations."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from deploy.github import Access

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a program printed and how it ended.

    Attributes:
        status: Its exit status; negative: the signal that ended it.
        timed_out: Its process group was killed; what it did is unknown.
        truncated: It printed more than was kept.
    """

    status: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    truncated: bool = False


class Command(Protocol):
    """Runs a program: no shell, an absolute path, a clean environment, output and time bounded."""

    async def __call__(self, argv: Sequence[str], timeout: timedelta, environment: Mapping[str, str]) -> Ran:
        """Run *argv* to its end, or kill its process group after *timeout*. Raises `OSError` if it cannot be started."""


@dataclass(frozen=True, slots=True)
class Got:
    """What a system answered over HTTP, whatever the status. *headers*: by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Get(Protocol):
    """Asks a system over HTTP and changes nothing there: only where the daemon may reach, its time and size bounded."""

    async def __call__(self, url: str, headers: Mapping[str, str], token: str) -> Got:
        """GET *url*, with *token* as the bearer's. Raises `DeployError` where nobody answers."""


class Send(Protocol):
    """Asks a system over HTTP, and may change something there: once, only where the daemon may reach, time and size bounded."""

    async def __call__(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        secrets: Mapping[str, str],
        body: bytes | None = None,
    ) -> Got:
        """Send one request, without following where it leads. *secrets*: headers whose values no word of ours repeats.

        At most 3 s. Raises `deploy.errors.Unanswered` where there is no answer.
        """


class Page(Protocol):
    """Asks for a page as anybody may: no secret goes along, and only to where the daemon may reach; time and size bounded."""

    async def __call__(self, url: str) -> Got:
        """GET *url*, without following where it leads. Raises `DeployError` where nobody answers."""


class Rest(Protocol):
    """Asks one REST API by a right of its own, which it gets and renews: one attempt, only where the daemon may reach, bounded."""

    async def __call__(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] = {},
    ) -> Got:
        """The answer, whatever its status. *path* begins at the API's address, with a slash.

        Raises:
            Unanswered: Nobody answered, or there is no right to ask with.
        """

    async def granted(self) -> Mapping[str, str] | None:
        """What an app's installation may, by permission (``actions``: ``write``); ``None``: a token asks, and it is not told.

        Raises:
            Unanswered: As above.
        """


@dataclass(frozen=True, slots=True)
class AwsAccount:
    """An account of AWS in one region, as the configuration names it.

    Attributes:
        name: The scope of every call (``aws.read(account.name, ...)``).
        id: Twelve digits, where the configuration tells it (by a role's ARN).
        may_act: It has a role to act. Without one, nothing is ever tried that would change anything.
    """

    name: str
    region: str
    id: str | None = None
    may_act: bool = False

    @property
    def partition(self) -> str:
        """Of its ARNs: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html."""
        kinds = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
        return next((found for prefix, found in kinds.items() if self.region.startswith(f"{prefix}-")), "aws")


@dataclass(frozen=True, slots=True)
class Need:
    """A permission that somebody needs who works in an account, as a policy says it.

    Attributes:
        context: Keys of conditions with the value that a call would have: ``{"ecs:task-definition": ARN}``.
        answers: It is needed to answer hooks; a release is put back without it.
    """

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict)
    answers: bool = False


class AwsCall(Protocol):
    """One capability towards AWS (to read, to act, to poll)."""

    async def __call__(
        self, scope: str, service: str, operation: str, /, **parameters: Any
    ) -> Mapping[str, Any]:
        """Call *operation* (as boto3 spells it: ``describe_services``) in the account that the configuration calls *scope*.

        The answer is boto3's, without ``ResponseMetadata``; its times are aware datetimes, and what boto3 would stream is
        bytes, at most 2 MiB. At most 6 s, then it is ``Timeout``.

        Raises:
            AwsRefused: See `deploy.errors`.
        """


class Aws(Protocol):
    """AWS, as three capabilities, so that a wrong one is visible in review.

    Attributes:
        read: Standard retries; the role to read.
        act: One attempt: read and decide before anything is sent again. The role to act, assumed only then.
        poll: A long poll of at most 10 s, on a thread of its own (a call may take 13 s).
    """

    @property
    def read(self) -> AwsCall:
        """See above."""

    @property
    def act(self) -> AwsCall:
        """See above."""

    @property
    def poll(self) -> AwsCall:
        """See above."""


@dataclass(frozen=True, slots=True)
class World:
    """All ports that a target may be opened with.

    Attributes:
        now: The clock, for what is written onto a platform.
        page: Asks sites what they serve.
        send: Speaks with systems over HTTP.
        github: Opens the REST API of GitHub.
    """

    command: Command
    now: Callable[[], datetime]
    aws: Aws | None = None
    page: Page | None = None
    send: Send | None = None
    github: Callable[[Access], Rest] | None = None
    _shared: dict[Hashable, Any] = field(default_factory=dict)

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """What targets opened with this world share: made at the first call with *key*. So many services are one call."""
        if key not in self._shared:
            self._shared[key] = make()
        found: T = self._shared[key]
        return found
