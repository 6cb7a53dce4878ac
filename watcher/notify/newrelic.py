"""The kind ``newrelic``: an event of change tracking for each marker, through a connection that is read by, too.

Behind the connection's name stands what the application is called in New Relic's APM: ``{nr: "${service}"}``; the name must be
that of one alone. Each event has the marker's id as its ``groupId``, by which it is found again.

Source:
    https://docs.newrelic.com/docs/change-tracking/config/nerdgraph/
    https://docs.newrelic.com/docs/change-tracking/query-data/
"""

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter

from watcher.http import Http
from watcher.notify.markers import Board, Far, Marker, Refusing
from watcher.notify.markers.marker import plain
from watcher.notify.notifier import Kind, Notifier, Opening

TIMEOUT = timedelta(seconds=6)  # of which a query gets five
OLDEST = timedelta(hours=23, minutes=30)  # what is more than 24 h away is refused
LAG = timedelta(minutes=1)  # until an event is found; a guess
AROUND = timedelta(hours=1)  # of a marker's time, where it is looked for
LONGEST = 1000  # characters of a description; a guess, longer ones may be cut
_NARROWING = re.compile(r"[^'\\\x00-\x1f]{1,200}")
_TEMPLATE = re.compile(r"\$\{(service|environment)\}")
_AGAIN = re.compile(
    r"time-?d?[ _-]?out|too many|limit|temporar|internal|unavailable|server_error", re.IGNORECASE
)
_COUNT = "query($id:Int!,$nrql:Nrql!){actor{account(id:$id){nrql(query:$nrql,timeout:5){results}}}}"  # of one number
_CREATE = (
    "mutation($event:ChangeTrackingCreateEventInput!)"
    "{changeTrackingCreateEvent(changeTrackingEvent:$event){changeTrackingEvent{changeTrackingId} messages}}"
)
_EVENTS = "SELECT count(*) FROM ChangeTrackingEvent"
_WRITE = '{NAME: "APPLICATION"} under `tell`, such as {nr: "${service}"}'


class Keys(Protocol):
    """What is needed of the settings of a connection to New Relic."""

    @property
    def account(self) -> int:
        """Its number."""

    @property
    def key(self) -> SecretStr:
        """Of a user."""

    @property
    def address(self) -> str:
        """Of NerdGraph."""


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Error(_Loose):
    message: str = ""
    extensions: Mapping[str, Any] | None = None


class _Row(_Loose):
    count: int


class _Rows(_Loose):
    results: list[_Row]


class _Account(_Loose):
    nrql: _Rows | None = None


class _Actor(_Loose):
    account: _Account | None = None


class _Event(_Loose):
    id: str = Field(alias="changeTrackingId")


class _Created(_Loose):
    event: _Event | None = Field(default=None, alias="changeTrackingEvent")
    messages: list[str] | None = None


class _Data(_Loose):
    actor: _Actor | None = None
    created: _Created | None = Field(default=None, alias="changeTrackingCreateEvent")


class _Graph(_Loose):
    """An answer of NerdGraph: what went wrong stands in it, though its status is 200."""

    data: _Data | None
    errors: list[_Error] | None = None


_GRAPH = TypeAdapter(_Graph)


@dataclass(frozen=True, slots=True)
class NewRelic:
    """One account: where markers are put."""

    far: Far
    account: int
    lag: timedelta = LAG
    oldest: timedelta | None = OLDEST

    @property
    def who(self) -> str:
        """For people."""
        return f"New Relic (account {self.account})"

    @property
    def remedies(self) -> Mapping[int, str]:
        """By status."""
        key = "the key is not accepted: it must be that of a user (NRAK-…), of the account's region"
        return {HTTPStatus.UNAUTHORIZED: key, HTTPStatus.FORBIDDEN: key}

    def misfit(self, narrowing: str) -> tuple[str, str] | None:
        """The name of an application."""
        return misfit(narrowing)

    async def has(self, marker: Marker, narrowing: str) -> bool:  # noqa: ARG002 - its id is of no other application
        """By its id."""
        since, until = (round(at.timestamp() * 1000) for at in (marker.at - AROUND, self.far.now() + AROUND))
        return await self._counted(f"WHERE groupId = '{marker.id}' SINCE {since} UNTIL {until}") > 0

    async def put(self, marker: Marker, narrowing: str) -> None:
        """One event more."""
        application = _TEMPLATE.sub(lambda each: getattr(marker, each[1]), narrowing)
        if not _NARROWING.fullmatch(application):
            raise Refusing(f"{plain(application)} cannot be the name of an application: write {_WRITE}")
        query = f"name = '{application}' AND domain = 'APM' AND accountId = {self.account}"
        given = {"event": {**event(marker), "entitySearch": {"query": query}}}
        data = await self._asked(_CREATE, given)
        if data.created is None or data.created.event is None:
            said = (data.created.messages if data.created else None) or ["it does not say why"]
            raise self._refusing(said[0])

    async def look(self, narrowing: str) -> str:  # noqa: ARG002 - applications are looked for with a marker
        """May events of change tracking be counted."""
        await self._counted("SINCE 1 hour ago")
        return "events of change tracking are counted; whether the key may make some was not tried"

    async def _counted(self, which: str) -> int:
        given = {"id": self.account, "nrql": f"{_EVENTS} {which}"}
        data = await self._asked(_COUNT, given)
        account = data.actor.account if data.actor else None
        if account is None or account.nrql is None:
            raise Refusing(
                "the account is hidden from the key", "correct `account`, `region`, or whose `key` it is"
            )
        return sum(row.count for row in account.nrql.results)

    async def _asked(self, query: str, variables: Mapping[str, Any]) -> _Data:
        answer = await self.far.post("", {"query": query, "variables": variables}, _GRAPH)
        for error in answer.errors or ():
            kind = str((error.extensions or {}).get("errorClass", ""))
            raise self._refusing(error.message or kind or "an error that says nothing", kind)
        return answer.data or _Data()

    def _refusing(self, words: str, kind: str = "") -> Refusing:
        is_for_good = not (_AGAIN.search(kind) or _AGAIN.search(words))
        return Refusing(plain(self.far.clean(words)), is_for_good=is_for_good)


def misfit(narrowing: str) -> tuple[str, str] | None:
    """Why *narrowing* is no name of an application, and the remedy."""
    if _NARROWING.fullmatch(narrowing):
        return None
    return f"{plain(narrowing) or 'nothing'} names no application of New Relic's", f"write {_WRITE}"


def event(marker: Marker) -> dict[str, Any]:
    """As New Relic takes it; without its application."""
    deployment = {"version": marker.release or "unknown"}
    if marker.url is not None:
        deployment["deepLink"] = marker.url
    return {
        "categoryAndTypeData": {
            "kind": {"category": "Deployment", "type": "Basic"},
            "categoryFields": {"deployment": deployment},
        },
        "shortDescription": marker.title,
        "description": "\n".join((marker.title, *marker.lines))[:LONGEST],
        "groupId": marker.id,
        "timestamp": round(marker.at.timestamp() * 1000),
        "user": "rollbackd",
    }


def place(keys: Keys, http: Http, now: Callable[[], datetime]) -> NewRelic:
    """Where the connection leads to. Nothing is sent yet."""
    secrets = {"API-Key": keys.key}
    return NewRelic(Far("newrelic", keys.address, http, now, secrets, TIMEOUT), keys.account)


@contextlib.asynccontextmanager
async def open_newrelic(settings: Keys, opening: Opening) -> AsyncIterator[Notifier]:
    """The notifier. Nothing is sent yet."""
    yield Board(place(settings, opening.http, opening.now), opening.now, opening.public_url)


KIND = Kind(settings=None, open=open_newrelic, board=True, misfit=misfit)
