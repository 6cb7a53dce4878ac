"""The document says what the daemon does: schemathesis asks it everything the document allows, and much that it does not."""

import asyncio
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from deploy.model import Announcement
from deploy.source import Opening, Received
from deploy.sources.http import HttpSource, Settings
from tests.watcher.api.daemon import ADA, NOON, Api, a_service, a_watch, an_api
from watcher.api.bodies import NewDeployment
from watcher.api.limits import Limits
from watcher.api.openapi import document
from watcher.api.routes import ROUTES

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
# An announcement may be of the right form, and still not be believed: an unknown service, an old time.
BELIEVED = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 401, 403, 404, 409, 422, 429]
"""
EXAMPLES = "15"  # of each operation: some 15 s in all


async def test_the_document_is_served_to_anybody(api):
    answer = await api.get("/openapi.json", None)

    assert answer.json["openapi"] == "3.1.0"
    assert set(answer.json["paths"]) == {route.path for route in ROUTES}


def test_every_operation_says_what_it_needs():
    paths = document(ROUTES, "1")["paths"]

    for route in ROUTES:
        operation = paths[route.path][route.method.lower()]
        assert operation["summary"]
        assert operation["operationId"] == route.name
        assert ("401" in operation["responses"]) is bool(operation["security"])


def test_every_reference_leads_somewhere():
    made = document(ROUTES, "1")
    wanted = set(re.findall(r"#/components/schemas/(\w+)", str(made)))

    assert wanted <= set(made["components"]["schemas"])


def test_no_two_operations_have_one_name():
    names = [route.name for route in ROUTES]

    assert len(names) == len(set(names))


def test_what_the_document_says_of_an_announcement_is_what_its_source_reads():
    everything = {
        "service": "checkout",
        "environment": "production",
        "tag": "v44",
        "phase": "started",
        "at": "2026-11-24T11:58:00Z",
        "fingerprint": "sha256:9f86d081",
        "part": "service",
        "names": {"sentry": "checkout@4.4"},
        "author": "ada",
        "reversible": False,
        "id": "run-4711",
    }
    body = TypeAdapter(dict).dump_json(everything)

    said = HttpSource(Settings(), Opening("http")).read(Received(body, {}, NOON, "token:ada"))

    assert set(NewDeployment.model_fields) == set(everything)
    assert isinstance(said, Announcement)


async def explored(api: Api, config: Path) -> tuple[int, str]:
    """What schemathesis finds at *api*."""
    command = [
        *(
            str(SCHEMATHESIS),
            "--config-file",
            str(config),
            "run",
            f"{api.url}/openapi.json",
            "--header",
            f"Authorization: Bearer {ADA.secret}",
        ),
        *("--max-examples", EXAMPLES, "--max-time", "18", "--no-color", "--seed", "1"),
    ]

    def run() -> tuple[int, str]:
        done = subprocess.run(
            command,
            env={"PATH": os.environ["PATH"], "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            timeout=120,
            cwd=config.parent,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return await asyncio.to_thread(run)


@pytest.mark.lasts(15)
async def test_nothing_that_is_asked_breaks_the_daemon_or_the_document(tmp_path, capsys):
    quick = Limits(bad_tokens=10**9, longest_wait=timedelta(milliseconds=50))
    config = tmp_path / "schemathesis.toml"
    config.write_text(BELIEVED)
    async with an_api(tmp_path, limits=quick) as api:
        await api.daemon.serves(a_service(), "v41", "v42")
        await api.daemon.has(a_watch())
        status, found = await explored(api, config)

    assert status == 0, found
    assert "request.failed" not in capsys.readouterr().out
