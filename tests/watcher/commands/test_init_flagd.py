"""``rollbackd init flagd``: files that can be used as they are. What its policies allow, and no more, tests of the page say."""

import json

import pytest
from click.testing import CliRunner, Result

from deploy.model import WHOLE
from watcher.commands import check, init
from watcher.config import read_configuration
from watcher.config.registries import all_kinds
from watcher.core.service import Mode

SAID = (
    *("--bucket", "shop-flags", "--key", "production/flags.json", "--flag", "new-checkout"),
    *("--service", "checkout", "--environment", "staging"),
    *("--account-id", "111122223333", "--region", "eu-west-1"),
)


def run(*words: str) -> Result:
    return CliRunner().invoke(
        init.command, ["flagd", *words], env={"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
    )


@pytest.mark.parametrize("said", [(), SAID])
def test_what_it_writes_is_without_a_mistake_as_it_stands(tmp_path, said):
    run("--directory", str(tmp_path), *said)

    result = CliRunner().invoke(check.command, ["--config", str(tmp_path / "rollbackd.yaml")])

    assert result.stderr == ""
    assert result.stdout.endswith("0 mistakes\n")


def test_what_it_is_told_stands_in_the_files(tmp_path):
    result = run("--directory", str(tmp_path), *SAID)

    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())
    settings = found.targets["checkout", "staging"][WHOLE].settings
    assert settings.model_dump() == {
        "bucket": "shop-flags",
        "key": "production/flags.json",
        "flag": "new-checkout",
        "serves": None,
    }
    assert found.services["checkout", "staging"].policy.mode is Mode.SHADOW
    assert "sources:" not in (tmp_path / "rollbackd.yaml").read_text()
    assert "there is no queue" in result.stderr
    assert "Placeholders" not in result.stderr
    act = json.loads((tmp_path / "act-policy.json").read_text())
    assert {resource for each in act["Statement"] for resource in each["Resource"]} == {
        "arn:aws:s3:::shop-flags/production/flags.json"
    }


def test_without_a_flag_the_whole_document_is_watched_and_what_nobody_said_is_named(tmp_path):
    result = run("--directory", str(tmp_path), "--account-id", "111122223333")

    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())
    assert found.targets["my-service", "production"][WHOLE].settings.model_dump()["flag"] is None
    assert "said: --bucket\n" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--bucket", "Shop_Flags"),
        ("--key", "production/../flags.json"),
        ("--key", "production/*"),
        ("--flag", "${HOME}"),
        ("--service", "Checkout"),
    ],
)
def test_what_cannot_be_a_name_is_refused_and_nothing_is_written(tmp_path, words):
    result = run("--directory", str(tmp_path), *words)

    assert result.exit_code == 2
    assert "expected" in result.stderr
    assert list(tmp_path.iterdir()) == []
