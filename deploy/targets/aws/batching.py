"""Many questions, few calls: what is asked at about the same time is asked together.

The first who asks waits a moment for others, then asks for all of them; nobody has a task of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from datetime import timedelta
from enum import Enum, auto
from typing import Generic, TypeVar

from deploy.errors import AwsRefused

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

WINDOW = timedelta(milliseconds=15)  # what starts together asks within a few; nobody notices so short a wait


async def together(*asked: Awaitable[V]) -> list[V]:
    """The answers to all, asked side by side. One that was refused is raised, as it is, once all have ended.

    A task group would wrap it, and whoever waits for an `AwsRefused` would not see it.
    """
    found = await asyncio.gather(*asked, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException):
            raise each
    return [each for each in found if not isinstance(each, BaseException)]


class _Again(Enum):
    AGAIN = auto()  # whoever asked for all of them was called off


class Batch(Generic[K, V]):
    """Coalesces questions of one kind.

    Args:
        most: How many a call may ask for.
        fetch: Asks for some; what it does not know is missing from its answer. It may raise `AwsRefused`, and only those
            who were asked for in that call hear of it.
    """

    def __init__(self, most: int, fetch: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._most = most
        self._fetch = fetch
        self._waiting: dict[K, asyncio.Future[V | AwsRefused | _Again | None]] = {}

    async def ask(self, key: K) -> V | None:
        """The answer to *key*, read after this was called; ``None``: there is none such. Raises `AwsRefused`."""
        while True:
            leads = not self._waiting
            answer = self._waiting.setdefault(key, asyncio.get_running_loop().create_future())
            if leads:
                await self._lead()
            found = await asyncio.shield(answer)  # others wait for the same one
            if isinstance(found, AwsRefused):
                raise found
            if not isinstance(found, _Again):
                return found

    async def _lead(self) -> None:
        asked: dict[K, asyncio.Future[V | AwsRefused | _Again | None]] = {}
        try:
            await asyncio.sleep(WINDOW.total_seconds())
            asked, self._waiting = self._waiting, {}
            keys = list(asked)
            calls = (keys[start : start + self._most] for start in range(0, len(keys), self._most))
            await together(*(self._answer({key: asked[key] for key in some}) for some in calls))
        finally:
            if not asked:
                asked, self._waiting = self._waiting, {}
            for answer in asked.values():
                if not answer.done():
                    answer.set_result(_Again.AGAIN)

    async def _answer(self, asked: Mapping[K, asyncio.Future[V | AwsRefused | _Again | None]]) -> None:
        try:
            found = await self._fetch(list(asked))
        except AwsRefused as refused:
            for answer in asked.values():
                answer.set_result(refused)
        else:
            for key, answer in asked.items():
                answer.set_result(found.get(key))
