"""What NerdGraph answered: rows by the alias of their query; or why there are none, and who must act.

A query that fails is an answer with status 200: ``errors`` names the alias in its path, and the others are good.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.model import About
from rules.sample import Invalid, Unavailable, Who
from watcher.http import Answer, HttpRefused, Request, refusal
from watcher.http.answer import without_secrets

WORDS = 200  # characters of New Relic's own
Trouble = Unavailable | Invalid
_SLOW = re.compile(r"TIMEOUT|timed out|exceeded the set timeout|too many|limit", re.IGNORECASE)
_QUOTED = re.compile(r"'[^']*'")  # of the query: an attribute may be called `rateLimited`
_SYNTAX = re.compile(r"syntax|unknown function|NRQL|unexpected|argument", re.IGNORECASE)


class Next(StrEnum):
    """What asking for less at once would help against."""

    NOTHING = "nothing"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Failed:
    """There are no rows."""

    trouble: Trouble
    next: Next = Next.NOTHING
    about: About = About.ACCESS


class _Loosely(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


Number = Annotated[float, Field(allow_inf_nan=False)]


class Window(_Loosely):
    """What the rows are of, in milliseconds."""

    begin: Number
    end: Number


class Metadata(_Loosely):
    """What is said of them."""

    window: Window = Field(alias="timeWindow")
    messages: Sequence[str] | None = None


class Told(_Loosely):
    """The answer to one query."""

    results: Sequence[Mapping[str, Any]]
    metadata: Metadata


class _Error(_Loosely):
    message: str = ""
    path: Sequence[str | int] | None = None
    extensions: Mapping[str, Any] | None = None


class _Actor(_Loosely):
    account: Mapping[str, Any] | None = None


class _Data(_Loosely):
    actor: _Actor | None = None


class _Body(_Loosely):
    data: _Data | None = None
    errors: Sequence[_Error] | None = None


def read(request: Request, answer: Answer, where: str, now: Any) -> Mapping[str, Told | Failed] | Failed:
    """What *answer* says to each alias.

    Args:
        request: What was asked.
        answer: With any status but 429.
        where: New Relic's account, for people.
        now: The time.
    """
    refused_ = refusal(request, answer, now)
    if refused_ is not None:
        about = _ABOUT.get(answer.status, About.ACCESS)
        return Failed(_refused(refused_, answer.status, where), about=about)
    try:
        body = _Body.model_validate(json.loads(answer.body))
    except (ValueError, RecursionError):
        words = f"{where} answers {_what(answer)} and not what NerdGraph would: is `region` or `url` right?"
        return Failed(Unavailable(Who.OPERATOR, words), about=About.SITE)
    account = body.data.actor.account if body.data and body.data.actor else None
    errors = body.errors or ()
    general = next((each for each in errors if _alias(each) is None), None)
    if account is None:
        if general is not None or errors:
            return _failed(request, general or errors[0], where)
        words = f"{where} is hidden from the key: correct `account`, `region`, or whose `key` it is"
        return Failed(Unavailable(Who.OPERATOR, words), about=About.ACCOUNT)
    failed = {alias: _failed(request, each, where) for each in errors if (alias := _alias(each)) is not None}
    return {alias: failed.get(alias) or _told(request, told, where) for alias, told in account.items()}


def refused(error: HttpRefused, where: str) -> Failed:
    """Nobody answered."""
    return Failed(
        Unavailable(error.who, f"{where}: {error.words}", error.retry_at, error.way), about=About.SITE
    )


def clean(request: Request, text: str) -> str:
    """New Relic's words: in one line, without what is secret."""
    told = without_secrets(request, text[: 8 * WORDS])
    return " ".join("".join(sign if sign.isprintable() else " " for sign in told).split())[:WORDS]


def _what(answer: Answer) -> str:
    return "a web page" if answer.media_type == "text/html" else "something else"


_WHY: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: ": the key is wrong, was deleted, is of another region, or is not that of a user (NRAK-…): correct `key` or `region`",
    HTTPStatus.FORBIDDEN: ": the key may not see the account, or is of another region: correct `key`, `account` or `region`",
    HTTPStatus.NOT_FOUND: ": is `url` right?",
}

_ABOUT: Mapping[int, About] = {
    HTTPStatus.UNAUTHORIZED: About.KEY,
    HTTPStatus.FORBIDDEN: About.KEY,
    HTTPStatus.NOT_FOUND: About.SITE,
}


def _refused(error: HttpRefused, status: int, where: str) -> Unavailable:
    why = _WHY.get(status, "")
    who = Who.OPERATOR if why or status < HTTPStatus.BAD_REQUEST else Who.PROVIDER
    return Unavailable(who, f"{where}: {error.words.partition(': ')[2] or error.words}{why}", error.retry_at)


def _alias(error: _Error) -> str | None:
    """Whose error it is: ``actor``, ``account``, then the alias."""
    path = error.path or ()
    return str(path[2]) if len(path) > 2 else None  # noqa: PLR2004 - see above


def _failed(request: Request, error: _Error, where: str) -> Failed:
    kind = str((error.extensions or {}).get("errorClass", ""))
    words = clean(request, error.message or kind)
    if _SLOW.search(kind) or _SLOW.search(_QUOTED.sub("''", words)):
        return Failed(Unavailable(Who.PROVIDER, f"{where} took too long: {words}"), Next.SIZE)
    if _SYNTAX.search(words):
        return Failed(Invalid(Who.AUTHOR, f"{where} refuses the query: {words}"))
    return Failed(Unavailable(Who.PROVIDER, f"{where}: {words}"))


def _told(request: Request, told: Any, where: str) -> Told | Failed:
    if told is None:
        return Failed(Unavailable(Who.PROVIDER, f"{where} answers a query with nothing"))
    try:
        read_ = Told.model_validate(told)
    except ValidationError as error:
        at = ".".join(str(part) for part in error.errors()[0]["loc"])[:80]
        return Failed(
            Unavailable(
                Who.PROVIDER,
                f"{where} answers something that cannot be read: {at or 'it'} is not as documented",
            )
        )
    if read_.metadata.messages:
        words = f"{where} warns: {clean(request, read_.metadata.messages[0])}"
        return Failed(Unavailable(Who.PROVIDER, words), Next.SIZE)
    return read_
