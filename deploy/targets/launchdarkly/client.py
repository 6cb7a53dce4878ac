"""The calls of LaunchDarkly's API, and what its answers mean.

Source:
    https://launchdarkly.com/docs/api#errors
    https://launchdarkly.com/docs/api#rate-limiting
    https://launchdarkly.com/docs/api/audit-log/get-audit-log-entries
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.errors import Unanswered
from deploy.model import Unreadable
from deploy.ports import Got, Send
from deploy.targets.aws.wording import plain
from deploy.targets.launchdarkly.flag import Flag, flag_of
from deploy.targets.launchdarkly.rights import reads_only
from deploy.targets.launchdarkly.settings import Settings

VERSION = "20240415"  # of the API: what its answers are like
_LEAST, _MOST = timedelta(seconds=1), timedelta(minutes=5)
_USUAL = timedelta(seconds=10)  # the length of one of its windows
# The time of a change, and that of its entry in the log: nobody says that they are one. A guess.
_APART = timedelta(seconds=2)
NEWEST = 20  # changes of a flag that are looked through: as many as LaunchDarkly gives at once
# The right is not there, and will not be in a moment.
_FORBIDDEN = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_REMEDIES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token is not accepted, or may not do this: make one with a role that may updateOn and updateFallthrough",
    HTTPStatus.FORBIDDEN: "the token may not do this: give it a role that may updateOn and updateFallthrough on this flag",
    HTTPStatus.NOT_FOUND: "the project, the flag or the environment of the configuration; or the token may not see them",
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "the environment requires approvals: a person has to request this change, or the token's role may bypassRequiredApproval"
    ),
}


class _Error(BaseModel):
    model_config = ConfigDict(extra="ignore")

    code: str = ""
    message: str = ""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="ignore")

    comment: str = ""
    date: int


class _Log(BaseModel):
    model_config = ConfigDict(extra="ignore")

    items: Annotated[list[_Entry], Field(max_length=NEWEST)] = Field(default_factory=list)


class _Approvals(BaseModel):
    model_config = ConfigDict(extra="ignore")

    required: bool = False


class _Environment(BaseModel):
    model_config = ConfigDict(extra="ignore")

    approvals: _Approvals = Field(default_factory=_Approvals, alias="approvalSettings")


@dataclass(frozen=True, slots=True)
class Said:
    """What was said to the last changes of a flag, the newest first. *is_whole*: to the newest of all too."""

    comments: tuple[str, ...]
    is_whole: bool


class Client:
    """Speaks with one instance about one flag. Nothing is raised but `Unanswered`, by `change`."""

    def __init__(self, settings: Settings, send: Send, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._send = send
        self._now = now

    async def flag(self) -> Flag | Unreadable:
        """The flag, in the environment."""
        query = urlencode({"env": self._settings.environment})
        got = await self._get(f"{self._settings.at}?{query}")
        if isinstance(got, Unreadable):
            return got
        found = flag_of(got.body, self._settings.environment)
        return Unreadable(f"{self._settings.called}: {found}") if isinstance(found, str) else found

    async def comment(self, changed: datetime) -> str | None:
        """What was said to the change of the flag there that was made at *changed*.

        ``None``: the audit log could not be read, or does not have it yet: what was said to the one before it is not taken for it.
        """
        items = await self._log(1)
        if not items or isinstance(items, Unreadable):
            return None
        return items[0].comment if items[0].date >= (changed - _APART).timestamp() * 1000 else None

    async def said(self, changed: datetime) -> Said | Unreadable | None:
        """What was said to the last changes of the flag there, of which the newest was made at *changed*.

        ``None``: the token may not read the audit log.
        """
        items = await self._log(NEWEST)
        if items is None or isinstance(items, Unreadable):
            return items
        is_whole = bool(items) and items[0].date >= (changed - _APART).timestamp() * 1000
        return Said(tuple(each.comment for each in items), is_whole)

    async def _log(self, most: int) -> Sequence[_Entry] | Unreadable | None:
        place = f"proj/{self._settings.project}:env/{self._settings.environment}:flag/{self._settings.flag}"
        query = urlencode({"limit": most, "spec": place})
        got = await self._asked(f"{self._settings.url}/api/v2/auditlog?{query}")
        if isinstance(got, Unreadable):
            return got
        if got.status in _FORBIDDEN:
            return None
        if got.status != HTTPStatus.OK:
            return Unreadable(f"the audit log of {self._settings.called}: {said(got)}")
        try:
            return _Log.model_validate_json(got.body).items
        except ValidationError:
            return Unreadable("not an answer of LaunchDarkly about its audit log")

    async def needs_approval(self) -> bool | Unreadable:
        """The environment requires approvals for changes of flags."""
        settings = self._settings
        got = await self._get(
            f"{settings.url}/api/v2/projects/{settings.project}/environments/{settings.environment}"
        )
        if isinstance(got, Unreadable):
            return got
        try:
            return _Environment.model_validate_json(got.body).approvals.required
        except ValidationError:
            return Unreadable("not an answer of LaunchDarkly about the environment")

    async def reads_only(self) -> str | Unreadable:
        """The role by which the token may change nothing; empty: it may. See `rights`."""
        return await reads_only(lambda path: self._asked(f"{self._settings.url}/api/v2/{path}"))

    async def change(self, patch: Sequence[Mapping[str, Any]], comment: str) -> Got:
        """One JSON patch of the flag. Raises `Unanswered`."""
        body = json.dumps({"comment": comment, "patch": list(patch)}).encode()
        return await self._send("PATCH", self._settings.at, _HEADERS, self._secrets(), body)

    def wait(self, got: Got) -> timedelta:
        """For how long it asks to be left alone; bounded."""
        after, reset = got.headers.get("retry-after", ""), got.headers.get("x-ratelimit-reset", "")
        if after.isascii() and after.isdigit():
            asked = timedelta(seconds=int(after[:6]))
        elif reset.isascii() and reset.isdigit():
            asked = timedelta(seconds=int(reset[:14]) / 1000 - self._now().timestamp())
        else:
            asked = _USUAL
        return min(max(asked, _LEAST), _MOST)

    async def _get(self, url: str) -> Got | Unreadable:
        got = await self._asked(url)
        if isinstance(got, Unreadable) or got.status == HTTPStatus.OK:
            return got
        return Unreadable(f"{self._settings.called}: {said(got)}")

    async def _asked(self, url: str) -> Got | Unreadable:
        try:
            return await self._send("GET", url, _HEADERS, self._secrets())
        except Unanswered as error:
            return Unreadable(str(error))

    def _secrets(self) -> Mapping[str, str]:
        return {"Authorization": self._settings.token.get_secret_value()}


_HEADERS = {"Content-Type": "application/json", "LD-API-Version": VERSION}


def said(got: Got) -> str:
    """What a refusal said, and what to do about it."""
    try:
        error = _Error.model_validate_json(got.body)
    except ValidationError:
        error = _Error()
    words = plain(": ".join(each for each in (error.code, error.message) if each), 200)
    remedy = _REMEDIES.get(got.status)
    return "; ".join(each for each in (f"HTTP {got.status}{f': {words}' if words else ''}", remedy) if each)
