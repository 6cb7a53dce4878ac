"""The architecture holds, and each of its guards is seen to bite: a contract that cannot fail is a comment.

The layers are written here a second time, and not read from ``pyproject.toml``: a contract that is loosened there
is noticed here.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import combinations, permutations, product
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PROJECT = (ROOT / "pyproject.toml").read_text()
CONTRACTS = {each["id"]: each for each in tomllib.loads(PROJECT)["tool"]["importlinter"]["contracts"]}

WATCHER = (
    ("cli",),
    ("commands", "demo"),
    ("app",),
    ("config",),
    ("runtime", "api"),
    ("signals", "store", "notify"),
    ("aws", "http", "command"),
    ("telemetry",),
    ("core",),
    ("clock", "errors"),
)
DEPLOY = (
    ("sources", "targets", "rollout"),
    ("rollback",),
    ("source", "target"),
    ("ports",),
    ("tags",),
    ("model",),
    ("errors",),
)
PURE = ("rules", "watcher.core", "deploy.model", "deploy.tags")
IMPURE = (
    *("asyncio", "aiohttp", "boto3", "sqlite3", "socket", "threading", "time", "random", "os"),
    *("logging", "structlog", "prometheus_client", "sentry_sdk", "watcher.clock"),
)

WITHOUT_BOTO3 = (
    "rules",
    "deploy",
    *(f"watcher.{module}" for layer in WATCHER for module in layer if module != "aws"),
)


def forbidden_by(layers: Iterable[tuple[str, ...]], inside: str) -> list[tuple[str, str]]:
    """All (importer, imported) that *layers*, from the top down, forbid: upwards, and beside."""
    upwards = [pair for above, below in combinations(layers, 2) for pair in product(below, above)]
    beside = [pair for layer in layers for pair in permutations(layer, 2)]
    return [(f"{inside}.{importer}", f"{inside}.{imported}") for importer, imported in upwards + beside]


FORBIDDEN = {
    "packages": [
        ("rules", "deploy.model"),
        ("rules", "watcher.core"),
        ("deploy.model", "rules.model"),
        ("deploy.targets", "watcher.core"),
    ],
    "watcher": forbidden_by(WATCHER, inside="watcher"),
    "deploy": forbidden_by(DEPLOY, inside="deploy"),
    "pure": list(product(PURE, IMPURE)),
    "boto3": list(product(WITHOUT_BOTO3, ("boto3", "botocore"))),
}


def a_copy(to: Path) -> Path:
    """The tree as it is, to be broken."""
    for package in ("rules", "deploy", "watcher"):
        shutil.copytree(ROOT / package, to / package, ignore=shutil.ignore_patterns("__pycache__"))
    (to / "pyproject.toml").write_text(PROJECT)
    return to


def write(tree: Path, module: str, text: str) -> str:
    """Add *text* to *module*, in a file of its own where that is a package; the name of the module that has it now."""
    path = tree.joinpath(*module.split("."))
    if path.is_dir():
        module, path = f"{module}.broken", path / "broken"
    with path.with_suffix(".py").open("a") as file:
        file.write(f"\n{text}\n")
    return module


def lint_imports(tree: Path, *contracts: str) -> tuple[int, str]:
    """What the linter says of *contracts*, or else of all, and its exit status."""
    command = [str(BIN / "lint-imports"), "--no-cache", "--no-logo"]
    command += [word for contract in contracts for word in ("--contract", contract)]
    done = subprocess.run(
        command,
        cwd=tree,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "1000", "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the linter says when everything that a contract forbids is done at once, by contract."""
    said = {}
    for contract, imports in FORBIDDEN.items():
        tree = a_copy(tmp_path_factory.mktemp(contract))
        for importer, imported in imports:
            write(tree, importer, f"import {imported}")
        status, said[contract] = lint_imports(tree, contract)
        assert status == 1, said[contract]
        assert "BROKEN" in said[contract], said[contract]
    return said


def test_the_tree_keeps_its_contracts():
    status, said = lint_imports(ROOT)

    assert status == 0, said
    assert all(f"{contract['name']} KEPT" in said for contract in CONTRACTS.values()), said


@pytest.mark.parametrize(
    ("contract", "importer", "imported"),
    [(contract, *each) for contract, imports in FORBIDDEN.items() for each in imports],
)
def test_no_import_passes_that_the_layers_forbid(reports, contract, importer, imported):
    assert re.search(rf"- +{importer}(\.broken)? -> {imported} \(l\.\d+\)", reports[contract]), reports[
        contract
    ]


@pytest.mark.parametrize(
    "text",
    [
        "def later():\n    import deploy.model",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import deploy.model",
    ],
    ids=["in a function", "for the type checker"],
)
def test_an_import_counts_wherever_it_stands(tmp_path, text):
    tree = a_copy(tmp_path)
    write(tree, "rules", text)

    status, said = lint_imports(tree, "packages")

    assert status == 1
    assert "rules.broken -> deploy.model" in said


def test_what_decides_may_not_touch_the_world_through_another_module(tmp_path):
    tree = a_copy(tmp_path)
    write(tree, "deploy.ports", "import socket")
    write(tree, "watcher.core", "import deploy.ports")

    status, said = lint_imports(tree, "pure")

    assert status == 1
    assert "watcher.core is not allowed to import socket" in said


@pytest.mark.parametrize("contract", ["watcher", "deploy"])
def test_a_new_module_needs_a_layer(tmp_path, contract):
    tree = a_copy(tmp_path)
    (tree / contract / "stranger.py").touch()

    status, said = lint_imports(tree, contract)

    assert status == 1
    assert "stranger" in said


@pytest.mark.parametrize("package", ["rules", "deploy.targets", "watcher.signals"])
def test_two_neighbours_may_not_need_each_other(tmp_path, package):
    tree = a_copy(tmp_path)
    for one, other in permutations(("eggs", "hens")):
        tree.joinpath(*package.split("."), f"{one}.py").write_text(f"import {package}.{other}\n")

    status, said = lint_imports(tree, "cycles")

    assert status == 1
    assert "hens" in said


def test_every_contract_is_a_sentence_with_its_reason():
    assert set(CONTRACTS) == {*FORBIDDEN, "cycles"}
    assert all(": so " in contract["name"] for contract in CONTRACTS.values())


READ_THE_CLOCK = (
    "from datetime import UTC, datetime\ndatetime.now(UTC)",
    "import datetime\ndatetime.datetime.now(datetime.UTC)",
    "from datetime import datetime as moment\nclock = moment.now",
    "from datetime import datetime\ndatetime.utcnow()",
    "from datetime import datetime\ndatetime.today()",
    "from datetime import date\ndate.today()",
    "import time\ntime.time()",
    "import time\ntime.time_ns()",
    "import time\ntime.monotonic()",
    "from time import monotonic\nmonotonic()",
    "import time\ntime.perf_counter()",
    "import time\ntime.gmtime()",
    "import time\ntime.localtime()",
    "import uuid\nuuid.uuid1()",
    "from uuid import uuid4\nuuid4()",
)


@cache
def passes_ruff(code: str, file: str) -> bool:
    """Whether ruff's list of banned names lets *code* pass in *file*."""
    command = [str(BIN / "ruff"), "check", "--no-cache", "--select=TID251", f"--stdin-filename={file}", "-"]
    done = subprocess.run(
        command, cwd=ROOT, input=code, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("code", READ_THE_CLOCK)
@pytest.mark.parametrize(
    "file", ["rules/onset.py", "deploy/tags.py", "watcher/core/watch.py", "watcher/app.py"]
)
def test_nobody_but_the_clock_reads_the_clock_or_draws_an_id(code, file):
    assert not passes_ruff(code, file)
    assert passes_ruff(code, "watcher/clock.py")


def test_every_exception_from_a_lint_rule_has_its_reason():
    lint = PROJECT.partition("[tool.ruff.lint]")[2].partition("[tool.ruff.lint.flake8-tidy-imports]")[0]
    exceptions = re.findall(r'^ {4}"[A-Z]+\d*",.*$', lint, re.MULTILINE)

    assert exceptions
    assert [each for each in exceptions if not re.search(r"# \S.{5,}", each)] == []


WELL = "def test_of_what_is_here(): pass"
SKIPPED = """
import pytest

def test_of_a_component_that_is_not_here():
    pytest.skip("no such server")
"""


@pytest.mark.parametrize("ci", ["true", ""])
@pytest.mark.parametrize("where", ["in a test", "in a module"])
def test_on_ci_a_skipped_test_is_a_failed_one(tmp_path, ci, where):
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    text = (
        SKIPPED if where == "in a test" else f"{SKIPPED}\npytest.skip('no server', allow_module_level=True)\n"
    )
    (tmp_path / "test_well.py").write_text(WELL)
    (tmp_path / "test_skipped.py").write_text(text)

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:schemathesis",
            "-c",
            os.devnull,
            tmp_path,
        ],
        env={"PATH": "/usr/bin:/bin", "CI": ci},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode != 0) is (ci == "true"), done.stdout + done.stderr
