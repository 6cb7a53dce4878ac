"""What Datadog answered, or why it is of no use and who must act. Whatever stands before it may answer too.

Source:
    https://docs.datadoghq.com/api/latest/metrics/#query-timeseries-data-across-multiple-products
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.model import About
from rules.sample import Invalid, Unavailable, Who
from watcher.http import Answer, Fault, HttpRefused, Request, refusal
from watcher.http.answer import without_secrets

WORDS = 200  # characters of Datadog's own
SKEWED = timedelta(seconds=30)  # of our clock: buckets that are final to us are not to them
Trouble = Unavailable | Invalid
Model = TypeVar("Model", bound=BaseModel)
_SIZE = re.compile(r"too (many|large|long|big)|exceed|maximum (number|size|length)", re.IGNORECASE)
_LATER = re.compile(r"timed?[ -]?out|try again|retry|temporar|internal|unavailable", re.IGNORECASE)
_RETENTION = "retention"


class Next(StrEnum):
    """What asking for less at once would help against."""

    NOTHING = "nothing"
    SLOW = "slow"  # nothing now; less is asked for the next time
    PART = "part"  # perhaps one of the queries is too much for them; perhaps they are down
    ONE = "one"  # one of the queries is wrong: the others must not suffer for it
    SIZE = "size"  # it is too much: it may be asked in halves


@dataclass(frozen=True, slots=True)
class Failed:
    """There is nothing to read."""

    trouble: Trouble
    next: Next = Next.NOTHING
    status: int | None = None
    about: About = About.ACCESS


@dataclass(frozen=True, slots=True)
class Row:
    """One series of one query: the values of its tags, and its numbers by the beginnings of their buckets, in ms since 1970."""

    query: int
    tags: Mapping[str, str]
    points: Mapping[int, float]


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Series(_Loose):
    group_tags: list[str] | None = None
    query_index: int


class _Attributes(_Loose):
    series: list[_Series]
    times: list[int]
    values: list[list[float | None]]


class _Data(_Loose):
    attributes: _Attributes


class Timeseries(_Loose):
    """An answer of ``/api/v2/query/timeseries``. *times* are those of all series; one that has nothing then has a null."""

    data: _Data

    @property
    def rows(self) -> list[Row]:
        """Its series. A null is no number, and is left out.

        Raises:
            ValueError: Lengths do not fit each other.
        """
        told = self.data.attributes
        return [
            Row(
                series.query_index,
                dict(_tag(text) for text in series.group_tags or ()),
                {at: x for at, x in zip(told.times, values, strict=True) if x is not None},
            )
            for series, values in zip(told.series, told.values, strict=True)
        ]


def _tag(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name, value


def read(request: Request, answer: Answer, model: type[Model], where: str) -> Model | Failed:
    """*answer*, whose status is good, as *model*.

    Args:
        request: What was asked.
        answer: To read.
        model: What is expected.
        where: Datadog, for people.
    """
    content = _content(answer)
    words = clean(request, told_in(content))
    if words:
        return _refused_within(words, where)
    try:
        return model.model_validate(content)
    except (ValidationError, RecursionError):
        what = "a web page" if answer.media_type == "text/html" else "something else"
        words = f"{where} answers {what} and not what Datadog would: is `site` right, or `url`?"
        return Failed(Unavailable(Who.OPERATOR, words), about=About.SITE)


def _refused_within(words: str, where: str) -> Failed:
    """It says 200, and that it is none."""
    if _LATER.search(words):
        return Failed(Unavailable(Who.PROVIDER, f"{where}: {words}"), Next.PART)
    return Failed(Invalid(Who.AUTHOR, f"{where} refuses the query: {words}"), Next.ONE)


def refused(request: Request, answer: Answer, scope: str, where: str, now: datetime) -> Failed | None:
    """Why *answer* is of no use, if its status says so; a refusal by a limit is for `limits`.

    Args:
        request: What was asked.
        answer: With any status.
        scope: That the application key needs for it; empty: only the API key is looked at.
        where: The site, for people.
        now: The time.
    """
    refusing = refusal(request, answer, now)
    if refusing is None:
        return None
    words = clean(request, told_in(_content(answer)) or _plain(answer))
    said = f"{where}: HTTP {answer.status}{f': {words}' if words else ''}"
    trouble: Trouble
    step, about = Next.NOTHING, About.ACCESS
    match answer.status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            keys = "is the API key one of this site, and valid?"
            if scope:
                keys = f"are both keys of this site and valid, and has the application key the scope {scope}?"
            trouble, about = Unavailable(Who.OPERATOR, f"{said}: {keys}"), About.SCOPE if scope else About.KEY
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE | HTTPStatus.REQUEST_URI_TOO_LONG:
            trouble, step = Unavailable(Who.PROVIDER, said), Next.SIZE
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY:
            trouble, step = _of_the_query(words, said, where)
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED | HTTPStatus.GONE:
            trouble, about = Unavailable(Who.OPERATOR, f"{said}: is `site` right, or `url`?"), About.SITE
        case status if status < HTTPStatus.BAD_REQUEST:
            trouble = Unavailable(Who.OPERATOR, f"{where}: {refusing.words}: is `site` right, or `url`?")
            about = About.SITE
        case _:
            trouble, step = Unavailable(refusing.who, said, refusing.retry_at), Next.PART
    return Failed(trouble, step, answer.status, about)


def _of_the_query(words: str, said: str, where: str) -> tuple[Trouble, Next]:
    if _RETENTION in words:
        return Unavailable(Who.OPERATOR, f"{said}: is our clock right?"), Next.NOTHING
    if _SIZE.search(words):
        return Unavailable(Who.PROVIDER, said), Next.SIZE
    return Invalid(Who.AUTHOR, f"{where} refuses the query: {words or 'it does not say why'}"), Next.ONE


def unanswered(error: HttpRefused, where: str) -> Failed:
    """Nobody answered. A body that was too large may be had in halves."""
    trouble = Unavailable(error.who, f"{where}: {error.words}", error.retry_at, error.way)
    step = {Fault.TOO_LARGE: Next.SIZE, Fault.READ_TIMEOUT: Next.SLOW}.get(error.fault, Next.NOTHING)
    return Failed(trouble, step, about=About.SITE)


def told_in(content: Any) -> str:
    """What stands under ``errors``, in whichever shape: a text, texts, ``{title, detail}``, or ``{error}``; empty: nothing."""
    errors = content.get("errors") if isinstance(content, Mapping) else None
    each = errors if isinstance(errors, Sequence) and not isinstance(errors, str) else [errors]
    return "; ".join(_error(error) for error in each if error)


def _error(error: Any) -> str:
    if isinstance(error, Mapping):
        parts = [error[key] for key in ("title", "detail", "error") if isinstance(error.get(key), str)]
        return ": ".join(dict.fromkeys(parts)) or "an error that says nothing"
    return str(error)


def clean(request: Request, text: str) -> str:
    """Their words: in one line, without what is secret."""
    plain = "".join(
        sign if sign.isprintable() else " " for sign in without_secrets(request, text[: 8 * WORDS])
    )
    return " ".join(plain.split())[:WORDS]


def _plain(answer: Answer) -> str:
    """A body that is no JSON; nothing of a page or of bytes."""
    is_text = answer.media_type in {"text/plain", ""} and answer.body.lstrip()[:1] != b"<"
    return answer.body[: 8 * WORDS].decode("utf-8", "replace") if is_text else ""


def _content(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
