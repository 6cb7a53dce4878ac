"""The calls of Unleash's Admin API, and what its answers mean.

How a server answers was looked at in unleash-server 7.5.1. A patch whose test fails is answered with 500, and with the whole
strategy in its words: words of that kind are never repeated, since a variant may hold a secret.

Source:
    https://docs.getunleash.io/reference/api/unleash/get-feature
    https://docs.getunleash.io/reference/api/unleash/search-events
    https://docs.getunleash.io/reference/change-requests
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from pydantic import Field, TypeAdapter, ValidationError

from deploy.errors import Unanswered
from deploy.model import Beginning, Begun, Refused, Unclear, Unreadable
from deploy.ports import Got, Send
from deploy.targets.aws.wording import plain
from deploy.targets.unleash.flag import Flag, Told, flag_of
from deploy.targets.unleash.history import Event, events_of
from deploy.targets.unleash.moving import SOON, Call
from deploy.targets.unleash.settings import Settings

EVENTS = 100  # of a flag that are looked through
LONGEST = timedelta(minutes=5)
USUAL = timedelta(seconds=10)
ADMIN, SKIP = "ADMIN", "SKIP_CHANGE_REQUEST"
NEEDED = ("UPDATE_FEATURE_ENVIRONMENT", "UPDATE_FEATURE_STRATEGY")
_FAILED_TEST = b"TEST_OPERATION_FAILED"
_ELSEWHERE = b"There's no feature named"  # in this project: it never was there, or was moved to another
_UNNAMED = "UnknownError"
_REMEDIES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token is not accepted: make a personal access token, or one of a service account, and see that it"
    " has not expired",
    HTTPStatus.FORBIDDEN: f"the token's role in the project and environment has to have {' and '.join(NEEDED)}",
    HTTPStatus.NOT_FOUND: "look at `project` and `flag`",
}


class _Error(Told):
    name: str = ""
    message: str = ""
    permissions: Annotated[list[str], Field(max_length=20)] = Field(default_factory=list)


class _Permission(Told):
    permission: str
    project: str | None = None
    environment: str | None = None


class _User(Told):
    permissions: Annotated[list[_Permission], Field(max_length=100_000)]


class _Approvals(Told):
    environment: str
    enabled: bool = Field(default=False, alias="changeRequestEnabled")


_CONFIGS = TypeAdapter(list[_Approvals])


class Client:
    """Speaks with one instance about one flag. Nothing is raised but `Unanswered`, by `change`."""

    def __init__(self, settings: Settings, send: Send) -> None:
        self._settings = settings
        self._send = send

    async def flag(self) -> Flag | Unreadable:
        """The flag, in the environment."""
        got = await self._get(f"{self._settings.path}?variantEnvironments=true")
        if isinstance(got, Unreadable):
            return got
        if got.status == HTTPStatus.NOT_FOUND and _ELSEWHERE not in got.body and await self._is_archived():
            return Flag(on=False, archived=True)
        if got.status != HTTPStatus.OK:
            return Unreadable(f"{self._settings.called}: {said(got)}")
        found = flag_of(got.body, self._settings.environment)
        return Unreadable(f"{self._settings.called}: {found}") if isinstance(found, str) else found

    async def _is_archived(self) -> bool:
        """Of what is not there: Unleash tells of an archived flag's environments still; and of one of another project too."""
        got = await self._get(self._settings.here)
        return isinstance(got, Got) and got.status == HTTPStatus.OK

    async def events(self) -> Sequence[Event] | Unreadable:
        """What happened to the flag, the newest first; as much as is looked through."""
        query = urlencode({"feature": f"IS:{self._settings.flag}", "limit": EVENTS})
        got = await self._asked(f"/api/admin/search/events?{query}")
        return got if isinstance(got, Unreadable) else events_of(got.body)

    async def lacks(self) -> Sequence[str] | Unreadable:
        """Which of `NEEDED` the token has not; and `SKIP`, if it has not that."""
        got = await self._asked("/api/admin/user")
        user = _as(_User, got)
        if isinstance(user, Unreadable):
            return user
        settings = self._settings
        may = {
            each.permission
            for each in user.permissions
            if each.project in {None, "*", settings.project}
            and each.environment in {None, "*", settings.environment}
        }
        return () if ADMIN in may else tuple(each for each in (*NEEDED, SKIP) if each not in may)

    async def asks_for_approval(self) -> bool | Unreadable:
        """Changes of flags are requested in the environment, and approved by others. Only Enterprise knows such a thing."""
        got = await self._get(f"/api/admin/projects/{self._settings.project}/change-requests/config")
        if isinstance(got, Unreadable) or got.status == HTTPStatus.NOT_FOUND:
            return got if isinstance(got, Unreadable) else False
        try:
            told = _CONFIGS.validate_json(got.body if got.status == HTTPStatus.OK else b"")
        except ValidationError:
            return Unreadable(f"whether changes are to be requested: {said(got)}")
        return any(each.enabled for each in told if each.environment == self._settings.environment)

    async def change(self, call: Call) -> Got:
        """One call that changes the flag. Raises `Unanswered`."""
        return await self._send(
            call.method, f"{self._settings.url}{call.path}", _HEADERS, self._secrets(), call.body
        )

    async def _asked(self, path: str) -> Got | Unreadable:
        got = await self._get(path)
        return Unreadable(said(got)) if isinstance(got, Got) and got.status != HTTPStatus.OK else got

    async def _get(self, path: str) -> Got | Unreadable:
        try:
            return await self._send("GET", f"{self._settings.url}{path}", _HEADERS, self._secrets())
        except Unanswered as error:
            return Unreadable(str(error))

    def _secrets(self) -> Mapping[str, str]:
        return {"Authorization": self._settings.token.get_secret_value()}


_HEADERS = {"Content-Type": "application/json"}


def _as(model: type[_User], got: Got | Unreadable) -> _User | Unreadable:
    if isinstance(got, Unreadable):
        return got
    try:
        return model.model_validate_json(got.body)
    except ValidationError:
        return Unreadable("not an answer of Unleash about its token")


def answered(got: Got, call: Call, settings: Settings) -> Beginning:
    """What an answer to *call* means."""
    if got.status == HTTPStatus.OK:
        return Begun(words=str(call))
    words = f"{settings.called}: {said(got)}"
    if got.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Refused(words, again_in=_wait(got))
    if got.status == HTTPStatus.INTERNAL_SERVER_ERROR and _FAILED_TEST in got.body:
        return Refused(
            f"{settings.called}: its strategy was changed meanwhile, and is read again", again_in=SOON
        )
    refused = HTTPStatus.BAD_REQUEST <= got.status < HTTPStatus.INTERNAL_SERVER_ERROR
    # What another status did is read; and a proxy gave up waiting, not Unleash.
    return Refused(words) if refused and got.status != HTTPStatus.REQUEST_TIMEOUT else Unclear(words)


def _wait(got: Got) -> timedelta:
    told = got.headers.get("retry-after", "")
    asked = timedelta(seconds=int(told[:6])) if told.isascii() and told.isdigit() else USUAL
    return min(max(asked, timedelta(seconds=1)), LONGEST)


def said(got: Got) -> str:
    """What a refusal said, and what to do about it."""
    try:
        error = _Error.model_validate_json(got.body)
    except ValidationError:
        error = _Error()
    if SKIP in error.permissions:
        remedy = f"the environment has change requests: a person has to request this change, or the token's role needs {SKIP}"
    elif HTTPStatus.MULTIPLE_CHOICES <= got.status < HTTPStatus.BAD_REQUEST:
        remedy = "it leads elsewhere, and the token is not taken there: name in `url` where the instance itself answers"
    else:
        remedy = _REMEDIES.get(got.status, "")
    told = "" if error.name == _UNNAMED else error.message
    words = plain(": ".join(each for each in (error.name, told) if each), 200)
    return "; ".join(each for each in (f"HTTP {got.status}{f': {words}' if words else ''}", remedy) if each)
