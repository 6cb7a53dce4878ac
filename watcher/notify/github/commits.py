"""Which status of a commit a notice is, beside that of its deployment. Pure.

Whoever looks at the commit, a pull request or a branch sees there how its release is doing; and another workflow can wait for it.

Source:
    https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, TypeAdapter

from watcher.core.watch import Notice
from watcher.notify.github.saying import ERROR, FAILURE, IN_PROGRESS, SUCCESS, Status

PENDING = "pending"
# A watch that another superseded says nothing of its commit any more.
_STATES: Mapping[str, str] = {IN_PROGRESS: PENDING, SUCCESS: SUCCESS, FAILURE: FAILURE, ERROR: ERROR}
_WATCH = re.compile(r"/v1/watches/(w_[0-9a-z_-]{1,64})\Z")
SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class CommitStatus:
    """A status of a commit.

    Attributes:
        context: By which it is told from the statuses of others, and of other services in one repository.
    """

    context: str
    state: str
    description: str
    target_url: str | None

    @property
    def content(self) -> dict[str, str]:
        """As GitHub takes it."""
        told = {"context": self.context, "state": self.state, "description": self.description}
        return told if self.target_url is None else {**told, "target_url": self.target_url}


class Set(BaseModel):
    """A status of a commit, as GitHub tells it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int
    context: str
    state: str
    description: str | None = None
    target_url: str | None = None


class Deployed(BaseModel):
    """A deployment, as far as it is asked for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    sha: str


SETS = TypeAdapter(list[Set])


def commit_status(notice: Notice, status: Status) -> CommitStatus | None:
    """The same of a commit; ``None`` where the notice says nothing of it."""
    state = _STATES.get(status.state)
    if state is None or not notice.service or not notice.environment:
        return None
    return CommitStatus(
        f"rollbackd/{notice.service}/{notice.environment}", state, status.description, status.log_url
    )


def is_news(wanted: CommitStatus, found: Sequence[Set]) -> bool:
    """*wanted* says more than what stands at the commit. The newest watch wins, and what ended does not go on."""
    own = (each for each in found if each.context.lower() == wanted.context.lower())
    latest = max(own, key=lambda each: each.id, default=None)
    if latest is None:
        return True
    ours, theirs = _watch(wanted.target_url), _watch(latest.target_url)
    if theirs > ours:  # ids are in the order of time
        return False
    if theirs == ours and wanted.state == PENDING != latest.state:
        return False
    return (wanted.state, wanted.description, ours) != (latest.state, latest.description, theirs)


def _watch(url: str | None) -> str:
    found = _WATCH.search(url or "")
    return found[1] if found else ""
