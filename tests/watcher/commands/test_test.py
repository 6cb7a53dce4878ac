"""``rollbackd test``, as its author sees it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from watcher.commands.test import command

EXAMPLE = Path("examples/rules/web.test.yaml")
RULES = """\
version: 1
parameters: {metrics: {}, objective: {default: 99%}}
indicators:
  errors: {ratio: {scrape: {urls: "${metrics}", counter: requests_total, bad: {code: "5.."}}}}
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: "${objective}"}}, on_breach: rollback}
"""
TESTS = """\
version: 1
tests:
  - name: half of all requests fail
    series: {errors: {total: 600x9, bad: 300x9}}
    expect:
      - {by: 3m, says: breached, then: rollback}
  - name: nothing fails
    series: {errors: {total: 600x9, bad: 0x9}}
    expect:
      - {by: 3m, says: breached}
      - {at: 5m, says: healthy}
"""

LATE = (
    "expected breached by 3m, and it never was; then it was healthy: "
    "the-objective-holds: 0 of 1,800 requests failed (0 %), 1 % is acceptable"
)


def run(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "web.yaml").write_text(RULES)
    (tmp_path / "web.test.yaml").write_text(TESTS)
    return tmp_path


def test_the_example_is_as_expected():
    done = run(EXAMPLE)

    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "5 of 5 tests as expected"


def test_what_does_not_hold_is_told_with_its_line(folder):
    done = run(folder / "web.test.yaml")

    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "ok    half of all requests fail",
        "FAIL  nothing fails",
        f"      {folder}/web.test.yaml:10:9: {LATE}",
        "1 of 2 tests as expected",
    ]


def test_everything_that_was_said(folder):
    lines = run("--verbose", folder / "web.test.yaml").stdout.splitlines()

    assert any(line.split()[:2] == ["1m", "all"] and "undecided" in line for line in lines)
    assert any("the-objective-holds: breached, " in line for line in lines)


def test_for_programs(folder):
    done = run("--json", folder / "web.test.yaml")

    first, second = json.loads(done.stdout)
    assert (done.exit_code, first["ok"], second["ok"]) == (1, True, False)
    assert (first["test"], first["line"], second["failures"][0]["line"]) == (
        "half of all requests fail",
        3,
        10,
    )
    assert {said["outcome"] for said in first["said"]} == {"undecided", "breached"}
    assert first["said"][0]["after_seconds"] == 60


def test_the_rule_file_may_be_named_and_given_its_parameters(folder):
    (folder / "strict.yaml").write_text(
        TESTS.replace("version: 1", "version: 1\nrules: web.yaml\nwith: {objective: 99.99%}", 1)
    )

    done = run(folder / "strict.yaml")

    assert done.exit_code == 1, done.stderr
    assert "0.01 % is acceptable" in done.stdout


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("absent.test.yaml", None, "absent.test.yaml"),
        ("web.test.yaml", "version: 1\nrules: wob.yaml\ntests: [{}]", "did you mean"),
        ("tests.yaml", "version: 1\ntests: [{}]", "which rules are tested?"),
        ("web.test.yaml", "version: 1\nwith: {objective: 101%}\ntests: [{}]", "objective"),
        ("web.test.yaml", TESTS.replace("errors:", "error:"), 'unknown indicator "error"'),
        ("web.test.yaml", "", "version"),
    ],
)
def test_a_mistake_has_its_place_and_a_remedy(folder, name, text, words):
    if text is not None:
        (folder / name).write_text(text)

    done = run(folder / name)

    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert "try: " in done.stderr
