"""The function of CodeDeploy's lifecycle hooks: its code does what its role allows, and the template is one that CloudFormation takes."""

import json
from typing import Any

import pytest
import yaml

from tests.deploy.targets.codedeploy.stage import Stage
from tests.deploy.targets.codedeploy.test_pausing import QUEUE, hooked
from tests.deploy.targets.codedeploy.test_shifting import LAMBDA, appspec
from tests.examples.aws import cloudformation
from tests.fakes.aws.hooks import CODE, PARAMETER, ROLE, install

TEMPLATE = CODE.parent / "cloudformation.yaml"


class _Loader(yaml.SafeLoader):
    """With the short forms of functions, as what they are given."""


_Loader.add_multi_constructor("!", lambda loader, _suffix, node: loader.construct_scalar(node))


def made() -> Any:
    return yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Loader)["Resources"]  # noqa: S506 - a SafeLoader


def allowed() -> list[str]:
    (policy,) = made()["Role"]["Properties"]["Policies"]
    return [action for each in policy["PolicyDocument"]["Statement"] for action in each["Action"]]


def test_cfn_lint_finds_nothing_in_it():
    assert cloudformation.lint(TEMPLATE) == ""


@pytest.mark.parametrize("goes_back", [False, True])
def test_the_code_calls_what_its_role_allows_and_nothing_else(goes_back):
    stage = Stage(LAMBDA, first=appspec(1))
    stage.world.sqs.create_queue(QUEUE)
    install(stage.world, QUEUE, *allowed())
    words = {"description": "rollbackd w_1.3.0: back from d-AAAAAAAAA"} if goes_back else {}

    stage.deploy(hooked(2, "BeforeAllowTraffic"), **words)
    stage.goes_on(minutes=2)

    calls = {call.operation for call in stage.world.calls if call.by == ROLE}
    told = {"PutParameter", "SendMessage"}
    assert calls == {"GetDeployment", *({"PutLifecycleEventHookExecutionStatus"} if goes_back else told)}
    assert {each.partition(":")[2] for each in allowed()} == {
        "GetDeployment",
        "PutLifecycleEventHookExecutionStatus",
        *told,
    }


def test_what_only_looks_like_a_way_back_waits_like_any_other():
    stage = Stage(LAMBDA, first=appspec(1))
    stage.world.sqs.create_queue(QUEUE)
    install(stage.world, QUEUE)

    stage.deploy(
        hooked(2, "BeforeAllowTraffic"), description="rollbackd is great: back from d-AAAAAAAAA soon"
    )
    stage.goes_on(minutes=2)

    assert stage.last().is_in_flight
    assert stage.world.ssm.versions[PARAMETER]


def test_what_it_writes_is_the_deployment_the_hook_and_the_id_by_which_it_is_answered():
    stage = Stage(LAMBDA, first=appspec(1))
    stage.world.sqs.create_queue(QUEUE)
    install(stage.world, QUEUE)
    stage.deploy(hooked(2, "BeforeAllowTraffic"))
    stage.goes_on(minutes=2)

    written = json.loads(stage.world.ssm.versions[PARAMETER][-1][1])

    assert written == {
        "deployment": stage.last().id,
        "stage": "BeforeAllowTraffic",
        "execution": stage.last().waits[1],
    }


def test_the_function_is_called_as_codedeploys_own_policies_want_it():
    function = made()["Function"]["Properties"]

    assert (
        function["FunctionName"] == "CodeDeployHook_${Service}_${Stage}"
    )  # two groups of an account have two
    assert (
        len(
            function["FunctionName"]
            .replace("${Service}", "s" * 20)
            .replace("${Stage}", "AfterAllowTestTraffic")
        )
        <= 64
    )
    assert function["Handler"] == f"{CODE.stem}.handler"
    assert function["Environment"]["Variables"].keys() == {"STAGE", "HOOK_PARAMETER", "QUEUE_URL"}
