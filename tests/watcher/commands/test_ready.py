"""``rollbackd ready``: a row a service, red where it could not be put back now; and nothing is changed."""

import json
from datetime import timedelta

import pytest

from deploy.model import Finding, Level
from tests.deploy.targets.programs import PROGRAM, a_program
from tests.fakes.aws import AwsWorld, Direct, Scope, serving
from tests.fakes.aws.fixtures import NOON, Clock, environment
from tests.watcher.api.daemon import a_service
from tests.watcher.commands.speaking import run
from tests.watcher.commands.test_doctor import ACT, CONFIGURATION, READ, RULES, Office, a_shop
from watcher import clock as real
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands._doctor.checks import Found
from watcher.commands._ready.examining import examined
from watcher.commands._ready.rows import row
from watcher.commands._ready.ways import Way
from watcher.commands.ready import _of

PROGRAMS = """\
version: 1
daemon: {store: {memory: {}}}
services:
  web:
    production:
      runs_on: [{command: {live: LIVE, move: [/bin/false]}}]
      rules: [{file: web.yaml}]
"""
NOWHERE = """\
version: 1
indicators:
  here: {probe: {http: {url: "http://127.0.0.1:9/", every: 10s}}}
rules:
  - {name: it answers, indicator: here, judge: {threshold: {bad: 3, of: 5}}, on_breach: ask}
"""


@pytest.fixture
def office(tmp_path):
    now = Clock(NOON)
    world = a_shop(now)
    yield Office(now, world, tmp_path)
    assert world.bugs == []


async def rows(office, *, configuration=CONFIGURATION, rules=RULES):
    path = office.writes(configuration=configuration, rules=rules)
    aws = Direct(office.world, {"shop": Scope("eu-central-1", read=READ, act=office.act)})
    return await examined(load(path), Ports(now=office.now, aws=aws), timedelta(seconds=1))


async def the_row(office, **changed):
    (found,) = await rows(office, **changed)
    return found


def reds(found):
    return [finding.words for finding in found.findings if finding.level is Level.FAIL]


async def test_a_service_that_could_be_put_back_says_where_to_and_how_long_it_takes(office):
    found = await the_row(office)

    assert found.level is Level.OK
    name, environ, live, back, takes, acts, signals, ready = found.cells()
    assert (name, environ, live, back) == ("web", "production", "web:2", "web:1")
    assert takes.startswith("about ")
    assert (acts, signals, ready) == ("yes", "2 of 2", "yes")
    assert office.world.mutating_calls() == []


async def test_a_known_good_that_cannot_be_set_any_more_is_red(office):
    office.world.ecs.definitions.deregister("web:1")

    found = await the_row(office)

    assert found.level is Level.FAIL
    assert found.cells()[-1] == "NO"
    assert found.as_data()["ready"] is False
    assert any(words.startswith("back to web:1: ") for words in reds(found))


async def test_a_permission_to_act_that_is_missing_is_red(office):
    office.world.identities.role(ACT, {"sts:*", "ecs:TagResource"})

    found = await the_row(office)

    assert found.cells()[5] == "NO"
    assert any("may not ecs:UpdateService" in words for words in reds(found))


async def test_a_role_that_cannot_be_assumed_is_red(office):
    del office.world.identities.roles[ACT]

    assert (await the_row(office)).cells()[5] == "NO"


async def test_whether_it_may_act_that_cannot_be_known_is_said_and_not_red(office):
    office.world.identities.role(READ, {"sts:*", "ecs:*", "ecr:*", "sqs:*", "cloudwatch:*"})

    found = await the_row(office)

    assert found.level is Level.WARN
    assert (found.cells()[5], found.cells()[-1]) == ("as far as is known", "as far as is known")


async def test_in_shadow_nobody_has_to_act(office):
    office.act = None
    shadow = CONFIGURATION.replace(f', act: "{ACT}"', "").replace("mode: auto", "mode: shadow")

    found = await the_row(office, configuration=shadow)

    assert found.level is Level.OK
    assert found.cells()[5] == "-"


async def test_a_name_that_is_not_mapped_is_red(office):
    found = await the_row(office, rules=RULES.replace("targetgroup/web/0000000000000000", '"${arm.group}"'))

    assert found.cells()[6] == "1 of 2"
    assert any("${arm.group}" in words for words in reds(found))


async def test_a_service_that_cannot_be_read_is_red_and_the_others_are_told_all_the_same(office):
    two = CONFIGURATION.replace(
        "services:\n",
        "services:\n  gone:\n    production:\n      runs_on: [{ecs: {cluster: prod, service: gone}}]\n"
        "      rules: [{file: web.yaml}]\n",
    )

    gone, web = await rows(office, configuration=two)

    assert (gone.cells()[0], gone.cells()[-1]) == ("gone", "NO")
    assert web.level is Level.OK


async def test_a_first_release_has_no_way_back_yet_and_is_not_red(office):
    world = AwsWorld(office.now)
    world.ecs.register("web", "shop:1.4.0", at=NOON - timedelta(days=1))
    world.ecs.create_service("web", "web:1", at=NOON - timedelta(days=1), cluster="prod", desired=4)
    world.identities.role(READ)
    world.identities.role(ACT)
    office.world = world

    found = await the_row(office)

    assert found.cells()[3] == "-"
    assert any("opens with the next deployment" in finding.words for finding in found.ways[0].findings)
    assert found.ways[0].findings[0].level is Level.WARN


async def test_where_nothing_that_served_is_known_to_be_good_it_is_red(office):
    world = AwsWorld(office.now)
    for image in ("shop:1", "shop:2"):
        world.ecs.register("web", image, at=NOON - timedelta(days=9))
    world.ecs.create_service("web", "web:1", at=NOON - timedelta(days=2, hours=1), cluster="prod", desired=4)
    world.ecs.deploy("web", "web:2", at=NOON - timedelta(days=2))
    world.identities.role(READ)
    world.identities.role(ACT)
    office.world = world

    found = await the_row(office)

    assert "of what served before nothing is known to be good" in reds(found)


async def test_a_service_moved_by_programs_leaves_the_way_back_to_the_daemon(tmp_path):
    office = Office(Clock(), AwsWorld(Clock()), tmp_path)
    (tmp_path / "world.json").write_text(json.dumps({"tag": "v2"}))
    live = [*a_program(tmp_path / "program.py", PROGRAM), "live", str(tmp_path / "world.json")]
    path = office.writes(configuration=PROGRAMS.replace("LIVE", json.dumps(live)), rules=NOWHERE)

    (found,) = await examined(load(path), Ports(), timedelta(0))

    assert found.cells()[2:6] == ("v2", "-", "-", "-")
    assert "only the daemon's store knows" in found.ways[0].findings[0].words


def test_one_service_can_be_asked_about_alone(office):
    configuration = load(office.writes())

    assert list(_of(configuration, ("web", "production")).targets) == [("web", "production")]
    assert _of(configuration, ()) is configuration
    with pytest.raises(Exception, match="known: web/production"):
        _of(configuration, ("wbe", "production"))
    with pytest.raises(Exception, match="name a service and its environment"):
        _of(configuration, ("web",))


def test_what_is_found_of_others_is_not_this_service_s():
    service = a_service()
    found = [
        Found("service other/production", "to act", Finding(Level.FAIL, "no")),
        Found("service other/production", "signal x", Finding(Level.FAIL, "no")),
        Found("account far", "to act", Finding(Level.FAIL, "no")),
        Found("account shop", "to read", Finding(Level.FAIL, "no")),
    ]

    made = row(
        service, [Way("service", (Finding(Level.OK, "back"),), "v2", "v1")], found, frozenset({"shop"})
    )

    assert made.level is Level.OK
    assert made.cells()[5:7] == ("-", "0 of 0")


@pytest.mark.lasts(8)
def test_the_command_tells_people_and_programs(tmp_path):
    office = Office(Clock(), a_shop(real.now), tmp_path)  # boto3 signs by the true time
    words = ("ready", "--config", str(office.writes()))
    with serving(office.world) as url:
        people = run(*words, "web", "production", **environment(url))
        office.world.identities.role(ACT, {"sts:*"})
        programs = run(*words, "--json", **environment(url))

    assert people.status == 0, people.err
    heads, told = people.out.splitlines()
    assert heads.split("  ")[0] == "SERVICE"
    assert told.endswith("yes")
    assert programs.status == 1
    (service,) = programs.json["services"]
    assert (service["ready"], service["parts"][0]["back_to"]) == (False, "web:1")
    assert office.world.mutating_calls() == []
