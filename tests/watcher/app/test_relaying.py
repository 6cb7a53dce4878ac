"""Who a sidecar is: read where its platform says it, by the names that the platform's target gives the same release."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from deploy.targets.ecs.definition import definition_of, release_of
from tests.fakes.serve import serving_app
from watcher.app import Ports
from watcher.app.relaying import METADATA, Naming
from watcher.config.relaying import RelayModel
from watcher.runtime.central import Identity, Unnamed
from watcher.telemetry.metrics import Metrics

TASK: Mapping[str, Any] = {
    "Cluster": "main",
    "TaskARN": "arn:aws:ecs:eu-central-1:123456789012:task/main/5c1a8e0d3f2b4c6d8e9f0a1b2c3d4e5f",
    "Family": "checkout",
    "Revision": "43",
    "DesiredStatus": "RUNNING",
    "Containers": [
        {
            "DockerId": "1",
            "Name": "~internal~ecs~pause",
            "Image": "amazon/amazon-ecs-pause:0.1.0",
            "ImageID": "",
        },
        {"DockerId": "2", "Name": "app", "Image": "shop/checkout:4.4", "ImageID": "sha256:" + "9" * 64},
    ],
}
DIGEST = "sha256:" + "a" * 64


@contextlib.asynccontextmanager
async def metadata(answer: object, status: int = 200) -> AsyncIterator[str]:
    """What stands in the environment of a container."""
    asked, app = [], web.Application()

    async def task(request: web.Request) -> web.Response:
        asked.append(request.headers)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        return web.Response(status=status, body=body, headers={"Location": "http://127.0.0.1:1/"})

    app.router.add_get("/v4/abc/task", task)
    async with serving_app(app) as port:
        yield f"http://127.0.0.1:{port}/v4/abc"
    assert not any("Authorization" in headers for headers in asked)


def naming(environ: Mapping[str, str], **says: Any) -> Naming:
    relay = RelayModel(to="https://rollbackd.example", token=SecretStr("t" * 40), **says)
    return Naming(relay, Ports(), Metrics(), environ, "r_1")


async def on_ecs(base: str, **says: Any) -> Identity | Unnamed:
    return await naming({METADATA: base}, ecs={"container": "app"}, **says).identify()


async def test_on_ecs_it_is_the_task_and_its_release_is_called_as_the_target_calls_it():
    async with metadata(TASK) as base:
        found = await on_ecs(base)

    told = {
        "family": "checkout",
        "revision": 43,
        "containerDefinitions": [{"name": "app", "image": "shop/checkout:4.4", "essential": True}],
    }
    release = release_of(definition_of(told), {"app": DIGEST}, "app")
    assert release is not None
    assert isinstance(found, Identity)
    assert (found.instance, found.run) == ("5c1a8e0d3f2b4c6d8e9f0a1b2c3d4e5f", "r_1")
    assert found.names == {name: value for name, value in release.names.items() if name != "digest"}
    assert found.names["version"] == "4.4"


async def test_a_digest_is_a_name_only_where_the_image_is_pinned_to_it():
    pinned = json.loads(json.dumps(TASK))
    pinned["Containers"][1]["Image"] = f"shop/checkout@{DIGEST}"
    async with metadata(pinned) as base:
        found = await on_ecs(base)

    assert isinstance(found, Identity)
    assert found.names["digest"] == DIGEST
    assert "version" not in found.names


async def test_what_is_said_comes_before_what_is_found():
    async with metadata(TASK) as base:
        found = await on_ecs(base, instance="web-1", names={"version": "9", "fleet": "blue"})

    assert isinstance(found, Identity)
    assert found.instance == "web-1"
    assert (found.names["version"], found.names["fleet"]) == ("9", "blue")
    assert found.names["task_definition"] == "checkout:43"


async def test_elsewhere_it_is_what_the_environment_says():
    says = {"instance": {"env": "HOSTNAME"}, "names": {"version": {"env": "RELEASE"}}}
    found = await naming({"HOSTNAME": "web-1", "RELEASE": "4.4"}, **says).identify()

    assert found == Identity("web-1", "r_1", {"version": "4.4"})


@pytest.mark.parametrize("value", ["", "a b", "../x", "v" * 129, "v\n"])
async def test_a_variable_that_holds_no_name_is_said_and_not_repeated(value):
    found = await naming({"HOSTNAME": value}, instance={"env": "HOSTNAME"}).identify()

    assert found == Unnamed("the variable HOSTNAME holds no name: letters, digits and . _ : / @ + - alone")


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ({**TASK, "TaskARN": "arn:aws:ecs:x:1:task/main/../../etc"}, 200, "is not what it documents"),
        ({**TASK, "Family": "check out"}, 200, "is not what it documents"),
        ({**TASK, "Containers": []}, 200, "the task has no container app"),
        ({"Containers": "none"}, 200, "is not what it documents"),
        (b"<html>", 200, "is not what it documents"),
        (TASK, 500, "HTTP 500"),
        (TASK, 302, "a redirect, which is not followed"),
        (b" " * 300_000, 200, "larger than"),
    ],
)
async def test_what_ecs_does_not_say_is_said(answer, status, words):
    async with metadata(answer, status) as base:
        found = await on_ecs(base)

    assert isinstance(found, Unnamed)
    assert words in found.words


def test_the_environment_in_which_secrets_stand_too_is_never_shown():
    environ = {"DB_PASSWORD": "hunter2-hunter2"}

    assert "hunter2" not in repr(Ports(environ=environ))
    assert "hunter2" not in repr(naming(environ, instance="web-1"))


async def test_outside_of_ecs_that_is_said():
    for base in ("", "http://metadata.internal/v4", "nonsense"):
        found = await on_ecs(base)

        assert isinstance(found, Unnamed)
        assert found.words.startswith("ECS_CONTAINER_METADATA_URI_V4 is not set")
