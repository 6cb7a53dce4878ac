"""gidgethub's client, over our own HTTP: so that an address that is not allowed is not asked, and every call is counted.

A limit that GitHub has told is kept: beyond it nothing is sent before the limit is renewed.

Source:
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from gidgethub import HTTPException, RateLimitExceeded
from gidgethub.abc import GitHubAPI
from gidgethub.apps import get_installation_access_token
from jwt.exceptions import PyJWTError
from pydantic import AwareDatetime, BaseModel, ConfigDict, SecretStr

from deploy.errors import Unanswered
from deploy.github import host_of
from deploy.ports import Got
from watcher.http import Fault, Http, HttpRefused, Request
from watcher.http.answer import harmless
from watcher.notify.github.refusals import NO_KEY, excerpt
from watcher.notify.github.settings import App, Settings

MOST_ANSWER = 1024 * 1024  # bytes; ten statuses are some 40 KiB
BEFORE_ITS_END = timedelta(minutes=2)  # a token of an installation is renewed; it lasts an hour
VERSION = {"x-github-api-version": "2022-11-28"}
ACCEPT = "application/vnd.github+json"
_INSTALLED = (
    "look at the id, the installation and the private key of the app, and whether it is still installed"
)
# What failed before anything of a request was sent.
_NOT_SENT = frozenset(
    {
        Fault.BAD_URL, Fault.BLOCKED, Fault.DNS, Fault.OURS, Fault.UNREACHABLE, Fault.REFUSED,
        Fault.CONNECT_TIMEOUT, Fault.TLS,
    }
)  # fmt: skip


class Installed(BaseModel):
    """A token of an installation, and what it may."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    token: SecretStr
    expires_at: AwareDatetime
    permissions: Mapping[str, str] = {}


class Client(GitHubAPI):
    """One connection to GitHub, by a token or as an app.

    Attributes:
        host: Whose deployments it can speak of.
        heard: The headers of its last answer, by lower-case name.
        skew: How far our clock was ahead of GitHub's then, to the second; ``None``: it was not told.
    """

    def __init__(self, settings: Settings, http: Http, now: Callable[[], datetime]) -> None:
        super().__init__("rollbackd", base_url=settings.url)
        self.host = host_of(settings.url)
        self._settings = settings
        self._http = http
        self._now = now
        self._installed: Installed | None = None
        self._installing = asyncio.Lock()
        self.heard: Mapping[str, str] = {}
        self.skew: timedelta | None = None

    def __repr__(self) -> str:
        """Without the token."""
        return f"Client({self.base_url})"

    async def get(self, path: str) -> Any:
        """What stands at *path*. Raises what gidgethub raises, and `HttpRefused`."""
        return await self.getitem(path, oauth_token=await self._token(), extra_headers=dict(VERSION))

    async def create(self, path: str, content: Mapping[str, Any]) -> Any:
        """Write *content* at *path*. Raises what gidgethub raises, and `HttpRefused`."""
        return await self.post(
            path, data=dict(content), oauth_token=await self._token(), extra_headers=dict(VERSION)
        )

    async def __call__(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] = {},
    ) -> Got:
        """As `deploy.ports.Rest`: the answer, whatever it is. Doing it twice is two requests.

        Raises:
            Unanswered: Nobody answered, or GitHub gives the app no token.
        """
        got = await self._once(method, path, content, headers)
        if got.status == HTTPStatus.UNAUTHORIZED and self.forget():
            # Nothing was done. A token of an installation may be taken back before its end: another is a new right.
            got = await self._once(method, path, content, headers)
        return got

    async def granted(self) -> Mapping[str, str] | None:
        """As `deploy.ports.Rest`: what the installation may, told with its token.

        Raises:
            Unanswered: As above.
        """
        app = self._settings.app
        if app is None:
            return None
        await self._right()
        return (await self.installed(app)).permissions

    async def _once(
        self, method: str, path: str, content: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> Got:
        given = {
            "accept": ACCEPT,
            "authorization": f"Bearer {await self._right()}",
            **VERSION,
            **headers,
        }
        body = b"" if content is None else json.dumps(content).encode()
        try:
            return Got(*await self._request(method, f"{self.base_url.rstrip('/')}{path}", given, body))
        except HttpRefused as refused:
            sent = refused.fault not in _NOT_SENT
            raise Unanswered(refused.words, remedy=refused.remedy, may_have_happened=sent) from refused

    async def _right(self) -> str:
        """The token. What is not as GitHub answers is not repeated: the token stands in it."""
        try:
            return await self._token()
        except HttpRefused as error:
            why = error.words
        except HTTPException as error:
            why = f"HTTP {int(error.status_code)}{excerpt(error)}"
        except PyJWTError:
            why = NO_KEY
        except (ValueError, LookupError, TypeError):  # a ValidationError is a ValueError
            why = "not an answer of GitHub's: is `url` that of its REST API?"
        raise Unanswered(
            f"{self.base_url} gives the app no token: {why}", remedy=_INSTALLED, may_have_happened=False
        )

    async def installed(self, app: App) -> Installed:
        """The token of the installation, asked for again shortly before it ends."""
        async with self._installing:
            had = self._installed
            if had is None or had.expires_at - BEFORE_ITS_END <= self._now():
                answer = await get_installation_access_token(
                    self,
                    installation_id=str(app.installation),
                    app_id=str(app.id),
                    private_key=app.private_key.get_secret_value(),
                )
                had = self._installed = Installed.model_validate(answer)
            return had

    def forget(self) -> bool:
        """GitHub takes the token of the installation no longer: the next call asks for another; whether there was one."""
        had, self._installed = self._installed, None
        return had is not None

    async def _token(self) -> str:
        app, token = self._settings.app, self._settings.token
        if app is not None:
            return (await self.installed(app)).token.get_secret_value()
        return token.get_secret_value() if token is not None else ""

    # ------------------------------------------------------------------------------------------- what gidgethub asks for

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, Mapping[str, str], bytes]:
        open_ = {
            name: value
            for name, value in headers.items()
            if name not in {"authorization", "content-length", "user-agent"}
        }
        secret = {"authorization": SecretStr(headers["authorization"])} if "authorization" in headers else {}
        request = Request(
            "github",
            url,
            method,
            open_,
            secret,
            body=body if method != "GET" else None,
            timeout=self._settings.timeout,
            most=MOST_ANSWER,
        )
        answer = await self._http.send(request)
        self.heard = answer.headers
        self.skew = _skew(answer.headers.get("date", ""), self._now())
        return answer.status, answer.headers, harmless(request, answer)

    async def sleep(self, seconds: float) -> None:
        """Nothing here waits: what is not taken now is told later."""
        raise NotImplementedError

    async def manage_rate_limit(self, *, method: str, url: str) -> None:  # noqa: ARG002 - gidgethub's hook
        """Send nothing while the limit is used up."""
        limit = self.rate_limit
        if limit is not None and limit.remaining < 0 and self._now().astimezone(UTC) < limit.reset_datetime:
            raise RateLimitExceeded(limit)


def _skew(date: str, now: datetime) -> timedelta | None:
    try:
        theirs = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return now - theirs if theirs.tzinfo else None
