"""The provider: what is remembered of alerts, as readings. Nobody is asked but the store, which all replicas share."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from pydantic import BaseModel

from rules.sample import Invalid, NoData, Reading, Unavailable, Who
from watcher.core.alerts import Remembered
from watcher.errors import StoreUnavailable
from watcher.signals.alert.query import FITS, Query, bucket, decides, parsed, placed, source_of
from watcher.signals.alert.reading import reading
from watcher.signals.arms import ArmUnnamed, filled
from watcher.signals.provider import AskAlerts, Kind, Opening, Provider, Pushing, Question, Window

_NOBODY = "only the daemon knows what it was told: `GET /v1/alerts` there says who was heard"


class Alerts:
    """What was told, by all senders."""

    def __init__(self, ask: AskAlerts | None, now: Callable[[], datetime]) -> None:
        self._ask = ask
        self._now = now
        self._known: dict[str, Remembered] = {}  # of a sender that tells nothing new, nothing is read again

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """All *questions* over *window*; each sender is looked up once."""
        remembered = {
            source: await self._of(source)
            for source in {parsed(question.indicator.query).source for question in questions}
        }
        return {
            question.id: self._read(question, remembered[source_of(question.indicator)], window)
            for question in questions
        }

    async def _of(self, source: str) -> Remembered | NoData | Unavailable:
        if self._ask is None:
            return NoData(_NOBODY)
        try:
            self._known[source] = await self._ask(source, self._known.get(source))
        except StoreUnavailable as error:
            return Unavailable(Who.OPERATOR, str(error))
        return self._known[source]

    def _read(
        self, question: Question, remembered: Remembered | NoData | Unavailable, window: Window
    ) -> Reading:
        if not isinstance(remembered, Remembered):
            return remembered
        query = parsed(question.indicator.query)
        try:
            match = {label: filled(wanted, question.canary) for label, wanted in query.match.items()}
        except ArmUnnamed as unnamed:
            return Invalid(Who.AUTHOR, f"{unnamed}: {unnamed.remedy}")
        after = max(window.start, question.since or window.start)
        return reading(question.indicator.id, query, match, remembered, after, window.end, self._now())


@contextlib.asynccontextmanager
async def open_alerts(_settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider. Nothing is looked up yet."""
    yield Alerts(opening.alerts, opening.now)


KIND = Kind(
    query=Query,
    fits=FITS,
    bucket=bucket,
    settle=timedelta(0),
    open=open_alerts,
    pushed=Pushing(source=source_of, decides=decides, placed=placed),
)
