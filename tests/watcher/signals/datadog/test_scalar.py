"""One number a group: for whoever looks what there is. Rows are aligned, a null is no number, and many groups are bounded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from rules.model import Kind
from tests.fakes.datadog import Site
from tests.fakes.world import START, World, traffic
from tests.watcher.signals.datadog.asking import MINUTE, a_site, a_world, asking, indicator
from watcher.signals.datadog.answer import Failed
from watcher.signals.datadog.fetch import SCOPE
from watcher.signals.datadog.provider import Datadog
from watcher.signals.datadog.scalar import MOST, PATH, Group, Scalar, body_of
from watcher.signals.datadog.server import Server
from watcher.signals.unknown import words_of

HITS = "sum:trace.http.request.hits{env:prod,service:shop,version:${arm.version}}.as_count()"
BY = "sum:trace.http.request.{}{{*}} by {{service,version}}.as_count()"
VALUES: Sequence[Sequence[str]] = (["shop"], ["shop"])


def column(kind: str, name: str, *values: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "values": list(values)}


def told(*columns: dict[str, Any]) -> Scalar:
    return Scalar.model_validate({"data": {"attributes": {"columns": list(columns)}}})


async def asked(site: Site, query: str) -> Scalar:
    async with asking(site) as life:
        assert isinstance(life.provider, Datadog)
        server: Server = life.provider._server
        body = body_of(query, "sum", START, START + 10 * MINUTE)
        answer = await server.post(PATH, body, Scalar, SCOPE, timedelta(seconds=10))
        assert not isinstance(answer, Failed), answer
        return answer


async def test_each_group_has_what_happened_to_it():
    world = a_world()
    answer = await asked(a_site(world), BY.format("hits"))

    assert {(each.tags["service"], each.tags["version"]): each.number for each in answer.groups} == {
        ("shop", version): float(len(world.between(START, START + 10 * MINUTE, version=version)))
        for version in ("v1", "v2")
    }
    assert answer.is_whole


async def test_without_groups_it_is_one_and_of_what_nobody_sent_none():
    world = a_world()

    (one,) = (await asked(a_site(world), "sum:trace.http.request.hits{*}.as_count()")).groups
    none = await asked(a_site(world), "sum:trace.http.request.hit{*} by {service}.as_count()")

    assert one == Group({}, float(len(world.between(START, START + 10 * MINUTE))))
    assert none.groups == []


async def test_many_groups_are_bounded_and_those_with_the_most_are_told():
    site = a_site(of_many_releases())
    answer = await asked(site, BY.format("hits"))

    assert len(answer.groups) == MOST
    assert not answer.is_whole
    assert answer.groups[0].number == max(each.number for each in answer.groups)


def of_many_releases(many: int = MOST + 20) -> World:
    """As many releases, each of which has served less than the one before."""
    log = traffic(3, 10, versions=[("v0", 1.0, 0.0)], every=timedelta(seconds=0.1))
    return World(
        [replace(each, version=f"v{min(n % many, n // many)}") for n, each in enumerate(log)]
        + [replace(log[0], version=f"v{n}") for n in range(many)],
        now=START + 12 * MINUTE,
    )


def test_the_same_place_of_all_columns_is_one_row_and_a_null_is_no_number():
    answer = told(
        column("group", "service", *VALUES, ["shop", "web"]),
        column("group", "version", ["v1"], ["v2"], ["v3"]),
        column("number", "a", 3.0, None, 0.0),
    )

    assert answer.groups == [
        Group({"service": "shop", "version": "v1"}, 3.0),
        Group({"service": "shop,web", "version": "v3"}, 0.0),
    ]


@pytest.mark.parametrize(
    "columns",
    [
        (column("group", "service", ["shop"]), column("number", "a", 1.0, 2.0)),
        (column("group", "service", *VALUES), column("number", "a", 1.0)),
        (column("group", "service", *VALUES),),
        (column("number", "a", 1.0), column("number", "b", 1.0)),
    ],
)
def test_columns_that_do_not_fit_each_other_are_no_answer(columns):
    with pytest.raises(ValueError, match=r"argument|values to unpack"):
        assert told(*columns).groups


@pytest.mark.parametrize("columns", [(column("text", "a", "b"),), (column("number", "a", "many"),)])
def test_columns_of_another_kind_are_no_answer(columns):
    with pytest.raises(ValidationError):
        told(*columns)


# ------------------------------------------------------------------------------------------------------ what is looked up


async def looked_up(site: Site, version: str) -> tuple[str | None, list[str]]:
    """What is not known, and the ways in which was asked."""
    async with asking(site) as life:
        assert isinstance(life.provider, Datadog)
        words = await life.provider.unknown(indicator({"total": HITS}, Kind.REQUESTS), {"version": version})
        return words_of(words), [path for path, _ in site.calls]


async def test_which_releases_there_are_is_one_call():
    there, calls = await looked_up(a_site(), "v2")
    missing, calls_too = await looked_up(a_site(), "v22")

    assert there is None
    assert "no series whose version is v22: did you mean v2?; it is 'v1', 'v2'" in str(missing)
    assert calls == calls_too == [PATH]


async def test_a_release_that_is_not_among_those_that_are_told_is_asked_for_by_itself():
    last, calls = await looked_up(a_site(of_many_releases()), f"v{MOST + 19}")
    missing, calls_too = await looked_up(a_site(of_many_releases()), "v999")

    assert last is None
    assert "no series whose version is v999" in str(missing)
    assert calls == calls_too == [PATH, PATH]


async def test_what_is_refused_or_no_answer_says_of_no_release_that_it_is_not_there():
    columns = [column("group", "version"), column("number", "a", 1.0)]
    content = {"data": {"type": "scalar_response", "attributes": {"columns": columns}}}
    for answer in (web.Response(status=500), web.json_response(content), web.json_response({"errors": "x"})):
        site = a_site(refuse=lambda _path, _body, answer=answer: answer)
        assert await looked_up(site, "v22") == (None, [PATH])


async def test_the_check_of_the_application_key_is_one_number():
    async with asking() as life:
        assert isinstance(life.provider, Datadog)
        await life.provider.examine()

        assert [path for path, _ in life.site.calls] == ["/api/v1/validate", PATH]
