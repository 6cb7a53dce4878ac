"""The composite Action's script, run by bash, against a daemon that the app has built."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.watcher.app.house import AtWork, House, a_house, at_work, soon
from watcher.clock import new_id

ACTION = Path(__file__).parents[3] / "examples" / "github" / "action"
SCRIPT = ACTION / "rollbackd.sh"


@dataclass
class Ended:
    """How the script ended."""

    status: int
    said: str
    outputs: dict[str, str]


@dataclass
class Runner:
    """A hosted runner that can reach the daemon."""

    house: House
    daemon: AtWork

    async def step(self, do: str, **inputs: str) -> Ended:
        """The step of the Action with these *inputs*."""
        return await a_step(self.house.root, do, url=self.daemon.url, **inputs)

    async def first(self, of: str) -> Any:
        """The first of the gates or watches that there is."""
        found: list[Any] = []

        async def is_there() -> bool:
            found.extend((await self.daemon.get(f"/v1/{of}")).json[of])
            return bool(found)

        await soon(is_there)
        return found[0]

    async def ordered(self, path: str, **order: str) -> int:
        return (await self.daemon.post(f"/v1/{path}/orders", **order)).status


async def a_step(root: Path, do: str, **inputs: str) -> Ended:
    outputs = root / "outputs"
    outputs.write_text("")
    usual = {
        "service": "web",
        "environment": "production",
        "token": "rbd_x",
        "timeout": "1",
        "sha": "ab" * 20,
    }
    given = {f"RB_{name.upper()}": value for name, value in {**usual, "do": do, **inputs}.items()}
    environment = {"PATH": f"{root}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(outputs), **given}
    process = await asyncio.create_subprocess_exec(
        "bash", str(SCRIPT), env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    lines = [line.partition("=") for line in outputs.read_text().splitlines()]
    status = process.returncode
    assert status is not None
    return Ended(status, printed.decode(), {name: value for name, _, value in lines})


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[Runner]:
    house = a_house(tmp_path)
    async with at_work(house) as daemon:
        await daemon.logs("release.adopted")
        yield Runner(house, daemon)


async def test_what_the_gate_lets_pass_ends_well(runner):
    ended = await runner.step("gate", tag="v2", digest="sha256:" + "0" * 64)

    assert ended.status == 0
    assert ended.outputs["state"] == "passed"
    assert ended.outputs["gate"].startswith("g_")


async def test_what_the_gate_refuses_ends_the_job_in_its_words(runner):
    runner.house.change(
        "      rules: [{file: web.yaml}]\n",
        "      rules: [{file: web.yaml}]\n      gate: {approval: person}\n",
    )
    assert await runner.daemon.running.in_force.reload()
    asked = asyncio.create_task(runner.step("gate", tag="v2"))
    gate = await runner.first("gates")
    refused = await runner.ordered(f"gates/{gate['gate']}", order="refuse", reason="not on a Friday")
    ended = await asked

    assert refused == 202
    assert ended.status == 3
    assert "rollbackd: waits: " in ended.said
    assert ended.outputs["state"] == "refused"


async def test_a_deployment_is_announced_and_its_verdict_is_the_exit_status(runner):
    runner.house.deploy("v2")
    waits = asyncio.create_task(runner.step("verdict", tag="v2"))
    watch = await runner.first("watches")
    await runner.ordered(f"watches/{watch['id']}", order="pass", reason="I looked")
    ended = await waits

    assert (ended.status, ended.outputs["state"]) == (0, "passed")
    assert ended.outputs["watch"] == watch["id"]


async def test_a_deployment_that_nothing_watches_is_unproven(runner):
    announced = await runner.step("announce", tag="v1")
    ended = await runner.step("wait", announcement=announced.outputs["announcement"])

    assert announced.status == 0
    assert ended.status == 5
    assert "nothing is watched" in ended.said


async def test_a_service_that_the_daemon_does_not_know_is_a_mistake_of_the_workflow(runner):
    ended = await runner.step("gate", tag="v2", service="shop")

    assert ended.status == 2
    assert "HTTP 404" in ended.said


@pytest.mark.parametrize(
    "inputs",
    [
        {"do": "deploy"},
        {"tag": 'v2", "phase": "failed'},
        {"service": "../../orders"},
        {"url": "rollbackd.example.com"},
        {"timeout": "1h"},
        {"do": "wait", "since": "2026-11-30T12:00:00-05:00", "parameter": "/x", "tag": "v2"},
        {"do": "wait", "since": "0", "parameter": "/x", "tag": "v2"},
        {"do": "gate", "url": "", "parameter": "/x", "tag": "v2"},
        {"token": 'x"\nurl = "https://evil.example'},
        {"do": "wait"},
        {"do": "announce"},
    ],
)
async def test_an_input_that_cannot_be_is_refused_before_anybody_is_asked(tmp_path, inputs):
    ended = await a_step(tmp_path, **{"do": "gate", "url": "http://127.0.0.1:9", **inputs})

    assert ended.status == 2


async def test_a_daemon_that_cannot_be_reached_is_told_apart(tmp_path):
    ended = await a_step(tmp_path, "gate", url="http://127.0.0.1:9", tag="v2", patience="0")

    assert ended.status == 4
    assert "nobody answers at http://127.0.0.1:9" in ended.said


AWS = """#!/usr/bin/env bash
echo asked >>"$(dirname "$0")/asked"
[[ "$*" == "ssm get-parameter --name /rollbackd/web/production/verdict --query Parameter.Value --output text" ]] || exit 9
cat "$(dirname "$0")/verdict" 2>/dev/null || { echo "An error occurred (ParameterNotFound)" >&2; exit 254; }
"""
LATE, EARLY = datetime(2026, 11, 30, 12, 5, tzinfo=UTC), datetime(2026, 11, 30, 11, 59, tzinfo=UTC)
WATCH = new_id("w", LATE)
VERDICT = {
    "v": 1, "watch": WATCH, "service": "web", "environment": "production", "tag": "v2", "fingerprint": "tag:v2",
    "state": "kept", "decided": True, "breached": True, "words": 'v2 stays, by "olga"', "at": "2026-11-30T12:05:00+00:00",
}  # fmt: skip


def put(root: Path, **changes: object) -> None:
    (root / "new").write_text(json.dumps({**VERDICT, **changes}))
    (root / "new").replace(root / "verdict")


async def has_read(root: Path) -> None:
    """Wait until somebody has read what is there now: whoever asks for the second time from now on asked a first time."""
    file = root / "asked"

    def many() -> int:
        return len(file.read_text().splitlines()) if file.exists() else 0

    before = many()
    await soon(lambda: many() >= before + 2)


async def test_a_runner_without_a_way_in_waits_for_the_parameter_of_its_own_deployment(tmp_path):
    (tmp_path / "aws").write_text(AWS)
    (tmp_path / "aws").chmod(0o755)
    said = {
        "parameter": "/rollbackd/web/production/verdict",
        "since": "2026-11-30T12:00:00Z",
        "every": "0.05",
    }
    waits = asyncio.create_task(a_step(tmp_path, "wait", tag="v2", **said))
    # The first is the end of an earlier deployment of the same tag, told after this one was made.
    for changes in ({"watch": new_id("w", EARLY), "state": "passed"}, {"tag": "v1"}, {"decided": False}):
        put(tmp_path, **changes)
        await has_read(tmp_path)
    too_early = waits.done()
    put(tmp_path)
    ended = await waits

    assert not too_early
    assert ended.status == 1
    assert 'rollbackd: kept: v2 stays, by \\"olga\\"' in ended.said


@pytest.mark.parametrize(
    ("state", "breached", "status"),
    [
        ("passed", False, 0),
        ("rolled_back", True, 1),
        ("kept", False, 5),
        ("unproven", False, 5),
        ("superseded", False, 6),
    ],
)
async def test_the_exit_status_is_the_verdict_of_the_parameter(tmp_path, state, breached, status):
    (tmp_path / "aws").write_text(AWS)
    (tmp_path / "aws").chmod(0o755)
    put(tmp_path, state=state, breached=breached)
    since = "2026-11-30T12:00:00Z"

    ended = await a_step(
        tmp_path, "wait", tag="v2", parameter="/rollbackd/web/production/verdict", since=since
    )

    assert (ended.status, ended.outputs["watch"]) == (status, WATCH)


async def test_a_newer_deployment_in_the_parameter_ends_the_waiting_and_is_never_called_passed(tmp_path):
    (tmp_path / "aws").write_text(AWS)
    (tmp_path / "aws").chmod(0o755)
    put(tmp_path, state="watching", decided=False)
    said = {"parameter": "/rollbackd/web/production/verdict", "since": "2026-11-30T12:00:00Z"}
    waits = asyncio.create_task(a_step(tmp_path, "wait", tag="v2", every="0.05", **said))
    await has_read(tmp_path)
    put(tmp_path, watch=new_id("w", LATE + timedelta(minutes=1)), tag="v3", state="passed")

    ended = await waits

    assert (ended.status, ended.outputs["state"], ended.outputs["watch"]) == (6, "superseded", WATCH)
    assert "v3 was deployed since" in ended.said


async def test_a_line_that_ends_within_a_value_is_neither_an_output_nor_a_command(tmp_path):
    (tmp_path / "aws").write_text(AWS)
    (tmp_path / "aws").chmod(0o755)
    put(tmp_path, state="passed", words="STOP")
    forged = (
        (tmp_path / "verdict")
        .read_text()
        .replace("STOP", "x\n::stop-commands::x")
        .replace("passed", "passed\nx=1")
    )
    (tmp_path / "verdict").write_text(forged)
    said = {"parameter": "/rollbackd/web/production/verdict", "since": "2026-11-30T12:00:00Z"}

    ended = await a_step(tmp_path, "wait", tag="v2", **said)

    assert ended.status == 5
    assert "x" not in ended.outputs
    assert not any(line.startswith("::") for line in ended.said.splitlines())


async def test_without_a_time_what_is_told_from_now_on_is_believed_of_the_tag(tmp_path):
    (tmp_path / "aws").write_text(AWS)
    (tmp_path / "aws").chmod(0o755)
    put(tmp_path, state="passed", at="2999-01-01T00:00:00+00:00")

    ended = await a_step(
        tmp_path, "wait", tag="v2", parameter="/rollbackd/web/production/verdict", timeout="08"
    )

    assert ended.status == 0
    assert "value too great" not in ended.said  # to bash 08 is octal, and without an end it waits for ever


async def test_a_permission_that_is_missing_is_named_and_not_waited_for(tmp_path):
    refusal = "An error occurred (AccessDeniedException): not authorized to perform: ssm:GetParameter"
    (tmp_path / "aws").write_text(f"#!/usr/bin/env bash\necho '{refusal}' >&2; exit 254\n")
    (tmp_path / "aws").chmod(0o755)

    ended = await a_step(tmp_path, "wait", tag="v2", parameter="/rollbackd/web/production/verdict")

    assert ended.status == 3
    assert "allow ssm:GetParameter on it to the role of this job" in ended.said
