"""What the server answered: rows of numbers, or why there are none. Whatever stands before it may answer too.

Source:
    https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from rules.sample import Invalid, Unavailable, Who
from watcher.http import Answer, Fault, HttpRefused, Request, refusal
from watcher.signals.rows import MALFORMED, Failed, Next, Rows, about_of, clean, row

# How the servers of the family say that a query is more than they allow (Mimir: err-mimir-max-…; Thanos, VictoriaMetrics).
_LIMIT = re.compile(r"too many|exceed|limit|maximum|max-|too large", re.IGNORECASE)
_OF_THE_QUERY = "PromQL warning"


def read(request: Request, answer: Answer, where: str, now: Any) -> Rows | Failed:
    """What *answer* says.

    Args:
        request: What was asked.
        answer: With any status.
        where: The server, for people.
        now: The time, for ``Retry-After``.
    """
    content = _content(answer)
    if (
        answer.status != HTTPStatus.OK
        or not isinstance(content, Mapping)
        or content.get("status") != "success"
    ):
        return _failed(request, answer, content, where, refusal(request, answer, now))
    warnings = [clean(request, text) for text in _texts(content.get("warnings"))]
    if warnings:
        return _warned(warnings, where)
    try:
        rows = [row(each) for each in content["data"]["result"]]
    except MALFORMED:
        return Failed(Unavailable(Who.PROVIDER, f"{where} answers something that cannot be read"))
    return Rows(rows, [clean(request, text) for text in _texts(content.get("infos"))])


def refused(error: HttpRefused, where: str) -> Failed:
    """Nobody answered. A body that was too large may be had in parts."""
    trouble = Unavailable(error.who, f"{where}: {error.words}{_of_tls(error)}", error.retry_at, error.way)
    return Failed(trouble, Next.SIZE if error.fault is Fault.TOO_LARGE else Next.NOTHING)


def _of_tls(error: HttpRefused) -> str:
    """With TLS 1.3 a server refuses our certificate only once we have spoken, and the connection may just end."""
    if error.fault is Fault.DISCONNECTED and "https://" in error.words:
        return "; one that wants a certificate of ours, or another one (`tls`), ends so too"
    return ""


def _content(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _texts(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _warned(warnings: Sequence[str], where: str) -> Failed:
    """The numbers are there, but of a part of the data alone, or of what cannot be added up."""
    if all(text.startswith(_OF_THE_QUERY) for text in warnings):
        return Failed(Invalid(Who.AUTHOR, f"{where} warns of the query: {warnings[0]}"), Next.ONE)
    return Failed(Unavailable(Who.PROVIDER, f"{where} has a part of the data alone: {warnings[0]}"))


def _failed(
    request: Request, answer: Answer, content: Any, where: str, refusal: HttpRefused | None
) -> Failed:
    kind = content.get("errorType") if isinstance(content, Mapping) else None
    if isinstance(kind, str):
        words = clean(request, str(content.get("error", "")))
        told = _told(kind, words, where, answer.status)
        if told is not None:
            return told
    if refusal is None:
        what = "a web page" if answer.media_type == "text/html" else "something else"
        words = f"{where} answers {what} and not what Prometheus would: is `url` right, with its prefix?"
        return Failed(Unavailable(Who.OPERATOR, words))
    words = f"{where}: {refusal.words.removeprefix(f'{where}: ')}"
    match answer.status:
        case HTTPStatus.UNPROCESSABLE_ENTITY | HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Failed(Unavailable(Who.PROVIDER, words), Next.SIZE)
        case HTTPStatus.BAD_REQUEST | HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            return Failed(Unavailable(Who.OPERATOR, f"{words}: is `url` right, with its prefix?"))
        case status if status < HTTPStatus.BAD_REQUEST:
            return Failed(Unavailable(Who.OPERATOR, words))
        case status:
            return Failed(Unavailable(refusal.who, words, refusal.retry_at), about=about_of(status))


def _told(kind: str, words: str, where: str, status: int) -> Failed | None:
    """What the server itself says of the query; ``None``: its status says more."""
    limit = _LIMIT.search(words) is not None
    if kind == "timeout":
        return Failed(Unavailable(Who.PROVIDER, f"{where} took too long: {words}"), Next.SIZE)
    if kind in {"bad_data", "execution"} and limit and status != HTTPStatus.TOO_MANY_REQUESTS:
        return Failed(Unavailable(Who.PROVIDER, f"{where} allows no such query: {words}"), Next.SIZE)
    if kind in {"bad_data", "execution"} and status in {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }:
        return Failed(Invalid(Who.AUTHOR, f"{where} refuses the query: {words}"), Next.ONE)
    return None
