"""``Idempotency-Key``: what was done once is not done twice, and the second answer is the first.

Only what was done is remembered: a refusal changed nothing, and may be tried again under its key.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus

import structlog

from watcher.api.auth import Principal
from watcher.api.deps import Deps
from watcher.api.problems import Declined, Mistake, conflict, malformed
from watcher.errors import StoreUnavailable

HEADER = "idempotency-key"
KEY = re.compile(r"[!-~]{1,200}")
log = structlog.stdlib.get_logger("rollbackd.api")


class Keys:
    """The keys that are being answered now; those that were answered are in the store."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._open: set[tuple[str, str]] = set()

    async def once(
        self, who: Principal, key: str, request: bytes, status: HTTPStatus, do: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        """What *do* answers: now, or the first time.

        Raises:
            Declined: The key came with another request, or its first one is not answered yet.
        """
        if not KEY.fullmatch(key):
            mistake = Mistake(where="Idempotency-Key", what="not a key")
            raise malformed("the headers", [mistake], "send at most 200 printable ASCII characters")
        digest = hashlib.sha256(request).digest()
        with self._claimed(who, key):
            replayed = await self._deps.store.once(who.name, key, digest, self._deps.now())
            if replayed is not None and replayed.conflict:
                raise used_before()
            if replayed is not None:
                return replayed.body
            body = await do()
            await self._remember(who, key, digest, status, body)
            return body

    @contextmanager
    def _claimed(self, who: Principal, key: str) -> Iterator[None]:
        claim = (who.name, key)
        if claim in self._open:
            raise Declined(
                HTTPStatus.CONFLICT,
                "not-answered-yet",
                "the first request with this Idempotency-Key is not answered yet",
                remedy="send it again in a second",
                retry_after=timedelta(seconds=1),
            )
        self._open.add(claim)
        try:
            yield
        finally:
            self._open.discard(claim)

    async def _remember(
        self, who: Principal, key: str, digest: bytes, status: HTTPStatus, body: bytes
    ) -> None:
        """It is done already: that it cannot be remembered must not make it look refused."""
        try:
            await self._deps.store.answered(who.name, key, digest, status, body, self._deps.now())
        except StoreUnavailable as error:
            log.warning("answer.forgotten", principal=who.name, words=str(error))


def used_before() -> Declined:
    """The key came with another request before."""
    return conflict(
        "key-used",
        "this Idempotency-Key came with another request before",
        "take a new key for each thing that is to be done; send the same body to hear the first answer again",
    )
