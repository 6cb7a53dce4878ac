"""The image is what the Dockerfile says, and it runs as production would run it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.watcher.store.postgresql.server import a_server

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROGRAMS = ("buildah", "podman", "runc", "debootstrap")


def instructions(word: str) -> list[str]:
    """What follows *word*, with continued lines joined."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return [line.removeprefix(f"{word} ") for line in joined.splitlines() if line.startswith(f"{word} ")]


def test_each_stage_begins_from_a_literal_reference():
    stages = instructions("FROM")

    assert len(stages) == 2
    for stage in stages:
        reference = stage.partition(" AS ")[0]
        assert re.fullmatch(r"docker\.io/library/python:3\.11-slim(@sha256:[0-9a-f]{64})?", reference)


def test_it_runs_as_nobody_ends_on_sigterm_and_is_looked_after_without_a_shell():
    assert instructions("USER") == ["10001:10001"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert instructions("ENTRYPOINT") == ['["rollbackd"]']
    (check,) = instructions("HEALTHCHECK")
    assert json.loads(check.partition("CMD ")[2]) == ["rollbackd", "health"]
    assert instructions("VOLUME") == ["/var/lib/rollbackd"]


def test_what_it_copies_is_in_the_tree_and_is_sent_to_the_builder():
    sent = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        path for line in instructions("COPY") if not line.startswith("--from") for path in line.split()[:-1]
    }

    assert all((ROOT / path).exists() for path in copied)
    assert copied == sent


def test_it_says_the_version_that_it_is():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

    assert f'org.opencontainers.image.version="{version}"' in DOCKERFILE


def test_hadolint_finds_nothing():
    found = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), ROOT / "Dockerfile", ROOT / "examples/aws/Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (found.returncode, found.stdout) == (0, "")


def test_renovate_adds_digests_to_images():
    renovate: dict[str, Any] = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))

    assert "docker:pinDigests" in renovate["extends"]
    assert "dockerfile" in renovate["enabledManagers"]


@pytest.mark.image
@pytest.mark.skipif(
    os.geteuid() != 0 or any(shutil.which(program) is None for program in PROGRAMS),
    reason=f"the image is built by root, with {', '.join(PROGRAMS)}",
)
@pytest.mark.lasts(120)
def test_it_is_built_and_runs_as_production_would_run_it():
    with a_server() as postgresql:
        seen = subprocess.run(
            [ROOT / "scripts/verify_image.sh"],
            env={**os.environ, "DATABASE_URL": postgresql.dsn(postgresql.database())},
            capture_output=True,
            text=True,
            check=False,
            timeout=420,
        )

    assert seen.returncode == 0, seen.stderr[-4000:]
    figures = {name: int(value) for name, value in (line.split("\t") for line in seen.stdout.splitlines())}
    assert figures["own_mb"] < 320
    assert figures["start_ms"] < 15_000
    assert figures["stop_ms"] < 10_000
    assert figures["postgresql_start_ms"] < 15_000
    assert 20 < figures["rss_mb"] < 160
