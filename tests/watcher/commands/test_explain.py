"""``rollbackd explain``: what is in force, where it stands, and what it allows."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.watcher.config.sample import changed, read
from watcher.commands import explain

EXAMPLE = str(Path(__file__).parents[3] / "examples" / "rollbackd.yaml")


LINE = next(
    number
    for number, line in enumerate(Path(EXAMPLE).read_text(encoding="utf-8").splitlines(), start=1)
    if line.strip() == "mode: auto"
)


def run(*arguments: str):
    return CliRunner().invoke(explain.command, ["--config", EXAMPLE, *arguments])


def test_one_environment_is_shown_with_file_and_line_of_each_value():
    shown = run("web/production").stdout

    assert shown.startswith("web/production\n")
    assert "\nweb/staging\n" not in shown
    assert any(line.split() == ["mode", "auto", f"{EXAMPLE}:{LINE}"] for line in shown.splitlines())
    assert any(line.split() == ["speak", "problems", "built", "in"] for line in shown.splitlines())


def test_a_service_is_shown_in_all_its_environments():
    shown = run("web").stdout

    assert shown.startswith("web/production\n")
    assert "\n\nweb/staging\n" in shown


def test_the_wrong_rollbacks_that_the_setting_allows_are_told():
    shown = run("web/production").stdout

    assert "Wrong rollbacks: at most 1 in 1,000 deployments of good releases" in shown
    assert 'No promise holds for what these do: "ready".' in shown


def test_where_nothing_happens_by_itself_nothing_happens_wrongly():
    assert "Wrong rollbacks: none, for in the mode shadow" in run("web/staging").stdout


def test_rules_that_all_promise_something_need_no_remark(tmp_path):
    rules = """\
version: 1
indicators: {errors: {ratio: {scrape: {url: x}}}}
rules: [{name: it, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}]
"""
    text = changed('{file: rules/web.yaml, with: {host: "checkout:9100"}}', "{file: rules/one.yaml}")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "one.yaml").write_text(rules, encoding="utf-8")

    service = read(tmp_path, text).services["checkout", "production"]

    assert len(explain.promise(service)) == 1


def test_programs_get_json():
    (data,) = json.loads(run("--json", "web/production").stdout)

    assert data["wrong_rollbacks_per_1000_deployments"] == 1.0
    assert data["rules_without_promise"] == ["ready"]
    assert {"key": "mode", "value": "auto", "where": f"{EXAMPLE}:{LINE}"} in data["values"]


def test_a_service_that_is_not_there_is_probably_a_slip_of_the_pen():
    result = run("wbe")

    assert 'unknown service "wbe". did you mean "web"?' in result.stderr
    assert result.exit_code == 2


def test_a_configuration_with_mistakes_is_not_explained(tmp_path):
    (tmp_path / "rollbackd.yaml").write_text("version: 2", encoding="utf-8")

    result = CliRunner().invoke(explain.command, ["--config", str(tmp_path / "rollbackd.yaml"), "web"])

    assert "version 2 is not known here" in result.stderr
    assert result.stdout == ""
    assert result.exit_code == 2


def test_of_no_services_none_can_be_chosen(tmp_path):
    with pytest.raises(click.UsageError, match="remove it"):
        explain.chosen(read(tmp_path, "version: 1\n"), "web")
