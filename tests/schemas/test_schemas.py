"""The check sees a fake, or a question, that is not as its vendor publishes it; in whatever test that happens."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from tests.conftest import pytest_runtest_call, pytest_runtest_setup, pytest_runtest_teardown
from tests.fakes import datadog, github, newrelic, sentry
from tests.fakes.alerts import NOON
from tests.fakes.alerts.cloudwatch import Sns
from tests.fakes.datadog.site import Site
from tests.fakes.newrelic.graph import KEY, NUMBER
from tests.fakes.slack import SlackWorld
from tests.fakes.slack.methods import Methods
from tests.fakes.world import START, World, traffic
from tests.schemas.amended import AMENDMENTS, Amendment
from tests.schemas.book import FOLDER, amended, book, published
from tests.schemas.exchange import Exchange, caught, note
from tests.schemas.graph import wrongs
from tests.schemas.openapi import pared
from tests.schemas.vendors import DOCUMENTS
from watcher.signals.newrelic import nrql

README = Path(__file__).with_name("README.md").read_text(encoding="utf-8")
_TITLES = {"MIT-0": "MIT No Attribution", "Apache-2.0": "Apache License, Version 2.0"}
DATADOG = {"DD-API-KEY": datadog.API_KEY, "DD-APPLICATION-KEY": datadog.APPLICATION_KEY}
QUESTION = {
    "from": round(START.timestamp() * 1000),
    "to": round(START.timestamp() * 1000) + 120_000,
    "interval": 60_000,
    "formulas": [{"formula": "a"}],
    "queries": [
        {"data_source": "metrics", "name": "a", "query": "sum:trace.http.request.hits{*}.as_count()"}
    ],
}


def a_world() -> World:
    return World(traffic(3, 2, versions=[("v1", 1.0, 0.1)]), now=START.replace(minute=10))


class Garbled(Site):
    """A Datadog that writes its times out, as Datadog does not."""

    def _series(self, given: Any, start: int, end: int) -> dict[str, Any]:
        content = super()._series(given, start, end)
        attributes = content["data"]["attributes"]
        return {"data": {**content["data"], "attributes": {**attributes, "times": ["noon"]}}}


def asked_of(site: Site, **changes: Any) -> int:
    request = make_mocked_request("POST", "/api/v2/query/timeseries", headers=DATADOG)
    content = {"data": {"type": "timeseries_request", "attributes": {**QUESTION, **changes}}}
    return site._answered(request, json.dumps(content).encode()).status


def test_a_datadog_that_answers_otherwise_is_seen():
    world = a_world()

    with caught() as good:
        asked_of(Site(world, datadog.Metrics(world)))
    with caught() as bad:
        asked_of(Garbled(world, datadog.Metrics(world)))

    assert good == []
    assert [each for each in bad if '"noon" is not of type "integer"' in each]


def test_a_question_with_a_member_that_datadog_does_not_know_is_seen():
    world = a_world()

    with caught() as found:
        status = asked_of(Site(world, datadog.Metrics(world)), limit=5)

    assert status == 200
    where = "datadog-v2: POST /api/v2/query/timeseries: what was asked, at /data/attributes"
    assert found == [f"{where}: Additional properties are not allowed ('limit' was unexpected)"]


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ({"minimum": 0, "exclusiveMinimum": True}, {"exclusiveMinimum": 0}),
        ({"maximum": 9, "exclusiveMaximum": False}, {"maximum": 9}),
        ({"exclusiveMaximum": 9}, {"exclusiveMaximum": 9}),
    ],
)
def test_a_bound_that_is_itself_outside_is_read_in_the_old_way_and_in_the_new_one(told, read):
    assert pared({"type": "number", **told}) == {"type": "number", **read}


def test_what_was_refused_was_seen_already():
    world = a_world()

    with caught() as found:
        status = asked_of(Site(world, datadog.Metrics(world)), to=0, limit=5)

    assert status == 400
    assert found == []


def test_a_sentry_that_tells_a_number_as_text_is_seen():
    shop = sentry.Shop(a_world(), projects={"checkout": "1"})  # type: ignore[dict-item]

    with caught() as found:
        sentry.respond(
            shop, "GET", "/api/0/organizations/shop/releases/checkout%40v1/", f"Bearer {sentry.TOKEN}"
        )

    where = "sentry: GET /api/0/organizations/shop/releases/checkout%40v1/: the answer 200, at /projects/0/id"
    assert found == [f'{where}: "1" is not of type "number"']


def test_a_parameter_that_sentry_does_not_know_is_seen():
    with caught() as found:
        sentry.respond(
            sentry.Shop(a_world()), "GET", "/api/0/organizations/shop/?colour=red", f"Bearer {sentry.TOKEN}"
        )

    assert [each for each in found if "colour" in each]


def test_a_webhook_of_github_with_a_ref_that_is_none_is_seen():
    world = github.GitHubWorld(lambda: NOON)
    world.deploys("production", ref=7)  # type: ignore[arg-type]

    with caught() as found:
        github.Hook(world).deliveries()

    assert found == [
        'github-webhooks: deployment-created: what was sent, at /deployment/ref: 7 is not of type "string"'
    ]


def test_a_slack_that_tells_people_by_numbers_is_seen():
    async def asked(world: SlackWorld) -> None:
        Methods(world).call("usergroups.users.list", world.bot_token, {"usergroup": "S0ONCALL"})

    world = SlackWorld(lambda: NOON)
    world.groups = {"S0ONCALL": [4711]}  # type: ignore[list-item]

    with caught() as found:
        asyncio.run(asked(world))

    assert found == [
        'slack: POST /api/usergroups.users.list: the answer 200, at /users/0: 4711 is not of type "string"'
    ]


def test_a_letter_of_sns_that_lacks_something_is_seen():
    whole = json.loads(Sns().notification("{}", NOON).body)
    del whole["UnsubscribeURL"]

    with caught() as found:
        book("aws-messages").sent("sns-notification", whole)

    assert found == [
        'aws-messages: sns-notification: what was sent, at /: "UnsubscribeURL" is a required property'
    ]


def _asked_of_newrelic(**changes: Any) -> Exchange:
    body = nrql.body(NUMBER, {"q0": "SELECT count(*) AS 'total' FROM Transaction SINCE 0 UNTIL 60000"})
    _, _, answer = newrelic.respond(newrelic.Account(a_world()), body, KEY)
    return replace(Exchange("POST /graphql", body=body, answer=answer), **changes)


def _in_the_question(old: str, new: str) -> Exchange:
    exchange = _asked_of_newrelic()
    return replace(exchange, body=exchange.body.replace(old.encode(), new.encode()))


def _in_the_answer(old: str, new: str) -> Exchange:
    exchange = _asked_of_newrelic()
    assert old.encode() in exchange.answer
    return replace(exchange, answer=exchange.answer.replace(old.encode(), new.encode()))


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (lambda: _in_the_question("{results ", "{rows "), "Cannot query field 'rows'"),
        (lambda: _in_the_question("$a:Int!", "$a:String!"), "expecting type 'Int!'"),
        (lambda: _in_the_question('"a": 4711', '"a": "x"'), "Int cannot represent"),
        (lambda: _in_the_answer('"messages"', '"remarks"'), "messages was asked for, and is not answered"),
        (lambda: _in_the_answer('"metadata": {', '"metadata": {"more": 1, '), "what was not asked for"),
        (lambda: _in_the_answer('"messages": []', '"messages": 7'), "Expected Iterable"),
    ],
)
def test_what_new_relic_does_not_know_is_seen(exchange, words):
    found = list(wrongs("newrelic", exchange()))

    assert any(words in each for each in found), found


def test_the_question_that_is_put_to_new_relic_and_its_answer_fit():
    assert list(wrongs("newrelic", _asked_of_newrelic())) == []


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (Exchange("GET /api/v1/nothing", answer=b"{}"), "no such operation is published"),
        (Exchange("GET /api/v1/validate", status=204), "no answer 204 is published"),
        (Exchange("GET /api/v1/validate", answer=b"<html>", kind="text/html"), "the answer 200 is not JSON"),
        (
            Exchange("GET /api/v1/validate", query=[("a", "1")], answer=b'{"valid": true}'),
            "the query, at /: Additional properties are not allowed ('a' was unexpected)",
        ),
    ],
)
def test_an_exchange_that_is_not_published_is_told(exchange, words):
    assert list(book("datadog-v1").wrongs(exchange)) == [words]


@pytest.mark.parametrize(
    "exchange",
    [
        Exchange("GET /api/v1/validate", status=502, answer=b"<html>", kind="text/html"),
        Exchange("GET /api/v1/validate", status=403, answer=b"Forbidden", kind="text/plain"),
        Exchange("GET /api/v1/nothing", status=404, answer=b'{"errors": []}'),
    ],
)
def test_of_trouble_on_the_way_nothing_is_said(exchange):
    assert list(book("datadog-v1").wrongs(exchange)) == []


@pytest.mark.parametrize("hook", [pytest_runtest_setup, pytest_runtest_call, pytest_runtest_teardown])
def test_the_test_in_which_something_unlike_was_said_has_failed(hook):
    call = hook()
    next(call)
    note("nobody", Exchange("GET /"), iter(["it is odd"]))

    with pytest.raises(pytest.fail.Exception, match="nobody: GET /: it is odd"):
        call.send(None)


@pytest.mark.parametrize("amendment", AMENDMENTS, ids=lambda each: f"{each.document} {each.place[-1]}")
def test_what_is_amended_is_still_published_otherwise(amendment: Amendment):
    content: Any = published(amendment.document)
    for name in amendment.place[:-1]:
        content = content[name]

    assert content.get(amendment.place[-1]) != amendment.value
    assert amended(amendment.document) != published(amendment.document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each.name)
def test_each_file_says_what_it_was_derived_from_and_so_does_the_table(document):
    package = document.package
    content = next(FOLDER.glob(f"{document.name}.*")).read_text(encoding="utf-8")

    row = next(line for line in README.splitlines() if f"`{document.name}`" in line)
    assert f"{package.name} {package.version}" in row
    assert row.endswith(f"| {package.licence} |")
    assert all(f'"{word}"' in content or word in content for word in (package.name, package.version))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each.name)
def test_the_licence_of_each_file_lies_beside_it(document):
    name = document.package.name.removeprefix("@").replace("/", "-")
    text = (FOLDER.parent / "licences" / f"{name}.txt").read_text(encoding="utf-8")

    assert document.package.licence.partition("-")[0] in text or _TITLES[document.package.licence] in text


def test_what_is_not_under_an_open_licence_is_in_no_distribution():
    closed = {each.name for each in DOCUMENTS if each.package.licence not in {"MIT", "MIT-0", "Apache-2.0"}}
    root = str(FOLDER.parents[2])

    source, wheel = (
        {each.distribution_path for each in builder(root).recurse_included_files()}
        for builder in (SdistBuilder, WheelBuilder)
    )

    assert closed == {"sentry"}
    assert "tests/schemas/published/github.json" in source
    assert "tests/schemas/published/sentry.json" not in source
    assert not any(each.startswith("tests/") for each in wheel)


def test_a_file_that_a_source_distribution_has_not_is_named_with_how_to_get_it():
    with pytest.raises(FileNotFoundError, match=r"derive it with `python -m tests\.schemas nobody`"):
        published("nobody")


def test_every_fake_of_a_vendor_stands_in_the_table():
    fakes = Path(__file__).parents[1] / "fakes"

    folders = [each.name for each in fakes.iterdir() if (each / "__init__.py").exists()]

    assert folders
    assert [name for name in folders if f"`{name}" not in README] == []
