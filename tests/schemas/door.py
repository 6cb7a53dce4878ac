"""Where fakes are listened to: at a server of aiohttp, and at a line without sockets."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from tests.schemas.book import Book
from tests.schemas.exchange import Exchange


def served(
    book: Book,
    request: web.Request,
    body: bytes,
    response: web.StreamResponse,
    below: Sequence[str] = ("/",),
) -> None:
    """One exchange over a server. Paths begin with one of *below*; what stands before it is the server's own."""
    path = request.raw_path
    path = next((path[path.index(each) :] for each in below if each in path), path)
    answer = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    heard(book, f"{request.method} {path}", body, response.status, response.content_type, answer)


def heard(book: Book, asked: str, body: bytes, status: int, kind: str, answer: bytes) -> None:
    """One exchange: *asked* is a method and an address, from its path on."""
    method, _, address = asked.partition(" ")
    parts = urlsplit(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    book.hear(Exchange(f"{method} {parts.path}", query, body, status, kind, answer))
