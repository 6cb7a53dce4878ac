"""What no webhook has delivered: the newest deployment of each environment is read now and then, and at the start.

Each becomes the delivery that GitHub would have sent, so it is read as one, and known as one that came: what the inbox has
heard already is a duplicate there. It is a hint, as a delivery is. Only the newest of an environment is told: those before it
are over.

A repository costs one call a round, and one more for each environment while its newest deployment has not ended. GitHub's
limits are kept: below `RESERVE` of what is left nothing is asked before the limit is renewed, for the statuses are set by the same account.

Source:
    https://docs.github.com/en/rest/deployments/deployments#list-deployments
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from pydantic_core import from_json

from deploy.errors import DeployError
from deploy.github import OURS
from deploy.model import About, Finding, Level
from deploy.ports import Get, Got
from deploy.source import Feed, Parcel, Received
from deploy.sources.github.payload import DELIVERY, EVENT, moment
from deploy.sources.github.settings import Reads, Settings

EVERY = timedelta(minutes=5)  # each repository: 40 of them are some 500 requests an hour, of 5,000
LOOK_BACK = timedelta(hours=2)  # what is older is not told: it was found by reading what runs
NAP = timedelta(seconds=10)  # at most, until somebody looks whether the configuration is still the same
RESERVE = 200  # requests of an hour's 5,000 (or 1,000) that are left to others
PAUSE = timedelta(minutes=1)  # where a limit does not say how long
LONGEST = timedelta(hours=1)
ENDED = frozenset({"success", "failure", "error", "inactive"})
MOST = 10  # environments of one repository that are told in a round
REMEMBERED = 4096
ACCEPT = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_TOKEN = "give `reads.token` the permissions Metadata and Deployments: read on this repository"  # noqa: S105 - words
_REMEDIES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token of `reads` is not accepted: make a new one",
    HTTPStatus.FORBIDDEN: _TOKEN,
    HTTPStatus.NOT_FOUND: _TOKEN,
}


class Missed:
    """Asked in a loop, as a queue is: one repository a time."""

    def __init__(
        self, reads: Reads, repositories: Sequence[str], get: Get, now: Callable[[], datetime]
    ) -> None:
        self._reads = reads
        self._get = get
        self._now = now
        self._due = dict.fromkeys(repositories, datetime.min.replace(tzinfo=UTC))
        self._known: dict[str, Mapping[str, Any]] = {}  # repositories, as GitHub describes them
        self._told: dict[str, None] = {}
        self._ended: dict[int, str] = {}  # deployments, with the receipt of the status that is their end
        self._closed_until = datetime.min.replace(tzinfo=UTC)

    async def receive(self) -> Sequence[Parcel]:
        """What is new in the repository that is due; nothing, after a nap, if none is.

        Raises:
            DeployError: GitHub did not answer, or refused. The repository is asked again in the next round.
        """
        name, due = min(self._due.items(), key=lambda each: each[1])
        wait = max(due, self._closed_until) - self._now()
        if wait > timedelta(0):
            await asyncio.sleep(min(wait, NAP).total_seconds())
            return ()
        self._due[name] = self._now() + EVERY
        return [each for each in await self._of(name) if each.receipt not in self._told]

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        """They are written down, and are not told again by this process."""
        self._told |= dict.fromkeys(receipts)
        for old in list(self._told)[:-REMEMBERED]:
            del self._told[old]
        self._ended = {made: end for made, end in self._ended.items() if end in self._told}

    async def examine(self) -> Sequence[Finding]:
        """Whether each repository can be read; for ``rollbackd doctor``."""
        return [await self._seen(name) for name in self._due]

    async def _seen(self, name: str) -> Finding:
        try:
            await self._one(f"/repos/{name}")
            await self._several(f"/repos/{name}/deployments?per_page=1")
        except DeployError as error:
            return Finding(Level.FAIL, str(error), error.remedy, about=About.FEED)
        return Finding(Level.OK, f"the deployments of {name} are read", about=About.FEED)

    # ------------------------------------------------------------------------------------------------- one repository

    async def _of(self, name: str) -> list[Parcel]:
        if name not in self._known:
            told = await self._one(f"/repos/{name}")
            self._known[name] = {key: told.get(key) for key in ("id", "full_name", "html_url")}
        made = await self._several(f"/repos/{name}/deployments?per_page=30")
        parcels: list[Parcel] = []
        for deployment in self._newest(made):
            parcels.append(self._parcel("deployment", name, deployment))
            status = await self._status(name, deployment["id"])
            if status is not None:
                parcels.append(self._parcel("deployment_status", name, deployment, status))
        return parcels

    def _newest(self, made: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Of each environment, if it is young enough; GitHub tells the newest first."""
        newest: dict[str, Mapping[str, Any]] = {}
        for each in made:
            at = moment(str(each.get("created_at")))
            if at is not None and at >= self._now() - LOOK_BACK:
                newest.setdefault(str(each.get("environment")).lower(), each)
        return list(newest.values())[:MOST]

    async def _status(self, name: str, id: int) -> Mapping[str, Any] | None:
        """The last that somebody else has set; not asked for again once it is the end."""
        if self._ended.get(id) in self._told:
            return None
        told = await self._several(f"/repos/{name}/deployments/{id}/statuses?per_page=10")
        others = [each for each in told if not str(each.get("description") or "").startswith(OURS)]
        last = max(others, key=lambda each: each["id"], default=None)
        if last is not None and last.get("state") in ENDED:
            self._ended[id] = _receipt("deployment_status", name, last)
        return last

    def _parcel(
        self,
        event: str,
        name: str,
        deployment: Mapping[str, Any],
        status: Mapping[str, Any] | None = None,
    ) -> Parcel:
        """As GitHub would have delivered it."""
        body = {"action": "created", "repository": self._known[name], "deployment": deployment}
        if status is not None:
            body["deployment_status"] = status
        about = status or deployment
        headers = {EVENT: event, DELIVERY: f"read-{about['id']}"}
        received = Received(json.dumps(body).encode(), headers, self._now(), "read:github")
        return Parcel(received, _receipt(event, name, about))

    # ------------------------------------------------------------------------------------------------------- one call

    async def _one(self, path: str) -> Mapping[str, Any]:
        told: Mapping[str, Any] = await self._json(path, _has_number)
        return told

    async def _several(self, path: str) -> Sequence[Mapping[str, Any]]:
        told: Sequence[Mapping[str, Any]] = await self._json(path, _have_numbers)
        return told

    async def _json(self, path: str, is_of_shape: Callable[[Any], bool]) -> Any:
        url = f"{self._reads.url.rstrip('/')}{path}"
        got = await self._get(url, ACCEPT, self._reads.token.get_secret_value())
        self._keep_limits(got)
        where = f"{url.split('?', maxsplit=1)[0]}: HTTP {got.status}"
        if got.status != HTTPStatus.OK:
            raise DeployError(where, remedy=_remedy(got))
        try:
            told = from_json(got.body)
        except ValueError:
            told = None
        if not is_of_shape(told):
            words = f"{where}, and not what GitHub would answer"
            raise DeployError(words, remedy="is `reads.url` that of the REST API?")
        return told

    def _keep_limits(self, got: Got) -> None:
        wait = got.headers.get("retry-after", "")
        reset = got.headers.get("x-ratelimit-reset", "")
        left = got.headers.get("x-ratelimit-remaining", "")
        now, until = self._now(), None
        if re.fullmatch(r"[0-9]{1,6}", wait):
            until = now + timedelta(seconds=int(wait))
        elif (
            re.fullmatch(r"[0-9]{1,9}", left) and int(left) < RESERVE and re.fullmatch(r"[0-9]{1,11}", reset)
        ):
            until = datetime.fromtimestamp(int(reset), UTC)
        elif _is_limit(got):
            until = now + PAUSE
        if until is not None:
            self._closed_until = min(until, now + LONGEST)


def _receipt(event: str, name: str, about: Mapping[str, Any]) -> str:
    return f"{event}:{name}:{about['id']}"


def _remedy(got: Got) -> str:
    if _is_limit(got):
        return "a limit of GitHub's: it is waited for; what else asks with the account of `reads.token`?"
    return _REMEDIES.get(got.status, "it is asked again in the next round")


def _is_limit(got: Got) -> bool:
    """It refuses for a limit, and not for want of a permission."""
    told = "retry-after" in got.headers or got.headers.get("x-ratelimit-remaining") == "0"
    return got.status == HTTPStatus.TOO_MANY_REQUESTS or (got.status == HTTPStatus.FORBIDDEN and told)


def _has_number(told: Any) -> bool:
    """One thing of GitHub's."""
    return isinstance(told, dict) and type(told.get("id")) is int


def _have_numbers(told: Any) -> bool:
    return isinstance(told, list) and all(map(_has_number, told))


def missed(settings: Settings, get: Get, now: Callable[[], datetime]) -> Feed | None:
    """What is asked in a loop, where the settings say by which token."""
    return None if settings.reads is None else Missed(settings.reads, settings.repositories, get, now)
