"""The log: who did what to which deployment, when. Nothing else is remembered."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

REPOSITORY = "acme/shop"
ID = 7  # of the repository
SECRET = "it is long enough to be a secret of webhooks"
TOKEN = "github_pat_of_rollbackd"
OTHERS = "github_pat_that_may_only_read"


@dataclass(frozen=True)
class Made:
    """A deployment."""

    id: int
    repository: str
    environment: str
    ref: str
    sha: str
    payload: Any
    by: str
    host: str = "github.com"


@dataclass(frozen=True)
class Deed:
    """One thing that was done. *state* is ``None`` where the deployment was made."""

    id: int
    at: datetime
    made: Made
    by: str
    state: str | None = None
    description: str = ""
    log_url: str = ""
    auto_inactive: bool = True


@dataclass
class GitHubWorld:
    """GitHub, with one repository.

    Attributes:
        host: Of its pages and of its REST API; `github.com` where it is not said.
        down: Every request is answered with 502.
        left: Requests until the limit is used up; ``None``: there is none.
        secondary: Requests that are refused for a secondary limit, from now on.
        scopes: That a classic token has; ``None``: the token is a fine-grained one.
        archived: The repository takes nothing any more.
        installed: When each token of an installation was given out.
    """

    now: Callable[[], datetime]
    repository: str = REPOSITORY
    host: str = "github.com"
    log: list[Deed] = field(default_factory=list)
    down: bool = False
    left: int | None = None
    secondary: int = 0
    lasting: timedelta = timedelta(hours=1)
    permissions: dict[str, str] = field(default_factory=lambda: {"deployments": "write", "metadata": "read"})
    scopes: str | None = None
    archived: bool = False
    installed: list[datetime] = field(default_factory=list)
    commits: list[dict[str, Any]] = field(default_factory=list)  # statuses of commits, oldest first
    requests: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # their statuses
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1001))

    def deploys(
        self,
        environment: str = "production",
        by: str = "ada",
        ref: str = "main",
        payload: Any = None,
        sha: str = "",
    ) -> Made:
        """Somebody makes a deployment."""
        made = Made(
            next(self.ids),
            self.repository,
            environment,
            ref,
            sha or f"{len(self.log):040x}",
            payload or {},
            by,
            self.host,
        )
        self.log.append(Deed(next(self.ids), self.now(), made, by))
        return made

    def sets(self, made: Made, state: str, description: str = "", by: str = "ada", **more: Any) -> Deed:
        """Somebody sets a status."""
        deed = Deed(next(self.ids), self.now(), made, by, state, description, **more)
        self.log.append(deed)
        return deed

    def made(self, id: int) -> Made | None:
        """The deployment with this id."""
        return next((deed.made for deed in self.log if deed.made.id == id and deed.state is None), None)

    def statuses(self, id: int) -> list[Deed]:
        """Of a deployment, oldest first."""
        return [deed for deed in self.log if deed.made.id == id and deed.state is not None]

    def ours(self, id: int) -> list[tuple[str, str]]:
        """The statuses that rollbackd has set: state and description."""
        return [
            (each.state or "", each.description) for each in self.statuses(id) if each.by == "rollbackd[bot]"
        ]
