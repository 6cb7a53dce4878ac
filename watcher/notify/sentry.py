"""The kind ``sentry``: a deploy of a release for each marker, through a connection that errors are read by, too.

Behind the connection's name stand the project and what a release is called in Sentry, for what it is called there the SDK of
the service says, and nobody else: ``{errors: "checkout checkout@${tag}"}``. A rollback is a deploy of the release that is gone
back to. A release that Sentry does not know yet is made. Whoever asked Sentry for mail about deploys gets it.

Source:
    https://docs.sentry.io/api/releases/
    getsentry/sentry: src/sentry/releases/endpoints/release_deploys.py (of each project and environment the last deploy is listed)
"""

import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from watcher.http import Http, HttpRefused
from watcher.notify.markers import Board, Far, Marker, Refusing
from watcher.notify.notifier import Kind, Notifier, Opening

TIMEOUT = timedelta(seconds=5)
LONGEST_NAME, LONGEST_ENVIRONMENT, LONGEST_VERSION = 64, 64, 200  # characters
_SLUG = r"[a-z0-9][a-z0-9_-]{0,99}"
_NARROWING = re.compile(
    rf"(?P<project>{_SLUG}|\$\{{service\}}) (?P<release>[^\s/\\]*\$\{{tag\}}[^\s/\\]*)", re.ASCII
)
_TEMPLATE = re.compile(r"\$\{(service|environment|tag)\}")
_VERSION = re.compile(rf"[^\s/\\]{{1,{LONGEST_VERSION}}}")
_WRITE = '{NAME: "PROJECT RELEASE"} under `tell`, such as {errors: "checkout checkout@${tag}"}'


class Keys(Protocol):
    """What is needed of the settings of a connection to Sentry."""

    @property
    def organization(self) -> str:
        """Its slug."""

    @property
    def token(self) -> SecretStr:
        """With the scope ``project:releases``."""

    def at(self, path: str) -> str:
        """The address of *path* in the organisation."""

    def tls(self) -> ssl.SSLContext | None:
        """How the server's certificate is checked. Raises OSError and ValueError."""


class _Deploy(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str | None = None
    environment: str


class _Release(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    version: str


_DEPLOYS: TypeAdapter[list[_Deploy]] = TypeAdapter(list[_Deploy])
_DEPLOY, _RELEASE = TypeAdapter(_Deploy), TypeAdapter(_Release)
_RELEASES: TypeAdapter[list[_Release]] = TypeAdapter(list[_Release])


@dataclass(frozen=True, slots=True)
class Sentry:
    """One organisation: where markers are put.

    Attributes:
        broken: Why the connection cannot be used at all; empty: it can.
    """

    far: Far
    organization: str
    broken: str = ""
    lag: timedelta = timedelta(0)
    oldest: timedelta | None = None

    @property
    def who(self) -> str:
        """For people."""
        return f"Sentry ({self.organization})"

    @property
    def remedies(self) -> Mapping[int, str]:
        """By status."""
        return {
            HTTPStatus.UNAUTHORIZED: "the token is not accepted: make a new one, and put it where the connection points",
            HTTPStatus.FORBIDDEN: "the token needs the scope project:releases, and access to the project",
            HTTPStatus.NOT_FOUND: "is `organization` right, and may the token see all projects of the release?",
            HTTPStatus.BAD_REQUEST: f"is the project right? Write {_WRITE}",
        }

    def misfit(self, narrowing: str) -> tuple[str, str] | None:
        """A project, and a template of the release's name."""
        return misfit(narrowing)

    async def has(self, marker: Marker, narrowing: str) -> bool:
        """By its name, among the deploys of the release."""
        self._check()
        version = _filled(marker, narrowing, "release")
        try:
            found = await self.far.get(_path(version), _DEPLOYS)
        except HttpRefused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:  # the release is not there: so neither are deploys
                return False
            raise
        return any((each.name, each.environment) == (_name(marker), _environment(marker)) for each in found)

    async def put(self, marker: Marker, narrowing: str) -> None:
        """The release, if there is none (Sentry answers 208 where there is), and one deploy more of it."""
        version, project = _filled(marker, narrowing, "release"), _filled(marker, narrowing, "project")
        await self.far.post("/releases/", {"version": version, "projects": [project]}, _RELEASE)
        told = {
            "name": _name(marker),
            "environment": _environment(marker),
            "dateFinished": marker.at.astimezone(UTC).isoformat(),
            "projects": [project],
        }
        # Sentry takes no address whose host is a single word.
        if marker.url is not None and "." in (urlsplit(marker.url).hostname or ""):
            told["url"] = marker.url
        await self.far.post(_path(version), told, _DEPLOY)

    async def look(self, narrowing: str) -> str:  # noqa: ARG002 - it is of one marker
        """May releases be listed."""
        self._check()
        await self.far.get("/releases/", _RELEASES, ("per_page", "1"))
        return "releases are listed; whether the token may make deploys was not tried"

    def _check(self) -> None:
        if self.broken:
            raise Refusing(self.broken, "correct `authority`: a file of certificates in PEM")


def misfit(narrowing: str) -> tuple[str, str] | None:
    """Why *narrowing* is no project with a template of a release's name, and the remedy."""
    if _NARROWING.fullmatch(narrowing):
        return None
    return f"{narrowing or 'nothing'} says no project and release of Sentry's", f"write {_WRITE}"


def _path(version: str) -> str:
    return f"/releases/{quote(version, safe='')}/deploys/"


def _name(marker: Marker) -> str:
    return marker.id[:LONGEST_NAME]


def _environment(marker: Marker) -> str:
    return marker.environment.replace("/", "-")[:LONGEST_ENVIRONMENT]


def _filled(marker: Marker, narrowing: str, what: str) -> str:
    """The project, or the name of the release, as *narrowing* says.

    Raises:
        Refusing: It cannot be a name in Sentry.
    """
    found = _NARROWING.fullmatch(narrowing)
    known = {"service": marker.service, "environment": marker.environment, "tag": marker.release or ""}
    text = _TEMPLATE.sub(lambda each: known[each[1]], found[what]) if found else ""
    if not (marker.release and _VERSION.fullmatch(text)):
        raise Refusing(
            f"a release called {marker.release or 'nobody knows how'} has no deploys: a service of several parts is not told there"
        )
    return text


def resets(headers: Mapping[str, str], now: datetime) -> datetime | None:  # noqa: ARG001 - it is a time, and not a pause
    """When the window ends: Sentry says the second since 1970."""
    told = headers.get("x-sentry-rate-limit-reset", "")
    return datetime.fromtimestamp(int(told), UTC) if re.fullmatch(r"[0-9]{1,11}", told) else None


def place(keys: Keys, http: Http, now: Callable[[], datetime]) -> Sentry:
    """Where the connection leads to. Nothing is sent yet; what is wrong with it is told when it is needed."""
    tls, broken = None, ""
    try:
        tls = keys.tls()
    except (OSError, ValueError) as error:
        broken = f"the file of `authority` cannot be used: {type(error).__name__}"
    secrets = {"Authorization": SecretStr(f"Bearer {keys.token.get_secret_value()}")}
    base = keys.at("").rstrip("/")
    far = Far("sentry", base, http, now, secrets, TIMEOUT, resets, tls)
    return Sentry(far, keys.organization, broken)


@contextlib.asynccontextmanager
async def open_sentry(settings: Keys, opening: Opening) -> AsyncIterator[Notifier]:
    """The notifier. Nothing is sent yet."""
    yield Board(place(settings, opening.http, opening.now), opening.now, opening.public_url)


KIND = Kind(settings=None, open=open_sentry, board=True, misfit=misfit)
