"""Which status of a deployment a notice is. Pure.

    a watch that                                   state
    observes, asks, is held, goes back, recovers   in_progress
    passed                                         success
    is rolled back, or kept although it breached   failure
    is stuck, unproven, or kept unproven           error: nobody knows
    is superseded                                  inactive

Source:
    https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.github import GITHUB_COM, OURS
from deploy.sources.github.identity import read
from watcher.core.watch import Notice, State

LONGEST = 140  # characters of a description
MOST = 4  # deployments of GitHub's that are one of ours: the parts of a service, a workflow that ran twice
IN_PROGRESS, SUCCESS, FAILURE, ERROR, INACTIVE = "in_progress", "success", "failure", "error", "inactive"
FINAL = frozenset({SUCCESS, FAILURE, ERROR, INACTIVE})
_STATES: Mapping[State, str] = {
    State.PASSED: SUCCESS,
    State.ROLLED_BACK: FAILURE,
    State.STUCK: ERROR,
    State.UNPROVEN: ERROR,
    State.SUPERSEDED: INACTIVE,
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment, as GitHub knows it."""

    repository: str
    id: int

    @property
    def path(self) -> str:
        """Of its statuses, in the REST API."""
        return f"/repos/{self.repository}/deployments/{self.id}/statuses"


@dataclass(frozen=True, slots=True)
class Status:
    """A status of a deployment; *description* holds at most `LONGEST` characters."""

    state: str
    description: str
    log_url: str | None = None

    @property
    def content(self) -> dict[str, str | bool]:
        """As GitHub takes it. Older deployments are GitHub's, or whoever else's, to retire."""
        told: dict[str, str | bool] = {
            "state": self.state,
            "description": self.description,
            "auto_inactive": False,
        }
        return told if self.log_url is None else {**told, "log_url": self.log_url}


def deployments_of(notice: Notice, repository: str = "", host: str = GITHUB_COM) -> Sequence[Deployment]:
    """Those of *host*'s that the watch is of, in *repository* if one is named; none, where GitHub does not know it."""
    found = (read(word) for word in notice.facts.get("platform_ids", "").split())
    told = [Deployment(where, number) for on, where, number in filter(None, found) if on == host]
    return [each for each in told if not repository or each.repository.lower() == repository.lower()][:MOST]


def status_of(notice: Notice, public_url: str | None) -> Status | None:
    """How the watch stands; ``None`` where the notice does not say it."""
    try:
        state = State(notice.facts.get("state", ""))
    except ValueError:
        return None
    if state is State.KEPT:
        shown = FAILURE if "rule" in notice.facts else ERROR
    else:
        shown = _STATES.get(state, IN_PROGRESS)
    url = f"{public_url}/v1/watches/{notice.watch}" if public_url else None
    return Status(shown, described(notice.headline), url)


def described(headline: str) -> str:
    """The headline, as a description: begins so that we know it again, and is short enough."""
    text = OURS + _CONTROL.sub(" ", headline)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def is_news(wanted: Status, latest: Status | None) -> bool:
    """*wanted* says more than the *latest* status does. What ended is not said to go on."""
    if latest is None:
        return True
    if wanted.state == IN_PROGRESS and latest.state in FINAL:
        return False
    if wanted.state == INACTIVE and latest.state == INACTIVE:
        return False
    return (wanted.state, wanted.description) != (latest.state, latest.description)
