"""Every refusal, as ``application/problem+json`` with a remedy (RFC 9457).

A handler raises `Declined`, or lets one of our errors pass; ``server`` turns either into the body. Nothing of a traceback, a
secret or what was sent reaches a body, but the names and places of mistakes.

Source:
    https://www.rfc-editor.org/rfc/rfc9457
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from watcher.errors import (
    CannotStart,
    NoSuchPassage,
    NoSuchWatch,
    OrderIncomplete,
    OrderRefused,
    StoreUnavailable,
    WatcherError,
)

CONTENT_TYPE = "application/problem+json"
MOST_MISTAKES = 10  # beyond, a reader has stopped reading
STORE_BACK_IN = timedelta(seconds=5)  # a guess: the length of a fail-over that goes well


class Mistake(BaseModel):
    """One mistake in a request: where it stands, and what is wrong."""

    model_config = ConfigDict(frozen=True)

    where: str
    what: str


class Problem(BaseModel):
    """What was refused and why, and what to do about it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    mistakes: list[Mistake] | None = None
    allowed: list[str] | None = None
    announcement: str | None = None
    gate: str | None = None


class Declined(WatcherError):
    """The request is declined.

    Attributes:
        kind: The last part of the problem's type (``urn:rollbackd:KIND``); machines tell problems apart by it.
        members: What else the body says: ``mistakes``, ``allowed``, ``announcement``, ``gate``.
    """

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        remedy: str,
        retry_after: timedelta | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail, remedy=remedy)
        self.status = status
        self.kind = kind
        self.retry_after = retry_after
        self.members = members or {}

    @property
    def problem(self) -> Problem:
        """The body."""
        return Problem(
            type=f"urn:rollbackd:{self.kind}",
            title=self.status.phrase,
            status=self.status,
            detail=str(self),
            remedy=self.remedy,
            **self.members,
        )


def translated(error: WatcherError) -> Declined:
    """One of our errors, as the refusal that it is towards whoever asked."""
    match error:
        case Declined():
            return error
        case NoSuchWatch() | NoSuchPassage():
            return _unknown(error)
        case OrderRefused(allowed=allowed):
            members = {"allowed": list(allowed)}
            return Declined(
                HTTPStatus.CONFLICT, "order-refused", str(error), remedy=error.remedy, members=members
            )
        case CannotStart() | OrderIncomplete():
            kind = "cannot-start" if isinstance(error, CannotStart) else "order-incomplete"
            return conflict(kind, str(error), error.remedy)
        case StoreUnavailable():
            return Declined(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "store-unavailable",
                "the daemon cannot read or write its store now; nothing was changed",
                remedy="try again in a few seconds; `/readyz` says when it is back",
                retry_after=STORE_BACK_IN,
            )
        case _:
            return broken()


def _unknown(error: NoSuchWatch | NoSuchPassage) -> Declined:
    if isinstance(error, NoSuchPassage):
        return not_found(str(error), error.remedy)
    return Declined(HTTPStatus.NOT_FOUND, "no-such-watch", str(error), remedy=error.remedy)


def broken() -> Declined:
    """A bug of ours. The log says which; the body does not."""
    return Declined(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "broken",
        "the daemon made a mistake; it is in its log",
        remedy="look for `request.failed` with this answer's X-Request-Id, and report it",
    )


def unauthorized() -> Declined:
    """Nobody knows this token: the same words whether there was none, or a wrong one."""
    return Declined(
        HTTPStatus.UNAUTHORIZED,
        "unauthorized",
        "this needs a token that the daemon knows",
        remedy="send `Authorization: Bearer …`; `rollbackd token NAME` makes one",
    )


def unsigned() -> Declined:
    """Nobody has signed it that we know: the same words whatever is wrong, and whether there is such a source or not."""
    return Declined(
        HTTPStatus.UNAUTHORIZED,
        "unsigned",
        "this needs a signature that the daemon can check",
        remedy="sign it with the secret of the source",
    )


def forbidden(detail: str, remedy: str) -> Declined:
    """The token is known and may not do this."""
    return Declined(HTTPStatus.FORBIDDEN, "forbidden", detail, remedy=remedy)


def not_found(detail: str, remedy: str) -> Declined:
    """There is no such thing."""
    return Declined(HTTPStatus.NOT_FOUND, "not-found", detail, remedy=remedy)


def conflict(kind: str, detail: str, remedy: str) -> Declined:
    """The state of things forbids it."""
    return Declined(HTTPStatus.CONFLICT, kind, detail, remedy=remedy)


def malformed(what: str, mistakes: Iterable[Mistake], remedy: str) -> Declined:
    """The request is not of the form that the route asks for."""
    found = list(mistakes)
    words = "; ".join(f"{each.where}: {each.what}" if each.where else each.what for each in found[:3])
    return Declined(
        HTTPStatus.BAD_REQUEST,
        "malformed",
        f"{what}: {words}",
        remedy=remedy,
        members={"mistakes": found[:MOST_MISTAKES]},
    )


def mistakes_of(error: ValidationError) -> list[Mistake]:
    """The mistakes that pydantic found, without what was sent: a secret may stand in the wrong field."""
    return [
        Mistake(where=".".join(str(step)[:80] for step in each["loc"]), what=_words(each)[:300])
        for each in error.errors(include_url=False, include_input=False)
    ]


def _words(mistake: ErrorDetails) -> str:
    """Pydantic's own, but where they repeat what was sent."""
    if mistake["type"] != "union_tag_invalid":
        return mistake["msg"]
    context = mistake["ctx"]
    return f"{context['discriminator']} must be one of {context['expected_tags']}"


def of_status(status: int) -> Declined:
    """What aiohttp itself refuses, before a handler of ours is reached."""
    found = HTTPStatus(status)
    match found:
        case HTTPStatus.NOT_FOUND:
            return not_found("there is nothing at this path", "`/openapi.json` lists what there is")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return Declined(
                found,
                "method",
                "this path does not take this method",
                remedy="the header Allow lists those that it takes",
            )
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Declined(
                found,
                "too-large",
                "the body is too large",
                remedy="send at most 256 KiB",
            )
        case _:
            return Declined(found, "http", found.phrase.lower(), remedy="see `/openapi.json`")
