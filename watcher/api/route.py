"""One route as a value: everything that is said of it is said once.

The router, the OpenAPI document and the matrix of the authorisation test come from these. A route without a scope cannot
be written down.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from watcher.api.asked import Asked
from watcher.api.auth import Principal, Scope
from watcher.api.bodies import NoBody
from watcher.api.deps import Deps
from watcher.store.store import Answered

A = TypeVar("A", bound=Asked)
B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is no JSON of ours."""

    content_type: str
    body: bytes


Answer = BaseModel | Raw


def written(answer: BaseModel) -> bytes:
    """An answer as it is sent."""
    return answer.model_dump_json(by_alias=True).encode()


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request that came with an ``Idempotency-Key``; *digest* tells it from another one with the same key."""

    principal: str
    key: str
    digest: bytes
    status: HTTPStatus

    def answered(self, body: bytes) -> Answered:
        """What it is answered, for the store."""
        return Answered(self.principal, self.key, self.digest, self.status, body)


@dataclass(frozen=True, slots=True)
class Call(Generic[A, B]):
    """One request, read and checked.

    Attributes:
        asked: Its path and query.
        body: Its body, read by the route's model.
        raw: Its body as it came.
        headers: Lower case.
        is_gone: Whoever asked has hung up.
        keyed: Its key. A handler that obeys by a step saves the answer with it; of the others it is remembered afterwards.
    """

    deps: Deps
    who: Principal
    asked: A
    body: B
    raw: bytes
    headers: Mapping[str, str]
    is_gone: Callable[[], bool]
    keyed: Keyed | None = None


@dataclass(frozen=True, slots=True)
class Route(Generic[A, B]):
    """One route.

    Attributes:
        scope: What a token must have.
        answers: The model of the answer, or its media type.
        body: The model of the body; `NoBody`: none is read.
        reads_raw: The handler reads the body itself: `body` only documents it.
        waits: It may stay open for long.
        replays: An ``Idempotency-Key`` answers the same request the same way, and does nothing the second time.
        refuses: Statuses of its problems, beside those that every route can answer.
        send_less: What to do about a body that is too large.
        takes: The media type of its body.
        also_takes: Another one, by which some systems call the same.
    """

    method: Literal["GET", "POST"]
    path: str
    scope: Scope
    summary: str
    handle: Callable[[Call[A, B]], Awaitable[Answer]]
    asked: type[A]
    body: type[B]
    answers: type[BaseModel] | str
    status: HTTPStatus = HTTPStatus.OK
    reads_raw: bool = False
    waits: bool = False
    replays: bool = False
    refuses: frozenset[HTTPStatus] = frozenset()
    send_less: str = ""
    takes: str = "application/json"
    also_takes: str = ""

    @property
    def name(self) -> str:
        """The handler's name, in metrics and as the operation's id."""
        return self.handle.__name__

    @property
    def in_path(self) -> tuple[str, ...]:
        """The parameters in its path."""
        return tuple(re.findall(r"{([a-z_]+)}", self.path))

    @property
    def takes_body(self) -> bool:
        """A body is read."""
        return not issubclass(self.body, NoBody)


AnyRoute = Route[Any, Any]
AnyCall = Call[Any, Any]
