"""A tap before an emulator of AWS: what goes through is written down, and what is to go wrong goes wrong there.

Emulators have no faults and keep no list of their calls. The tap does what is done to a call on its way, and never changes what is said.
"""

import re
import socket
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

from werkzeug.serving import WSGIRequestHandler, make_server

MOST = 1_000_000  # bytes of a request

App = Callable[..., Iterable[bytes]]  # of WSGI


_NAMED = {
    r"^PUT .*/aliases/[^/]+$": "UpdateAlias",
    r"^POST .*/deployments$": "StartDeployment",
    r"^DELETE .*/deployments/[^/]+$": "StopDeployment",
}


@dataclass(frozen=True, slots=True)
class Passed:
    """A call that the emulator was given.

    Attributes:
        operation: As `operation_of` calls it.
        body: As it was sent.
        status: Of the answer.
    """

    operation: str
    body: bytes
    status: int


@dataclass
class Tap:
    """Whoever calls the emulator through it.

    Attributes:
        passed: The calls, in order; without those that were not let through.
        down: None is let through, and the answer is a 503.
        refused: By operation, what it is answered instead: status, headers, body.
        lost: Operations that are done, and whose answers nobody gets.
        hanging: By whether an operation does, it is not answered before `closed`.
        meanwhile: By operation, what another hand does just before the emulator is given it; once.
    """

    inner: App
    passed: list[Passed] = field(default_factory=list)
    down: bool = False
    refused: dict[str, tuple[str, list[tuple[str, str]], bytes]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    hanging: Callable[[str], bool] = lambda _operation: False
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)
    closed: threading.Event = field(default_factory=threading.Event)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """One call, as WSGI makes it."""
        body = environ["wsgi.input"].read(min(int(environ.get("CONTENT_LENGTH") or 0), MOST))
        environ["wsgi.input"] = BytesIO(body)
        operation = operation_of(environ, body)
        if operation == "AssumeRole":
            return self.inner(environ, start)
        if self.down:
            start("503 Service Unavailable", [])
            return [b""]
        if operation in self.refused:
            status, headers, words = self.refused[operation]
            start(status, headers)
            return [words]
        if operation in self.meanwhile:
            self.meanwhile.pop(operation)()
        answered: list[int] = []

        def noted(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            answered.append(int(status.split(maxsplit=1)[0]))
            return start(status, headers, *more)

        told = b"".join(self.inner(environ, noted))
        self.passed.append(Passed(operation, body, answered[-1]))
        if self.hanging(operation):
            self.closed.wait(30)
        if operation in self.lost or self.hanging(operation):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return [told]

    def done(self, operations: Collection[str]) -> list[bytes]:
        """The bodies of those of *operations* that were done, in order."""
        return [each.body for each in self.passed if each.operation in operations and each.status < 300]


def operation_of(environ: Mapping[str, Any], body: bytes) -> str:
    """What is called: the ``Action`` of the query protocol; the name of what moves; else method and path."""
    if environ["REQUEST_METHOD"] == "POST" and b"Action=" in body:
        return parse_qs(body.decode())["Action"][0]
    called = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    return next((name for pattern, name in _NAMED.items() if re.search(pattern, called)), called)


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any) -> None:
        """Not a line for each call."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Nor of what is cut off on purpose."""


@contextmanager
def tapped(app: App) -> Iterator[tuple[str, Tap]]:
    """A server of *app*, and the tap before it. Its state may be the process's: names in it are to be one's own."""
    tap = Tap(app)
    server = make_server("127.0.0.1", 0, tap, threaded=True, request_handler=_Quiet)
    running = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    running.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", tap
    finally:
        tap.closed.set()
        server.shutdown()
        server.server_close()
        running.join(10)
