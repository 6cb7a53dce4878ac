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


STORE = ("--store", "0a1b2c3d-0000-0000-0000-000000000000")
BY_WEIGHT = ("--layout", "key_value_store", *STORE, "--traffic", "by_weight")


@pytest.mark.parametrize(
    "said",
    [(), SAID, ("--layout", "origin_path"), ("--layout", "key_value_store"), BY_WEIGHT],
)
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


def test_another_layout_stands_in_the_files_and_has_no_queue(tmp_path):
    result = run("--directory", str(tmp_path), *SAID, *BY_WEIGHT)

    found = read_configuration(tmp_path / "rollbackd.yaml", all_kinds())
    store = "arn:aws:cloudfront::111122223333:key-value-store/0a1b2c3d-0000-0000-0000-000000000000"
    settings = found.targets["shop-site", "staging"][WHOLE].settings
    assert settings.model_dump(include={"layout", "store", "key", "traffic"}) == {
        "layout": "key_value_store",
        "store": store,
        "key": "release",
        "traffic": "by_weight",
    }
    assert "sources:" not in (tmp_path / "rollbackd.yaml").read_text()
    assert "there is no queue" in result.stderr
    assert "Placeholders" not in result.stderr
    act = json.loads((tmp_path / "act-policy.json").read_text())
    assert {each["Sid"]: each["Resource"] for each in act["Statement"]} == {
        "MoveKey": [store],
        "MarkReleases": ["arn:aws:s3:::shop-site/releases/*/index.html"],
    }


def test_a_store_that_nobody_named_is_a_placeholder(tmp_path):
    result = run("--directory", str(tmp_path), *SAID, "--layout", "key_value_store")

    assert "said: --store\n" in result.stderr


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
        ("--layout", "key_value_store", "--store", "0a1b2c3d"),
        STORE,
        ("--layout", "origin_path", "--traffic", "by_weight"),
    ],
)
def test_what_cannot_be_a_name_is_refused_and_nothing_is_written(tmp_path, words):
    result = run("--directory", str(tmp_path), *words)

    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []
