"""``rollbackd init github-actions``: files that are without a mistake as they stand, and say what else is needed."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.targets.github_actions import Settings
from watcher.commands import check, init
from watcher.config import read_configuration
from watcher.config.registries import all_kinds


def run(directory: Path, *words: str) -> Result:
    return CliRunner().invoke(init.command, ["github-actions", "--directory", str(directory), *words])


def problems(directory: Path) -> str:
    result = CliRunner().invoke(check.command, ["--config", str(directory / "rollbackd.yaml")])
    return result.stderr + result.stdout


def test_what_it_writes_is_without_a_mistake_as_it_stands(tmp_path):
    result = run(tmp_path)

    assert result.exit_code == 0
    assert result.stdout.split() == [str(tmp_path / "rollbackd.yaml"), str(tmp_path / "shop.yaml")]
    assert "Placeholders, to be replaced in the files or said: --repository, --url" in result.stderr
    assert problems(tmp_path).endswith("0 mistakes\n")


def test_a_repository_that_is_called_as_the_configuration_has_both_files(tmp_path):
    run(tmp_path, "--repository", "acme/rollbackd")

    assert {each.name for each in tmp_path.iterdir()} == {"rollbackd.yaml", "rules.yaml"}
    assert problems(tmp_path).endswith("0 mistakes\n")


def test_what_it_is_told_stands_in_the_files(tmp_path):
    said = (
        "--repository",
        "octo/true",
        "--environment",
        "live",
        "--workflow",
        "ship.yaml",
        "--url",
        "https://true.example/up",
    )
    result = run(tmp_path, *said)

    configuration = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())
    settings = configuration.targets["true", "live"]["service"].settings

    assert isinstance(settings, Settings)
    assert (settings.repository, settings.environment, settings.workflow) == (
        "octo/true",
        "live",
        "ship.yaml",
    )
    assert "https://true.example/up" in (tmp_path / "true.yaml").read_text()
    assert "Placeholders" not in result.stderr


def test_what_is_offered_as_a_comment_is_without_a_mistake_too(tmp_path):
    run(tmp_path)
    file = tmp_path / "rollbackd.yaml"
    text = file.read_text()
    for offered in ("gate: {app", "ref: main", "live: {url"):
        assert text.count(f"# {offered}") == 1
        text = text.replace(f"# {offered}", offered)
    file.write_text(text)

    assert problems(tmp_path).endswith("0 mistakes\n")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--repository", "shop"),
        ("--workflow", "deploy"),
        ("--url", "https://x.example/?a=1"),
        ("--environment", "A B"),
    ],
)
def test_a_name_that_github_would_not_take_is_refused(tmp_path, option, value):
    assert run(tmp_path, option, value).exit_code == 2
    assert list(tmp_path.iterdir()) == []
