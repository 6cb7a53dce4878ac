"""What runs the image, or the daemon without it, names what is there."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

from tests.examples.aws import cloudformation

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "examples/compose.yaml").read_text(encoding="utf-8"))
UNIT = (ROOT / "examples/systemd/rollbackd.service").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/running.md").read_text(encoding="utf-8")
REPLICAS = [COMPOSE["services"][name] for name in ("one", "two")]


def dockerfile(word: str) -> str:
    return next(line for line in DOCKERFILE.splitlines() if line.startswith(word)).removeprefix(word).strip()


def test_the_replicas_run_as_the_image_is_meant_to_run():
    for replica in REPLICAS:
        assert replica["user"] == dockerfile("USER")
        assert replica["read_only"] is True
        assert replica["cap_drop"] == ["ALL"]
        assert replica["security_opt"] == ["no-new-privileges:true"]
        assert any(mount.startswith(dockerfile("VOLUME") + ":") for mount in replica["tmpfs"])


def test_the_replicas_are_reached_on_the_port_that_the_image_names_and_from_this_machine_alone():
    published = [port for replica in REPLICAS for port in replica["ports"]]

    assert len(set(published)) == 2
    assert all(re.fullmatch(rf"127\.0\.0\.1:\d+:{dockerfile('EXPOSE')}", port) for port in published)


def test_the_configuration_is_mounted_where_the_image_looks_for_it():
    wanted = json.loads(dockerfile("CMD"))[-1]

    for replica in REPLICAS:
        assert [mount.rsplit(":", 2)[1:] for mount in replica["volumes"]] == [[wanted, "ro"]]


def test_the_database_is_given_one_name_by_compose_and_by_the_page():
    assert all("DATABASE_URL" in replica["environment"] for replica in REPLICAS)
    assert "store: {postgresql: {dsn: {env: DATABASE_URL}}}" in PAGE


def test_systemd_runs_the_command_as_the_image_does():
    started = re.search(r"^ExecStart=\S+/rollbackd (.*)$", UNIT, re.MULTILINE)

    assert started is not None
    assert started[1].split() == json.loads(dockerfile("CMD"))
    assert "Type=exec" in UNIT
    for word in (
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=\n",
        "DynamicUser=yes",
    ):
        assert word in UNIT


def test_ecs_gives_the_daemon_and_the_sidecar_the_same_hard_shell():
    sidecar = json.loads((ROOT / "examples/aws/sidecar-task-definition.json").read_text(encoding="utf-8"))
    (daemon,) = cloudformation.resources()["TaskDefinition"]["ContainerDefinitions"]

    assert sidecar["containerDefinitions"][1]["linuxParameters"] == {
        "initProcessEnabled": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert daemon["LinuxParameters"] == {"InitProcessEnabled": True, "Capabilities": {"Drop": ["ALL"]}}
    assert daemon["LogConfiguration"]["Options"]["mode"] == "non-blocking"


def test_the_page_says_how_an_extra_is_installed_as_the_project_names_it():
    extras = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
            "optional-dependencies"
        ]
    ) - {"dev"}
    told = re.search(r"rollbackd\[([a-z,]+)\]", PAGE)

    assert told is not None
    assert set(told[1].split(",")) == extras
