"""Servers that misbehave, over a real socket. One for each row of the table of faults (operations, P9)."""

import asyncio
import contextlib
import gzip
import itertools
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _http(
    body: bytes,
    status: str = "200 OK",
    *,
    kind: str = "text/plain; version=0.0.4",
    more: str = "",
    length: int | None = None,
) -> bytes:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: close\r\n{more}\r\n"
    return head.encode() + body


def says(data: bytes) -> Serve:
    """Answers every request with *data*, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()

    return serve


async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the request, and says nothing."""
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(60)


async def trickles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body that comes a byte at a time."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(6000):
        writer.write(b"#")
        await writer.drain()
        await asyncio.sleep(0.01)


async def slow_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Headers that never end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        writer.write(f"X-{number}: y\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.05)


async def floods(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """50 MB, chunked."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
    piece = b"# " + b"x" * 65_000 + b"\n"
    for _ in range(50_000_000 // len(piece)):
        writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await writer.drain()


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes without a word."""
    await reader.readuntil(b"\r\n\r\n")


def _bomb(megabytes: int) -> bytes:
    """What gzip makes of so many ``#``: one piece is compressed, and then repeated, as all of it takes a second."""
    piece = b"#" * 1_000_000
    squeezed = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block, end = squeezed.compress(piece) + squeezed.flush(zlib.Z_FULL_FLUSH), squeezed.flush()
    check = 0
    for _ in range(megabytes):
        check = zlib.crc32(piece, check)
    size = struct.pack("<II", check, megabytes * len(piece))
    return gzip.compress(b"", 9)[:10] + block * megabytes + end + size


def _chunk_cut() -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhttp_requests_total 1\n"


FAULTS: dict[str, Serve] = {
    "no answer": never,
    "500": says(_http(b"boom", "500 Internal Server Error")),
    "500 as html": says(
        _http(b"<!doctype html><title>500</title>", "500 Internal Server Error", kind="text/html")
    ),
    "429": says(_http(b"slower", "429 Too Many Requests", more="Retry-After: 30\r\n")),
    "401": says(_http(b"who are you", "401 Unauthorized")),
    "404": says(_http(b"nothing here", "404 Not Found")),
    "redirect": says(_http(b"", "302 Found", more="Location: http://169.254.169.254/latest/\r\n")),
    "empty": says(_http(b"")),
    "html": says(_http(b"<!doctype html><title>Log in</title>", kind="text/html")),
    "html as text": says(_http(b"<!doctype html><title>Log in</title>\n")),
    "json": says(_http(b'{"status":"success","data":null}', kind="application/json")),
    "null": says(_http(b"null\n")),
    "cut short": says(_http(b'http_requests_total{version="v2",code="500"} 1', length=4000)),
    "cut chunk": says(_chunk_cut()),
    "cut line": says(_http(b'http_requests_total{version="v2",code="500"} 12')),
    "bytes": says(_http(bytes(range(256)) * 40, kind="application/octet-stream")),
    "not http": says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "gzip bomb": says(_http(_bomb(200), more="Content-Encoding: gzip\r\n")),
    "gzip that is none": says(_http(b"http_requests_total 1\n", more="Content-Encoding: gzip\r\n")),
    "50 MB": floods,
    "trickling body": trickles,
    "slow headers": slow_headers,
    "hangs up": hangs_up,
}


@contextlib.asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[int]:
    """The port on loopback at which *serve* answers."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has had enough
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
