"""The way of one replica to its database: a proxy on loopback that can be cut, and that knows what is said on it.

A *trap* lies in wait for a sequence of statements on one connection, and does something (stops the process, kills it) at the
last of them: before the database hears it, or when it has answered and the replica has not heard that yet.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from watcher import clock

HEARS = 65536
Pair = tuple[asyncio.StreamWriter, asyncio.StreamWriter]  # to the replica, to the database


@dataclass
class Trap:
    """Springs once.

    Attributes:
        words: Of the statements, in their order; the last is where it springs.
        does: What then happens.
        answered: After the database has answered the last statement, instead of before it hears it.
        at, whose: When it sprang, by ``clock.monotonic``, and on which link.
    """

    words: tuple[str, ...]
    does: Callable[["Link"], None]
    answered: bool = True
    at: float = 0.0
    whose: str = ""
    sprung: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class _Progress:
    """How far one connection has come into which trap; *waits*: the answer to its last statement springs it."""

    trap: Trap | None = None
    seen: int = 0
    waits: bool = False


@dataclass
class Link:
    """One proxy. It lets through, refuses, or swallows."""

    far: int
    name: str
    port: int = 0
    traps: list[Trap] = field(default_factory=list)
    refuses: bool = False
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _pairs: set[Pair] = field(default_factory=set)
    _takes: set[asyncio.Task[None]] = field(default_factory=set)

    def heal(self) -> None:
        """Let everything through again, what was swallowed on the way included."""
        self.refuses = False
        self._flows.set()

    def refuse(self) -> None:
        """Close what is open, and whatever is opened."""
        self.refuses = True
        for pair in self._pairs:
            for writer in pair:
                writer.transport.abort()

    def swallow(self) -> None:
        """Take everything, pass nothing on, and close nothing: what a broken route looks like."""
        self._flows.clear()

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the replica."""
        task = asyncio.create_task(self._take(reader, writer))
        self._takes.add(task)
        task.add_done_callback(self._takes.discard)

    async def end(self) -> None:
        """Nobody is served any more, and nothing is left open: what still waits for the way to be healed neither."""
        for task in self._takes:
            task.cancel()
        await asyncio.gather(*self._takes, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not self.refuses:
                await self._flows.wait()
                await self._pass_on(reader, writer)
        finally:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.far)
        except OSError:
            return
        pair, progress = (writer, far_writer), _Progress()
        self._pairs.add(pair)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._there(reader, far_writer, progress))
                tasks.create_task(self._back(far_reader, writer, progress))
        except* OSError:
            pass  # one side has gone: so goes the other
        finally:
            self._pairs.discard(pair)
            far_writer.transport.abort()

    async def _there(
        self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, progress: _Progress
    ) -> None:
        while said := await reader.read(HEARS):
            await self._flows.wait()
            self._steps_in(said, progress)
            to.write(said)
            await to.drain()
        raise ConnectionResetError

    async def _back(
        self, reader: asyncio.StreamReader, to: asyncio.StreamWriter, progress: _Progress
    ) -> None:
        while said := await reader.read(HEARS):
            await self._flows.wait()
            if progress.waits and progress.trap is not None:
                progress.waits = False
                self._spring(progress.trap)
            to.write(said)
            await to.drain()
        raise ConnectionResetError

    def _steps_in(self, said: bytes, progress: _Progress) -> None:
        """See whether what is said goes on with the trap, or springs it."""
        trap = self.traps[0] if self.traps else None
        if trap is not progress.trap:
            progress.trap, progress.seen, progress.waits = trap, 0, False
        if trap is None or trap.words[progress.seen].encode() not in said:
            return
        progress.seen += 1
        if progress.seen == len(trap.words):
            progress.seen, progress.waits = 0, trap.answered
            if not trap.answered:
                self._spring(trap)

    def _spring(self, trap: Trap) -> None:
        if trap in self.traps:
            self.traps.remove(trap)
            trap.at, trap.whose = clock.monotonic(), self.name
            trap.does(self)
            trap.sprung.set()


@contextlib.asynccontextmanager
async def a_link(far: int, name: str) -> AsyncIterator[Link]:
    """A link to the port *far* of loopback; all its connections are closed afterwards."""
    link = Link(far, name)
    link.heal()
    server = await asyncio.start_server(link.take, "127.0.0.1", 0)
    link.port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        server.close()
        link.refuse()
        await asyncio.sleep(0)  # who was let in just now is taken
        await link.end()
        await asyncio.sleep(0)  # what is to be closed is
