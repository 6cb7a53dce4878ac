"""Which markers a notice is. Pure.

    a watch                               has the marker
    that was opened by a deployment       of the deployment, when it was opened
    whose rollback has begun              of the rollback, as it stood when it was first told

A watch that an order to roll back has opened is of no deployment, and has the second alone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from watcher.core.watch import Notice, State

LONGEST_LINE = 400  # characters
MOST_LINES = 8
_ID = re.compile(r"[A-Za-z0-9_.-]{1,90}")
# `watcher.clock.new_id`: the milliseconds since 1970 stand in front, and a watch gets its id when it is opened.
_WHEN = re.compile(r"w_([0-9a-f]{12})[0-9a-f]{20}")
_LONGEST_WATCH = timedelta(days=60)  # of an id that says more the time is not believed
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


class What(StrEnum):
    """What is marked."""

    DEPLOYMENT = "deployment"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Marker:
    """One moment in the life of a service.

    Attributes:
        id: The same whenever it is told: the watch's of a deployment, the action's of a rollback; `[A-Za-z0-9_.-]{1,90}`.
        watch: Of which it is; with all its markers.
        title: For people, in one line.
        lines: More of it; none where the notice was about something else by then.
        release: What serves from then on, or is to; ``None``: it is not known.
        left: What a rollback leaves.
        url: Of the watch.
    """

    id: str
    what: What
    watch: str
    service: str
    environment: str
    title: str
    lines: tuple[str, ...]
    at: datetime
    release: str | None = None
    left: str | None = None
    url: str | None = None


_ROLLBACK: Mapping[State, str] = {
    State.ROLLING_BACK: "rolling back",
    State.RECOVERING: "rolled back",
    State.ROLLED_BACK: "rolled back",
    State.STUCK: "a rollback does not finish,",
}
_BEGUN = "a rollback was begun,"  # and the watch has ended otherwise


def markers_of(notice: Notice, now: datetime, public_url: str | None = None) -> Sequence[Marker]:
    """All that the watch has by now, the oldest first; none, where the notice does not say how it stands.

    Args:
        notice: Of the watch.
        now: When it is told, where the notice does not say when it was.
        public_url: Of the daemon.
    """
    try:
        state = State(notice.facts.get("state", ""))
    except ValueError:
        return ()
    if not _ID.fullmatch(notice.watch):
        return ()
    action = notice.facts.get("action", "")
    url = f"{public_url}/v1/watches/{notice.watch}" if public_url else None
    markers = (
        [] if _is_by_order(notice.watch, action) else [_deployment(notice, now, url, is_news=not action)]
    )
    if _ID.fullmatch(action):
        markers.append(_rollback(notice, state, action, now, url))
    return markers


def _is_by_order(watch: str, action: str) -> bool:
    """The watch began with its rollback: the id of an action is that of the step which has made it."""
    return action == f"{watch}.1.0"


def _deployment(notice: Notice, now: datetime, url: str | None, *, is_news: bool) -> Marker:
    release = notice.facts.get("tag")
    return Marker(
        id=notice.watch,
        what=What.DEPLOYMENT,
        watch=notice.watch,
        service=plain(notice.service),
        environment=plain(notice.environment),
        title=f"{_name(notice)}: deployment of {plain(release or 'a release')}",
        lines=_said(notice) if is_news else (),
        at=opened(notice.watch, notice.at or now),
        release=release,
        url=url,
    )


def _rollback(notice: Notice, state: State, action: str, now: datetime, url: str | None) -> Marker:
    left, to = notice.facts.get("tag"), notice.facts.get("goes_to")
    way = f"from {plain(left or 'a release')} to {plain(to or 'the one before')}"
    return Marker(
        id=action,
        what=What.ROLLBACK,
        watch=notice.watch,
        service=plain(notice.service),
        environment=plain(notice.environment),
        title=f"{_name(notice)}: {_ROLLBACK.get(state, _BEGUN)} {way}",
        lines=_said(notice),
        at=happened(notice, "decided_at", now),
        release=to,
        left=left,
        url=url,
    )


def _name(notice: Notice) -> str:
    return f"{plain(notice.service)} · {plain(notice.environment)}"


def _said(notice: Notice) -> tuple[str, ...]:
    return tuple(plain(line) for line in (notice.headline, *notice.lines)[:MOST_LINES])


def happened(notice: Notice, fact: str, now: datetime) -> datetime:
    """When what *fact* is of happened, as far as the notice says so; else when it was told of. It may be told late."""
    told = notice.at or now
    try:
        at = datetime.fromisoformat(notice.facts.get(fact, ""))
    except ValueError:
        return told
    return at if at.tzinfo is not None and told - _LONGEST_WATCH <= at <= told else told


def opened(watch: str, at: datetime) -> datetime:
    """When *watch* was opened, as far as its id says so; else *at*. A daemon that could not tell it then tells it truly later."""
    found = _WHEN.fullmatch(watch)
    if found is None:
        return at
    seconds = int(found[1], 16) / 1000  # an id can say more than a `datetime` holds
    is_believed = (at - _LONGEST_WATCH).timestamp() <= seconds <= at.timestamp()
    return datetime.fromtimestamp(seconds, UTC) if is_believed else at


def plain(text: str) -> str:
    """*text* in one line of bounded length, without signs that are none."""
    line = _CONTROL.sub(" ", text)
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
