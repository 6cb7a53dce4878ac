"""``Idempotency-Key``: what was done once is not done twice, and the second answer is the first.

Only what was done is remembered: a refusal changed nothing, and may be tried again under its key. An order that changes a
watch is remembered in the transaction that obeys it, whoever kills the daemon afterwards. What else may be ordered (the
switch, a word on a release, a note) is remembered just after it was done, and a second time comes to the same.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus

import structlog

from deploy.model import KEY, KEY_WORDS
from watcher.api.deps import Deps
from watcher.api.problems import Declined, Mistake, conflict, malformed
from watcher.api.route import Keyed
from watcher.errors import StoreUnavailable
from watcher.store.store import Answered

HEADER = "idempotency-key"
log = structlog.stdlib.get_logger("rollbackd.api")


class Keys:
    """The keys that are being answered now; those that were answered are in the store."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._open: set[tuple[str, str]] = set()

    async def once(self, keyed: Keyed, do: Callable[[], Awaitable[bytes]]) -> bytes:
        """What *do* answers: now, or the first time.

        Raises:
            Declined: The key came with another request, or its first one is not answered yet.
        """
        if not re.fullmatch(KEY, keyed.key):
            mistake = Mistake(where="Idempotency-Key", what="not a key")
            raise malformed("the headers", [mistake], f"send {KEY_WORDS}")
        with self._claimed(keyed):
            store, now = self._deps.store, self._deps.now()
            replayed = await store.once(keyed.principal, keyed.key, keyed.digest, now)
            if replayed is not None and replayed.conflict:
                raise used_before()
            if replayed is not None:
                return replayed.body
            body = await do()
            await self._remember(keyed.answered(body))
            return body

    @contextmanager
    def _claimed(self, keyed: Keyed) -> Iterator[None]:
        claim = (keyed.principal, keyed.key)
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

    async def _remember(self, answered: Answered) -> None:
        """It is done already: that it cannot be remembered must not make it look refused."""
        try:
            await self._deps.store.answered(answered, self._deps.now())
        except StoreUnavailable as error:
            log.warning("answer.forgotten", principal=answered.principal, words=str(error))


def used_before() -> Declined:
    """The key came with another request before."""
    return conflict(
        "key-used",
        "this Idempotency-Key came with another request before",
        "take a new key for each thing that is to be done; send the same body to hear the first answer again",
    )
