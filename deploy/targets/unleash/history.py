"""What became of a flag: its events, and how it was set before each of them.

Unleash writes down what was before and after a change of a strategy, so that the states of a flag can be gone through backwards from
what it is now. Where something happened that does not say what was before it, that ends.

Source:
    https://docs.getunleash.io/reference/events
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError

from deploy.model import Release, Unreadable
from deploy.targets.aws.wording import plain
from deploy.targets.unleash.flag import Flag, Strategy, Told, ToldStrategy, in_order, strategy_of

_STRATEGY = "feature-strategy-"
_ENABLED, _DISABLED = "feature-environment-enabled", "feature-environment-disabled"
_ORDER = "strategy-order-changed"
# They change nothing that anybody gets.
_ASIDE = frozenset(
    {
        "feature-completed", "feature-uncompleted", "feature-favorited", "feature-unfavorited", "feature-metadata-updated",
        "feature-potentially-stale-on", "feature-stale-on", "feature-stale-off", "feature-tagged", "feature-untagged",
        "feature-type-updated", "feature-link-added", "feature-link-updated", "feature-link-removed",
    }
)  # fmt: skip


class _Event(Told):
    id: int
    type: Annotated[str, Field(max_length=200)]
    by: str = Field(default="", alias="createdBy")
    at: str = Field(alias="createdAt")
    environment: str | None = None
    before: Any = Field(default=None, alias="preData")
    after: Any = Field(default=None, alias="data")


class _Events(Told):
    events: Annotated[list[_Event], Field(max_length=1000)]


class _Order(Told):
    ids: Annotated[list[str], Field(max_length=200)] = Field(alias="strategyIds")


@dataclass(frozen=True, slots=True)
class Event:
    """One event. *by*: whom Unleash names; *before* and *after*: what it says of both, not looked at yet."""

    type: str
    by: str
    at: datetime
    environment: str | None
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Served:
    """How the flag was set, since when, and by whom it was set so (empty: nobody says)."""

    release: Release
    since: datetime
    by: str


def events_of(body: bytes) -> Sequence[Event] | Unreadable:
    """The answer of *Search events*, the newest first."""
    try:
        told = _Events.model_validate_json(body).events
        return [
            Event(each.type, plain(each.by, 80), _time(each.at), each.environment, each.before, each.after)
            for each in sorted(told, key=lambda each: each.id, reverse=True)
        ]
    except (ValueError, OverflowError):  # of pydantic too; and a year of which UTC has none
        return Unreadable("not an answer of Unleash about events")


def past(
    flag: Flag, events: Sequence[Event], environment: str, of: Callable[[Flag], Release | None]
) -> Sequence[Served]:
    """How the flag was set, the newest first, as far as *events* tell.

    *of* says what a state of the flag is, the first that of now; ``None``: it is passed over.
    """
    found: list[Served] = []
    then = flag
    for event in events:
        if event.type in _ASIDE or event.environment not in {None, environment}:
            continue
        release = of(then)
        if release is not None:
            _add(found, Served(release, event.at, event.by))
        before = _before(then, event)
        if before is None:
            break
        then = before
    return found


def was_on(events: Sequence[Event], environment: str) -> bool:
    """Of a flag that is off: it was on since its strategies were changed last, as far as *events* tell, the newest first."""
    for event in events:
        if event.environment in {None, environment} and event.type.startswith((_ENABLED, _STRATEGY)):
            return event.type == _ENABLED
    return False


def _add(found: list[Served], served: Served) -> None:
    """*served* was before all that was *found*; what was set in one moment with what followed it served nobody."""
    if found and found[-1].release.is_same_as(served.release):
        found[-1] = served
    elif not found or served.since < found[-1].since:
        found.append(served)


def _before(flag: Flag, event: Event) -> Flag | None:
    """*flag* without what *event* made of it; ``None``: that is not known."""
    if event.type in {_ENABLED, _DISABLED}:
        return replace(flag, on=event.type == _DISABLED)
    undo = _UNDO.get(event.type)
    try:
        return undo(flag, event) if undo else None
    except ValidationError:
        return None


def _told(strategy: Any) -> Strategy:
    return strategy_of(ToldStrategy.model_validate(strategy))


def _with(flag: Flag, strategies: Mapping[str, Strategy]) -> Flag:
    return replace(flag, every=in_order(strategies.values()))


def _by_id(flag: Flag) -> dict[str, Strategy]:
    return {each.id: each for each in flag.every}


def _not_added(flag: Flag, event: Event) -> Flag:
    added = _told(event.after)
    return _with(flag, {each.id: each for each in flag.every if each.id != added.id})


def _as_it_was(flag: Flag, event: Event) -> Flag:
    before = _told(event.before)
    return _with(flag, {**_by_id(flag), before.id: before})


def _in_the_old_order(flag: Flag, event: Event) -> Flag | None:
    places = {of: place for place, of in enumerate(_Order.model_validate(event.before).ids)}
    if places.keys() != _by_id(flag).keys():
        return None
    return _with(flag, {each.id: replace(each, place=places[each.id]) for each in flag.every})


_UNDO: Mapping[str, Callable[[Flag, Event], Flag | None]] = {
    f"{_STRATEGY}add": _not_added,
    f"{_STRATEGY}remove": _as_it_was,
    f"{_STRATEGY}update": _as_it_was,
    _ORDER: _in_the_old_order,
}


def _time(written: str) -> datetime:
    """Of Unleash: ISO 8601, in UTC, also where it does not say so. Raises `ValueError` and `OverflowError`."""
    found = datetime.fromisoformat(written)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
