"""The notifier: looks whether a marker is there, and puts it where it is not. What it has put is remembered with the message.

A marker that was put, and whose answer was lost, is looked for before it is put again: not before the system finds what it took.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Protocol

import structlog

from deploy.model import About, Finding, Level
from watcher.core.watch import Message, Notice
from watcher.http import Fault, HttpRefused
from watcher.notify.markers.far import Refusing
from watcher.notify.markers.marker import Marker, markers_of
from watcher.notify.notifier import Later, Never, Telling, Told

SOON = timedelta(seconds=5)
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
log = structlog.stdlib.get_logger("rollbackd.notify.markers")


class Place(Protocol):
    """Where markers are put: one connection to one system.

    Attributes:
        who: For people.
        remedies: What a person can do about a refusal, by its status.
        lag: How long it may take until a marker that was put is found.
        oldest: A marker of longer ago is not taken; ``None``: each is.
    """

    @property
    def who(self) -> str: ...  # noqa: D102 - see above
    @property
    def remedies(self) -> Mapping[int, str]: ...  # noqa: D102 - see above
    @property
    def lag(self) -> timedelta: ...  # noqa: D102 - see above
    @property
    def oldest(self) -> timedelta | None: ...  # noqa: D102 - see above

    def misfit(self, narrowing: str) -> tuple[str, str] | None:
        """Why *narrowing* cannot stand after the connection's name, and what to write; ``None``: it can."""

    async def has(self, marker: Marker, narrowing: str) -> bool:
        """The marker is there. Raises `HttpRefused` and `Refusing`."""

    async def put(self, marker: Marker, narrowing: str) -> None:
        """Put the marker there; doing this twice puts two. Raises the same."""

    async def look(self, narrowing: str) -> str:
        """Look at what is needed to find markers, and say what was seen. Raises the same; writes nothing."""


@dataclass(frozen=True, slots=True)
class Board:
    """One connection. *markers*: which a notice is."""

    place: Place = field(repr=False)
    now: Callable[[], datetime]
    public_url: str | None = None
    markers: Callable[[Notice, datetime, str | None], Sequence[Marker]] = markers_of

    async def tell(self, message: Message, narrowing: str, ref: str | None) -> Telling:
        """Put the markers that the watch has by now and that *ref*, which names those that are there, does not."""
        misfit = self.place.misfit(narrowing)
        if misfit is not None:
            return Never(": ".join(misfit))
        if message.kind != "show":
            return Told(ref)
        there, refused = (ref or "").split(), None
        for marker in self.markers(message.notice, self.now(), self.public_url):
            telling = Told() if marker.id in there else await self._put(marker, narrowing)
            if isinstance(telling, Later):
                return telling
            if isinstance(telling, Never):
                refused = telling
            elif marker.id not in there:
                there.append(marker.id)
        return refused or Told(" ".join(there) or ref)

    async def examine(self, narrowings: Sequence[str]) -> Sequence[Finding]:
        """Does the system answer, and may markers be looked for. Nothing is written."""
        return [await self._looked(each) for each in narrowings or [""]]

    async def _looked(self, narrowing: str) -> Finding:
        misfit = self.place.misfit(narrowing)
        if misfit is not None:
            return Finding(Level.FAIL, *misfit, about=About.TELLING)
        try:
            seen = await self.place.look(narrowing)
        except Refusing as refusing:
            return Finding(
                Level.FAIL,
                f"{self.place.who}: {refusing.said}",
                refusing.remedy or self._again,
                about=About.TELLING,
            )
        except HttpRefused as refused:
            return Finding(Level.FAIL, refused.words, self._mended(refused), about=About.TELLING)
        return Finding(Level.OK, f"{self.place.who}: {seen}", about=About.TELLING)

    @property
    def _again(self) -> str:
        return f"ask again; if it stays so, see the status of {self.place.who}"

    def _mended(self, refused: HttpRefused) -> str:
        """What a person can do: about the way there, about the keys, or nothing but wait."""
        status = refused.status
        if status is None:
            return refused.remedy
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
            return self._again
        return self._for(status)

    def _for(self, status: int) -> str:
        return self.place.remedies.get(status, f"is the address that of {self.place.who}?")

    async def _put(self, marker: Marker, narrowing: str) -> Telling:
        oldest = self.place.oldest
        if oldest is not None and self.now() - marker.at > oldest:
            log.warning("marker.left_out", marker=marker.id, words=f"{self.place.who} takes none so late")
            return Told()
        after = SOON
        try:
            if await self.place.has(marker, narrowing):
                return Told()
            after = max(SOON, self.place.lag)
            await self.place.put(marker, narrowing)
        except (HttpRefused, Refusing) as error:
            return self._refused(error, after)
        log.info("marker.put", marker=marker.id, what=marker.what.value, service=marker.service)
        return Told()

    def _refused(self, error: HttpRefused | Refusing, after: timedelta) -> Later | Never:
        """What follows from it: later, or never; who must act, and what to do."""
        if isinstance(error, Refusing):
            words = f"{self.place.who}: {error.words}"
            return Never(words) if error.is_for_good else Later(after, words)
        if error.fault in {Fault.BAD_URL, Fault.BLOCKED}:
            return Never(f"{error.words}; {error.remedy}")
        status = error.status
        if status is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
            if error.retry_at is not None:
                after = max(error.retry_at - self.now(), SOON)
            return Later(after, error.words)
        return Never(f"{error.words}; {self._for(status)}")
