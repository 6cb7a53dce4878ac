"""Every refusal is a problem with a remedy, and says what is wrong and where."""

import pytest

from tests.watcher.api.daemon import Answer, a_watch, an_api
from watcher.api.problems import CONTENT_TYPE
from watcher.errors import StoreUnavailable

DEPLOYMENT = {"service": "checkout", "environment": "production", "tag": "v44"}
SERVICE_ORDERS = "/v1/services/checkout/production/orders"


def is_problem(answer: Answer, status: int) -> bool:
    """RFC 9457, with a remedy; and never a word of Python's."""
    told = answer.json
    assert answer.status == told["status"] == status, answer.raw
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert told["type"].startswith("urn:rollbackd:")
    assert told["title"]
    assert told["detail"]
    assert told["remedy"]
    assert not {"Traceback", "object at 0x", "pydantic"} & set(answer.raw.decode().split())
    return True


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/watches/", 404),
        ("GET", "/v2/watches", 404),
        ("GET", "/v1/../etc/passwd", 404),
        ("GET", "/v1/watches/not-an-id", 404),
        ("GET", "/v1/watches/w_%00", 404),
        ("GET", "/v1/watches/w_unknown", 404),
        ("GET", "/v1/announcements/a_unknown", 404),
        ("GET", "/v1/tags/Checkout/production", 404),
        ("GET", "/v1/tags/catalog/production", 404),
        ("GET", "/v1/plan/checkout/production", 409),
        ("GET", "/v1/watches?limit=0", 400),
        ("GET", "/v1/watches?limit=201", 400),
        ("GET", "/v1/watches?limit=ten", 400),
        ("GET", "/v1/watches?limit=" + "9" * 5000, 400),
        ("GET", "/v1/watches?state=lost", 400),
        ("GET", "/v1/watches?states=held", 400),
        ("GET", "/v1/watches?limit=1&limit=2", 400),
        ("GET", "/v1/watches/w_1?id=w_2", 400),
        ("GET", "/v1/watches/w_1/verdict?wait=30", 400),
        ("GET", "/v1/watches/w_1/verdict?wait=", 400),
        ("GET", "/v1/audit?after=-1", 400),
        ("DELETE", "/v1/watches/w_1", 405),
        ("PUT", "/v1/deployments", 405),
        ("HEAD", "/v1/watches", 405),
        ("TRACE", "/livez", 405),
    ],
)
async def test_what_cannot_be_asked_is_a_problem(api, method, path, status):
    answer = await api.ask(method, path, None, api.daemon.tokens[0])

    if method == "HEAD":
        assert answer.status == status
    else:
        assert is_problem(answer, status)


async def test_a_method_that_is_not_taken_is_answered_with_those_that_are(api):
    answer = await api.ask("PUT", "/v1/watches", b"", None)

    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("path", "body", "status", "where"),
    [
        ("/v1/watches/w_1/orders", b"", 400, ""),
        ("/v1/watches/w_1/orders", b"{", 400, ""),
        ("/v1/watches/w_1/orders", b"[]", 400, ""),
        ("/v1/watches/w_1/orders", b"null", 400, ""),
        ("/v1/watches/w_1/orders", b"\xff\xfe{}", 400, ""),
        ("/v1/watches/w_1/orders", b'{"order": "hold", "order": "pass"}', 400, ""),
        ("/v1/watches/w_1/orders", b'{"order": "hold", "expect_revision": NaN}', 400, ""),
        ("/v1/watches/w_1/orders", b'{"order": "hold", "expect_revision": -Infinity}', 400, ""),
        ("/v1/watches/w_1/orders", b'{"order": "hold", "expect_revision": ' + b"9" * 5000 + b"}", 400, ""),
        ("/v1/watches/w_1/orders", b'{"order": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, ""),
        ("/v1/watches/w_1/orders", {"order": "explode"}, 400, ""),
        ("/v1/watches/w_1/orders", {"order": "disarm", "reason": "an incident"}, 400, ""),
        ("/v1/watches/w_1/orders", {"order": "hold", "for": 15}, 400, "hold.for"),
        ("/v1/watches/w_1/orders", {"order": "hold", "for": "15"}, 400, "hold.for"),
        ("/v1/watches/w_1/orders", {"order": "hold", "to": "v42"}, 400, "hold.to"),
        ("/v1/watches/w_1/orders", {"order": "hold", "expect_revision": "1"}, 400, "hold.expect_revision"),
        ("/v1/watches/w_1/orders", {"order": "hold", "expect_revision": True}, 400, "hold.expect_revision"),
        ("/v1/watches/w_1/orders", {"order": "hold", "reason": "a\nb"}, 400, "hold.reason"),
        ("/v1/watches/w_1/orders", {"order": "hold", "reason": "\x1b[2J"}, 400, "hold.reason"),
        ("/v1/watches/w_1/orders", {"order": "hold", "reason": "x" * 501}, 400, "hold.reason"),
        ("/v1/watches/w_1/orders", b'{"order": "hold", "reason": "\\ud800"}', 400, ""),
        ("/v1/watches/w_1/orders", {"order": "roll_back", "to": "-rf"}, 400, "roll_back.to"),
        ("/v1/watches/w_1/orders", {"order": "roll_back", "to": "../v42"}, 400, "roll_back.to"),
        ("/v1/watches/w_1/orders", {"order": "roll_back", "to": "v0"}, 409, None),
        ("/v1/watches/w_1/orders", {"order": "resume"}, 409, None),
        ("/v1/watches/w_2/orders", {"order": "hold"}, 404, None),
        ("/v1/watches/w_1/notes", {"call": "left"}, 400, "call"),
        ("/v1/watches/w_2/notes", {"call": "right"}, 404, None),
        (SERVICE_ORDERS, {"order": "disarm"}, 400, "disarm.reason"),
        (SERVICE_ORDERS, {"order": "disarm", "reason": ""}, 400, "disarm.reason"),
        (SERVICE_ORDERS, {"order": "disarm", "reason": "   ", "for": "1h"}, 409, None),
        (SERVICE_ORDERS, {"order": "disarm", "reason": "a holiday", "for": "8d"}, 409, None),
        (SERVICE_ORDERS, {"order": "disarm", "reason": "nothing", "for": "0s"}, 409, None),
        ("/v1/services/*/production/orders", {"order": "disarm", "reason": "an incident"}, 404, None),
        ("/v1/services/*/*/orders", {"order": "roll_back"}, 404, None),
        ("/v1/services/catalog/production/orders", {"order": "roll_back"}, 404, None),
        ("/v1/releases/sha256:v0/orders", {"order": "allow", "reason": "it was fixed"}, 404, None),
        ("/v1/releases/sha256:v42/orders", {"order": "allow"}, 400, "allow.reason"),
        ("/v1/releases/..%2Fv42/orders", {"order": "allow", "reason": "it was fixed"}, 404, None),
    ],
)
async def test_what_cannot_be_ordered_is_a_problem_that_says_where(api, path, body, status, where):
    await api.daemon.has(a_watch())

    answer = await api.post(path, body)

    assert is_problem(answer, status)
    if where is not None:
        assert answer.json["mistakes"][0]["where"] == where


async def test_a_bug_of_ours_is_told_to_the_log_and_to_nobody_else(api, capsys):
    def broken(_plan):
        raise ZeroDivisionError("the secret of the daemon")

    await api.daemon.has(a_watch())
    api.daemon.foretold = broken

    answer = await api.get("/v1/plan/checkout/production")

    assert is_problem(answer, 500)
    assert b"secret" not in answer.raw
    assert answer.headers["X-Request-Id"] in capsys.readouterr().out


async def test_every_answer_carries_what_keeps_browsers_and_caches_away(api):
    answers = [await api.get("/livez"), await api.get("/nothing"), await api.get("/v1/services")]

    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "aiohttp" not in answer.headers["Server"]


async def test_requests_are_counted_by_route_and_never_by_path():
    counted: list[tuple[str, str, int]] = []
    async with an_api(
        counted=lambda route, method, status, _seconds: counted.append((route, method, status))
    ) as api:
        await api.get("/v1/watches/w_unknown")
        await api.get("/no/such/path")
        await api.ask("PUT", "/livez", b"", None)

    assert counted == [("watch", "GET", 404), ("unknown", "GET", 404), ("unknown", "PUT", 405)]


class Away:
    """A store that cannot be read or written."""

    def __getattr__(self, operation):
        async def fails(*_given, **_named):
            raise StoreUnavailable("/var/lib/rollbackd/state.db: disk I/O error", remedy="look at the disk")

        return fails


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/watches", None),
        ("/v1/watches/w_1/verdict?wait=1s", None),
        ("/v1/services", None),
        ("/v1/deployments", DEPLOYMENT),
        ("/v1/watches/w_1/orders", {"order": "hold"}),
        (SERVICE_ORDERS, {"order": "disarm", "reason": "an incident"}),
    ],
)
async def test_a_store_that_is_away_is_no_bug_and_the_answer_says_when_to_come_again(path, body, capsys):
    async with an_api(around=lambda _store: Away()) as api:
        answer = await (api.post(path, body, Idempotency_Key="k1") if body else api.get(path))

    assert is_problem(answer, 503)
    assert answer.headers["Retry-After"]
    assert b"/var/lib" not in answer.raw
    assert "request.failed" not in capsys.readouterr().out
