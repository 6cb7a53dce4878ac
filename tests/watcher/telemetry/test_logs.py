"""Log events on their way out."""

import contextlib
import json
import logging
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from tests.effort import counted
from watcher import clock
from watcher.telemetry import logs
from watcher.telemetry.logs import Logging, Thinning, Writer, logging_to
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor


@contextlib.contextmanager
def captured(
    redactor: Redactor | None = None, metrics: Metrics | None = None, **how: Any
) -> Iterator[list[str]]:
    """The lines that were written, once the context has ended."""
    lines: list[str] = []
    with tempfile.TemporaryFile() as file:
        how["fd"] = file.fileno()
        with logging_to(Logging(**how), redactor or Redactor(), metrics or Metrics(), clock.monotonic):
            yield lines
        file.seek(0)
        lines += file.read().decode("ascii").split("\n")[:-1]


def fail(words: str = "gone") -> None:
    raise LookupError(words)


def test_an_event_is_one_line_of_json_with_the_subject_first():
    with captured() as lines:
        structlog.get_logger().info("watch.judged", watch="w_1", state="watching")

    event = json.loads(lines[0])
    assert list(event) == ["at", "level", "event", "watch", "state"]
    assert event["event"] == "watch.judged"
    assert event["at"].endswith("Z")


@pytest.mark.parametrize("text", ["a\nb", "a\r\n{}", "\x1b[31mred", "a\u2028b", "\x00\x7f", "\ud800", "🚀"])
@pytest.mark.parametrize("pretty", [False, True])
def test_nothing_in_a_line_can_forge_another(text, pretty):
    with captured(pretty=pretty) as lines:
        structlog.get_logger().warning("a.b", words=text, **{text: 1})

    assert len(lines) == 1
    assert lines[0].replace("\x1b[33m", "").replace("\x1b[0m", "").isprintable()


def test_a_secret_is_in_no_line():
    secret, other = secrets.token_hex(10), secrets.token_hex(10)
    with captured(Redactor([secret])) as lines:
        log = structlog.get_logger()
        log.info("a.b", words=f"it is {secret}", nested={"x": [secret]}, token=other, **{secret: 1})
        try:
            fail(f"no {secret}, password={other}")
        except LookupError:
            log.exception("a.failed")
        logging.getLogger("library").error("connecting to %s", f"https://user:{other}@host/?{secret}")

    assert len(lines) == 3
    assert secret not in "".join(lines)
    assert other not in "".join(lines)


def test_an_exception_is_told_with_its_frames_and_without_its_variables():
    with captured() as lines:
        hidden = secrets.token_hex(8)
        try:
            fail()
        except LookupError:
            structlog.get_logger().exception("look.failed", who=len(hidden))

    event = json.loads(lines[0])
    assert event["exception"][0]["exc_type"] == "LookupError"
    assert event["exception"][0]["frames"][-1]["name"] == "fail"
    assert hidden not in lines[0]


def test_what_libraries_log_goes_the_same_way():
    with captured() as lines:
        logging.getLogger("aiohttp").warning("odd %s", "thing")
        logging.getLogger("aiohttp").debug("noise")
        logging.getLogger("aiohttp").error("broken %s %s", "one")  # noqa: PLE1206 - this is the fault

    events = [json.loads(line) for line in lines]
    assert [(event["event"], event["level"]) for event in events[:2]] == [
        ("library.said", "warning"),
        ("library.said", "error"),
    ]
    assert events[0]["words"] == "odd thing"
    assert events[0]["library"] == "aiohttp"
    assert events[1]["words"] == "broken %s %s"


def test_levels_below_the_one_that_is_asked_for_are_not_written():
    with captured(level="warning") as lines:
        structlog.get_logger().info("a.b")
        structlog.get_logger().warning("a.c")

    assert [json.loads(line)["event"] for line in lines] == ["a.c"]


def test_a_person_reads_lines_of_words():
    with captured(pretty=True) as lines:
        structlog.get_logger().info("watch.judged", watch="w_1", words="two words")
        try:
            fail()
        except LookupError:
            structlog.get_logger().exception("look.failed")

    assert lines[0].endswith(' watch.judged  watch=w_1 words="two words"')
    assert any("LookupError: gone" in line for line in lines)


def test_a_flood_of_one_event_is_thinned_and_the_others_get_through():
    metrics = Metrics()
    with captured(metrics=metrics) as lines:
        log = structlog.get_logger()
        for number in range(5000):
            log.info("flood.came", number=number)
        log.info("other.came")

    events = [json.loads(line)["event"] for line in lines]
    assert 100 <= events.count("flood.came") < 300
    assert events.count("other.came") == 1
    assert metrics.log_dropped.labels("rate")._value.get() == 5000 - events.count("flood.came")


def test_the_next_line_after_a_flood_says_how_many_were_left_out():
    now = [0.0]
    thinning = Thinning(lambda: now[0], lambda: None)
    for _ in range(150):
        with contextlib.suppress(structlog.DropEvent):
            thinning(None, "info", {"event": "flood.came"})

    now[0] = 1.0
    assert thinning(None, "info", {"event": "flood.came"})["left_out"] == 50
    assert "left_out" not in thinning(None, "info", {"event": "flood.came"})


def test_names_of_events_without_end_take_no_memory_without_end():
    thinning = Thinning(lambda: 0.0, lambda: None)
    for number in range(5 * logs.MOST_EVENTS):
        thinning(None, "info", {"event": f"e{number}"})

    assert len(thinning.buckets) <= logs.MOST_EVENTS + 1


def test_a_reader_that_stalls_does_not_stall_who_writes():
    metrics = Metrics()
    reading, writing = os.pipe()  # nobody reads
    writer = Writer(writing, metrics.log_dropped.labels("queue").inc)

    def write() -> None:
        for _ in range(40_000):
            writer.put(b"x" * 500 + b"\n")
        writer.close()

    ours = threading.Thread(target=write, daemon=True)
    ours.start()
    ours.join(60)
    stalls = ours.is_alive()
    os.close(reading)

    assert not stalls
    assert metrics.log_dropped.labels("queue")._value.get() > 20_000
    writer._thread.join(30)  # the pipe has no reader any more, and the thread ends
    assert not writer._thread.is_alive()
    os.close(writing)


def test_a_reader_that_is_gone_ends_nothing():
    dropped = []
    reading, writing = os.pipe()
    os.close(reading)
    writer = Writer(writing, lambda: dropped.append(1))
    writer.put(b"into the void\n")
    writer.close()
    os.close(writing)

    assert dropped
    writer.put(b"too late\n")
    assert len(dropped) == 2


def test_what_is_queued_at_the_end_is_still_written():
    reading, writing = os.pipe()
    writer = Writer(writing, lambda: None)
    for number in range(1000):
        writer.put(b"%d\n" % number)
    writer.close()
    os.close(writing)

    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read().split() == [b"%d" % number for number in range(1000)]


def test_afterwards_logging_is_as_it_was_before():
    before = logging.getLogger().handlers[:]
    with captured():
        assert logging.getLogger().handlers != before

    assert logging.getLogger().handlers == before


def test_an_event_costs_little():
    with captured() as lines:
        log, names = structlog.get_logger(), [f"event.e{number}" for number in range(1000)]
        with counted() as effort:
            for number in range(1000):
                log.info(names[number], watch="w_1", number=number)

    assert len(lines) == 1000
    assert effort.calls < 200 * 1000  # it takes 72 each
