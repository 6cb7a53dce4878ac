"""The kind ``grafana``: an annotation for each marker, on every dashboard that asks for them, or on one.

Each annotation has the tags ``rollbackd``, ``deployment`` or ``rollback``, ``service:…``, ``environment:…``, ``release:…``, and
``marker:…``, by which it is found again. Grafana shows its text as HTML, so what people wrote is escaped.

Source:
    https://grafana.com/docs/grafana/latest/developer-resources/api-reference/http-api/annotations/
    grafana/grafana: pkg/services/tag (what stands behind a second colon of a tag is lost), pkg/services/annotations
"""

import contextlib
import html
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, TypeAdapter

from rules.duration import Duration
from rules.errors import Malformed
from watcher.http import Http
from watcher.notify.markers import Board, Far, Marker
from watcher.notify.notifier import Kind, Notifier, Opening

ANNOTATIONS = "/api/annotations"
LONGEST_TAG = 90  # characters of a value; Grafana's column has 100
_UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NO_TAG = re.compile(r"[\s:,]+")
_RIGHTS = "the service account needs the role Editor, or annotations:read and annotations:create"


def _token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise Malformed("a token with signs that no header can carry", remedy="give the token alone")
    return value


class Settings(BaseModel):
    """``{grafana: {url: https://grafana.acme.example, token: {env: NAME}}}``.

    Attributes:
        url: Of Grafana, up to where ``/api`` begins.
        token: Of a service account with the role Editor, or with `annotations:read` and `annotations:create`.
        timeout: Of one request.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=2048)]
    token: Annotated[SecretStr, AfterValidator(_token)]
    timeout: Duration = timedelta(seconds=5)


class _Annotation(BaseModel):
    """One that is there. *dashboard* is empty where it is of the whole organisation."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    tags: list[str] | None = None
    dashboard: str | None = Field(default=None, alias="dashboardUID")


class _Made(BaseModel):
    """What Grafana says of one that was made."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: int


_LISTED: TypeAdapter[list[_Annotation]] = TypeAdapter(list[_Annotation])
_MADE = TypeAdapter(_Made)


@dataclass(frozen=True, slots=True)
class Grafana:
    """One organisation in one Grafana: where markers are put."""

    far: Far
    lag: timedelta = timedelta(0)
    oldest: timedelta | None = None

    @property
    def who(self) -> str:
        """For people."""
        return "Grafana"

    @property
    def remedies(self) -> Mapping[int, str]:
        """By status."""
        return {
            HTTPStatus.UNAUTHORIZED: "the token is not accepted: make a new one, and put it where the connection points",
            HTTPStatus.FORBIDDEN: _RIGHTS,
            HTTPStatus.BAD_REQUEST: "is the dashboard there whose uid stands under `tell`?",
            HTTPStatus.NOT_FOUND: "is `url` that of Grafana, and is the dashboard there?",
        }

    def misfit(self, narrowing: str) -> tuple[str, str] | None:
        """After the name stands nothing, or the uid of a dashboard."""
        return misfit(narrowing)

    async def has(self, marker: Marker, narrowing: str) -> bool:
        """By its tag, on the same dashboard."""
        named = tag("marker", marker.id)
        found = await self.far.get(
            ANNOTATIONS, _LISTED, ("tags", "rollbackd"), ("tags", named), ("limit", "20")
        )
        return any(named in (each.tags or ()) and (each.dashboard or "") == narrowing for each in found)

    async def put(self, marker: Marker, narrowing: str) -> None:
        """One annotation more."""
        where = {"dashboardUID": narrowing} if narrowing else {}
        await self.far.post(ANNOTATIONS, {**annotation(marker), **where}, _MADE)

    async def look(self, narrowing: str) -> str:
        """Are annotations read with this token. For what it may write it has to be tried."""
        where = (("dashboardUID", narrowing),) if narrowing else ()
        await self.far.get(ANNOTATIONS, _LISTED, ("tags", "rollbackd"), ("limit", "1"), *where)
        return "annotations are read; whether the token may make some is told nowhere, and was not tried"


def misfit(narrowing: str) -> tuple[str, str] | None:
    """Why *narrowing* is no uid of a dashboard, and the remedy."""
    if not narrowing or _UID.fullmatch(narrowing):
        return None
    return f"{narrowing} is no dashboard's uid", "write {grafana: UID} under `tell`, or grafana alone"


def annotation(marker: Marker) -> dict[str, Any]:
    """As Grafana takes it."""
    lines = [html.escape(line) for line in (marker.title, *marker.lines)]
    if marker.url is not None:
        lines.append(f'<a href="{html.escape(marker.url)}">{html.escape(marker.watch)}</a>')
    tags = [
        "rollbackd",
        marker.what.value,
        tag("service", marker.service),
        tag("environment", marker.environment),
        tag("marker", marker.id),
    ]
    if marker.release is not None:
        tags.append(tag("release", marker.release))
    return {"time": round(marker.at.timestamp() * 1000), "text": "\n".join(lines), "tags": tags}


def tag(name: str, value: str) -> str:
    """A tag with a value, which must hold no colon."""
    return f"{name}:{_NO_TAG.sub('_', value)[:LONGEST_TAG]}"


def place(settings: Settings, http: Http, now: Callable[[], datetime]) -> Grafana:
    """Where the connection leads to. Nothing is sent yet."""
    bearer = SecretStr(f"Bearer {settings.token.get_secret_value()}")
    base = settings.url.rstrip("/")
    return Grafana(Far("grafana", base, http, now, {"Authorization": bearer}, settings.timeout))


@contextlib.asynccontextmanager
async def open_grafana(settings: Settings, opening: Opening) -> AsyncIterator[Notifier]:
    """The notifier. Nothing is sent yet."""
    yield Board(place(settings, opening.http, opening.now), opening.now, opening.public_url)


KIND = Kind(settings=Settings, open=open_grafana, board=True, misfit=misfit)
