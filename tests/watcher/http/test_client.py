"""Outgoing HTTP: what comes back, and why nothing did."""

import asyncio
import gzip
import secrets
import socket
import ssl
from datetime import timedelta

import pytest
import trustme
from aiohttp import web
from pydantic import SecretStr

from rules.sample import Who
from tests.fakes.faults import FAULTS, never, says, serving
from tests.fakes.serve import LOOPBACK, http_to_loopback, serving_app
from tests.fakes.world import START
from watcher.http import Answer, Fault, Guard, Http, HttpRefused, Request
from watcher.http.answer import excerpt
from watcher.telemetry.metrics import Metrics

SOON = timedelta(seconds=0.3)


def noon():
    return START


async def refused(request: Request, http: Http | None = None, **how) -> HttpRefused:
    if http is None:
        async with http_to_loopback(noon, **how) as own:
            return await refused(request, own)
    with pytest.raises(HttpRefused) as caught:
        await http.fetch(request)
    return caught.value


def the_request(port: int, **changes) -> Request:
    return Request(
        "test",
        f"http://127.0.0.1:{port}/secret-path?token=s3",
        **{"timeout": SOON, "most": 1_000_000, **changes},
    )


def the_app(handler) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    return app


EXPECTED = {
    "no answer": Fault.READ_TIMEOUT,
    "500": Fault.STATUS,
    "429": Fault.STATUS,
    "401": Fault.STATUS,
    "404": Fault.STATUS,
    "redirect": Fault.STATUS,
    "cut short": Fault.TRUNCATED,
    "cut chunk": Fault.TRUNCATED,
    "not http": Fault.MALFORMED,
    "gzip bomb": Fault.TOO_LARGE,
    "gzip that is none": Fault.MALFORMED,
    "50 MB": Fault.TOO_LARGE,
    "trickling body": Fault.READ_TIMEOUT,
    "slow headers": Fault.READ_TIMEOUT,
    "hangs up": Fault.DISCONNECTED,
}


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("fault", EXPECTED)
async def test_each_fault_has_its_name_and_ends_in_time(fault, fresh):
    began = asyncio.get_running_loop().time()
    async with serving(FAULTS[fault]) as port:
        refusal = await refused(the_request(port, fresh=fresh))

    assert refusal.fault is EXPECTED[fault]
    assert refusal.words.startswith(f"http://127.0.0.1:{port}: ")
    assert "secret" not in refusal.words
    assert "token" not in refusal.words
    assert asyncio.get_running_loop().time() - began < 2


@pytest.mark.parametrize(
    ("status", "who"),
    [
        (401, Who.OPERATOR),
        (403, Who.OPERATOR),
        (404, Who.AUTHOR),
        (400, Who.AUTHOR),
        (302, Who.AUTHOR),
        (500, Who.SERVICE),
        (599, Who.SERVICE),
    ],
)
async def test_a_status_says_who_must_act(status, who):
    async with serving_app(the_app(answering(status))) as port:
        refusal = await refused(the_request(port, far=Who.SERVICE))

    assert refusal.who is who
    assert refusal.status == status


def answering(status: int, **how):
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status, **how)

    return handler


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("30", 30),
        ("Tue, 24 Nov 2026 12:00:40 GMT", 40),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0),
        ("99999999999999", 3600),
        ("soon", None),
        ("-5", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
    ],
)
async def test_retry_after_is_believed_for_an_hour(said, seconds):
    headers = {"Retry-After": said, "Date": "Tue, 24 Nov 2026 12:00:00 GMT"}
    async with serving_app(the_app(answering(429, headers=headers))) as port:
        refusal = await refused(the_request(port))

    assert refusal.retry_at == (None if seconds is None else START + timedelta(seconds=seconds))


async def test_a_redirect_is_not_followed():
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with serving_app(the_app(handler)) as port:
        refusal = await refused(the_request(port))

    assert asked == ["/secret-path"]
    assert "redirect" in refusal.words


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/",
        "http://user:password@127.0.0.1/",
        "http://",
        "//a",
        "http://a:0/",
        "http://a:99999/",
        "http://[::1/",
        "nonsense",
        "",
    ],
)
async def test_what_is_no_url_for_us_is_not_asked(url):
    refusal = await refused(Request("test", url))

    assert refusal.fault is Fault.BAD_URL
    assert refusal.who is Who.AUTHOR
    assert "password" not in refusal.words


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "0xa9fea9fe",
        "0xa9.0xfe.0xa9.0xfe",
    ],
)
@pytest.mark.parametrize("fresh", [False, True])
async def test_metadata_is_out_of_reach_by_any_spelling(host, fresh):
    refusal = await refused(Request("test", f"http://{host}/latest/meta-data/", timeout=SOON, fresh=fresh))

    assert refusal.fault is Fault.BLOCKED
    assert refusal.who is Who.OPERATOR


async def test_loopback_is_out_of_reach_unless_it_is_allowed():
    async with serving(says(b"")) as port, Http.open(Guard(), Metrics(), noon) as http:
        refusals = [
            await refused(Request("test", f"http://{host}:{port}/"), http)
            for host in ("127.0.0.1", "localhost", "0x7f000001")
        ]

    assert {each.fault for each in refusals} == {Fault.BLOCKED}


async def test_a_name_that_nobody_knows_is_our_trouble():
    refusal = await refused(Request("test", "http://nobody.invalid/", timeout=timedelta(seconds=5)))

    assert refusal.fault is Fault.DNS
    assert refusal.who is Who.OPERATOR


async def test_a_closed_port_is_the_far_ends_trouble():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refusal = await refused(the_request(closed.getsockname()[1], far=Who.SERVICE))

    assert refusal.fault is Fault.REFUSED
    assert refusal.who is Who.SERVICE


async def test_a_closed_port_behind_a_name_with_two_addresses_is_refused_and_not_blocked():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refusal = await refused(Request("test", f"http://localhost:{closed.getsockname()[1]}/"))

    assert refusal.fault is Fault.REFUSED


async def test_a_secret_that_the_far_end_echoes_is_not_repeated():
    secret = secrets.token_hex(16)

    async def echo(request: web.Request) -> web.Response:
        return web.Response(status=403, text=f"bad token {request.headers['Authorization']}")

    async with serving_app(the_app(echo)) as port:
        refusal = await refused(the_request(port, secrets={"Authorization": SecretStr(f"Bearer {secret}")}))

    assert "bad token" in refusal.words
    assert secret not in refusal.words
    assert secret not in repr(the_request(port, secrets={"Authorization": SecretStr(secret)}))


def of_secrets(said: str, *values: str) -> str:
    """What is passed on of *said*, in answer to a request with these secrets."""
    named = {f"X-{number}": SecretStr(value) for number, value in enumerate(values)}
    request = Request("test", "http://here.invalid/", secrets=named)
    return excerpt(request, Answer(403, {}, said.encode(), 0.0))


def test_a_secret_that_is_repeated_again_and_again_is_not_shown_where_the_answer_is_cut():
    long = secrets.token_hex(350)

    told = of_secrets(f"{long} {long} {long} {long}", f"Bearer {long}")

    assert told == ": *** *** *** ***"


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_secret_in_which_another_one_stands_nothing_is_left(order):
    inner, outer = "1f0e2d3c", "abc-1f0e2d3c-xyz"

    assert of_secrets(f"no {outer}, no {inner}", *(inner, outer)[::order]) == ": no ***, no ***"


def test_a_very_short_secret_is_not_taken_out_of_words():
    assert of_secrets("a bad name: a.", "a") == ": *** bad name: ***."


async def test_what_the_far_end_says_comes_on_one_line_and_short():
    text = "first\r\nsecond\x1b[31m " + "x" * 5000
    async with serving_app(the_app(answering(400, text=text))) as port:
        refusal = await refused(the_request(port))

    assert ": first second [31m xxx" in refusal.words
    assert len(refusal.words) < 300
    assert refusal.words.isprintable()


async def test_a_compressed_answer_is_read():
    body = gzip.compress(b"hello " * 1000)
    async with (
        serving_app(the_app(answering(200, body=body, headers={"Content-Encoding": "gzip"}))) as port,
        http_to_loopback(noon) as http,
    ):
        got = await http.fetch(the_request(port))

    assert got.body == b"hello " * 1000


async def test_a_compressed_answer_that_ends_in_the_middle_is_truncated():
    body = gzip.compress(secrets.token_bytes(5000))[:-20]
    async with serving_app(the_app(answering(200, body=body, headers={"Content-Encoding": "gzip"}))) as port:
        refusal = await refused(the_request(port))

    assert refusal.fault is Fault.TRUNCATED


async def test_a_request_says_who_asks_and_takes_no_cookies():
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(dict(request.headers))
        return web.Response(headers={"Set-Cookie": "a=b"})

    async with (
        serving_app(the_app(handler)) as port,
        Http.open(Guard(LOOPBACK), Metrics(), noon, "1.2.3") as http,
    ):
        await http.fetch(the_request(port))
        await http.fetch(the_request(port))

    assert asked[1]["User-Agent"] == "rollbackd/1.2.3"
    assert "Cookie" not in asked[1]


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with serving_app(the_app(answering(200))) as port, http_to_loopback(noon) as http:
        got = await http.fetch(the_request(port))

    assert got.status == 200


async def test_a_certificate_is_checked_and_its_end_is_told():
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async with serving_app(the_app(answering(200)), server) as port:
        request = Request("test", f"https://127.0.0.1:{port}/", fresh=True)
        refusal = await refused(request)
        async with http_to_loopback(noon, tls=trusting) as http:
            got = await http.fetch(request)

    assert refusal.fault is Fault.TLS
    assert "certificate is not accepted: " in refusal.words
    assert got.certificate_until is not None
    assert got.certificate_until > START


async def test_a_connection_that_is_made_anew_each_time_is_closed_each_time():
    peers = []

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        return web.Response()

    async with serving_app(the_app(handler)) as port, http_to_loopback(noon) as http:
        for fresh in (True, True, False, False):
            await http.fetch(the_request(port, fresh=fresh))

    assert len(set(peers)) == 3


async def test_a_hundred_that_hang_delay_nobody():
    async with (
        serving(never) as hanging,
        serving_app(the_app(answering(200))) as port,
        http_to_loopback(noon) as http,
        asyncio.TaskGroup() as tasks,
    ):
        hopeless = the_request(hanging, timeout=timedelta(seconds=1))
        waits = [tasks.create_task(refused(hopeless, http)) for _ in range(100)]
        await asyncio.sleep(0.1)
        got = await http.fetch(the_request(port))
        await asyncio.wait(waits)

    assert got.seconds < 0.3
    assert {wait.result().fault for wait in waits} == {Fault.READ_TIMEOUT}


async def test_each_request_is_counted_with_its_result():
    metrics = Metrics()
    async with serving_app(the_app(answering(204))) as port, http_to_loopback(noon, metrics) as http:
        await http.fetch(the_request(port))
        await refused(Request("test", "http://127.0.0.1:1/"), http)

    page = metrics.render().decode()
    assert 'rollbackd_outgoing_requests_total{result="2xx",system="test"} 1.0' in page
    assert 'rollbackd_outgoing_requests_total{result="refused",system="test"} 1.0' in page


async def test_a_cancelled_request_ends_at_once():
    async with serving(never) as port, http_to_loopback(noon) as http:
        task = asyncio.create_task(http.fetch(the_request(port, timeout=timedelta(seconds=30))))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_the_media_type_is_what_stands_before_the_semicolon():
    assert Answer(200, {"content-type": "Text/Plain; charset=utf-8"}, b"", 0.1).media_type == "text/plain"
    assert Answer(200, {}, b"", 0.1).media_type == ""
