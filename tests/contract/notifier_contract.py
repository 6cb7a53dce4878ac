"""What every notifier must do, written once; a member says how it is configured, and how its system answers.

A member is a class that begins with ``Test`` and inherits `NotifierContract`. See ``test_notifiers.py``.
"""

import asyncio
import contextlib
import email.utils
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from aiohttp import web
from pydantic import BaseModel

from tests.fakes.faults import FAULTS, serving
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START
from watcher.core.watch import Button, Message, Notice, OrderKind, Tone
from watcher.notify.notifier import Later, Never, Notifier, Opening, Told
from watcher.notify.registry import NOTIFIERS

LATER_MET = (
    "no answer",
    "500",
    "429",
    "not http",
    "cut short",
    "cut chunk",
    "50 MB",
    "trickling body",
    "slow headers",
    "hangs up",
)


def a_message(**changes: Any) -> Message:
    notice = Notice(
        headline="checkout production: 7.1 % errors, rolling back to v1",
        lines=("errors: 7.1 % against 0.4 %", "since 12:03"),
        buttons=(Button("Hold", OrderKind.HOLD, lasting=timedelta(minutes=30)),),
        tone=Tone.ALARM,
        event="watch.breached",
        watch="w_1",
        service="checkout",
        environment="production",
        at=START,
        facts={"from": "v1", "to": "v2"},
    )
    return Message(**{"id": "w_1.3.0", "kind": "append", "channel": "ops:C0", "notice": notice, **changes})


@dataclass
class Received:
    """One request that the system got."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Spoken:
    """A notifier, and what its system got."""

    notifier: Notifier
    received: list[Received] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)


class NotifierContract:
    """The contract."""

    kind: ClassVar[str]
    narrowing: ClassVar[str] = "C0"  # what stands after the connection's name
    looks_at_answers: ClassVar[bool] = True  # otherwise any answer of 2xx is "told"
    # How long it may wait where the far end says 42 s, as a date by a clock of its own.
    waits: ClassVar[frozenset[timedelta]] = frozenset({timedelta(seconds=42)})

    def settings(self, base: str, secret: str) -> BaseModel:
        """The settings of a connection to the system at *base*."""
        raise NotImplementedError

    def delivery(self, received: Received) -> str:
        """The id under which the system can see that it has a message already."""
        raise NotImplementedError

    def says(self, received: Received) -> str:
        """What a person reads."""
        raise NotImplementedError

    def message(self, **changes: Any) -> Message:
        """Something that the system is told of."""
        return a_message(**changes)

    def written(self, text: str) -> str:
        """What stands after the connection's name, where somebody wrote *text*."""
        return text

    def overheard(self, received: Received) -> str:
        """What the headers of a request say, without the one that is there to carry the secret."""
        return repr(received.headers)

    @contextlib.asynccontextmanager
    async def opened(self, base: str, secret: str) -> AsyncIterator[Notifier]:
        async with http_to_loopback(lambda: START) as http:
            settings = self.settings(base, secret)
            async with NOTIFIERS[self.kind].open(settings, Opening(http, lambda: START)) as notifier:
                yield notifier

    @contextlib.asynccontextmanager
    async def telling(self, secret: str = "0123456789abcdef") -> AsyncIterator[Spoken]:
        holder: list[Spoken] = []

        async def handle(request: web.Request) -> web.Response:
            told = holder[0]
            told.received.append(Received(dict(request.headers), await request.read()))
            status, headers = told.answers.pop(0) if told.answers else (200, {})
            return web.Response(status=status, headers=headers)

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", handle)
        async with serving_app(app) as port, self.opened(f"http://127.0.0.1:{port}", secret) as notifier:
            holder.append(Spoken(notifier))
            yield holder[0]

    async def test_people_read_the_headline(self):
        async with self.telling() as told:
            telling = await told.notifier.tell(self.message(), self.narrowing, None)

            assert isinstance(telling, Told)
            assert self.message().notice.headline in self.says(told.received[0])

    async def test_what_is_told_again_carries_the_same_id(self):
        async with self.telling() as told:
            for _ in range(2):
                await told.notifier.tell(self.message(), self.narrowing, None)
            await told.notifier.tell(self.message(id="w_1.4.0"), self.narrowing, None)

            first, again, other = map(self.delivery, told.received)
            assert first == again != other

    async def test_a_message_is_sent_once_a_call_and_never_again_by_itself(self):
        async with self.telling() as told:
            told.answers = [(500, {})]
            await told.notifier.tell(self.message(), self.narrowing, None)

            assert len(told.received) == 1

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
    async def test_what_may_be_taken_later_is_told_later(self, status: int):
        async with self.telling() as told:
            told.answers = [(status, {})]
            telling = await told.notifier.tell(self.message(), self.narrowing, None)

            assert isinstance(telling, Later)
            assert telling.after > timedelta(0)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422, 302])
    async def test_what_will_not_be_taken_is_never_told(self, status: int):
        async with self.telling() as told:
            told.answers = [(status, {"Location": "http://169.254.169.254/"})]

            assert isinstance(await told.notifier.tell(self.message(), self.narrowing, None), Never)

    async def test_a_system_that_says_when_is_asked_then(self):
        async with self.telling() as told:
            told.answers = [(429, {"Retry-After": "42"})]

            assert await told.notifier.tell(self.message(), self.narrowing, None) == Later(
                timedelta(seconds=42), told_words(told)
            )

    @pytest.mark.parametrize("fault", LATER_MET)
    async def test_a_system_that_is_ill_is_told_later_and_in_time(self, fault: str):
        began = asyncio.get_running_loop().time()
        async with (
            serving(FAULTS[fault]) as port,
            self.opened(f"http://127.0.0.1:{port}", "0123456789abcdef") as notifier,
        ):
            telling = await notifier.tell(self.message(), self.narrowing, None)

        assert isinstance(telling, Later)
        assert asyncio.get_running_loop().time() - began < 3

    @pytest.mark.parametrize("page", ["html", "html as text"])
    async def test_a_page_with_status_200_is_not_taken_for_its_answer(self, page: str):
        """A proxy's, to log in: what it took nobody was told."""
        async with (
            serving(FAULTS[page]) as port,
            self.opened(f"http://127.0.0.1:{port}", "0123456789abcdef") as notifier,
        ):
            telling = await notifier.tell(self.message(), self.narrowing, None)

        if self.looks_at_answers:
            assert isinstance(telling, Later)
            assert "<" not in telling.words
            assert telling.words
        else:
            assert isinstance(telling, Told)

    async def test_with_a_key_that_expired_it_tells_nobody_says_so_and_tells_again_once_that_is_mended(self):
        async with self.telling() as told:
            told.answers = [(401, {})]
            refused = await told.notifier.tell(self.message(), self.narrowing, None)
            tried = len(told.received)
            again = await told.notifier.tell(self.message(), self.narrowing, None)

            assert isinstance(refused, Later | Never)
            assert refused.words
            assert isinstance(again, Told)
            assert len(told.received) > tried

    @pytest.mark.parametrize("ahead", [10, -10])
    async def test_a_far_clock_that_is_ten_minutes_off_changes_no_wait(self, ahead: int):
        """When to come again is told by the far end's clock, which stands beside it."""
        there = START + timedelta(minutes=ahead)
        async with self.telling() as told:
            told.answers = [
                (429, {"Date": _http_date(there), "Retry-After": _http_date(there + timedelta(seconds=42))})
            ]
            telling = await told.notifier.tell(self.message(), self.narrowing, None)

            assert isinstance(telling, Later)
            assert telling.after in self.waits
            assert isinstance(await told.notifier.tell(self.message(), self.narrowing, None), Told)

    async def test_a_message_that_is_cancelled_leaves_nothing_behind_and_is_in_the_way_of_no_other(self):
        before = asyncio.all_tasks()
        asked = asyncio.Event()

        async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            first = not asked.is_set()
            asked.set()
            await FAULTS["no answer" if first else "500"](reader, writer)

        async with (
            serving(hangs) as port,
            self.opened(f"http://127.0.0.1:{port}", "0123456789abcdef") as notifier,
        ):
            telling = asyncio.ensure_future(notifier.tell(self.message(), self.narrowing, None))
            async with asyncio.timeout(30):
                await asked.wait()
            telling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await telling
            again = await notifier.tell(self.message(), self.narrowing, None)

            assert isinstance(again, Later)
            assert "500" in again.words
        assert asyncio.all_tasks() == before

    async def test_a_system_that_is_down_is_told_later(self):
        async with self.opened("http://127.0.0.1:1", "0123456789abcdef") as notifier:
            assert isinstance(await notifier.tell(self.message(), self.narrowing, None), Later)

    async def test_an_address_that_is_not_allowed_is_never_told(self):
        async with self.opened("http://169.254.169.254", "0123456789abcdef") as notifier:
            assert isinstance(await notifier.tell(self.message(), self.narrowing, None), Never)

    @pytest.mark.parametrize(
        "text", ["<script>", "@channel <!here>", "a\r\nX-Evil: 1", "\ud800", "ß 漢 🚀", "\x1b[31m", '"}{']
    )
    async def test_whatever_people_write_arrives_as_text(self, text: str):
        async with self.telling() as told:
            notice = Notice(headline=text, lines=(text,), service=text, facts={text: text})
            telling = await told.notifier.tell(self.message(notice=notice), self.written(text), None)

            assert isinstance(telling, Told)
            assert "X-Evil" not in told.received[0].headers

    async def test_no_secret_leaves_in_a_message_an_error_or_a_picture_of_the_settings(
        self, caplog: pytest.LogCaptureFixture
    ):
        secret = secrets.token_hex(16)
        seen = [
            repr(self.settings("http://127.0.0.1:1", secret)),
            str(self.settings("http://127.0.0.1:1", secret)),
        ]
        async with self.telling(secret) as told:
            seen += [repr(told.notifier)]
            for status in (200, 400, 401, 429, 500):
                told.answers = [(status, {"X-Echo": "1"})]
                seen.append(repr(await told.notifier.tell(self.message(), self.narrowing, None)))
            seen += [received.body.decode() for received in told.received]
            seen += [self.overheard(received) for received in told.received]
        async with self.opened("http://127.0.0.1:1", secret) as notifier:
            seen.append(repr(await notifier.tell(self.message(), self.narrowing, None)))

        assert secret not in "\n".join([*seen, caplog.text])


def _http_date(at: datetime) -> str:
    return email.utils.format_datetime(at, usegmt=True)


def told_words(told: Spoken) -> str:
    """What the notifier says of the last refusal."""
    return f"http://{told.received[-1].headers['Host']}: HTTP 429"
