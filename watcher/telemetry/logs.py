"""Log events on their way out: JSON, one line each, written by a thread, so that nobody ever waits for a reader.

The collector behind stdout may stall; a ``print`` would then stop the event loop, and leases would run out. So lines go
into a queue that is bounded, and what does not fit is dropped and counted. An event that comes in floods is thinned out:
the next line of it that is written says how many were not.

Nothing in a line can forge another: control characters and everything beyond ASCII are escaped. Secrets are taken out
last, by `Redactor`. What libraries log through ``logging`` goes the same way.
"""

import contextlib
import json
import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

MOST_WAITING = 10_000  # lines; some ten MB at most, as texts are cut
LAST_WORDS = 2.0  # seconds for what is still queued at the end
BURST = 100  # lines of one event at once, and
RATE = 20.0  # a second after that
MOST_EVENTS = 1_000  # names of events whose rate is watched; ours are about a hundred
Level = Literal["debug", "info", "warning", "error"]
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class Writer:
    """Writes lines to a file descriptor from a thread of its own; `put` never blocks."""

    def __init__(self, fd: int, dropped: Callable[[], None]) -> None:
        self._fd = fd
        self._dropped = dropped
        self._lines: deque[bytes] = deque()
        self._wakes = threading.Condition()
        self._closing = False
        # A daemon thread: one that hangs in a write must not keep the process.
        self._thread = threading.Thread(target=self._write_all, name="log-writer", daemon=True)
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Have *line* written soon, or count it as dropped."""
        with self._wakes:
            if len(self._lines) >= MOST_WAITING or self._closing:
                self._dropped()
                return
            self._lines.append(line)
            self._wakes.notify()

    def close(self) -> None:
        """Write what is queued, for at most two seconds."""
        with self._wakes:
            self._closing = True
            self._wakes.notify()
        self._thread.join(LAST_WORDS)

    def _write_all(self) -> None:
        while True:
            with self._wakes:
                while not self._lines and not self._closing:
                    self._wakes.wait()
                if not self._lines:
                    return
                batch = b"".join(self._lines.popleft() for _ in range(min(len(self._lines), 100)))
            self._write(batch)

    def _write(self, batch: bytes) -> None:
        while batch:
            try:
                batch = batch[os.write(self._fd, batch) :]
            except OSError:  # nobody reads any more: there is no place left to say so
                self._dropped()
                return


@dataclass
class Thinning:
    """A bucket of tokens for each event and level."""

    monotonic: Callable[[], float]
    dropped: Callable[[], None]
    buckets: dict[tuple[str, str], tuple[float, float, int]] = field(default_factory=dict)

    def __call__(self, _logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """*event*, with how many like it were left out before; or nothing."""
        if len(self.buckets) > MOST_EVENTS:
            self.buckets.clear()
        key, now = (str(event.get("event"))[:100], method), self.monotonic()
        tokens, at, left_out = self.buckets.get(key, (float(BURST), now, 0))
        tokens = min(float(BURST), tokens + (now - at) * RATE)
        if tokens < 1:
            self.buckets[key] = tokens, now, left_out + 1
            self.dropped()
            raise structlog.DropEvent
        self.buckets[key] = tokens - 1, now, 0
        return {**event, "left_out": left_out} if left_out else event


@dataclass(frozen=True, slots=True)
class Logging:
    """How the daemon logs.

    Attributes:
        fd: Where the lines go.
        pretty: For a person at a terminal, instead of JSON.
    """

    level: Level = "info"
    fd: int = 1
    pretty: bool = False


@contextlib.contextmanager
def logging_to(
    how: Logging, redactor: Redactor, metrics: Metrics, monotonic: Callable[[], float]
) -> Iterator[Writer]:
    """Send everything that is logged in this process to one place, until the context ends."""
    writer = Writer(how.fd, metrics.log_dropped.labels("queue").inc)
    shared = _shared(redactor, Thinning(monotonic, metrics.log_dropped.labels("rate").inc))
    structlog.configure(
        processors=[*shared, _renderer(pretty=how.pretty)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[how.level]),
        logger_factory=lambda *_: _Sink(writer),
        cache_logger_on_first_use=False,  # module loggers outlive a configuration: in tests there are several
    )
    handler = _Handler(how.level)
    with _routed(handler):
        try:
            yield writer
        finally:
            structlog.reset_defaults()
            writer.close()


def _shared(redactor: Redactor, thinning: Thinning) -> list[Processor]:
    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        cleaned: EventDict = redactor.clean(event)
        return cleaned

    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        thinning,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=30)
        ),
        redact,
    ]


class _Sink:
    """What structlog calls with a rendered line."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def msg(self, line: str) -> None:
        self._writer.put(line.encode("ascii", "backslashreplace") + b"\n")

    debug = info = warning = error = critical = exception = log = fatal = warn = failure = msg


def _renderer(*, pretty: bool) -> Processor:
    return _for_people if pretty else _json


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    ordered = {key: event.pop(key) for key in ("at", "level", "event") if key in event}
    return json.dumps({**ordered, **event}, default=str)


_COLOURS = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}


def _for_people(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """``12:00:01 watch.judged  watch=w_1 state=watching``; nothing of the values reaches the terminal as a command."""
    at, level, name = (_plain(str(event.pop(key, ""))) for key in ("at", "level", "event"))
    facts = " ".join(
        f"{_plain(key)}={_plain(_brief(value))}" for key, value in event.items() if key != "exception"
    )
    colour = _COLOURS.get(level, "")
    line = f"{at[11:19]} {colour}{name}{chr(27) + '[0m' if colour else ''}  {facts}"
    return line + "".join(f"\n    {_plain(words)}" for words in _traced(event.get("exception")))


def _brief(value: Any) -> str:
    return value if isinstance(value, str) and " " not in value else json.dumps(value, default=str)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _traced(exception: Any) -> Iterator[str]:
    for each in exception if isinstance(exception, list) else ():
        yield f"{each.get('exc_type')}: {each.get('exc_value')}"
        for frame in each.get("frames", ())[-8:]:
            yield f"  {frame.get('filename')}:{frame.get('lineno')} {frame.get('name')}"


class _Handler(logging.Handler):
    """Takes what libraries log, and says it as an event of ours."""

    def __init__(self, level: Level) -> None:
        super().__init__(max(LEVELS[level], logging.INFO))

    def emit(self, record: logging.LogRecord) -> None:
        """One record; what cannot be formatted is said by its name alone."""
        try:
            words = record.getMessage()
        except Exception:  # noqa: BLE001 - the arguments of a stranger do not fit his format
            words = str(record.msg)
        method = logging.getLevelName(min(record.levelno // 10 * 10, logging.ERROR)).lower()
        logger = structlog.get_logger()
        getattr(logger, method, logger.info)(
            "library.said", library=record.name, words=words, exc_info=record.exc_info or None
        )


@contextlib.contextmanager
def _routed(handler: logging.Handler) -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers, root.level = [handler], handler.level
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.handlers, root.level = before, level


def on_a_terminal() -> bool:
    """Stdout is read by a person."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
