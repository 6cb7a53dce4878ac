"""``rollbackd doctor`` and ``plan`` of what is moved by weights: an alias of Lambda, a rule of a balancer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.model import Level
from tests.docs import test_lambda, test_load_balancer
from tests.fakes.aws import AwsWorld, Direct, Scope
from tests.fakes.aws.balancing.state import forwarding
from tests.fakes.aws.fixtures import NOON, Clock
from tests.watcher.commands.test_doctor import ACT, READ, failures, of, the
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands import doctor
from watcher.commands._doctor.checks import Found

CHECKOUT = "service checkout/production"
LAMBDA = "{lambda: {function: checkout, alias: live, traffic: by_weight}}"
RULE = test_load_balancer.RULE
BALANCER = f'{{load_balancer: {{rule: "{RULE}", traffic: by_weight}}}}'
# What every stack needs besides: metrics, and to ask IAM.
BESIDE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Beside",
            "Effect": "Allow",
            "Action": ["cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "iam:SimulatePrincipalPolicy"],
            "Resource": ["*"],
        }
    ],
}


@dataclass
class Office:
    """A doctor, with a world to look at."""

    world: AwsWorld
    now: Clock
    folder: Path

    async def examines(self, runs_on: str, mode: str = "auto") -> list[Found]:
        path = self.folder / "rollbackd.yaml"
        path.write_text(
            "version: 1\ndaemon: {store: {memory: {}}, alone: true}\n"
            f'accounts:\n  shop: {{region: eu-central-1, read: "{READ}", act: "{ACT}"}}\n'
            f"services:\n  checkout:\n    production:\n      account: shop\n      mode: {mode}\n      runs_on: [{runs_on}]\n"
        )
        aws = Direct(self.world, {"shop": Scope("eu-central-1", read=READ, act=ACT)})
        return await doctor.examined(load(path), Ports(now=self.now, aws=aws))

    def may(self, read: Mapping[str, Any], act: Mapping[str, Any]) -> None:
        self.world.identities.role(READ, policies=[read, BESIDE])
        self.world.identities.role(ACT, policies=[act])


@pytest.fixture
def office(tmp_path):
    now = Clock(NOON)
    world, then = AwsWorld(now), NOON - timedelta(days=9)
    functions, elb = world.functions, world.balancing
    functions.create("checkout", "first", then)
    for number in (1, 2):
        functions.deploy("checkout", f"code {number}", then)
    functions.point("checkout", "live", "2", then)
    functions.tag("checkout", then, **{"rollbackd__checkout.production.1": "proven 2026-11-14T12:00:00Z"})
    for group, release in (("blue", "v1"), ("green", "v2")):
        elb.create_group(group, then)
        elb.release(group, release, then)
    elb.tag("blue", then, **{"rollbackd__checkout.production": "proven 2026-11-14T12:00:00Z"})
    weights = {elb.group("blue").arn: 0, elb.group("green").arn: 100}
    assert elb.create_rule(then, [forwarding(weights)], named="ffeeddccbbaa9988") == RULE
    for role in (READ, ACT):
        world.identities.role(role)
    yield Office(world, now, tmp_path)
    assert world.bugs == []


@pytest.mark.parametrize(
    ("runs_on", "page", "live", "back", "may"),
    [
        (LAMBDA, test_lambda, "2 (fingerprint sha256:", "to 1 (fingerprint sha256:", "lambda:UpdateAlias"),
        (
            BALANCER,
            test_load_balancer,
            "v2 (fingerprint tag:v2",
            "to v1 (fingerprint tag:v1",
            "elasticloadbalancing:ModifyRule",
        ),
    ],
    ids=["lambda", "load_balancer"],
)
async def test_with_the_policies_of_its_page_all_is_well_and_nothing_is_changed(
    office, runs_on, page, live, back, may
):
    office.may(page.READ, page.ACT)

    found = await office.examines(runs_on)

    assert [
        check for _, check in failures(found) if not check.startswith("signal ")
    ] == []  # nobody has called it yet
    assert live in the(found, CHECKOUT, "live").words
    assert of(found, CHECKOUT, "way back")[0].words.startswith(back)
    assert may in the(found, CHECKOUT, "to act").words
    assert the(found, CHECKOUT, "to act").level is Level.OK
    assert office.world.mutating_calls() == []
    assert [call for call in office.world.calls if (call.refused or "").startswith("AccessDenied")] == []


@pytest.mark.parametrize(
    ("runs_on", "page", "denied"),
    [
        (LAMBDA, test_lambda, "lambda:UpdateAlias"),
        (BALANCER, test_load_balancer, "elasticloadbalancing:ModifyRule"),
    ],
    ids=["lambda", "load_balancer"],
)
async def test_a_permission_to_act_that_is_missing_is_named_without_trying_it(office, runs_on, page, denied):
    office.may(page.READ, {"Version": "2012-10-17", "Statement": []})

    finding = the(await office.examines(runs_on), CHECKOUT, "to act")

    assert finding.level is Level.FAIL
    assert denied in finding.words
    assert office.world.mutating_calls() == []


async def test_what_stands_in_the_way_back_is_said_before_it_is_needed(office):
    office.world.balancing.have("blue", NOON, "unhealthy", reason="Target.Timeout")
    office.world.functions.becomes("checkout", "1", NOON, State="Inactive")

    balancer = await office.examines(BALANCER)
    function = await office.examines(LAMBDA)

    assert "no target of blue is healthy" in the(balancer, CHECKOUT, "way back").words
    assert "version 1 is Inactive" in the(function, CHECKOUT, "way back").words


async def test_latest_is_watched_in_shadow_and_it_is_said_that_it_cannot_be_put_back(office):
    latest = (
        "{lambda: {function: checkout}}]\n      rules: [{pack: scheduled-jobs, with: {function: checkout}}"
    )

    found = await office.examines(latest, mode="shadow")

    assert the(found, CHECKOUT, "live").level is Level.WARN
    assert "no version to go back to" in the(found, CHECKOUT, "live").words
