"""What ECS is to run is what its API takes, and what the daemon is given is without a mistake."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from click.testing import CliRunner

from tests.examples.aws import cloudformation
from tests.examples.aws.setting import FOLDER
from tests.examples.aws.test_one_truth import camel
from watcher.commands import check
from watcher.commands._init import ecs
from watcher.commands._init.names import Names
from watcher.config import read_configuration
from watcher.config.registries import all_kinds
from watcher.config.relaying import RelayModel

SIDECAR: dict[str, Any] = json.loads((FOLDER / "sidecar-task-definition.json").read_text(encoding="utf-8"))
REGISTER = botocore.session.Session().get_service_model("ecs").operation_model("RegisterTaskDefinition")
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
FARGATE = {"256": {"512", "1024", "2048"}, "512": {"1024", "2048", "3072", "4096"}}


def mistakes(definition: dict[str, Any]) -> str:
    return str(ParamValidator().validate(definition, REGISTER.input_shape).generate_report())


def test_ecs_would_register_the_sidecars_task_definition():
    assert mistakes(SIDECAR) == ""


def test_ecs_would_register_the_daemons_task_definition():
    assert mistakes(camel(cloudformation.resources()["TaskDefinition"])) == ""


def test_ecs_would_not_register_a_misspelt_one():
    assert "stopTimeOut" in mistakes(SIDECAR | {"containerDefinitions": [{"stopTimeOut": 30}]})


@pytest.mark.parametrize("definition", [SIDECAR, camel(cloudformation.resources()["TaskDefinition"])])
def test_fargate_has_a_task_of_that_size(definition):
    assert definition["memory"] in FARGATE[definition["cpu"]]
    assert sum(container.get("cpu", 0) for container in definition["containerDefinitions"]) <= int(
        definition["cpu"]
    )


def test_the_application_does_not_end_with_its_sidecar_and_does_not_wait_for_it():
    application, sidecar = SIDECAR["containerDefinitions"]

    assert application["essential"] is True
    assert sidecar["essential"] is False
    assert sidecar["dependsOn"] == [{"containerName": application["name"], "condition": "START"}]
    assert "dependsOn" not in application
    assert (
        sidecar["memory"] < int(SIDECAR["memory"]) / 2
    )  # it is killed long before it takes the application's


def test_the_daemons_configuration_is_the_one_that_init_writes():
    names = Names(cluster="shop", services=("checkout",), load_balancer="app/shop/0000000000000000")

    assert (FOLDER / "rollbackd.yaml").read_text(encoding="utf-8") == ecs.of(names).configuration()


@pytest.mark.parametrize("name", ["rollbackd.yaml", "sidecar.yaml"])
def test_the_configurations_are_without_a_mistake(name):
    result = CliRunner().invoke(check.command, ["--config", str(FOLDER / name)])

    assert result.stderr == ""
    assert result.exit_code == 0


def test_the_sidecar_remembers_nothing_and_only_reads():
    found = read_configuration(FOLDER / "sidecar.yaml", all_kinds())

    assert found.daemon.store.kind == "memory"
    assert [service.alone for service in found.services.values()] == [False]
    assert not found.accounts
    assert found.daemon.relay is not None


def test_the_sidecar_says_which_container_of_its_task_serves():
    relay = read_configuration(FOLDER / "sidecar.yaml", all_kinds()).daemon.relay
    application, _ = SIDECAR["containerDefinitions"]

    assert relay is not None
    assert isinstance(relay.settings, RelayModel)
    assert relay.settings.ecs is not None
    assert relay.settings.ecs.container == application["name"]


def test_the_sidecars_token_comes_from_where_secrets_are():
    _, sidecar = SIDECAR["containerDefinitions"]

    assert [each["name"] for each in sidecar["secrets"]] == ["ROLLBACKD_TOKEN"]
