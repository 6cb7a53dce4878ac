"""What Loki answered: rows of numbers, or why there are none. It tells what is wrong in plain text; so may a gateway before it.

Source:
    https://grafana.com/docs/loki/latest/reference/loki-http-api/; pkg/util/server/error.go of grafana/loki
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from rules.sample import Invalid, Unavailable, Who
from watcher.http import Answer, HttpRefused, Request, refusal
from watcher.signals.rows import MALFORMED, Failed, Next, Rows, about_of, clean, row

# A maximum of series is reached, too many bytes would be read, the input size is too long.
_LIMIT = re.compile(r"too many|too long|exceed|limit|maximum|max_", re.IGNORECASE)
_RANGE = re.compile(
    r"time range exceeds|query length|lookback", re.IGNORECASE
)  # smaller parts would be no shorter
_SLOW = re.compile(r"timed out|deadline exceeded|timeout", re.IGNORECASE)
_TOO_SLOW = frozenset({HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.SERVICE_UNAVAILABLE, 499})


def read(request: Request, answer: Answer, where: str, now: datetime) -> Rows | Failed:
    """What *answer* says.

    Args:
        request: What was asked.
        answer: With any status.
        where: The server, for people.
        now: The time, for ``Retry-After``.
    """
    content = content_of(answer)
    if answer.status != HTTPStatus.OK or content is None:
        return failed(request, answer, where, now)
    warnings = content.get("warnings")
    if isinstance(warnings, list) and warnings:
        words = clean(request, str(warnings[0]))
        return Failed(Unavailable(Who.PROVIDER, f"{where} has a part of the data alone: {words}"), Next.SIZE)
    try:
        data = content["data"]
        if data["resultType"] != "matrix":
            words = (
                f"{where} answers {str(data['resultType'])[:20]} and no counts: write sum(count_over_time(…))"
            )
            return Failed(Invalid(Who.AUTHOR, words), Next.ONE)
        return Rows([row(each) for each in data["result"] or ()])
    except MALFORMED:
        return Failed(Unavailable(Who.PROVIDER, f"{where} answers something that cannot be read"))


def content_of(answer: Answer) -> Mapping[str, Any] | None:
    """What Loki says, where it is Loki that speaks, and all is well."""
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, Mapping) and content.get("status") == "success" else None


def failed(request: Request, answer: Answer, where: str, now: datetime) -> Failed:
    """Why there are no rows."""
    refused = refusal(request, answer, now)
    if refused is None:
        what = "a web page" if answer.media_type == "text/html" else "something else"
        words = f"{where} answers {what} and not what Loki would: is `url` right, with its prefix?"
        return Failed(Unavailable(Who.OPERATOR, words))
    if answer.status == HTTPStatus.BAD_REQUEST and answer.media_type != "text/html":
        return _bad_request(clean(request, answer.body.decode("utf-8", "replace")), where)
    return _by_status(answer, refused, where)


def _bad_request(words: str, where: str) -> Failed:
    if words.startswith(("parse error", "pipeline error")) or not _LIMIT.search(words):
        return Failed(Invalid(Who.AUTHOR, f"{where} refuses the query: {words}"), Next.ONE)
    if _RANGE.search(words):
        return Failed(Unavailable(Who.OPERATOR, f"{where} looks no further back: {words}"))
    return Failed(Unavailable(Who.PROVIDER, f"{where} allows no such query: {words}"), Next.SIZE)


def _by_status(answer: Answer, refused: HttpRefused, where: str) -> Failed:
    words = f"{where}: {refused.words.removeprefix(f'{where}: ')}"
    match answer.status:
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED | HTTPStatus.BAD_REQUEST:
            return Failed(Unavailable(Who.OPERATOR, f"{words}: is `url` right, with its prefix?"))
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Failed(Unavailable(Who.PROVIDER, words), Next.SIZE)
        case status if status in _TOO_SLOW and _SLOW.search(refused.words) and not _is_page(answer):
            return Failed(Unavailable(Who.PROVIDER, f"{words}: it took too long"), Next.SIZE)
        case status if status < HTTPStatus.BAD_REQUEST:
            return Failed(Unavailable(Who.OPERATOR, words))
        case status:
            return Failed(Unavailable(refused.who, words, refused.retry_at), about=about_of(status))


def _is_page(answer: Answer) -> bool:
    """A gateway's own words: whoever stands behind it may be down, and does not get more calls for that."""
    return answer.media_type == "text/html"
