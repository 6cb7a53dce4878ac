"""Datadog's DORA metrics: each deployment, and that a rollback undid it, so that the change failure rate counts what was undone.

    a watch                     is there
    that was opened             a deployment, by the id of the watch
    whose rollback serves       another one, of the release that was gone back to; and the first is marked as a failed change,
                                remedied by it

Datadog knows a deployment by the id that it is sent with, so telling one again changes nothing. What Datadog itself calls it
is taken from its answer. Best effort: what it refuses for good is said in the log, and keeps no other marker back.

Source:
    https://docs.datadoghq.com/api/latest/dora-metrics/#send-a-deployment-event, #patch-a-deployment-event
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from deploy.model import Finding
from watcher.core.watch import Message, Notice, State
from watcher.http import HttpRefused
from watcher.notify.markers import Board, Far, Marker, Refusing, What, markers_of
from watcher.notify.markers.marker import happened, opened
from watcher.notify.notifier import Later, Never, Telling, Told

DEPLOYMENT, DEPLOYMENTS = "/api/v2/dora/deployment", "/api/v2/dora/deployments"
PREFIX = "dora."  # of ids: what is remembered with a message is of events and of these
SERVES = frozenset(
    {State.RECOVERING, State.ROLLED_BACK}
)  # from when on a rollback is a deployment that ended
SHORTEST_ID = 16  # characters
log = structlog.stdlib.get_logger("rollbackd.notify.markers")


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Named(_Loose):
    id: str = Field(min_length=1, max_length=200)


class _Kept(_Loose):
    data: _Named


_KEPT = TypeAdapter(_Kept)


@dataclass(frozen=True, slots=True)
class Dora:
    """One organisation: where deployments are told."""

    far: Far
    place: str
    lag: timedelta = timedelta(0)
    oldest: timedelta | None = None

    @property
    def who(self) -> str:
        """For people."""
        return f"Datadog's DORA metrics ({self.place})"

    @property
    def remedies(self) -> Mapping[int, str]:
        """By status."""
        keys = (
            "are both keys of this site and valid, and has the application key the scope dora_metrics_write?"
        )
        return {HTTPStatus.UNAUTHORIZED: keys, HTTPStatus.FORBIDDEN: keys}

    def misfit(self, narrowing: str) -> tuple[str, str] | None:  # noqa: ARG002 - the events have said it
        """Whatever stands after the name."""
        return None

    async def has(self, marker: Marker, narrowing: str) -> bool:  # noqa: ARG002 - telling again changes nothing
        """It need not be looked for: it is known by its id."""
        return False

    async def put(self, marker: Marker, narrowing: str) -> None:  # noqa: ARG002 - there is none
        """Tell of a deployment; of a rollback, that it undid the one before, too."""
        kept = await self.far.post(DEPLOYMENT, _deployment(marker), _KEPT)
        undone = _undone(marker)
        if undone is not None:
            await self._remedy(await self.far.post(DEPLOYMENT, _deployment(undone), _KEPT), kept)

    async def _remedy(self, failed: _Kept, by: _Kept) -> None:
        """Mark *failed*. What was taken may be found only later: that it is not there yet is no answer for good."""
        try:
            await self.far.patch(f"{DEPLOYMENTS}/{quote(failed.data.id, safe='')}", _remedied(failed, by))
        except HttpRefused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            words = f"does not find the deployment {failed.data.id} yet, which it has taken"
            raise Refusing(words, is_for_good=False) from refused

    async def look(self, narrowing: str) -> str:  # noqa: ARG002 - there is none
        """Nothing can be looked for without another scope; and whatever is sent counts."""
        return "deployments are told; nothing was tried"


@dataclass(frozen=True, slots=True)
class Both:
    """Events, and deployments for the DORA metrics: each is put once, whatever becomes of the other."""

    events: Board
    dora: Board
    lag: timedelta

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:
        """Put what is not there yet; *ref* names what is."""
        told = await self.dora.tell(message, narrowing, ref)
        if isinstance(told, Never):
            log.warning("marker.left_out", marker=message.id, words=told.words)
        shown = await self.events.tell(message, narrowing, told.ref if isinstance(told, Told) else ref)
        if isinstance(told, Later) and not isinstance(shown, Never):
            # An event that was put now is found before it would be put again.
            after = shown.after if isinstance(shown, Later) else self.lag
            return Later(max(told.after, after), told.words)
        return shown

    async def examine(self, narrowings: Sequence[str]) -> Sequence[Finding]:
        """See `Board`; deployments are told by the same keys, and none is tried."""
        return [*await self.events.examine(narrowings), *await self.dora.examine([])]


def deployments_of(notice: Notice, now: datetime, public_url: str | None = None) -> Sequence[Marker]:
    """The deployments that the watch of *notice* was of by now; a rollback once it serves."""
    state = notice.facts.get("state", "")
    return [
        replace(marker, id=f"{PREFIX}{marker.id}", at=_at(marker, notice, now))
        for marker in markers_of(notice, now, public_url)
        if marker.what is What.DEPLOYMENT or state in SERVES
    ]


def _at(marker: Marker, notice: Notice, now: datetime) -> datetime:
    """Of a rollback: when what was gone back to served. That is what the recovery time counts to, however late it is told."""
    return happened(notice, "back_at", now) if marker.what is What.ROLLBACK else marker.at


def _undone(rollback: Marker) -> Marker | None:
    """The deployment that *rollback* undid; ``None``: it is none, or its watch was opened by an order and is of no deployment."""
    if rollback.what is not What.ROLLBACK or rollback.id == f"{PREFIX}{rollback.watch}.1.0":
        return None
    at = opened(rollback.watch, rollback.at)
    return replace(
        rollback,
        id=f"{PREFIX}{rollback.watch}",
        what=What.DEPLOYMENT,
        release=rollback.left,
        left=None,
        at=at,
    )


def _deployment(marker: Marker) -> Mapping[str, Any]:
    at = int(marker.at.timestamp() * 1000)
    attributes = {
        "service": marker.service,
        "env": marker.environment,
        "id": marker.id.ljust(SHORTEST_ID, "."),
        "started_at": at,
        "finished_at": at,
        "custom_tags": ["daemon:rollbackd", f"rollbackd_watch:{marker.watch}"],
    }
    if marker.release is not None:
        attributes["version"] = marker.release
    return {"data": {"attributes": attributes}}


def _remedied(failed: _Kept, by: _Kept) -> Mapping[str, Any]:
    remediation = {"type": "rollback", "id": by.data.id}
    return {
        "data": {
            "id": failed.data.id,
            "type": "dora_deployment_patch_request",
            "attributes": {"change_failure": True, "remediation": remediation},
        }
    }
