"""Bugs, reported to a Sentry that the test is: what arrives there, and what must not."""

import asyncio
import contextlib
import json
import logging
import secrets
import sys
import urllib.request
from collections.abc import Callable
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from tests.fakes.serve import serving_app
from watcher import clock
from watcher.telemetry.crashes import MOST_A_MINUTE, Report, Scrubber, crashes
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor


async def arrived(
    act: Callable[[Report, int], None], *known: str, metrics: Metrics | None = None
) -> tuple[str, list[Any]]:
    """Everything that Sentry received, as text, and the events in it."""
    received: list[bytes] = []

    async def envelope(request: web.Request) -> web.Response:
        received.append(await request.read())
        return web.json_response({"id": "1"})

    app = web.Application(client_max_size=10**8)
    app.router.add_post("/api/1/envelope/", envelope)

    def run(port: int) -> None:
        scrubber = Scrubber(Redactor(known), clock.monotonic, metrics or Metrics())
        with crashes(
            SecretStr(f"http://{DSN_KEY}@127.0.0.1:{port}/1"), "rollbackd@1", "test", scrubber
        ) as report:
            act(report, port)

    async with serving_app(app) as port:
        await asyncio.to_thread(run, port)
    text = b"\n".join(received).decode()
    lines = [
        json.loads(line) for line in text.splitlines() if line.startswith('{"') and '"exception"' in line
    ]
    return text, lines


DSN_KEY = secrets.token_hex(16)


def fail(error: type[Exception], words: str) -> None:
    raise error(words)


class Vendor(Exception):
    """What a library raises, with everything in its message."""


async def test_seven_planted_secrets_stay_here():
    planted = {
        name: secrets.token_hex(16)
        for name in ("bearer", "body", "signature", "token", "query", "password", "value")
    }

    def act(report: Report, port: int) -> None:
        token, body = planted["token"], {"payload": planted["body"]}
        logging.getLogger("x").warning("calling with Authorization: Bearer %s", planted["bearer"])
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/a?token={planted['query']}",
            headers={"X-Signature": planted["signature"]},
        )
        with contextlib.suppress(OSError):
            urllib.request.urlopen(request).close()  # noqa: S310 - our own
        try:
            try:
                fail(Vendor, f"postgresql://u:{planted['password']}@db refused {planted['value']}")
            except Vendor as error:
                raise LookupError(
                    f"signature={planted['signature']} len {len(token + body['payload'])}"
                ) from error
        except LookupError as error:
            report(error)

    text, events = await arrived(act, planted["value"])

    assert [value["type"] for value in events[0]["exception"]["values"]] == ["Vendor", "LookupError"]
    assert {name for name, secret in planted.items() if secret in text} == set()
    assert DSN_KEY not in json.dumps(events)
    assert events[0]["release"] == "rollbackd@1"
    assert sys.argv[0] not in text


async def test_a_bug_that_comes_in_floods_is_reported_twenty_times_a_minute():
    metrics = Metrics()

    def act(report: Report, _: int) -> None:
        for number in range(50):
            try:
                fail(LookupError, str(number))
            except LookupError as error:
                report(error)

    _, events = await arrived(act, metrics=metrics)

    assert len(events) == MOST_A_MINUTE
    assert metrics.crashes.labels("dropped")._value.get() == 50 - MOST_A_MINUTE


def test_without_a_dsn_nothing_is_sent_and_nothing_is_imported():
    scrubber = Scrubber(Redactor(), clock.monotonic, Metrics())
    with crashes(None, "rollbackd@1", "test", scrubber) as report:
        assert report(LookupError("gone")) is None


def test_a_request_is_its_method_and_its_path():
    scrubber = Scrubber(Redactor(), clock.monotonic, Metrics())
    request = {
        "method": "POST",
        "url": "https://u:p@host/a/b?c=d#e",
        "headers": {"A": "b"},
        "data": "secret",
        "cookies": {},
    }

    event = scrubber.event({"request": request, "extra": {"sys.argv": ["x"]}}, None)

    assert event == {"request": {"method": "POST", "url": "https://host/a/b"}}


def test_a_minute_later_the_same_bug_is_reported_again():
    now = [0.0]
    scrubber = Scrubber(Redactor(), lambda: now[0], Metrics())
    for _ in range(MOST_A_MINUTE):
        assert scrubber.event({}, None) is not None
    assert scrubber.event({}, None) is None

    now[0] = 61.0
    assert scrubber.event({}, None) is not None


def test_a_breadcrumb_loses_its_query():
    scrubber = Scrubber(Redactor(), clock.monotonic, Metrics())

    crumb = scrubber.breadcrumb(
        {"data": {"url": "http://[bad/?a=b", "http.query": "a=b", "method": "GET", "n": 1}}, None
    )

    assert crumb == {"data": {"url": "://", "method": "GET", "n": 1}}
