"""The far side, as a test wants it: says what it is told to say, hangs, breaks off, and counts what arrived."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

from aiohttp import web

from tests.fakes.serve import serving_app
from watcher.aws import AwsRoles, open_aws
from watcher.aws.door import Door
from watcher.aws.modes import USUAL, Modes
from watcher.telemetry.metrics import Metrics

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SHOP = AwsRoles("shop", "eu-central-1")
READER = "arn:aws:iam::111122223333:role/rollbackd-read"
ACTOR = "arn:aws:iam::111122223333:role/rollbackd-act"
BOTH = replace(SHOP, read=READER, act=ACTOR)
MAY_ACT = replace(SHOP, act=ACTOR)
LONG = 60.0  # seconds
OWN = "of-no-account"  # the key in the environment of every test

Answer = Callable[[], Awaitable[web.StreamResponse]]


def says(content: Mapping[str, object]) -> Answer:
    async def answer() -> web.StreamResponse:
        return web.json_response(content, content_type="application/x-amz-json-1.1")

    return answer


def refuses(code: str, status: int = 400, message: str = "no") -> Answer:
    async def answer() -> web.StreamResponse:
        return web.json_response(
            {"__type": code, "message": message}, status=status, content_type="application/x-amz-json-1.1"
        )

    return answer


def sts_refuses(code: str, status: int = 403) -> Answer:
    async def answer() -> web.StreamResponse:
        text = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>not you</Message></Error></ErrorResponse>"
        return web.Response(text=text, status=status, content_type="text/xml")

    return answer


async def hangs() -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


class BreaksOff(Exception):
    """The connection ends, without a word."""


async def breaks_off() -> web.StreamResponse:
    raise BreaksOff


async def talks_nonsense() -> web.StreamResponse:
    return web.Response(body=b"\xff\xfe sorry", status=200)


@dataclass(frozen=True)
class Call:
    operation: str
    key: str
    agent: str
    form: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass
class Far:
    """What arrived, oldest first; and what is said, the last answer again and again."""

    calls: list[Call] = field(default_factory=list)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    dated: datetime = NOON
    sessions: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, calls: int) -> None:
        """So many calls have arrived."""
        async with asyncio.timeout(LONG):
            while len(self.calls) < calls:
                self.arrived.clear()
                await self.arrived.wait()

    def count(self, operation: str) -> int:
        return sum(call.operation == operation for call in self.calls)

    def keys(self, operation: str) -> list[str]:
        return [call.key for call in self.calls if call.operation == operation]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        form = parse_qs(body) if "X-Amz-Target" not in request.headers else {}
        target = request.headers.get("X-Amz-Target", "").rpartition(".")[2] or form["Action"][0]
        key = re.search(r"Credential=([^/]+)/", request.headers.get("Authorization", ""))
        self.calls.append(Call(target, key[1] if key else "", request.headers["User-Agent"], form))
        self.arrived.set()
        answers = self.answers.get(target, [])
        answer = answers.pop(0) if len(answers) > 1 else answers[0] if answers else None
        try:
            response = await (answer or self._usual(target, form))()
        except BreaksOff:
            assert request.transport is not None
            request.transport.close()
            raise
        response.headers["Date"] = format_datetime(self.dated, usegmt=True)
        return response

    def _usual(self, target: str, form: Mapping[str, list[str]]) -> Answer:
        if target != "AssumeRole":
            return says({})

        async def assumed() -> web.StreamResponse:
            self.sessions += 1
            name = form["RoleArn"][0].rpartition("/")[2]
            keys = (
                f"<AccessKeyId>KEYOF{name}{self.sessions}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
                f"<SessionToken>t</SessionToken><Expiration>2026-11-25T13:00:00Z</Expiration>"
            )
            return web.Response(
                text=f"<AssumeRoleResponse><AssumeRoleResult><Credentials>{keys}</Credentials></AssumeRoleResult></AssumeRoleResponse>",
                content_type="text/xml",
            )

        return assumed


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **how: float) -> None:
        self.now += timedelta(**how)


def patient() -> Modes:
    """As usual, but for the time: who answers is in time on whatever machine."""
    return hurried(answer=LONG)


def hurried(modes: Modes = USUAL, **all_of_them: float) -> Modes:
    """As *modes*, in a hurry: so that a test of hanging is over soon. No answer is in time for sure."""
    how = {"connect": LONG, "answer": 0.5, "whole": LONG} | all_of_them
    return Modes(*(replace(mode, **how) for mode in (modes.read, modes.act, modes.poll, modes.assume)))  # type: ignore[arg-type]


@dataclass
class Near:
    """Our side of it.

    Attributes:
        endpoint: Where the far side is.
    """

    door: Door
    metrics: Metrics
    clock: Clock
    endpoint: str

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"rollbackd_{name}", labels) or 0.0


@contextlib.asynccontextmanager
async def a_far_side(
    roles: AwsRoles = SHOP, *, modes: Modes | None = None, **answers: Answer | list[Answer]
) -> AsyncIterator[tuple[Far, Near]]:
    """Both sides. Answers are given by operation, as AWS spells it."""
    far = Far(
        answers={name: list(each) if isinstance(each, list) else [each] for name, each in answers.items()}
    )
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", far.handle)
    metrics, clock = Metrics(), Clock()
    async with (
        serving_app(app) as port,
        open_aws(
            {roles.name: roles}, metrics, clock, endpoint=f"http://127.0.0.1:{port}", modes=modes or patient()
        ) as door,
    ):
        assert isinstance(door, Door)
        yield far, Near(door, metrics, clock, f"http://127.0.0.1:{port}")
