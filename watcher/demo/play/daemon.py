"""The real daemon, as a process of its own, and its HTTP as any user reads it."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from watcher.demo.play.house import ENVIRONMENT, SERVICE, House
from watcher.demo.play.processes import COMMAND, Child
from watcher.demo.play.waiting import until_told

START = 30.0  # seconds; a second or two on a machine that is not busy
TIMEOUT = 3.0  # seconds that one answer may take


class Door:
    """Reads the daemon over HTTP. While there is no daemon, there is no answer."""

    def __init__(self, house: House, session: aiohttp.ClientSession) -> None:
        self._house = house
        self._session = session

    async def get(self, path: str) -> Mapping[str, Any] | None:
        """The answer of *path*; none if the daemon is not there, or does not know it."""
        headers = {"authorization": f"Bearer {self._house.token}"}
        try:
            async with self._session.get(
                f"{self._house.url}{path}", headers=headers, timeout=aiohttp.ClientTimeout(total=TIMEOUT)
            ) as answer:
                found: Mapping[str, Any] = await answer.json()
                return found if answer.ok else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None

    async def watch_of(self, tag: str) -> Mapping[str, Any] | None:
        """The newest watch of the release *tag*."""
        page = await self.get(f"/v1/watches?service={SERVICE}&environment={ENVIRONMENT}&limit=10")
        return next((watch for watch in page["watches"] if watch["to"] == tag), None) if page else None

    async def watch(self, id: str) -> Mapping[str, Any] | None:
        """One watch, whole."""
        return await self.get(f"/v1/watches/{id}")


class Daemon:
    """``rollbackd run``, started and killed at will."""

    def __init__(self, house: House, door: Door) -> None:
        self._house = house
        self._door = door
        self._child = self._new()

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self._child.pid

    async def start(self) -> None:
        """Start it, and wait until it is ready.

        Raises:
            DemoError: It ended, or was not ready in time.
        """
        self._child = self._new()
        await self._child.start()
        await until_told(self._is_ready, START, "the daemon is ready", self._remedy)

    async def kill(self) -> None:
        """``kill -9``."""
        await self._child.kill()

    def reload(self) -> None:
        """Let it read its configuration again (SIGHUP)."""
        self._child.hang_up()

    async def stop(self) -> None:
        """Let it end."""
        await self._child.stop()

    async def until_knows(self, mode: str, tag: str) -> None:
        """Wait until the service stands in *mode*, and the daemon has read that *tag* serves.

        Raises:
            DemoError: It ended, or does not.
        """

        async def look() -> bool:
            self._child.check()
            found = await self._door.get("/v1/services")
            services = found["services"] if found else []
            return any(each["mode"] == mode and set(each["live"].values()) == {tag} for each in services)

        await until_told(
            look, START, f"the daemon works in mode {mode} and knows that {tag} serves", self._remedy
        )

    async def _is_ready(self) -> bool:
        self._child.check()
        return await self._door.get("/readyz") is not None

    @property
    def _remedy(self) -> str:
        return f"the end of {self._house.log} says why"

    def _new(self) -> Child:
        argv = (*COMMAND, "run", "--config", str(self._house.configuration))
        return Child("the daemon", argv, self._house.log, self._house.secrets)
