"""A run of a suite: what is carried, what is bad and in which step, and what nobody may read."""

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import structlog
from aiohttp import web
from pydantic import SecretStr

from rules.sample import Invalid, Unavailable, Who
from tests.fakes.faults import never, serving
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.till import Till, suite
from tests.fakes.world import START, Happened, World
from tests.waiting import passes
from watcher.http import Answer, Http
from watcher.signals.probe.check import Probed, Reason, Seen
from watcher.signals.steps.carry import NothingToCarry, from_json, hushed
from watcher.signals.steps.query import Query, Settings
from watcher.signals.steps.run import Suite

SECRET = "open sesame"


@dataclass
class Shop:
    """A shop that runs `v2`, and suites that run there."""

    base: str
    till: Till
    http: Http
    failures: Counter[Reason] = field(default_factory=Counter)

    async def run(self, query: dict[str, Any], **secrets: str) -> Seen:
        settings = None
        if secrets:
            held = {name: SecretStr(value) for name, value in secrets.items()}
            settings = Settings(secrets=held, to=[self.base])
        return await self.suite(query, settings).look(START)

    def suite(self, query: dict[str, Any], settings: Settings | None = None) -> Suite:
        read = Query.model_validate({"url": self.base, **query})
        return Suite(read.addresses[0], read, settings, self.http, self.count)

    def count(self, reason: Reason) -> None:
        self.failures[reason] += 1


@contextlib.asynccontextmanager
async def a_shop(status: int = 200) -> AsyncIterator[Shop]:
    till = Till(World(), speaks=lambda: Happened(START, "v2", status, 0.1))
    async with serving_app(till.app()) as port, http_to_loopback(lambda: START) as http:
        yield Shop(f"http://127.0.0.1:{port}", till, http)


def ordering(base: str, **changes: Any) -> dict[str, Any]:
    """The suite, with *changes* of the step that they name."""
    query: dict[str, Any] = suite(base)
    for step in query["steps"]:
        step.update(changes.get(step["name"], {}))
    return query


async def test_what_one_step_gives_the_next_ones_send():
    async with a_shop() as shop:
        seen = await shop.run(ordering(shop.base))

        assert seen == Probed(None, version="v2", answered=True)
        assert shop.till.asked == ["GET /", "POST /login", "POST /orders", "GET /orders/1"]
        assert shop.till.orders == {"1": {"thing": "book", "by": 7}}  # a number is carried as a number


async def test_each_run_begins_without_the_cookies_of_the_last():
    async with a_shop() as shop:
        again = shop.suite(ordering(shop.base))
        await again.look(START)
        await again.look(START)

        assert len(shop.till.sessions) == 2
        assert len(shop.till.orders) == 2


async def test_the_first_step_that_fails_ends_the_run_and_is_named():
    async with a_shop(status=500) as shop:
        seen = await shop.run(ordering(shop.base))

        assert seen == Probed(Reason.STATUS, "step 3 of 4 (order): HTTP 500", "v2", answered=True)
        assert shop.till.asked == ["GET /", "POST /login", "POST /orders"]
        assert shop.failures == {Reason.STATUS: 1}


async def test_a_step_without_a_name_is_called_by_its_number():
    async with a_shop() as shop:
        seen = await shop.run({"steps": [{"url": "/"}, {"url": "/", "expect": {"text": "Sale"}}]})

        assert isinstance(seen, Probed)
        assert seen.words == "step 2 of 2: 'Sale' is not in the answer"


async def test_what_was_carried_may_be_what_must_not_stand_there():
    async with a_shop() as shop:
        page = {"url": "/", "capture": {"all": {"regex": "<f(orm)"}}}
        seen = await shop.run({"steps": [page, {"url": "/", "expect": {"not_text": "<f${step.all}"}}]})

        assert isinstance(seen, Probed)
        assert (seen.reason, seen.words) == (Reason.BODY, "step 2 of 2: its body is not what it should be")


async def test_what_is_to_be_carried_and_is_not_there_is_bad():
    for capture, why in (
        ({"json": "/auth/none"}, "nothing stands at /auth/none"),
        ({"json": "/auth/a~1b"}, "what stands at /auth/a~1b is no single value"),
        ({"header": "X-Token"}, "the answer has no header X-Token"),
        ({"regex": "token=(x)"}, "the pattern finds nothing in the answer"),
    ):
        async with a_shop() as shop:
            seen = await shop.run(ordering(shop.base, login={"capture": {"token": capture, "user": capture}}))

            assert seen == Probed(
                Reason.CAPTURE, f"step 2 of 4 (login): no `token` to carry on: {why}", answered=True
            )


async def test_what_was_carried_becomes_no_syntax():
    async with a_shop() as shop:
        hostile = 'x"}\r\nX-Evil: 1/../?a=b&c'
        asked: list[Any] = []

        async def give(_request: web.Request) -> web.Response:
            return web.Response(text=json.dumps({"it": hostile}), content_type="application/json")

        async def take(request: web.Request) -> web.Response:
            asked.extend([request.path, dict(request.query), (await request.json())["it"]])
            asked.append(request.headers.get("X-Evil", "none"))
            return web.Response()

        app = web.Application()
        app.router.add_get("/give", give)
        app.router.add_post("/take/{tail:[^$]*}", take)
        async with serving_app(app) as port:
            start = {"url": "/give", "capture": {"it": {"json": "/it"}}}
            sent = {"url": "/take/${step.it}?a=${step.it}", "json": {"it": "${step.it}"}}
            base = {"url": f"http://127.0.0.1:{port}"}

            assert (await shop.run({**base, "steps": [start, sent]})).words == ""
            assert asked == [f"/take/{hostile}", {"a": hostile}, hostile, "none"]

            header = {"url": "/take/x", "headers": {"X-It": "${step.it}"}, "json": {}}
            seen = await shop.run({**base, "steps": [start, header]})
            assert isinstance(seen, Probed)
            assert seen.words == "step 2 of 2: what is to be sent as X-It has signs that no header can carry"
            assert len(asked) == 4

            hostile = ".."
            upwards = await shop.run({**base, "steps": [start, sent]})
            assert isinstance(upwards, Probed)
            assert upwards.reason is Reason.CAPTURE
            assert len(asked) == 4


async def test_an_address_that_was_carried_leads_to_no_other_origin():
    async with a_shop() as shop, a_shop() as other:
        steps = [
            {
                "url": f"/away?to={other.base}/",
                "expect": {"status": 302},
                "capture": {"it": {"header": "Location"}},
            },
            {"url": "${step.it}"},
        ]
        seen = await shop.run({"steps": steps})

        assert isinstance(seen, Probed)
        assert seen.reason is Reason.CAPTURE
        assert "leads to another origin" in seen.words
        assert other.till.asked == []

        steps.append({"url": f"{other.base}/"})  # what the suite itself names, it may be led to
        assert await shop.run({"steps": steps}) == Probed(None, answered=True)


async def test_a_redirect_is_an_answer_or_followed_within_the_origin():
    async with a_shop() as shop, a_shop() as other:
        there, away = "/away?to=/", f"/away?to={other.base}/"

        assert await shop.run({"steps": [{"url": there, "expect": {"status": 302}}]}) == Probed(
            None, answered=True
        )
        assert await shop.run({"steps": [{"url": there, "follow": True}]}) == Probed(None, answered=True)
        seen = await shop.run({"steps": [{"url": away, "follow": True}]})
        assert seen == Probed(
            Reason.REDIRECT, f"step 1 of 1: {shop.base}: HTTP 302, a redirect to {other.base}"
        )
        round_and_round = await shop.run({"steps": [{"url": "/away?to=/away%3Fto=", "follow": True}]})
        assert isinstance(round_and_round, Probed)
        assert other.till.asked == []


async def test_a_secret_is_sent_where_it_may_be_and_nowhere_else():
    async with a_shop() as shop, a_shop() as other:
        form = {"csrf": "${step.csrf}", "password": "${secret.password}"}
        query = ordering(shop.base, login={"form": form})

        assert await shop.run(query, password=SECRET) == Probed(None, version="v2", answered=True)
        nobody = await shop.run(query)
        assert isinstance(nobody, Invalid)
        assert "there is no secret `password`" in nobody.words

        query["steps"].insert(1, {"url": f"{other.base}/login", "form": {"password": "${secret.password}"}})
        seen = await shop.run(query, password=SECRET)
        assert isinstance(seen, Invalid)
        assert seen.who is Who.AUTHOR
        assert f"the secret `password` may not be sent to {other.base}" in seen.words
        assert other.till.asked == []


async def test_no_word_or_line_of_the_log_tells_a_secret_or_what_was_carried():
    async with a_shop() as shop:
        password = 'pass"word/ä1'  # the shop says it back, as JSON writes it
        form = {"csrf": "${step.csrf}", "password": "${secret.password}"}
        echoed = [
            ordering(
                shop.base,
                login={"form": form, "expect": {"json": [{"path": "error", "equals": "no"}], "status": 403}},
            ),
            ordering(
                shop.base, login={"form": form, "expect": {"text": "x${step.csrf}", "status": "200-499"}}
            ),
            ordering(
                shop.base,
                order={
                    "headers": {"Authorization": "${step.csrf} ${step.csrf}"},
                    "expect": {"status": 401, "json": [{"path": "error", "equals": "no"}]},
                },
            ),
        ]
        shop.till.password = password
        echoed[2]["steps"][1]["form"] = form
        with structlog.testing.capture_logs() as lines:
            told = [
                await shop.run(query, password=password if query is echoed[2] else f"{password}-wrong")
                for query in echoed
            ]

        words = repr([*told, lines])
        assert [each.reason for each in told] == [Reason.JSON, Reason.BODY, Reason.JSON]  # type: ignore[union-attr]
        assert "step 3 of 4 (order): error is '*** ***', not 'no'" in words
        assert not any(
            form in words for form in ('pass"', "pass\\", "word/", "csrf-0", "session-0", "token-0")
        )


async def test_a_secret_is_not_told_where_it_comes_back_in_parts_in_other_letters_or_as_a_host():
    secret = "s3cret-" * 9  # longer than what a message shows of a value

    async def echo(request: web.Request) -> web.Response:
        said = str((await request.post())["it"])
        if request.query["as"] == "host":
            return web.Response(status=302, headers={"Location": f"https://{said}.example/"})
        letters = "".join(f"\\u{ord(c):04x}" for c in said)
        return web.Response(text=f'{{"error": "{letters}", "{letters}": 1}}', content_type="application/json")

    app = web.Application()
    app.router.add_post("/", echo)
    async with serving_app(app) as port, a_shop() as shop:
        shop.base = f"http://127.0.0.1:{port}"
        step = {"form": {"it": "${secret.it}"}, "expect": {"json": [{"path": "error", "equals": "no"}]}}
        seen = [
            await shop.run({"steps": [{"url": f"/?as={form}", "follow": True, **step}]}, it=secret)
            for form in ("json", "host")
        ]

    assert [each.reason for each in seen] == [Reason.JSON, Reason.REDIRECT]  # type: ignore[union-attr]
    assert seen[0].words == "step 1 of 1: error is '***', not 'no'"
    assert "s3cret" not in repr(seen)


async def test_a_secret_that_no_header_can_carry_is_the_operators_to_mend_and_no_fault_of_the_service():
    async with a_shop() as shop:
        seen = await shop.run({"steps": [{"url": "/", "headers": {"X-Key": "${secret.key}"}}]}, key="abcd\r")

        words = "step 1 of 1: the secret `key` has signs that no header can carry"
        assert seen == Invalid(Who.OPERATOR, words)
        assert shop.till.asked == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1e999"])
def test_what_is_no_number_is_carried_nowhere(number):
    with pytest.raises(NothingToCarry):
        from_json(Answer(200, {}, f'{{"a": {number}}}'.encode(), 0.1), "/a")


async def test_a_suite_that_takes_too_long_says_so_and_which_step_it_was():
    async with serving(never) as port, a_shop() as shop:
        query = {
            "deadline": "200ms",
            "steps": [{"url": "/"}, {"name": "slow", "url": f"http://127.0.0.1:{port}/"}],
        }

        assert await shop.run(query) == Probed(
            Reason.DEADLINE,
            "step 2 of 2 (slow): no complete answer within the 0.2 s of the whole",
            answered=True,
        )


async def test_time_that_was_lost_in_one_step_by_our_own_lateness_is_laid_on_none_after_it():
    async def behind_a_stall(_: web.Request) -> web.Response:
        passes(9.9)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", behind_a_stall)
    async with a_shop() as shop, serving_app(app) as port, serving(never) as hangs:
        answers = {"url": f"http://127.0.0.1:{port}/", "timeout": "30s"}
        query = {"every": "1m", "deadline": "10s"}
        lost = await shop.run(
            {**query, "steps": [answers, {"name": "slow", "url": f"http://127.0.0.1:{hangs}/"}]}
        )
        not_slow = await shop.run({**query, "steps": [{**answers, "slower_than": "5s"}]})

        assert isinstance(lost, Unavailable)
        assert re.match(r"step 2 of 2 \(slow\): this machine was late by 9\.[89] s: ", lost.words)
        assert isinstance(not_slow, Unavailable)
        assert re.match(r"step 1 of 1: this machine was late by 9\.[89] s: ", not_slow.words)
        assert shop.failures == {}


async def test_a_step_that_is_refused_or_slow_is_bad():
    async def late(_: web.Request) -> web.Response:
        await asyncio.sleep(0.05)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", late)
    async with a_shop() as shop, serving_app(app) as port:
        url = f"http://127.0.0.1:{port}/"
        refused = await shop.run({"steps": [{"url": "http://127.0.0.1:1/"}]})
        slow = await shop.run({"steps": [{"url": url, "slower_than": "20ms"}]})

        assert isinstance(refused, Probed)
        assert refused.reason is Reason.REFUSED
        assert isinstance(slow, Probed)
        assert slow.reason is Reason.SLOW


async def test_an_address_that_is_not_allowed_is_our_trouble():
    async with a_shop() as shop:
        seen = await shop.run({"steps": [{"url": "/"}, {"url": "http://169.254.169.254/latest"}]})

        assert not isinstance(seen, Probed)
        assert seen.words.startswith("step 2 of 2: ")
        assert "not an allowed address" in seen.words


async def test_a_run_that_two_releases_answered_is_nobodys():
    async with a_shop() as shop:
        answers = iter(["v1", "v2", "v1", "v2"])
        shop.till.speaks = lambda: Happened(START, next(answers), 200, 0.1)
        where = {"expect": {"version": {"header": "x-release", "equals": "v2"}}}
        seen = await shop.run({"steps": [{"url": "/", **where}, {"url": "/", **where}]})

        assert seen == Probed(None, version="v1 and v2", answered=True)


async def test_authorities_that_cannot_be_read_are_the_operators_to_mend():
    async with a_shop() as shop:
        seen = await shop.run({"steps": [{"url": "/"}], "tls": {"ca": "/nowhere.pem"}})

        assert seen == Invalid(
            Who.OPERATOR, "the authorities in `ca` cannot be read: No such file or directory"
        )


def test_secrets_may_go_to_origins_and_to_networks_of_addresses():
    settings = Settings(secrets={"a": SecretStr("abcd")}, to=["https://shop.example.com/", "10.1.0.0/16"])

    assert settings.may_go_to("https://shop.example.com:443/x?y")
    assert settings.may_go_to("http://10.1.2.3:8080/")
    for url in (
        "http://shop.example.com/",
        "https://shop.example.com.evil/",
        "https://shop.example.com@evil/",
        "https://shop.example.com:8443/",
        "http://10.2.0.1/",
        "http://10.1.0.1.evil/",
    ):
        assert not settings.may_go_to(url)


def test_a_run_has_its_deadline_or_half_of_a_short_beat():
    steps = [{"url": "http://a/"}]

    assert Query.model_validate({"steps": steps}).patience == timedelta(seconds=10)
    assert Query.model_validate({"steps": steps, "every": "10s"}).patience == timedelta(seconds=5)


def test_half_a_sign_is_nothing_that_can_be_carried():
    with pytest.raises(NothingToCarry, match="no text that can be sent"):
        from_json(Answer(200, {}, rb'{"a": "x\ud800"}', 0.1), "/a")


def test_what_is_hidden_is_hidden_as_an_address_or_a_form_writes_it_too():
    secret = "open sesame/1+1"

    assert hushed(f"{quote_plus(secret)} {quote(secret, safe='')} {quote(secret)}", [secret]) == "*** *** ***"
