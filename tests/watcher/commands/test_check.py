"""``rollbackd check``: clean files give a line each, mistakes go to stderr, and the exit status says which it was."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.watcher.config.sample import KINDS, RULES, changed, folder
from watcher.commands import check

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_a_clean_configuration_is_summed_up(tmp_path):
    path = folder(tmp_path)

    summaries, problems = check.checked(path, (), KINDS)

    assert summaries == [f"{path}: 1 service in 2 environments, 4 rules"]
    assert problems == []


def test_rule_files_are_looked_at_alone_and_no_configuration_is_needed(tmp_path):
    folder(tmp_path)

    summaries, _ = check.checked(None, (tmp_path / "rules" / "web.yaml",), KINDS)

    assert summaries == [f"{tmp_path}/rules/web.yaml: 3 indicators, 2 rules"]


def test_all_mistakes_of_all_files_are_told_and_each_once(tmp_path):
    path = folder(
        tmp_path, changed("mode: auto", "mode: atuo"), changed("{threshold: {}}", "{treshold: {}}", RULES)
    )

    _, problems = check.checked(path, (tmp_path / "rules" / "web.yaml",), KINDS)

    assert [Path(problem.file).name for problem in problems] == ["rollbackd.yaml", "web.yaml"]


def test_the_examples_are_clean():
    rules = sorted(str(path) for path in (EXAMPLES / "rules").glob("*.yaml"))

    result = CliRunner().invoke(check.command, ["--config", str(EXAMPLES / "rollbackd.yaml"), *rules])

    assert result.stderr == ""
    assert result.stdout.endswith("0 mistakes\n")
    assert result.exit_code == 0


def test_a_configuration_that_is_given_as_a_rule_file_is_one_mistake(tmp_path):
    path = folder(tmp_path)

    _, [problem] = check.checked(None, (path,), KINDS)

    assert str(problem).startswith(f"{path}:1:1: this is a configuration, and no rule file\n")
    assert f"`rollbackd check --config {path}`" in problem.remedy


def test_so_is_one_of_services_d_whose_remedy_is_the_main_file(tmp_path):
    main = folder(tmp_path)
    more = tmp_path / "services.d" / "more.yaml"
    more.parent.mkdir(exist_ok=True)
    more.write_text("services: {}\n")

    _, [problem] = check.checked(None, (more,), KINDS)

    assert f"`rollbackd check --config {main}`" in problem.remedy


@pytest.mark.parametrize("text", [RULES, "apiVersion: openslo/v1\nkind: SLO\n"], ids=["ours", "openslo"])
def test_a_rule_file_that_is_given_as_the_configuration_is_one_mistake(tmp_path, text):
    path = tmp_path / "web.yaml"
    path.write_text(text)

    _, [problem] = check.checked(path, (), KINDS)

    assert problem.message == "this is a rule file, and no configuration"
    assert f"`rollbackd check {path}`" in problem.remedy


def test_what_is_both_is_told_key_by_key(tmp_path):
    path = folder(tmp_path, RULES + "services: {}\n")

    _, as_rules = check.checked(None, (path,), KINDS)
    _, as_configuration = check.checked(path, (), KINDS)

    assert 'unknown key "services"' in str(as_rules[0])
    assert 'unknown key "' in str(as_configuration[0])


def test_a_file_of_tests_is_read_as_one(tmp_path):
    (tmp_path / "web.yaml").write_text((EXAMPLES / "rules" / "web.yaml").read_text(), encoding="utf-8")
    path = tmp_path / "web.test.yaml"
    path.write_text("version: 1\ntests:\n  - {name: it, series: {error: 1}, expect: [{never: breached}]}\n")

    result = CliRunner().invoke(check.command, [str(path)])

    assert result.exit_code == 2
    assert 'web.test.yaml:3:25: tests[0].series.error: unknown indicator "error"' in result.stderr


def test_a_mistake_is_told_on_stderr_with_exit_status_2(tmp_path):
    path = tmp_path / "rollbackd.yaml"
    path.write_text("version: 1\nservcies: {}\n", encoding="utf-8")

    result = CliRunner().invoke(check.command, [], env={"ROLLBACKD_CONFIG": str(path)})

    assert (
        result.stderr == f'{path}:2:1: servcies: unknown key "servcies"\n    try: did you mean "services"?\n'
    )
    assert result.stdout == "1 mistake\n"
    assert result.exit_code == 2


def test_where_nothing_is_named_it_is_the_configuration_in_this_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(check.command, [])

    assert result.stderr.startswith("rollbackd.yaml:1:1: the file cannot be read")


@pytest.mark.parametrize("option", ["--config", ""])
def test_a_file_that_is_not_there_is_a_mistake_like_any_other(tmp_path, option):
    result = CliRunner().invoke(
        check.command, [*([option] if option else []), str(tmp_path / "nothing.yaml")]
    )

    assert "nothing.yaml:1:1: the file cannot be read: No such file or directory" in result.stderr
    assert result.exit_code == 2
