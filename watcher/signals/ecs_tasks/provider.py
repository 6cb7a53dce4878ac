"""The provider: whose tasks a question is about, and what became of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel

from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.sample import Invalid, Reading, Unavailable, Who
from watcher.signals.arms import ArmUnnamed, filled
from watcher.signals.ecs_tasks.count import BUCKET, SETTLE, read
from watcher.signals.ecs_tasks.query import Query, parsed
from watcher.signals.ecs_tasks.reader import Reader
from watcher.signals.ecs_tasks.services import ServiceAt, Told
from watcher.signals.on_aws import on_aws
from watcher.signals.provider import Kind, Opening, Provider, Question, Window

MARGIN = timedelta(milliseconds=500)  # before the deadline, so that what came is not lost with what did not


class EcsTasks:
    """Answers from what ECS tells of tasks, in one account."""

    def __init__(self, reader: Reader, account: str, now: Callable[[], datetime]) -> None:
        self._reader = reader
        self._account = account
        self._now = now

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """Read all *questions*: one reading for each service that they are about, in as few calls as ECS allows."""
        services = {question.id: self._service(parsed(question.indicator.query)) for question in questions}
        # A reading that began once the last bucket was final says all there is to say of it.
        now = self._now()
        until = asyncio.get_running_loop().time() + (window.deadline - now - MARGIN).total_seconds()
        told = await self._reader.read(services.values(), min(window.end + SETTLE, now), until)
        return {
            question.id: _reading(question, told[services[question.id]], window) for question in questions
        }

    def _service(self, query: Query) -> ServiceAt:
        return ServiceAt(self._account, query.cluster, query.service)


def _reading(question: Question, told: Told, window: Window) -> Reading:
    if isinstance(told, Unavailable | Invalid):
        return told
    query = parsed(question.indicator.query)
    compared = question.baseline if question.indicator.compares_arms else None
    try:
        canary = _definition(query, question.canary)
        beside = None if compared is None else _definition(query, compared)
    except ArmUnnamed as unnamed:
        return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
    after = max(window.start, question.since or window.start)
    return read(question.indicator.id, query, told, (canary, beside), (after, window.end))


def _definition(query: Query, names: Mapping[str, str]) -> str | None:
    return None if query.task_definition is None else filled(query.task_definition, names)


def shared_reader(opening: Opening) -> Reader | None:
    """The one reader of all who ask; ``None`` where no account of AWS is configured."""
    aws = on_aws(opening)
    return None if aws is None else opening.shared(Reader, lambda: Reader(aws, opening.now))


@contextlib.asynccontextmanager
async def open_tasks(_settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider of one account. It asks when it is asked, and nothing goes on meanwhile."""
    reader = shared_reader(opening)
    if reader is None or opening.account is None:
        raise ValueError("ecs_tasks is opened for an account of AWS")
    yield EcsTasks(reader, opening.account.name, opening.now)


def bucket(_indicator: Indicator) -> timedelta:
    """Length of a bucket: the same for all, so that all share one reading."""
    return BUCKET


KIND = Kind(
    query=Query,
    fits=frozenset({IndicatorKind.RATIO}),
    bucket=bucket,
    settle=SETTLE,
    open=open_tasks,
    on_aws=True,
)
