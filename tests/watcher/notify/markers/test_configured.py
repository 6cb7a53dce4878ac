"""A connection that is read by tells of markers, too: its keys are written once, and only who is told needs what telling needs."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from watcher.app.ports import Ports
from watcher.commands._doctor import notifiers
from watcher.commands._doctor.opened import opened
from watcher.config import Configuration, InvalidConfiguration, read_configuration, with_secrets
from watcher.config.registries import all_kinds
from watcher.signals.datadog.settings import Settings

MAIN = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
connections:
  dog: {datadog: {site: datadoghq.eu, api_key: {env: DD_API_KEY}, application_key: {env: DD_APP_KEY}}}
  charts: {grafana: {url: "https://grafana.acme.example", token: {env: GRAFANA_TOKEN}}}
teams:
  shop: {tell: TOLD}
services:
  shop:
    production:
      team: shop
      runs_on: [{command: {live: [/bin/live], move: [/bin/move]}}]
      rules: [{file: shop.yaml}]
"""
RULES = """\
version: 1
indicators: {traffic: {requests: {datadog: {total: "sum:trace.http.request.hits{version:${arm.version}}.as_count()"}}}}
rules: [{name: there is traffic, indicator: traffic, judge: {traffic_drop: {drop: 50%}}, on_breach: ask}]
"""


def read(folder: Path, told: str) -> Configuration:
    (folder / "rollbackd.yaml").write_text(MAIN.replace("TOLD", told))
    (folder / "shop.yaml").write_text(RULES)
    return with_secrets(read_configuration(folder / "rollbackd.yaml", all_kinds()), lambda _: "a-secret")


def test_what_is_told_of_markers_disturbs_nobody_and_is_read_by_as_ever(tmp_path):
    configuration = read(tmp_path, "[dog, {charts: shop}]")

    assert configuration.teams["shop"].tell == ("dog", "charts:shop")
    assert configuration.teams["shop"].boards == {"dog", "charts:shop"}
    settings = configuration.connections["dog"].settings
    assert isinstance(settings, Settings)
    assert settings.api_key == SecretStr("a-secret")


def test_what_disturbs_nobody_cannot_be_called_where_nobody_answers(tmp_path):
    with pytest.raises(InvalidConfiguration, match="calls nobody"):
        read(tmp_path, "[dog], escalate: {after: 5m, to: [charts]}")


@pytest.mark.parametrize(
    ("told", "looked_at"),
    [("[dog, {charts: shop}]", ["charts", "dog"]), ("[charts]", ["charts"])],
)
async def test_a_connection_that_is_only_read_by_need_not_be_able_to_tell(tmp_path, told, looked_at):
    async with opened(read(tmp_path, told), Ports()) as world:
        found = list(notifiers.checks(world))

        assert sorted(check.subject for check in found) == [f"connection {name}" for name in looked_at]
        assert "dog" in world.inquiry.providers
