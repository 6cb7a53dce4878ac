"""What Sentry answered, checked; or why there is nothing, and who must act."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from deploy.model import About
from rules.sample import Invalid, Unavailable, Who
from watcher.http import Answer, Fault, HttpRefused, Request, refusal
from watcher.http.answer import without_secrets

WORDS = 200  # characters of Sentry's own
Trouble = Unavailable | Invalid
# What a token has to be allowed, by the first word of a path behind the organisation's.
SCOPES: Mapping[str, str] = {"issues": "event:read", "releases": "project:releases"}
_NEXT = re.compile(r'<([^>]*)>;\s*rel="next"([^,]*)')
_INTERVAL = re.compile(r"multiple of the minimum interval of ([\w ]+)", re.IGNORECASE)
_PROJECTS = re.compile(r"project", re.IGNORECASE)
_TOO_MUCH = re.compile(r"too many|too large|too long|timeout|timed out|smaller date range", re.IGNORECASE)


class Next(StrEnum):
    """What asking for less at once would help against."""

    NOTHING = "nothing"
    ONE = "one"  # one of the projects is wrong: the others must not suffer for it
    SIZE = "size"  # it is too much


@dataclass(frozen=True, slots=True)
class Failed:
    """There is nothing to read."""

    trouble: Trouble
    next: Next = Next.NOTHING
    about: About = About.ACCESS
    missing: bool = False  # it is not there, or hidden from us


@dataclass(frozen=True, slots=True)
class Page:
    """What was answered, and where it goes on."""

    content: Any
    cursor: str | None = None


def read(request: Request, answer: Answer, path: str, where: str, now: Any) -> Page | Failed:
    """What *answer* says.

    Args:
        request: What was asked.
        answer: With any status but 429.
        path: Behind the organisation's.
        where: The Sentry and the organisation, for people.
        now: The time.
    """
    refused = refusal(request, answer, now)
    content = _content(answer)
    if refused is not None:
        return _failed(answer.status, _detail(request, content), path, where)
    if content is None:
        what = "a web page" if answer.media_type == "text/html" else "something else"
        words = f"{where} answers {what} and not what Sentry would: is `url` right?"
        return Failed(Unavailable(Who.OPERATOR, words), about=About.SITE)
    return Page(content, cursor_in(answer.headers.get("link", "")))


def refused(error: HttpRefused, where: str) -> Failed:
    """Nobody answered. A body that was too large, or that took too long, may be had in parts."""
    size = error.fault in {Fault.TOO_LARGE, Fault.READ_TIMEOUT}
    return Failed(
        Unavailable(error.who, f"{where}: {error.words}", error.retry_at, error.way),
        Next.SIZE if size else Next.NOTHING,
        About.SITE,
    )


def cursor_in(link: str) -> str | None:
    """Where the next page begins. There is always a next one: whether it holds anything is said beside it."""
    found = _NEXT.search(link)
    if found is None or 'results="true"' not in found[2]:
        return None
    cursor = re.search(r'cursor="([^"]{1,200})"', found[2])
    return cursor[1] if cursor else None


def clean(request: Request, text: str) -> str:
    """Sentry's words: in one line, without what is secret."""
    told = without_secrets(request, text[: 8 * WORDS])
    return " ".join("".join(sign if sign.isprintable() else " " for sign in told).split())[:WORDS]


def _content(answer: Answer) -> Any:
    """Whatever it is sent as: a 429 is JSON and says that it is a web page."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _detail(request: Request, content: Any) -> str:
    """Its own words: ``detail`` is a text, or an object with a message, or a list; of a field, the field is the key."""
    if isinstance(content, Mapping):
        detail = content.get("detail", content)
        if isinstance(detail, Mapping) and isinstance(detail.get("message"), str):
            detail = detail["message"]
        return clean(request, detail if isinstance(detail, str) else json.dumps(detail)[: 8 * WORDS])
    return ""


def _failed(status: int, words: str, path: str, where: str) -> Failed:
    said = f"{where}: HTTP {status}" + (f": {words.rstrip('.')}" if words else "")
    if status == HTTPStatus.BAD_REQUEST:
        return _bad_request(said, words, where)
    why = _WHY.get(
        status, ", a redirect, which is not followed: is `url` right?" if status < _REFUSED else ""
    )
    scope = SCOPES.get(path.partition("/")[0], "org:read")
    who = Who.OPERATOR if why else Who.PROVIDER
    return Failed(
        Unavailable(who, said + why.format(scope=scope)),
        _HELPS.get(status, Next.NOTHING),
        About.SITE if status < _REFUSED else _ABOUT.get(status, About.ACCESS),
        missing=status == HTTPStatus.NOT_FOUND,
    )


_REFUSED = 400
_WHY: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "; the token is wrong, was revoked, or is of another Sentry: correct `token`",
    HTTPStatus.FORBIDDEN: "; the token lacks {scope}, or is not for this project, or the organisation asks for its SSO",
    HTTPStatus.NOT_FOUND: "; no such organisation or project, or the token may not see it: correct `organization` or `project`",
}
_ABOUT: Mapping[int, About] = {
    HTTPStatus.UNAUTHORIZED: About.KEY,
    HTTPStatus.FORBIDDEN: About.SCOPE,
    HTTPStatus.NOT_FOUND: About.ORGANIZATION,
}
_HELPS: Mapping[int, Next] = {
    HTTPStatus.FORBIDDEN: Next.ONE,
    HTTPStatus.NOT_FOUND: Next.ONE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Next.SIZE,
    HTTPStatus.REQUEST_URI_TOO_LONG: Next.SIZE,
    HTTPStatus.GATEWAY_TIMEOUT: Next.SIZE,
}


def _bad_request(said: str, words: str, where: str) -> Failed:
    interval = _INTERVAL.search(words)
    if interval is not None:
        remedy = f"{where} has buckets of {interval[1]} or more for sessions: write `bucket: 1h`"
        return Failed(Invalid(Who.AUTHOR, f"{remedy} ({words})"))
    if _TOO_MUCH.search(words):
        return Failed(Unavailable(Who.PROVIDER, said), Next.SIZE)
    helps = Next.ONE if _PROJECTS.search(words) else Next.NOTHING
    return Failed(Invalid(Who.AUTHOR, f"{said}: the query is refused"), helps)


# ------------------------------------------------------------------------------------------------------ what is counted


class _Loosely(BaseModel):
    """Sentry adds fields as it likes."""

    model_config = ConfigDict(extra="ignore", frozen=True)


Number = Annotated[float, Field(allow_inf_nan=False)]
Label = str | int | None


class Group(_Loosely):
    """Of sessions."""

    by: Mapping[str, Label]
    series: Mapping[str, list[Number | None]] = Field(default_factory=dict)


class Sessions(_Loosely):
    """An answer about sessions, from *start* to *end*. *intervals*: when each of the values of a series begins."""

    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    intervals: list[AwareDatetime]
    groups: list[Group]


class TableMeta(_Loosely):
    """What is said of a table."""

    scanned: str | None = Field(None, alias="dataScanned")


class Table(_Loosely):
    """Rows of fields."""

    data: list[Mapping[str, Any]]
    meta: TableMeta = TableMeta()


class Key(_Loosely):
    """By what a series is told apart."""

    key: str
    value: Label = None


class Point(_Loosely):
    """Of a series. *timestamp*: in milliseconds, of its beginning."""

    timestamp: Number
    value: Number | None = None
    incomplete: bool = False
    rate: Number | None = Field(None, alias="sampleRate")
    confidence: str | None = None


class LineMeta(_Loosely):
    """What is said of a series. *interval*: in milliseconds."""

    interval: Number
    scanned: str | None = Field(None, alias="dataScanned")
    other: bool | None = Field(None, alias="isOther")


class Line(_Loosely):
    """One series."""

    axis: str = Field(alias="yAxis")
    by: list[Key] | None = Field(None, alias="groupBy")
    meta: LineMeta
    values: list[Point]


class Lines(_Loosely):
    """Series of buckets."""

    series: list[Line] = Field(alias="timeSeries")


class Project(_Loosely):
    """As a list names it."""

    id: int
    slug: str


class Release(_Loosely):
    """A release, and the projects that it is of."""

    version: str
    projects: list[Project] = Field(default_factory=list)


class Listed(_Loosely):
    """A release in a list. Of its projects a list need not tell the numbers, and nobody asks it for them."""

    version: str


class Issue(_Loosely):
    """A group of like errors. Its *count* is a text."""

    count: int
    first_seen: AwareDatetime = Field(alias="firstSeen")
    short_id: str = Field("", alias="shortId")
    title: str = ""
    project: Project


SESSIONS, TABLE, LINES = TypeAdapter(Sessions), TypeAdapter(Table), TypeAdapter(Lines)
PROJECTS, RELEASES, ISSUES = TypeAdapter(list[Project]), TypeAdapter(list[Listed]), TypeAdapter(list[Issue])
RELEASE = TypeAdapter(Release)


def checked(adapter: TypeAdapter[Any], content: Any, where: str) -> Any:
    """*content*, as it should be; or `Failed`."""
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        at = ".".join(str(part) for part in error.errors()[0]["loc"])[:80]
        words = f"{where} answers something that cannot be read: {at or 'it'} is not as Sentry documents it"
        return Failed(Unavailable(Who.PROVIDER, words))
