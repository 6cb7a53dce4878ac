"""What goes wrong between us and the lines: each touches what it is of alone, says who must act, and is never counts."""

from collections.abc import Callable, Mapping

import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from deploy.model import About, Level
from rules.model import Kind
from rules.sample import Invalid, NoData, Unavailable, Who
from tests.fakes.world import SECOND
from tests.watcher.signals.loki.asking import MINUTE, RATIO, Asking, a_server, asking, buckets, indicator
from watcher.signals.loki import Settings, open_loki
from watcher.signals.provider import Examined

SERIES = "maximum number of series (500) reached for a single query; consider reducing query cardinality"
BYTES = "the query would read too many bytes (query: 1.2 TB, limit: 500 GB)"
SLOW = "request timed out, decrease the duration of the request or add more label matchers"


def says(
    status: int, text: str, kind: str = "text/plain", **headers: str
) -> Callable[[Mapping[str, str]], web.Response]:
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _form: web.Response(status=status, text=text, content_type=kind, headers=more)


@pytest.mark.parametrize(
    ("refuse", "answer", "who", "words", "calls"),
    [
        (says(400, "parse error at line 1, col 7: unexpected IDENTIFIER, limit"), Invalid, Who.AUTHOR, "col 7", 3),
        (says(400, "pipeline error: 'LabelFilterErr' for series"), Invalid, Who.AUTHOR, "LabelFilterErr", 3),
        (says(400, SERIES), Unavailable, Who.PROVIDER, "allows no such query: maximum number of series", 7),
        (says(400, BYTES), Unavailable, Who.PROVIDER, "too many bytes", 7),
        (says(400, "the query time range exceeds the limit (query length: 800h, limit: 30d1h)"), Unavailable, Who.OPERATOR, "no further back", 1),
        (says(400, "<html>bad</html>", "text/html"), Unavailable, Who.OPERATOR, "prefix", 1),
        (says(401, "no org id\n"), Unavailable, Who.OPERATOR, "no org id", 1),
        (says(403, '{"message": "not allowed"}', "application/json"), Unavailable, Who.OPERATOR, "not allowed", 1),
        (says(404, "404 page not found"), Unavailable, Who.OPERATOR, "prefix", 1),
        (says(302, "", Location="/login"), Unavailable, Who.OPERATOR, "redirect", 1),
        (says(200, "<html>Log in</html>", "text/html"), Unavailable, Who.OPERATOR, "a web page", 1),
        (says(200, '{"status":"success","data":{"resultType":"matrix","result":[{"values":[["a"]]}]}}', "application/json"), Unavailable, Who.PROVIDER, "cannot be read", 1),
        (says(429, "too many outstanding requests"), Unavailable, Who.PROVIDER, "too many outstanding", 1),
        (says(500, "at least 2 live replicas required, could only find 1"), Unavailable, Who.PROVIDER, "live replicas", 1),
        (says(504, SLOW), Unavailable, Who.PROVIDER, "took too long", 7),
        (says(504, "<html>Gateway timeout</html>", "text/html"), Unavailable, Who.PROVIDER, "HTTP 504", 1),
    ],
)  # fmt: skip
async def test_each_refusal_says_who_must_act_and_only_what_may_help_is_asked_in_halves(
    refuse, answer, who, words, calls
):
    """All lines and bad ones, of two releases: 1 + 2 calls find which part is wrong, 1 + 2 + 4 what is too much."""
    server = a_server(refuse=refuse)
    async with asking(server) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, answer)
    assert reading.who is who
    assert words in reading.words
    assert len(server.forms) == calls


async def test_a_query_with_more_rows_than_the_server_gives_is_asked_in_parts():
    server = a_server(most_series=2)
    async with asking(server) as ask:
        found = buckets(await ask.one(RATIO))

    assert len(found) == 5
    assert len(server.forms) == 3


async def test_a_query_that_is_wrong_spoils_none_of_those_beside_it():
    wrong = indicator({"total_expr": 'sum(count_over({app="shop"}[${bucket}]))'}, Kind.REQUESTS, "wrong")
    async with asking(a_server()) as ask:
        readings = await ask.all(indicator(RATIO), wrong)

    assert len(buckets(readings["errors"])) == 5
    assert isinstance(readings["wrong"], Invalid)
    assert "parse error" in readings["wrong"].words


async def test_who_asks_for_patience_gets_it_from_all_of_us():
    server = a_server(refuse=says(429, "slower", Retry_After="30"))
    async with asking(server) as ask:
        first, second = await ask.one(RATIO), await ask.one(RATIO)
        ask.world.now += 31 * SECOND
        await ask.one(RATIO)

    assert isinstance(first, Unavailable)
    assert isinstance(second, Unavailable)
    assert first.retry_at == second.retry_at is not None
    assert len(server.forms) == 2


async def test_a_refusal_that_says_nothing_of_when_closes_for_half_a_minute_for_every_connection_there():
    server = a_server(refuse=says(429, "too many outstanding requests"))
    async with asking(server) as ask:
        told = await ask.one(RATIO)
        async with open_loki(ask.settings, ask.opening) as other:
            beside = await Asking(other, ask.world, ask.opening, ask.settings).one(RATIO)

    assert isinstance(told, Unavailable)
    assert isinstance(beside, Unavailable)
    assert told.retry_at == beside.retry_at == ask.world.now + 30 * SECOND
    assert len(server.forms) == 1


async def test_a_part_of_the_data_never_passes_for_all_of_it():
    server = a_server(warnings=[f"{SERIES}; returning partial results"])
    async with asking(server) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert "a part of the data" in reading.words


async def test_a_tenant_sees_its_own_alone():
    server = a_server(tenant="shop")
    async with asking(server, tenant="shop") as ask:
        assert buckets(await ask.one(RATIO))
    async with asking(server, tenant="other") as ask:
        assert isinstance(await ask.one(RATIO), NoData)
    async with asking(server) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"bearer": SecretStr("t0ken-of-ours")}, "Bearer t0ken-of-ours"),
        ({"basic": {"user": "us", "password": SecretStr("pässword")}}, "Basic dXM6cMOkc3N3b3Jk"),
    ],
)
async def test_who_we_are_is_told_and_never_repeated(settings, header):
    async with asking(a_server(authorization=header), **settings) as ask:
        assert buckets(await ask.one(RATIO))
    async with asking(a_server(authorization="another"), **settings) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert header.partition(" ")[2] not in reading.words


# ------------------------------------------------------------------------------------------------------- names and doctor


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        ({"app": "shpo", "version": "${arm.version}"}, "app='shpo': did you mean shop?"),
        ({"app": "shpo", "version": "${arm.version}-x"}, "app='shpo': did you mean shop?"),
        ({"app": "shop", "release": "${arm.version}"}, "has a label release"),
        ({"app": "shop", "version": "${arm.version}-x"}, "version='v2-x'"),
    ],
)
async def test_a_label_that_is_wrong_is_told_after_five_minutes_with_the_nearest(stream, words):
    async with asking(a_server()) as ask:
        at_first = await ask.one({**RATIO, "stream": stream})
        ask.world.now += 6 * MINUTE
        later = await ask.one({**RATIO, "stream": stream})

    assert isinstance(at_first, NoData)
    assert isinstance(later, Invalid)
    assert later.who is Who.AUTHOR
    assert words in later.words


async def test_that_loki_fails_now_and_then_does_not_clear_a_label_that_is_silent():
    wrong = {**RATIO, "stream": {"app": "shpo", "version": "${arm.version}"}}
    server = a_server()
    async with asking(server) as ask:
        await ask.one(wrong)
        ask.world.now += 3 * MINUTE
        server.refuse = says(502, "<html>bad gateway</html>", "text/html")
        meanwhile = await ask.one(wrong)
        server.refuse = lambda _form: None
        ask.world.now += 3 * MINUTE
        later = await ask.one(wrong)

    assert isinstance(meanwhile, Unavailable)
    assert isinstance(later, Invalid)


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, Level.OK, "Loki 3.2.1 answers; its streams have 3 labels"),
        ({"tenant": "another"}, Level.WARN, "another tenant's"),
        ({"authorization": "Bearer x"}, Level.FAIL, "HTTP 401"),
        ({"refuse": says(200, "<html>Log in</html>", "text/html")}, Level.FAIL, "a web page"),
    ],
)
async def test_doctor_says_whether_it_answers_and_holds_anything(changes, level, words):
    async with asking(a_server(**changes), tenant="shop") as ask:
        assert isinstance(ask.provider, Examined)
        found = (await ask.provider.examine())[-1]

    assert found.level is level
    assert words in found.words


async def test_doctor_tells_that_clocks_do_not_agree():
    """The server tells the true time, and the story is of another day."""
    async with asking(a_server(), tenant="shop") as ask:
        assert isinstance(ask.provider, Examined)
        apart = (await ask.provider.examine())[0]

    assert apart.level is Level.WARN
    assert apart.words.startswith("this machine's clock is")
    assert "synchronise" in apart.remedy


async def test_doctor_tells_a_label_that_nobody_has():
    async with asking(a_server()) as ask:
        assert isinstance(ask.provider, Examined)
        wrong = indicator({**RATIO, "stream": {"ap": "shop"}})

        assert await ask.provider.unknown(indicator(RATIO), {"version": "v2"}) is None
        assert "a label ap" in str(await ask.provider.unknown(wrong, {"version": "v2"}))


@pytest.mark.parametrize(
    ("stream", "names", "about"),
    [
        ({"ap": "shop"}, {}, About.TAG),
        ({"app": "shopp"}, {}, About.TAG),
        ({"app": "shop", "release": "${arm.version}"}, {"version": "v2"}, About.VERSION_TAG),
        ({"app": "shop", "version": "${arm.version}"}, {"version": "v22"}, About.RELEASE),
        ({"app": "shop", "version": "${arm.version}"}, {}, About.RELEASE),
    ],
)
async def test_what_loki_does_not_know_is_a_label_or_the_release(stream, names, about):
    async with asking(a_server()) as ask:
        assert isinstance(ask.provider, Examined)
        told = await ask.provider.unknown(indicator({**RATIO, "stream": stream}), names)

    assert told is not None
    assert told.about is about


async def test_files_that_are_none_are_told_and_nothing_is_asked(tmp_path):
    server = a_server()
    async with asking(server, tls={"authority": str(tmp_path / "none.pem")}) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert server.forms == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "loki:3100"},
        {"url": "http://us:secret@loki:3100"},
        {"tenant": "a\r\nb"},
        {"bearer": "a b"},
        {"bearer": "a", "basic": {"user": "u", "password": "p"}},
        {"settle": "2h"},
        {"most_series": 0},
        {"nothing": 1},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ValidationError):
        Settings.model_validate({"url": "http://loki:3100", **wrong})
