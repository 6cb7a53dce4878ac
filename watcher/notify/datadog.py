"""The kind ``datadog``: an event for each marker, through a connection that metrics are read by, too: its keys are written once.

Each event has the tags of unified service tagging (``service``, ``env``, ``version``), ``rollbackd``, ``deployment`` or
``rollback``, and ``rollbackd_marker``, by which it is found again; the events of a watch are one in Datadog's list.

Source:
    https://docs.datadoghq.com/api/latest/events/#post-an-event (v1), #search-events (v2)
    https://docs.datadoghq.com/getting_started/tagging/
"""

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from watcher.http import Http
from watcher.notify.dora import Both, Dora, deployments_of
from watcher.notify.markers import Board, Far, Marker, What
from watcher.notify.notifier import Kind, Notifier, Opening

EVENTS, SEARCH = "/api/v1/events", "/api/v2/events/search"
TIMEOUT = timedelta(seconds=5)
LONGEST_TITLE, LONGEST_TEXT, LONGEST_TAG = 100, 4000, 200  # characters
OLDEST = timedelta(hours=17, minutes=30)  # 18 h are too far in the past
LAG = timedelta(minutes=1)  # until an event is found; a guess
AROUND = timedelta(hours=1)  # of a marker's time, where it is looked for
MARKER = "rollbackd_marker"
_NO_TAG = re.compile(r"[^a-z0-9_\-./]+")
# A name behind an @ is notified by Datadog; a space without width keeps it from being one.
_MENTION = re.compile(r"@(?=\S)")


class Keys(Protocol):
    """What is needed of the settings of a connection to Datadog."""

    @property
    def base(self) -> str:
        """Up to where ``/api`` begins, without a slash at its end."""

    @property
    def place(self) -> str:
        """The site, for people."""

    @property
    def api_key(self) -> SecretStr:
        """Of the organisation."""

    @property
    def application_key(self) -> SecretStr:
        """With the scope ``events_read``."""

    @property
    def dora(self) -> bool:
        """Deployments and rollbacks are told for the DORA metrics, too; needs ``dora_metrics_write``."""


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Seen(_Loose):
    tags: list[str] = []


class _Event(_Loose):
    attributes: _Seen


class _Found(_Loose):
    data: list[_Event]


class _Taken(_Loose):
    status: Literal["ok"]


_FOUND = TypeAdapter(_Found)
_TAKEN = TypeAdapter(_Taken)


@dataclass(frozen=True, slots=True)
class Datadog:
    """One organisation: where markers are put."""

    far: Far
    place: str
    lag: timedelta = LAG
    oldest: timedelta | None = OLDEST

    @property
    def who(self) -> str:
        """For people."""
        return f"Datadog ({self.place})"

    @property
    def remedies(self) -> Mapping[int, str]:
        """By status."""
        keys = "are both keys of this site and valid, and has the application key the scope events_read?"
        return {HTTPStatus.UNAUTHORIZED: keys, HTTPStatus.FORBIDDEN: keys}

    def misfit(self, narrowing: str) -> tuple[str, str] | None:
        """Nothing stands after the name."""
        return misfit(narrowing)

    async def has(self, marker: Marker, narrowing: str) -> bool:  # noqa: ARG002 - there is none, see `misfit`
        """By its tag, around its time."""
        named = tag(MARKER, marker.id)
        since, until = (
            at.astimezone(UTC).isoformat() for at in (marker.at - AROUND, self.far.now() + AROUND)
        )
        asked = {
            "filter": {"query": named, "from": since, "to": until},
            "page": {"limit": 10},
            "sort": "timestamp",
        }
        found = await self.far.post(SEARCH, asked, _FOUND)
        return any(named in each.attributes.tags for each in found.data)

    async def put(self, marker: Marker, narrowing: str) -> None:  # noqa: ARG002 - there is none, see `misfit`
        """One event more."""
        await self.far.post(EVENTS, event(marker), _TAKEN)

    async def look(self, narrowing: str) -> str:  # noqa: ARG002 - there is none, see `misfit`
        """May events be looked for with these keys."""
        asked = {"filter": {"query": "rollbackd", "from": "now-15m", "to": "now"}, "page": {"limit": 1}}
        await self.far.post(SEARCH, asked, _FOUND)
        return "events are found, and whoever has the API key may post some"


def misfit(narrowing: str) -> tuple[str, str] | None:
    """Why *narrowing* cannot stand there, and the remedy."""
    return (
        (f"{narrowing} narrows nothing in Datadog", "write the connection's name alone")
        if narrowing
        else None
    )


def event(marker: Marker) -> dict[str, Any]:
    """As Datadog takes it."""
    text = "\n".join((*marker.lines, *((marker.url,) if marker.url else ()))) or marker.title
    tags = [
        "rollbackd",
        marker.what.value,
        tag("service", marker.service),
        tag("env", marker.environment),
        tag(MARKER, marker.id),
    ]
    if marker.release is not None:
        tags.append(tag("version", marker.release))
    if marker.left is not None:
        tags.append(tag("rolled_back_version", marker.left))
    return {
        "title": _mute(marker.title)[:LONGEST_TITLE],
        "text": _mute(text)[:LONGEST_TEXT],
        "date_happened": int(marker.at.timestamp()),
        "alert_type": "warning" if marker.what is What.ROLLBACK else "info",
        "aggregation_key": marker.watch,
        "tags": tags,
    }


def tag(name: str, value: str) -> str:
    """A tag as Datadog keeps it: in lower case, and without signs that it would change."""
    return f"{name}:{_NO_TAG.sub('_', value.lower())}"[:LONGEST_TAG].rstrip("_")


def _mute(text: str) -> str:
    return _MENTION.sub("@\u200b", text)


def resets(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When the limit begins anew: in so many seconds."""
    told = headers.get("x-ratelimit-reset", "")
    return now + timedelta(seconds=int(told)) if re.fullmatch(r"[0-9]{1,6}", told) else None


def place(keys: Keys, http: Http, now: Callable[[], datetime]) -> Datadog:
    """Where the connection leads to. Nothing is sent yet."""
    secrets = {"DD-API-KEY": keys.api_key, "DD-APPLICATION-KEY": keys.application_key}
    return Datadog(Far("datadog", keys.base, http, now, secrets, TIMEOUT, resets), keys.place)


@contextlib.asynccontextmanager
async def open_datadog(settings: Keys, opening: Opening) -> AsyncIterator[Notifier]:
    """The notifier. Nothing is sent yet."""
    to = place(settings, opening.http, opening.now)
    events = Board(to, opening.now, opening.public_url)
    if not settings.dora:
        yield events
        return
    yield Both(events, Board(Dora(to.far, to.place), opening.now, opening.public_url, deployments_of), LAG)


KIND = Kind(settings=None, open=open_datadog, board=True, misfit=misfit)
