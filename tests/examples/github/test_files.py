"""What stands in `examples/github`: it fits together, and is what the daemon itself would ask for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.model import Level
from deploy.sources.github.payload import MODELS
from deploy.targets.github_actions.examining import read
from deploy.targets.github_actions.settings import Settings
from tests.docs.pages import ROOT

FOLDER = ROOT / "examples" / "github"
WORKFLOWS = ("deploy.yml", "pipeline.yml", "rollback.yml")
OURS = "./.github/actions/rollbackd"
USUAL = {"repository": "acme/shop", "environment": "production", "token": "github_pat"}
AT_A_BRANCH = {"ref": "main", "live": {"url": "https://shop.example.com/version", "json": "tag"}}


def steps(workflow: str) -> Iterator[Any]:
    for job in yaml.safe_load((FOLDER / workflow).read_text())["jobs"].values():
        yield from job["steps"]


def action() -> Any:
    return yaml.safe_load((FOLDER / "action" / "action.yml").read_text())


@pytest.mark.parametrize(("workflow", "more"), [("pipeline.yml", {}), ("rollback.yml", AT_A_BRANCH)])
def test_the_doctor_finds_nothing_wrong_with_the_workflows_that_are_dispatched(workflow, more):
    settings = Settings.model_validate({**USUAL, "workflow": workflow, **more})

    found = read((FOLDER / workflow).read_text(), settings, "")

    assert [each.level for each in found] == [Level.OK]


def test_the_settings_in_the_workflow_are_read():
    lines = (FOLDER / "rollback.yml").read_text().splitlines()
    commented = "\n".join(line.removeprefix("# ") for line in lines if line.startswith("#   "))
    (written,) = yaml.safe_load(commented)["runs_on"]

    settings = Settings.model_validate({**written["github_actions"], "token": "github_pat"})

    assert settings.given == {"tag": "${tag}"}


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_each_step_of_ours_gives_what_the_action_knows_and_needs(workflow):
    inputs = action()["inputs"]
    needed = {name for name, each in inputs.items() if each.get("required")}

    for step in steps(workflow):
        if step.get("uses") == OURS:
            assert needed <= set(step["with"]) <= set(inputs)


def test_the_whole_pipeline_asks_the_gate_and_waits_for_both_verdicts():
    asked = [
        (step["with"]["do"], step["with"].get("environment"))
        for step in steps("pipeline.yml")
        if "with" in step
    ]

    assert asked == [("verdict", "staging"), ("gate", None), ("verdict", None)]


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_nothing_that_somebody_else_can_write_becomes_part_of_a_script(workflow):
    for step in steps(workflow):
        assert "${{" not in step.get("run", "")
    assert all("${{" not in step["run"] for step in action()["runs"]["steps"])


def test_every_input_of_the_action_reaches_its_script():
    (step,) = action()["runs"]["steps"]
    given = {value for value in step["env"].values() if value.startswith("${{ inputs.")}
    script = (FOLDER / "action" / "rollbackd.sh").read_text()

    assert given == {f"${{{{ inputs.{name} }}}}" for name in action()["inputs"]}
    assert all(name.removeprefix("RB_") in script for name in step["env"])


def test_the_app_hears_what_the_source_reads_and_may_what_we_do():
    manifest = json.loads((FOLDER / "app.json").read_text())

    assert set(manifest["default_events"]) == set(MODELS)
    assert manifest["default_permissions"] == {
        "actions": "write",
        "contents": "read",
        "deployments": "write",
        "metadata": "read",
        "statuses": "write",
    }
    assert not manifest["public"]


def test_the_script_needs_bash_and_curl_alone():
    script = Path(FOLDER / "action" / "rollbackd.sh").read_text()

    code = [line for line in script.splitlines() if not line.lstrip().startswith("#")]

    assert re.findall(r"\b(?:jq|python3?|node|sed|grep|awk|perl)\b", "\n".join(code)) == []
