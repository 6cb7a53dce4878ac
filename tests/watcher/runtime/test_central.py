"""What comes of one telling, as a value: taken, refused for now, or refused for good; and no word holds the token."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from rules.sample import Who
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import SECOND, START
from watcher.core.relayed import MOST_TROUBLES, Counted, Fault, Sample, Trouble
from watcher.runtime.central import Accepted, Central, Identity, Refused
from watcher.runtime.untold import Marked

TOKEN = "rbd_sidecar-0123456789abcdef"
KEY = ("checkout", "production")
ME = Identity("task-1", "r_1", {"version": "v43"})
SAMPLE = Sample("slow", START - SECOND * 10, START, (Counted(1, 10, 0.3), Counted(0, 10, 1.0)))
TAKEN = {"new": 1, "known": 0, "late": 0, "unasked": []}


@dataclass
class Far:
    """What it was told, and what it answers."""

    answer: Any = field(default_factory=lambda: TAKEN)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    told: list[Any] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.told.append(await request.json())
        self.tokens.append(request.headers["Authorization"])
        body = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        kind = "text/html" if body.startswith("<") else "application/json"
        return web.Response(status=self.status, text=body, content_type=kind, headers=self.headers)


@contextlib.asynccontextmanager
async def a_central(**answers: Any) -> AsyncIterator[tuple[Far, Central]]:
    far, app = Far(**answers), web.Application()
    app.router.add_post("/v1/samples", far.take)
    async with serving_app(app) as port, http_to_loopback(lambda: START) as http:
        far.url = f"http://127.0.0.1:{port}"
        yield far, Central(far.url, SecretStr(TOKEN), http)


async def told(central: Central) -> Accepted | Refused:
    return await central.tell(KEY, ME, [Marked(SAMPLE, "m" * 16)], {}, START)


async def test_everything_is_told_in_one_request_with_the_token():
    async with a_central() as (far, central):
        trouble = {"errors": Trouble(Fault.UNAVAILABLE, "connection refused", Who.SERVICE)}
        outcome = await central.tell(KEY, ME, [Marked(SAMPLE, "m" * 16)], trouble, START, leaves=True)

    assert outcome == Accepted(new=1, known=0)
    assert far.tokens == [f"Bearer {TOKEN}"]
    assert far.told == [
        {
            "service": "checkout",
            "environment": "production",
            "instance": "task-1",
            "run": "r_1",
            "sent_at": "2026-11-24T12:00:00+00:00",
            "names": {"version": "v43"},
            "samples": [
                {
                    "indicator": "slow",
                    "mark": "m" * 16,
                    "start": "2026-11-24T11:59:50+00:00",
                    "end": "2026-11-24T12:00:00+00:00",
                    "counts": [
                        {"bad": 1, "total": 10, "bound": 0.3},
                        {"bad": 0, "total": 10, "bound": 1.0},
                    ],
                }
            ],
            "troubles": {"errors": {"fault": "unavailable", "who": "service", "words": "connection refused"}},
            "leaves": True,
        }
    ]


@pytest.mark.parametrize(
    ("status", "for_good"),
    [
        *((status, True) for status in (400, 413, 415)),
        *((status, False) for status in (401, 403, 404, 409, 422, 429, 500, 503)),
    ],
)
async def test_only_what_sending_again_would_not_mend_is_refused_for_good(status, for_good):
    async with a_central(status=status) as (_, central):
        outcome = await told(central)

    assert isinstance(outcome, Refused)
    assert outcome.for_good is for_good


async def test_of_very_many_troubles_it_tells_no_more_than_is_taken():
    trouble = Trouble(Fault.UNAVAILABLE, "connection refused", Who.SERVICE)
    async with a_central() as (far, central):
        await central.tell(KEY, ME, [], {f"errors_{each}": trouble for each in range(65)}, START)

    assert len(far.told[0]["troubles"]) == MOST_TROUBLES == 64


async def test_the_central_daemons_own_words_and_remedy_are_passed_on():
    problem = {"type": "urn:rollbackd:clock", "detail": "the clock is 600 s ahead", "remedy": "set the clock"}
    async with a_central(status=422, answer=problem) as (far, central):
        outcome = await told(central)

    assert outcome == Refused(f"{far.url}: HTTP 422: the clock is 600 s ahead (try: set the clock)")


@pytest.mark.parametrize(
    "answer",
    [
        {"type": "https://proxy.example/errors", "detail": f"not with {TOKEN}", "remedy": TOKEN},
        f"not with Bearer {TOKEN}",
        f"<html>{TOKEN}</html>",
    ],
)
async def test_whoever_else_answers_repeats_no_token(answer):
    async with a_central(status=403, answer=answer) as (far, central):
        outcome = await told(central)

    assert isinstance(outcome, Refused)
    assert outcome.words.startswith(f"{far.url}: HTTP 403")
    assert TOKEN not in outcome.words


async def test_it_is_said_when_to_come_again():
    async with a_central(status=503, headers={"Retry-After": "42"}) as (_, central):
        outcome = await told(central)

    assert isinstance(outcome, Refused)
    assert outcome.retry_at == START + timedelta(seconds=42)


@pytest.mark.parametrize("answer", ["<html>welcome</html>", {"ok": True}, "[]"])
async def test_what_answers_and_is_no_rollbackd_has_taken_nothing(answer):
    async with a_central(answer=answer) as (far, central):
        outcome = await told(central)

    assert outcome == Refused(f"{far.url}: what answers there is no rollbackd that takes samples")


async def test_a_redirect_is_not_followed():
    async with a_central(status=307, headers={"Location": "http://127.0.0.1:1/"}) as (far, central):
        outcome = await told(central)

    assert isinstance(outcome, Refused)
    assert len(far.told) == 1
    assert "redirect" in outcome.words


async def test_nobody_there_is_refused_for_now():
    async with http_to_loopback(lambda: START) as http:
        outcome = await told(Central("http://127.0.0.1:1", SecretStr(TOKEN), http))

    assert isinstance(outcome, Refused)
    assert not outcome.for_good
