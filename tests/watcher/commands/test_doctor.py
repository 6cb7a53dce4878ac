"""``rollbackd doctor``: what is wrong is named, with its remedy; nothing is changed; and no check hides another."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from deploy.model import Finding, Level, Recalled, Release
from tests.fakes.aws import AwsWorld, Direct, Scope, serving
from tests.fakes.aws.fixtures import NOON, Clock, environment
from tests.fakes.serve import serving_app
from watcher import clock as real
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands import doctor
from watcher.commands._doctor.accounts import clock
from watcher.commands._doctor.checks import Check, Found, carried_out
from watcher.commands._doctor.services import before
from watcher.commands._init.names import Names
from watcher.commands._init.policies import act_policy, read_policy

READ, ACT = (f"arn:aws:iam::123456789012:role/{name}" for name in ("rb-read", "rb-act"))
BALANCER = {"LoadBalancer": "app/shop/0000000000000000"}
GROUP = BALANCER | {"TargetGroup": "targetgroup/web/0000000000000000"}
QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/deployments"
CONFIGURATION = f"""\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true}}
accounts:
  shop: {{region: eu-central-1, read: "{READ}", act: "{ACT}"}}
sources:
  queue: {{sqs: {{account: shop, url: "{QUEUE}"}}}}
defaults: {{account: shop, mode: auto}}
services:
  web:
    production:
      runs_on: [{{ecs: {{cluster: prod, service: web}}}}]
      rules: [{{file: web.yaml}}]
"""
RULES = """\
version: 1
indicators:
  errors:
    ratio:
      cloudwatch:
        namespace: AWS/ApplicationELB
        dimensions: {LoadBalancer: app/shop/0000000000000000, TargetGroup: targetgroup/web/0000000000000000}
        bad: {sum: [HTTPCode_Target_5XX_Count]}
        total: {sum: [RequestCount]}
  tasks:
    ratio: {ecs_tasks: {cluster: prod, service: web, task_definition: "${arm.task_definition}"}}
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
  - {name: tasks live, indicator: tasks, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""


def a_shop(now: Callable[[], datetime]) -> AwsWorld:
    """A service that has served two releases, its traffic, and its queue."""
    world = AwsWorld(now)
    began = now() - timedelta(days=2)
    world.ecs.register("web", "shop:1.4.0", at=began)
    world.ecs.register("web", "shop:1.4.1", at=began)
    world.ecs.create_service("web", "web:1", at=began, cluster="prod", desired=4)
    world.ecs.deploy("web", "web:2", at=now() - timedelta(days=1))
    for minute in range(30):
        at = now() - timedelta(minutes=30 - minute)
        world.cloudwatch.put("AWS/ApplicationELB", "RequestCount", GROUP, at, [1.0] * 50)
    world.sqs.create_queue("dead")
    world.sqs.create_queue("deployments", dead="dead")
    world.identities.role(READ)
    world.identities.role(ACT)
    world.advance()
    return world


@dataclass
class Office:
    """A doctor, with a world to look at and a configuration to change."""

    now: Clock
    world: AwsWorld
    folder: Path
    act: str | None = ACT

    def writes(self, *, configuration: str = CONFIGURATION, rules: str = RULES) -> Path:
        (self.folder / "web.yaml").write_text(rules)
        path = self.folder / "rollbackd.yaml"
        path.write_text(configuration)
        return path

    async def examines(self, *, configuration: str = CONFIGURATION, rules: str = RULES) -> list[Found]:
        path = self.writes(configuration=configuration, rules=rules)
        aws = Direct(self.world, {"shop": Scope("eu-central-1", read=READ, act=self.act)})
        return await doctor.examined(load(path), Ports(now=self.now, aws=aws))


@pytest.fixture
def office(tmp_path):
    now = Clock(NOON)
    world = a_shop(now)
    yield Office(now, world, tmp_path)
    assert world.bugs == []


def of(found: list[Found], subject: str, check: str) -> list[Finding]:
    return [each.finding for each in found if (each.subject, each.check) == (subject, check)]


def the(found: list[Found], subject: str, check: str) -> Finding:
    """The worst of one check."""
    order = list(Level)
    return max(of(found, subject, check), key=lambda finding: order.index(finding.level))


def failures(found: list[Found]) -> list[tuple[str, str]]:
    return [(each.subject, each.check) for each in found if each.finding.level is Level.FAIL]


def not_ours(found: list[Found]) -> list[Found]:
    """Without what is said of the daemon itself: see test_doctor_ourselves.py."""
    return [each for each in found if each.subject not in {"daemon", "team nobody"}]


WEB = "service web/production"


async def test_where_all_is_well_it_says_so_and_changes_nothing(office):
    found = await office.examines()

    others = not_ours(found)
    assert [each for each in others if each.finding.level is not Level.OK] == []
    assert doctor.status(found) == 0
    assert office.world.mutating_calls() == []
    assert {each.subject for each in others} == {"account shop", "source queue", WEB}


async def test_it_says_who_we_are_what_is_live_and_how_long_the_way_back_takes(office):
    found = await office.examines()

    assert READ in the(found, "account shop", "to read").words
    assert ACT in the(found, "account shop", "to act").words
    assert "web:2 (fingerprint " in the(found, WEB, "live").words
    back = the(found, WEB, "way back").words
    assert "to web:1 (fingerprint " in back
    assert "takes about" in back
    assert "0 messages wait" in of(found, "source queue", "queue")[0].words
    assert "data until" in the(found, WEB, "signal errors").words
    assert "ecs:UpdateService, ecs:StopServiceDeployment, ecs:Continue" in the(found, WEB, "to act").words


# ----------------------------------------------------------------------------------------------- what a watch could see


async def test_it_says_what_a_watch_could_see_at_the_traffic_of_now(office):
    found = await office.examines()

    words = [finding.words for finding in of(found, WEB, "could see")]
    assert len(words) == 2
    assert words[0].startswith(
        "“the objective holds”: at 48 requests a minute (as in the past): 0 % → 5 % is found"
    )


async def test_what_nothing_useful_can_be_seen_with_is_a_warning_with_what_would_help(office):
    short = CONFIGURATION.replace("mode: auto}", "mode: auto, bake: {at_least: 15m, at_most: 15m}}")
    rules = RULES.replace("on_breach", "must_have_seen: 2%, on_breach", 1)

    found = await office.examines(configuration=short, rules=rules)

    sees = the(found, WEB, "could see")
    assert sees.level is Level.WARN
    assert "can see nothing useful: at 48 requests a minute" in sees.words
    assert "a longer bake" in sees.remedy
    assert doctor.status(found) == 0


async def test_what_is_worse_than_acceptable_already_is_told_before_anything_is_deployed(office):
    for minute in range(30):
        at = office.now() - timedelta(minutes=30 - minute)
        office.world.cloudwatch.put("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", GROUP, at, [1.0] * 20)

    found = await office.examines()

    sees = the(found, WEB, "could see")
    assert sees.level is Level.WARN
    assert "“the objective holds” does not hold now, and would only ask: it was so before: " in sees.words
    assert sees.remedy == "look at the service before you deploy to it"


async def test_it_says_what_the_metrics_of_a_watch_cost(office):
    found = await office.examines()

    assert the(found, WEB, "costs").words == "errors: 2 metrics each 1m: some 0.03 USD for a day of a watch"


# --------------------------------------------------------------------------------------------------------- credentials


async def test_a_role_that_cannot_be_assumed_is_named_and_hides_nothing(office):
    del office.world.identities.roles[ACT]

    found = await office.examines()

    assert the(found, "account shop", "to act").level is Level.FAIL
    assert ACT in the(found, "account shop", "to act").words
    assert the(found, WEB, "live").level is Level.OK
    assert doctor.status(found) == 1


async def test_in_shadow_no_role_to_act_is_needed_and_none_is_tried(office):
    office.act = None
    shadow = CONFIGURATION.replace(f', act: "{ACT}"', "").replace("mode: auto", "mode: shadow")

    found = await office.examines(configuration=shadow)

    assert "shadow" in the(found, "account shop", "to act").words
    assert failures(found) == []
    assert all(call.by == READ for call in office.world.calls)


async def test_another_account_than_that_of_the_roles_is_told(office):
    elsewhere = CONFIGURATION.replace("123456789012", "999999999999")

    found = await office.examines(configuration=elsewhere)

    assert "another account" in the(found, "account shop", "to read").words


# --------------------------------------------------------------------------------------------------------- permissions


async def test_a_permission_to_read_that_is_missing_is_named_by_who_needs_it(office):
    office.world.identities.role(READ, {"sts:*", "iam:*", "sqs:*", "cloudwatch:*"})

    found = await office.examines()

    assert "ecs:DescribeServices" in the(found, WEB, "live").words
    assert the(found, "source queue", "queue").level is Level.OK


async def test_a_permission_to_act_that_is_missing_is_named_without_trying_it(office):
    allowed = {"sts:*", "ecs:UpdateService", "ecs:ContinueServiceDeployment", "ecs:TagResource"}
    office.world.identities.role(ACT, allowed)

    found = await office.examines()

    (denied,) = (finding for finding in of(found, WEB, "to act") if finding.level is Level.FAIL)
    assert f"{ACT} may not ecs:StopServiceDeployment" in denied.words
    assert office.world.mutating_calls() == []


@pytest.mark.parametrize(
    ("rollout", "level"),
    [("", Level.WARN), ("rollout: {hooks: answer}, ", Level.FAIL)],
    ids=["leave", "answer"],
)
async def test_that_hooks_may_not_be_answered_matters_where_they_are_to_be(office, rollout, level):
    office.world.identities.role(
        ACT, {"sts:*", "ecs:UpdateService", "ecs:StopServiceDeployment", "ecs:TagResource"}
    )

    found = await office.examines(configuration=CONFIGURATION.replace("mode: auto", f"{rollout}mode: auto"))

    denied = the(found, WEB, "to act")
    assert denied.level is level
    assert "may not ecs:ContinueServiceDeployment" in denied.words


async def test_the_policies_of_init_are_all_that_is_needed(office):
    names = Names(
        cluster="prod", services=("web",), families=("web",), account="123456789012", queue="deployments", read="rb-read", act="rb-act"
    )  # fmt: skip
    office.world.identities.role(READ, policies=[read_policy(names)])
    office.world.identities.role(ACT, policies=[act_policy(names)])

    found = await office.examines()

    assert [each for each in not_ours(found) if each.finding.level is not Level.OK] == []


MIRRORED = CONFIGURATION.replace(
    "mode: auto}",
    'mode: auto, mirror: [{ssm: {parameter: "/known-good/${service}"}}, {ecr: {repository: shop}}]}',
)


async def test_what_mirrors_need_is_looked_at_and_the_missing_permission_named_without_trying_it(office):
    office.world.identities.role(READ, {"sts:*", "iam:*", "ecs:*", "ecr:*", "sqs:*", "ssm:*", "cloudwatch:*"})
    office.world.identities.role(ACT, {"sts:*", "ecs:*", "ecr:PutImage"})

    found = await office.examines(configuration=MIRRORED)
    in_shadow = await office.examines(configuration=MIRRORED.replace("mode: auto", "mode: shadow"))

    denied = the(found, WEB, "mirror ssm, to act")
    assert (
        f"{ACT} may not ssm:PutParameter on arn:aws:ssm:eu-central-1:123456789012:parameter/known-good/web"
        in denied.words
    )
    assert denied.level is Level.FAIL
    assert "rollbacks do not need it" in denied.remedy
    assert the(found, WEB, "mirror ssm, to read").level is Level.OK
    assert the(found, WEB, "mirror ecr, to act").level is Level.OK
    assert office.world.mutating_calls() == []
    assert not any(each.check.startswith("mirror") for each in in_shadow)


async def test_without_a_dry_run_it_is_said_that_it_cannot_be_known(office):
    office.world.identities.role(READ, {"sts:*", "ecs:*", "ecr:*", "sqs:*", "cloudwatch:*"})

    found = await office.examines()

    assert the(found, WEB, "to act").level is Level.WARN
    assert "cannot be known" in the(found, WEB, "to act").words
    assert "iam:SimulatePrincipalPolicy" in the(found, WEB, "to act").remedy
    assert doctor.status(found) == 0


async def test_taking_messages_is_not_tried_but_asked_of_iam(office):
    office.world.identities.role(
        READ, {"sts:*", "iam:*", "ecs:*", "ecr:*", "cloudwatch:*", "sqs:GetQueueAttributes"}
    )

    found = await office.examines()

    denied = [finding.words for finding in of(found, "source queue", "to read")]
    assert [words.split(" may not ")[1].split(" ")[0] for words in denied] == [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
    ]
    assert office.world.count("sqs", "ReceiveMessage") == 0


# ------------------------------------------------------------------------------------------------- what is misspelt or late


async def test_a_service_that_is_not_there_is_told(office):
    found = await office.examines(configuration=CONFIGURATION.replace("service: web}", "service: wbe}"))

    assert the(found, WEB, "live").level is Level.FAIL
    assert "wbe" in the(found, WEB, "live").words
    assert the(found, WEB, "signal errors").level is Level.OK  # it asks for no name of a release


async def test_a_queue_that_is_not_there_is_told(office):
    del office.world.sqs.queues["deployments"]

    found = await office.examines()

    assert the(found, "source queue", "queue").level is Level.FAIL
    assert the(found, WEB, "live").level is Level.OK


async def test_a_metric_that_is_misspelt_is_told_with_the_nearest(office):
    found = await office.examines(rules=RULES.replace("RequestCount", "RequestCounts"))

    assert the(found, WEB, "signal errors").level is Level.FAIL
    assert "did you mean RequestCount?" in the(found, WEB, "signal errors").words


async def test_dimensions_that_do_not_exist_are_told_with_the_nearest(office):
    found = await office.examines(rules=RULES.replace("targetgroup/web/", "targetgroup/wbe/"))

    assert the(found, WEB, "signal errors").level is Level.FAIL
    assert "did you mean targetgroup/web/0000000000000000?" in the(found, WEB, "signal errors").words


async def test_a_service_without_traffic_is_a_warning(office):
    office.now.go_on(hours=2)

    found = await office.examines()

    assert the(found, WEB, "signal errors").level is Level.WARN
    assert "no data in the last 15m" in the(found, WEB, "signal errors").words


async def test_a_name_that_the_live_release_has_not_is_told_with_those_that_it_has(office):
    found = await office.examines(rules=RULES.replace("targetgroup/web/0000000000000000", '"${arm.group}"'))

    unnamed = the(found, WEB, "signal errors")
    assert unnamed.level is Level.FAIL
    assert "${arm.group}" in unnamed.words
    assert "task_definition" in unnamed.words
    assert the(found, WEB, "signal tasks").level is Level.OK


async def test_a_queue_that_nobody_reads_is_a_warning(office):
    for number in range(1001):
        office.world.sqs.send("deployments", {"number": number}, office.now())

    found = await office.examines()

    assert "nobody reads" in the(found, "source queue", "queue").words


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        ({"dead": None}, "no dead-letter queue"),
        ({"most_receipts": 2}, "given up after 2 tries"),
        ({"visibility": timedelta(seconds=5)}, "hidden for 5 s"),
    ],
)
async def test_a_queue_that_would_lose_messages_is_a_warning(office, queue, words):
    office.world.sqs.queues["deployments"] = replace(office.world.sqs.queues["deployments"], **queue)

    found = await office.examines()

    assert the(found, "source queue", "queue").level is Level.WARN
    assert words in the(found, "source queue", "queue").words


async def test_the_first_release_of_all_has_no_way_back_yet(office):
    world = AwsWorld(office.now)
    world.ecs.register("web", "shop:1.4.0", at=NOON - timedelta(days=1))
    world.ecs.create_service("web", "web:1", at=NOON - timedelta(days=1), cluster="prod", desired=4)
    world.identities.role(READ)
    world.identities.role(ACT)
    office.world = world

    found = await office.examines()

    assert "remembers no other release" in the(found, WEB, "way back").words


def test_the_way_back_leaves_out_what_was_rolled_back():
    good, bad, live = (Release(f"sha256:{number}", f"web:{number}") for number in range(3))
    served = tuple((release, NOON) for release in (good, bad, live))

    assert before(Recalled(served), live) == bad
    assert before(Recalled(served, quarantined={bad.fingerprint: (NOON, "it failed")}), live) == good
    assert before(Recalled(((live, NOON),)), live) is None


# ------------------------------------------------------------------------------------------------------- without any AWS

BESIDE_AWS = """\
version: 1
daemon: {store: {memory: {}}, reach: [127.0.0.0/8]}
services:
  web:
    production:
      runs_on: [{command: {live: [LIVE], move: [/bin/false]}}]
      rules: [{file: web.yaml}]
"""
PROBES = """\
version: 1
indicators:
  here: {probe: {http: {url: "http://127.0.0.1:HERE/", every: 1s}}}
  seldom: {probe: {http: {url: "http://127.0.0.1:HERE/", every: 5m}}}
rules:
  - {name: it answers, indicator: here, judge: {threshold: {bad: 3, of: 5}}, on_breach: ask}
  - {name: it answers still, indicator: seldom, judge: {threshold: {bad: 3, of: 5}}, on_breach: ask}
"""


async def test_what_looks_itself_is_given_the_time_to_see_something(tmp_path):
    live = tmp_path / "live"
    live.write_text('#!/bin/sh\necho \'{"tag": "v7"}\'\n')
    live.chmod(0o755)
    office = Office(Clock(), AwsWorld(Clock()), tmp_path)

    async def well(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/", well)
    async with serving_app(app) as port:
        path = office.writes(
            configuration=BESIDE_AWS.replace("LIVE", str(live)), rules=PROBES.replace("HERE", str(port))
        )
        impatient = timedelta(seconds=5)
        # It is a minute into a span of five: the end of one, at which the other probe looks, is not near.
        ahead = timedelta(seconds=60 - real.now().timestamp() % 300)
        found = await doctor.examined(load(path), Ports(now=lambda: real.now() + ahead), impatient)

    assert "v7" in the(found, WEB, "live").words
    assert "remembers no other release" in the(found, WEB, "way back").words
    assert the(found, WEB, "signal here").level is Level.OK
    assert "it looks every 5m" in the(found, WEB, "signal seldom").words
    assert {each.subject for each in not_ours(found)} == {WEB}


# ------------------------------------------------------------------------------------------------------------- the checks


async def test_throttled_it_says_so_and_not_that_it_is_missing(office):
    office.world.faults.throttle("ecs")

    found = await office.examines()

    assert "Throttling" in the(found, WEB, "live").words
    assert the(found, "account shop", "to read").level is Level.OK


async def hangs():
    await asyncio.Event().wait()
    return []


async def breaks():
    raise ZeroDivisionError("by nothing")


async def is_well():
    return [Finding(Level.OK, "well")]


async def test_one_that_hangs_or_breaks_hides_none():
    short = timedelta(seconds=0.05)

    found = await carried_out(
        [Check("a", "hangs", hangs, short), Check("a", "breaks", breaks), Check("a", "is well", is_well)]
    )

    assert [each.finding.level for each in found] == [Level.FAIL, Level.FAIL, Level.OK]
    assert found[0].unreachable
    assert "a bug of rollbackd: ZeroDivisionError" in found[1].finding.words


@dataclass
class Watchmaker:
    skew: timedelta | None


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [
        (0, Level.OK, "agrees"),
        (-4, Level.OK, "agrees"),
        (6, Level.WARN, "6 s ahead of"),
        (-6, Level.WARN, "6 s behind"),
        (31, Level.FAIL, "31 s ahead of"),
        (-301, Level.FAIL, "301 s behind"),
    ],
)
def test_a_clock_that_is_off_is_told_before_aws_refuses_it(seconds, level, words):
    finding = clock(Watchmaker(timedelta(seconds=seconds)))

    assert finding is not None
    assert finding.level is level
    assert words in finding.words


def test_a_clock_that_nobody_can_compare_is_no_finding():
    assert clock(Watchmaker(None)) is None
    assert clock(object()) is None


def found_of(subject: str, check: str, level: Level, *, unreachable: bool = False) -> Found:
    return Found(subject, check, Finding(level, "words", "remedy"), unreachable)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], 0),
        ([found_of("service a", "live", Level.WARN)], 0),
        ([found_of("service a", "live", Level.FAIL)], 1),
        ([found_of("account a", "to read", Level.FAIL, unreachable=True)], 4),
        (
            [
                found_of("account a", "to read", Level.FAIL, unreachable=True),
                found_of("account b", "to read", Level.OK),
            ],
            1,
        ),
    ],
)
def test_the_exit_status(found, expected):
    assert doctor.status(found) == expected


# ------------------------------------------------------------------------------------------------- the command, over HTTP


def run(path: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "rollbackd"), "doctor", "--config", str(path), *arguments],
        env={**os.environ, **environment(url), "COLUMNS": ""},  # as wide as a pipe is
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_tells_people_and_programs(tmp_path):
    office = Office(Clock(), a_shop(real.now), tmp_path)  # boto3 signs by the true time
    path = office.writes()
    with serving(office.world) as url:
        people, programs = run(path, url), run(path, url, "--json")

    assert people.returncode == 0, people.stdout + people.stderr
    first, head = people.stdout.splitlines()[:2]
    assert first == "every service: 2 warnings, 6 ok"  # no heartbeat, nobody is told
    assert head == "  FOUND  WHAT          WHERE         WHAT WAS FOUND, AND WHAT TO DO"
    assert (
        "\n  ok     role to read  account shop\n         we are arn:aws:sts::123456789012:assumed-role/rb-read/"
        in people.stdout
    )
    assert "our clock agrees with that of AWS" in people.stdout
    assert "\nweb/production: 11 ok\n" in people.stdout
    assert people.stdout.endswith(
        "\n0 red, 0 could not be told, 2 warnings, 17 ok. Exit status 0: nothing is red\n"
    )
    assert "\x1b" not in people.stdout
    assert max(map(len, people.stdout.splitlines())) <= 80
    told = json.loads(programs.stdout)
    assert told["ok"] is True
    assert {each["check"] for each in told["findings"]} >= {
        "to read",
        "to act",
        "queue",
        "live",
        "way back",
        "by AWS",
    }
    assert {each["service"] for each in told["findings"]} == {None, "web/production"}
    assert [call for call in office.world.mutating_calls() if call.service != "sts"] == []


def test_an_aws_that_cannot_be_reached_is_another_exit_status(tmp_path):
    path = Office(Clock(), AwsWorld(Clock()), tmp_path).writes()

    ran = run(path, "http://127.0.0.1:1")

    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert "Unreachable" in ran.stdout


def test_a_configuration_with_mistakes_is_told_and_nothing_is_asked(tmp_path):
    path = Office(Clock(), AwsWorld(Clock()), tmp_path).writes(
        configuration="version: 1\nservices: {web: {production: {}}}\n"
    )

    ran = run(path, "http://127.0.0.1:1")

    assert ran.returncode == 2
    assert "rollbackd.yaml:" in ran.stderr
    assert ran.stdout == ""
