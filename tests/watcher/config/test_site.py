"""A static site: its pack, what its target says of it, and what it is asked for."""

import json
from pathlib import Path

import pytest

from tests.watcher.config.sample import folder
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.configuration import Configuration
from watcher.config.registries import all_kinds

MAIN = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
accounts:
  shop: {region: eu-central-1}
  edge: {region: us-east-1}
defaults: {account: shop}
services:
  web:
    production:
"""
KEY = ("web", "production")
SITE = 'bucket: shop-site, distribution: E2EXAMPLE1ABC, site: "https://shop.example.com"'


def runs_on(settings: str, *more: str) -> str:
    lines = [f"runs_on: [{{s3_cloudfront: {{{SITE}{settings}}}}}]", *more]
    return MAIN + "".join(f"      {line}\n" for line in lines)


def read(tmp_path: Path, text: str) -> Configuration:
    return read_configuration(folder(tmp_path, text), all_kinds())


def wrong(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(InvalidConfiguration) as caught:
        read(tmp_path, text)
    return [str(problem) for problem in caught.value.problems]


def asked(configuration: Configuration, indicator: str) -> dict[str, object]:
    found = json.loads(configuration.services[KEY].policy.rules.indicator(indicator).query)
    assert isinstance(found, dict)
    return found


def test_a_site_whose_metrics_can_be_read_has_the_pack_angular(tmp_path):
    found = read(tmp_path, runs_on(", metrics: edge"))

    assert found.effective[KEY].usual == "angular"
    assert found.services[KEY].policy.lingers
    assert asked(found, "cloudfront_5xx")["dimensions"] == {
        "DistributionId": "E2EXAMPLE1ABC",
        "Region": "Global",
    }
    assert asked(found, "cloudfront_5xx")["account"] == "edge"
    assert asked(found, "angular_bundle")["url"] == "https://shop.example.com/${arm.bundle}"


def test_where_its_metrics_are_is_not_guessed_but_asked_for(tmp_path):
    (problem,) = wrong(tmp_path, runs_on(""))

    assert "no rules are named" in problem
    assert "metrics: NAME" in problem
    assert "pack: white-screen" in problem


def test_the_white_screen_check_needs_nothing_more_than_its_name(tmp_path):
    found = read(tmp_path, runs_on("", "rules: [{pack: white-screen}]"))

    assert asked(found, "screen")["url"] == "https://shop.example.com/"


def test_a_site_needs_an_account(tmp_path):
    text = runs_on(", metrics: edge").replace("defaults: {account: shop}\n", "")

    assert any("account" in problem for problem in wrong(tmp_path, text))


def test_a_mistake_in_its_settings_is_told_with_its_place(tmp_path):
    first, *_ = wrong(tmp_path, runs_on(", layout: origin_path, root: www/", "rules: [{pack: white-screen}]"))

    assert "services.web.production.runs_on[0].s3_cloudfront" in first
    assert "`root` belongs to `layout: index_pointer`" in first


def test_a_bucket_that_cannot_be_one_is_told_by_what_it_is_made_of_alone(tmp_path):
    """How a pattern ends is for machines."""
    (found,) = wrong(tmp_path, runs_on("").replace("shop-site", "Shop_Site"))

    assert "must be of the form [a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\n" in found
