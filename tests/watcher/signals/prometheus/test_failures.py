"""What goes wrong between us and the numbers: each touches what it is of alone, says who must act, and is never counts."""

import asyncio
from datetime import UTC
from email.utils import format_datetime

import pytest
from botocore.credentials import Credentials
from pydantic import SecretStr, ValidationError

from deploy.model import About, Level
from rules.model import Kind
from rules.sample import Invalid, NoData, Unavailable, Who
from tests.fakes.prometheus.gate import Gate, before, error, says
from tests.watcher.aws.far import OWN
from tests.watcher.signals.prometheus.asking import MINUTE, NOON, RATIO, SECOND, asking, canary, indicator
from watcher.aws import AwsRoles, open_aws
from watcher.signals.prometheus import Settings
from watcher.signals.provider import Examined
from watcher.telemetry.metrics import Metrics

LIMIT = "the query exceeded the maximum number of samples (err-mimir-max-samples-per-query)"


@pytest.mark.parametrize(
    ("refuse", "answer", "who", "words"),
    [
        (says(401, "no org id\n"), Unavailable, Who.OPERATOR, "no org id"),
        (says(403, '{"message": "not allowed"}', "application/json"), Unavailable, Who.OPERATOR, "not allowed"),
        (says(404, "404 page not found"), Unavailable, Who.OPERATOR, "prefix"),
        (says(302, "", Location="/login"), Unavailable, Who.OPERATOR, "redirect"),
        (says(200, "<html>Log in</html>", "text/html"), Unavailable, Who.OPERATOR, "a web page"),
        (says(200, "{}", "application/json"), Unavailable, Who.OPERATOR, "not what Prometheus would"),
        (says(200, '{"status":"success","data":{"result":[{"metric":{}, "values":[["a"]]}]}}', "application/json"), Unavailable, Who.PROVIDER, "cannot be read"),
        (says(502, "<html>bad gateway</html>", "text/html"), Unavailable, Who.PROVIDER, "HTTP 502"),
        (says(500, '{"status":"error","errorType":"internal","error":"disk"}', "application/json"), Unavailable, Who.PROVIDER, "disk"),
        (lambda _: error(503, "timeout", "query timed out"), Unavailable, Who.PROVIDER, "took too long"),
        (lambda _: error(422, "execution", LIMIT), Unavailable, Who.PROVIDER, "err-mimir"),
        (lambda _: error(422, "execution", "found duplicate series"), Invalid, Who.AUTHOR, "duplicate series"),
        (lambda _: error(400, "bad_data", "parse error"), Invalid, Who.AUTHOR, "parse error"),
        (lambda _: error(429, "too_many_requests", "slower"), Unavailable, Who.PROVIDER, "slower"),
    ],
)  # fmt: skip
async def test_each_refusal_says_who_must_act_in_the_servers_own_words(refuse, answer, who, words):
    async with before(Gate(refuse), None) as url, asking(url) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, answer)
    assert reading.who is who
    assert words in reading.words


async def test_who_asks_for_patience_gets_it_from_all_of_us():
    gate = Gate(says(429, "slower", Retry_After="30"))
    async with before(gate, None) as url, asking(url) as ask:
        first = await ask.one(RATIO)
        second = await ask.one(RATIO)
        ask.now[0] += 31 * MINUTE / 60
        await ask.one(RATIO)

    assert isinstance(first, Unavailable)
    assert first.retry_at is not None
    assert isinstance(second, Unavailable)
    assert second.retry_at == first.retry_at
    assert len(gate.asked) == 2


async def test_a_refusal_that_says_nothing_of_when_closes_for_half_a_minute():
    gate = Gate(says(429, "too many outstanding requests"))
    async with before(gate, None) as url, asking(url) as ask:
        first, second = await ask.one(RATIO), await ask.one(RATIO)

    assert isinstance(first, Unavailable)
    assert isinstance(second, Unavailable)
    assert first.retry_at == second.retry_at == ask.now[0] + 30 * SECOND
    assert len(gate.asked) == 1


async def test_a_query_that_is_too_much_is_asked_in_parts(shop):
    """The gate takes no query about more than two services, as a limit of samples would."""
    gate = Gate(lambda form: error(422, "execution", LIMIT) if form["query"].count("|shop") > 8 else None)
    many = [
        indicator({**RATIO, "where": {**RATIO["where"], "service": name}}, name=name)
        for name in ("shop", *(f"shop{number}" for number in range(7)))
    ]
    async with before(gate, shop) as url, asking(url) as ask:
        readings = await ask.all(*many)

    assert len(gate.asked) > 2
    assert canary(readings["shop"])
    assert all(isinstance(readings[each.id], NoData) for each in many[1:])


async def test_the_order_of_the_rows_means_nothing(shop):
    async with before(Gate(), shop) as url, asking(url) as ask, asking(shop) as directly:
        assert await ask.one(RATIO) == await directly.one(RATIO)


async def test_a_part_of_the_data_never_passes_for_all_of_it(shop):
    gate = Gate(warnings=["fetch series: rpc error: store gateway unavailable"])
    async with before(gate, shop) as url, asking(url) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert "a part of the data" in reading.words


async def test_a_remark_changes_no_number(shop):
    gate = Gate(infos=["PromQL info: metric might not be a counter"])
    async with before(gate, shop) as url, asking(url) as ask, asking(shop) as directly:
        assert await ask.one(RATIO) == await directly.one(RATIO)


async def test_a_tenant_sees_its_own_alone(shop):
    gate = Gate(tenant="shop", base="/prometheus")
    async with before(gate, shop) as url:
        async with asking(url, tenant="shop") as ask:
            assert canary(await ask.one(RATIO))
        async with asking(url) as stranger:
            reading = await stranger.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"bearer": SecretStr("t0ken-of-ours")}, "Bearer t0ken-of-ours"),
        ({"basic": {"user": "us", "password": SecretStr("pässword")}}, "Basic dXM6cMOkc3N3b3Jk"),
    ],
)
async def test_who_we_are_is_told_and_never_repeated(shop, settings, header):
    async with before(Gate(authorization=header), shop) as url, asking(url, **settings) as ask:
        assert canary(await ask.one(RATIO))
    async with before(Gate(authorization="another"), shop) as url, asking(url, **settings) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert header.partition(" ")[2] not in reading.words


async def test_thanos_is_told_that_a_part_is_not_enough(shop):
    gate = Gate()
    async with before(gate, shop) as url, asking(url, thanos=True) as ask:
        await ask.one(RATIO)

    assert gate.asked[0]["partial_response"] == "false"
    assert gate.asked[0]["dedup"] == "true"


async def test_at_most_four_calls_are_under_way_at_once(shop):
    gate = Gate()
    many = [
        indicator({**RATIO, "where": {**RATIO["where"], "service": f"shop-{number:04}-in-the-mall"}}, name=f"{number}")
        for number in range(900)
    ]  # fmt: skip
    async with before(gate, shop) as url, asking(url) as ask:
        await ask.all(*many)

    assert len(gate.asked) > 4
    assert gate.most_at_once == 4


async def test_an_answer_that_does_not_come_is_late_and_leaves_nothing_behind():
    around = asyncio.all_tasks()
    async with asking("http://127.0.0.1:1") as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert asyncio.all_tasks() == around


# ------------------------------------------------------------------------------------------------------------- signatures


async def test_amazon_gets_requests_that_are_signed_by_the_daemons_own_keys(shop):
    gate = Gate(keys=Credentials(OWN, OWN), base="/workspaces/ws-1")
    accounts = {"shop": AwsRoles("shop", "eu-central-1")}
    async with (
        open_aws(accounts, Metrics(), lambda: NOON) as aws,
        before(gate, shop) as url,
        asking(url, sigv4={"account": "shop"}, aws=aws) as ask,
    ):
        assert canary(await ask.one(RATIO))


async def test_a_signature_of_another_key_is_the_operators_to_mend(shop):
    gate = Gate(keys=Credentials("another", "key"))
    accounts = {"shop": AwsRoles("shop", "eu-central-1")}
    async with (
        open_aws(accounts, Metrics(), lambda: NOON) as aws,
        before(gate, shop) as url,
        asking(url, sigv4={"account": "shop"}, aws=aws) as ask,
    ):
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert "does not match" in reading.words


async def test_without_an_account_nothing_is_sent():
    gate = Gate()
    async with before(gate, None) as url, asking(url, sigv4={"account": "shop"}) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert gate.asked == []


# ------------------------------------------------------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"counter": "http_request_total"}, "did you mean http_requests_total?"),
        ({"where": {"service": "shopp", "version": "${arm.version}"}}, "did you mean shop?"),
        ({"where": {"service": "shop", "release": "${arm.version}"}}, "has no series with the label release"),
    ],
)
async def test_a_name_that_is_wrong_is_told_after_five_minutes_with_the_nearest(shop, change, words):
    wrong = {**RATIO, **change}
    async with asking(shop, now=NOON + 20 * MINUTE) as ask:
        at_first = await ask.one(wrong)
        ask.now[0] += 6 * MINUTE
        later = await ask.one(wrong)

    assert isinstance(at_first, NoData)
    assert isinstance(later, Invalid)
    assert later.who is Who.AUTHOR
    assert words in later.words


async def test_a_version_that_nobody_knows_is_told_with_those_that_there_are(shop):
    async with asking(shop, now=NOON + 20 * MINUTE) as ask:
        await ask.one(RATIO, canary={"version": "v3"}, baseline=None)
        ask.now[0] += 6 * MINUTE
        reading = await ask.one(RATIO, canary={"version": "v3"}, baseline=None)

    assert isinstance(reading, Invalid)
    assert "it is 'v1', 'v2'" in reading.words


@pytest.mark.parametrize(
    ("change", "names", "about"),
    [
        ({"counter": "http_request_total"}, {"version": "v2"}, About.METRIC),
        ({"where": {"service": "shopp", "version": "${arm.version}"}}, {"version": "v2"}, About.TAG),
        ({"where": {"servic": "shop", "version": "${arm.version}"}}, {"version": "v2"}, About.TAG),
        ({"where": {"service": "shop", "release": "${arm.version}"}}, {"version": "v2"}, About.VERSION_TAG),
        ({}, {"version": "v22"}, About.RELEASE),
        ({}, {}, About.RELEASE),
    ],
)
async def test_what_the_server_does_not_know_is_a_metric_a_label_or_the_release(shop, change, names, about):
    async with asking(shop, now=NOON + 20 * MINUTE) as ask:
        assert isinstance(ask.provider, Examined)
        told = await ask.provider.unknown(indicator({**RATIO, **change}), names)

    assert told is not None
    assert told.about is about


async def test_a_server_that_answers_is_looked_at_and_told_with_its_version(shop):
    async with asking(shop, now=NOON + 20 * MINUTE) as ask:
        assert isinstance(ask.provider, Examined)
        found = await ask.provider.examine()

    assert found[-1].level is Level.OK
    assert "2.42" in found[-1].words


@pytest.mark.parametrize(
    ("seconds", "told"), [(600, "600 s ahead of that of"), (-600, "600 s behind that of"), (3, "")]
)
async def test_clocks_that_do_not_agree_are_told(seconds, told):
    there = format_datetime((NOON - seconds * MINUTE / 60).astimezone(UTC), usegmt=True)
    up = '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"3"]}]}}'
    async with (
        before(Gate(says(200, up, "application/json", Date=there)), None) as url,
        asking(url, now=NOON) as ask,
    ):
        assert isinstance(ask.provider, Examined)
        found = await ask.provider.examine()

    assert [each.words for each in found if each.level is Level.WARN and told not in each.words] == []
    assert (found[0].level is Level.WARN) is bool(told)


async def test_a_server_that_holds_nothing_for_us_is_a_warning(shop):
    async with asking(shop, now=NOON - 1000 * MINUTE) as ask:
        assert isinstance(ask.provider, Examined)
        found = await ask.provider.examine()

    assert found[0].level is Level.WARN


async def test_a_server_that_is_down_is_a_failure():
    async with asking("http://127.0.0.1:1") as ask:
        assert isinstance(ask.provider, Examined)
        assert (await ask.provider.examine())[0].level is Level.FAIL


async def test_files_that_are_none_are_told_and_nothing_is_asked(tmp_path):
    async with asking("https://127.0.0.1:1", tls={"authority": str(tmp_path / "none.pem")}) as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert "`tls`" in reading.words


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "prom:9090"},
        {"url": "http://us:secret@prom:9090"},
        {"url": "http://prom:9090/?a=b"},
        {"tenant": "a\r\nb"},
        {"bearer": "a b"},
        {"bearer": "a", "basic": {"user": "u", "password": "p"}},
        {"tls": {"certificate": "a.pem"}},
        {"scrape_interval": "1h"},
        {"settle": "1d"},
        {"nothing": 1},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong):
    with pytest.raises(ValidationError):
        Settings.model_validate({"url": "http://prom:9090", **wrong})


async def test_a_bucket_shorter_than_two_scrapes_is_the_authors_to_mend(shop):
    async with asking(shop, scrape_interval="1m") as ask:
        reading = await ask.one(RATIO)

    assert isinstance(reading, Invalid)
    assert "scrape_interval" in reading.words


async def test_a_native_histogram_is_asked_in_a_form_that_the_server_understands(shop):
    query = {"histogram": "http_request_duration_seconds", "native": True, "over": ["300ms", "1s"]}
    async with asking(shop) as ask:
        reading = await ask.one(query, Kind.LATENCY, bounds=(0.3, 1.0))

    assert isinstance(
        reading, NoData
    )  # 2.42 keeps none unless it is told to: what is seen here is that it can be read
