"""``rollbackd init site``: files that can be used as they are."""

import json

import pytest
from click.testing import CliRunner, Result

from deploy.model import WHOLE
from watcher.commands import check, init
from watcher.config import read_configuration
from watcher.config.registries import all_kinds
from watcher.core.service import Mode

SAID = (
    *("--bucket", "shop-site", "--distribution", "E2EXAMPLE1ABC", "--site", "https://shop.example.com"),
    *("--account-id", "111122223333", "--region", "eu-west-1", "--environment", "staging"),
)


def run(*words: str) -> Result:
    return CliRunner().invoke(
        init.command, ["site", *words], env={"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
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
    settings = found.targets["shop-site", "staging"][WHOLE].settings
    assert settings.model_dump(include={"bucket", "distribution", "site", "layout"}) == {
        "bucket": "shop-site",
        "distribution": "E2EXAMPLE1ABC",
        "site": "https://shop.example.com",
        "layout": "index_pointer",
    }
    assert found.effective["shop-site", "staging"].usual == "angular"
    assert found.services["shop-site", "staging"].policy.mode is Mode.SHADOW
    assert "Placeholders" not in result.stderr
    act = json.loads((tmp_path / "act-policy.json").read_text())
    assert {resource for each in act["Statement"] for resource in each["Resource"]} == {
        "arn:aws:s3:::shop-site/index.html",
        "arn:aws:s3:::shop-site/releases/*/index.html",
        "arn:aws:cloudfront::111122223333:distribution/E2EXAMPLE1ABC",
    }


def test_what_nobody_said_is_named(tmp_path):
    result = run("--directory", str(tmp_path), "--bucket", "shop-site")

    assert "--distribution, --site, --account-id" in result.stderr
    assert "--bucket" not in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--bucket", "Shop_Site"),
        ("--distribution", "e2"),
        ("--site", "https://shop.example.com/"),
        ("--site", "ftp://shop.example.com"),
        ("--site", 'https://shop.example.com/"x'),
    ],
)
def test_what_cannot_be_a_name_is_refused_and_nothing_is_written(tmp_path, words):
    result = run("--directory", str(tmp_path), *words)

    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []
