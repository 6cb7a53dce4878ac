"""What a system of markers needs to be told beside its name is asked for when the configuration is checked."""

from pathlib import Path

import pytest

from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.registries import all_kinds

MAIN = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
connections:
  errors: {sentry: {organization: acme, token: {env: SENTRY_TOKEN}}}
  nr: {newrelic: {account: 1, region: eu, key: {env: NR_KEY}}}
  dog: {datadog: {site: datadoghq.eu, api_key: {env: DD_API_KEY}, application_key: {env: DD_APP_KEY}}}
  charts: {grafana: {url: "https://grafana.acme.example", token: {env: GRAFANA_TOKEN}}}
teams:
  shop: {tell: [TOLD]}
services:
  shop:
    production:
      team: shop
      mode: shadow
      runs_on: [{command: {live: [/bin/live], move: [/bin/move]}}]
      rules: [{file: shop.yaml}]
"""
RULES = """\
version: 1
indicators: {ready: {probe: {http: {url: "http://shop/ready"}}}}
rules: [{name: ready, indicator: ready, judge: {threshold: {}}, on_breach: ask}]
"""


def problems(folder: Path, told: str) -> list[str]:
    (folder / "rollbackd.yaml").write_text(MAIN.replace("TOLD", told))
    (folder / "shop.yaml").write_text(RULES)
    try:
        read_configuration(folder / "rollbackd.yaml", all_kinds())
    except InvalidConfiguration as invalid:
        return [str(each).replace(f"{folder}/", "").replace("\n    ", " | ") for each in invalid.problems]
    return []


@pytest.mark.parametrize(
    ("told", "words", "remedy"),
    [
        ("errors", "rollbackd.yaml:9:17: teams.shop.tell[0]: nothing says no project and release", '"PROJECT RELEASE"'),
        ("{errors: checkout}", "rollbackd.yaml:9:26: teams.shop.tell[0].errors: checkout says no project", '"PROJECT RELEASE"'),
        ("nr", "rollbackd.yaml:9:17: teams.shop.tell[0]: nothing names no application", '"APPLICATION"'),
        ("{dog: shop}", "rollbackd.yaml:9:23: teams.shop.tell[0].dog: shop narrows nothing", "the connection's name alone"),
        ('{charts: "a b"}', "rollbackd.yaml:9:26: teams.shop.tell[0].charts: a b is no dashboard's uid", "{grafana: UID}"),
    ],
)  # fmt: skip
def test_what_is_missing_or_too_much_is_told_at_its_place(tmp_path, told, words, remedy):
    (only,) = problems(tmp_path, told)

    assert only.startswith(words)
    assert remedy in only.partition(" | try: ")[2]


def test_what_each_needs_is_taken(tmp_path):
    told = '{errors: "checkout checkout@${tag}"}, {nr: "${service}"}, dog, charts, {charts: deploys}'

    assert problems(tmp_path, told) == []
