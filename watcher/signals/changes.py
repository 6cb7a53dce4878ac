"""What else moved, as a state: for controls. Nobody is asked but the store, which is told.

A control is bad for a while after something of that sort has moved, if that was after the release took traffic: what moved
before says nothing of it, as with every state. Deliberately absent: what moved in the past of another configuration; whose a change is, is said
by the one in force.
"""

import contextlib
import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rules.duration import Duration, duration_text
from rules.errors import Malformed
from rules.model import Indicator
from rules.model import Kind as IndicatorKind
from rules.sample import Bucket, NoData, Reading, Series, State, Unavailable, Who
from watcher.core.change import MOST_NAME, Beside, Change, ChangeKind
from watcher.errors import StoreUnavailable
from watcher.signals.grid import Grid
from watcher.signals.provider import AskMoved, Kind, Opening, Provider, Question, Window

BUCKET = timedelta(seconds=30)
# EventBridge delivers within a second or two, and the queue is read at once; what comes later (CloudTrail: minutes) is seen
# late, as long as it is within `within`.
SETTLE = timedelta(seconds=10)
MOST_BUCKETS = 24 * 60 * 2  # a day
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(hours=24)
MOST_SHOWN = 80  # characters of what moved, in the words of a verdict
_NOBODY = "only the daemon knows what moved: `rollbackd changes` lists it"
_CROWDED = "more moves here than is looked through at once: let fewer events in, or write a shorter `within`"
_UNTOLD = "nobody tells of changes here: write `changes: {told_by: [SOURCE]}` for the service"


def _span(value: timedelta) -> timedelta:
    if not SHORTEST <= value <= LONGEST:
        limits = f"{duration_text(SHORTEST)} to {duration_text(LONGEST)}"
        raise Malformed(f"must lie within {limits}", remedy="write 10m")
    return value


class Query(BaseModel):
    """``state: {changes: {kinds: [flag], names: ["new-*"], within: 10m}}``.

    Attributes:
        kinds: Which sorts of things; any, where it is left out.
        names: Patterns of what they are called (``*``, ``?``, ``[…]``); any, where it is left out.
        within: So long after it moved a thing counts as moving.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kinds: Annotated[list[ChangeKind], Field(max_length=len(ChangeKind))] = []
    names: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=MOST_NAME)]], Field(max_length=100)
    ] = []
    within: Annotated[Duration, AfterValidator(_span)] = timedelta(minutes=10)

    @model_validator(mode="after")
    def _is_of_something(self) -> Self:
        if not self.kinds and not self.names:
            raise Malformed(
                "a control of everything that moves doubts everything",
                remedy="write kinds: [flag], or names: […]",
            )
        return self

    def means(self, change: Change) -> bool:
        """*change* is meant."""
        named = not self.names or any(fnmatchcase(change.name, pattern) for pattern in self.names)
        return named and (not self.kinds or change.kind in self.kinds)


@functools.lru_cache(maxsize=4096)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


def states(query: Query, beside: Beside, start: datetime, end: datetime) -> tuple[Bucket, ...]:
    """What moves at the end of each bucket that begins at *start* or later and ends by *end*. Pure."""
    meant = [change for change in beside.changes if query.means(change)]
    grid = Grid.of(start, end, BUCKET)
    first = max(grid.first, grid.end - MOST_BUCKETS * grid.step)
    begins = [datetime.fromtimestamp(at, UTC) for at in range(first, grid.end, grid.step)]
    return tuple(Bucket(at, at + BUCKET, canary=_state(query, meant, at + BUCKET)) for at in begins)


def _state(query: Query, meant: Sequence[Change], at: datetime) -> State:
    """The newest that moved speaks: what moves again is bad again, though it was bad before the release."""
    moving = [change for change in meant if at - query.within <= change.at < at]
    if not moving:
        return State("rest", of="what else may move")
    newest = max(moving, key=lambda change: change.at)
    many = sum(change.what == newest.what for change in moving)
    again = f" ×{many}" if many > 1 else ""
    return State("motion", newest.at, bad=True, of=f"{newest.what[:MOST_SHOWN]}{again}")


class Changes:
    """What moved, of all services."""

    def __init__(self, ask: AskMoved | None) -> None:
        self._ask = ask

    async def read(self, questions: Sequence[Question], window: Window) -> Mapping[str, Reading]:
        """All *questions* over *window*; each service is looked up once."""
        longest = max(parsed(question.indicator.query).within for question in questions)
        moved = {
            of: await self._of(of, window.start - longest, window.end)
            for of in {question.of for question in questions}
        }
        return {question.id: _reading(question, moved[question.of], window) for question in questions}

    async def _of(
        self, of: tuple[str, str] | None, since: datetime, until: datetime
    ) -> Beside | NoData | Unavailable:
        if self._ask is None or of is None:
            return NoData(_NOBODY)
        try:
            return await self._ask(of, since, until)
        except StoreUnavailable as error:
            return Unavailable(Who.OPERATOR, str(error))


def _reading(question: Question, moved: Beside | NoData | Unavailable, window: Window) -> Reading:
    if not isinstance(moved, Beside):
        return moved
    if not moved.told:
        return NoData(_untold(moved))
    after = max(window.start, question.since or window.start)
    indicator = question.indicator
    return (Series(indicator.id, states(parsed(indicator.query), moved, after, window.end)),)


def _untold(moved: Beside) -> str:
    if moved.deaf:
        return f"{' and '.join(moved.deaf)} cannot be asked: what moves is not heard of"
    return _CROWDED if moved.more and moved.around.told_by else _UNTOLD


def bucket(_indicator: Indicator) -> timedelta:
    """How often it is looked at."""
    return BUCKET


@contextlib.asynccontextmanager
async def open_changes(_settings: BaseModel | None, opening: Opening) -> AsyncIterator[Provider]:
    """The provider. Nothing is looked up yet."""
    yield Changes(opening.moved)


KIND = Kind(
    query=Query,
    fits=frozenset({IndicatorKind.STATE}),
    bucket=bucket,
    settle=SETTLE,
    open=open_changes,
    needs_telling=True,
)
