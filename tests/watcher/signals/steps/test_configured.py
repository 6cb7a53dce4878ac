"""Probes in a configuration: what docs/probes.md shows is read here, and secrets come from the connection alone."""

import re
from pathlib import Path

import pytest

from rules.model import Indicator
from watcher.config import Configuration, InvalidConfiguration, read_configuration, with_secrets
from watcher.config.registries import all_kinds
from watcher.config.secrets import Reference
from watcher.signals.steps.query import Settings

DOCS = Path(__file__).parents[4] / "docs" / "probes.md"
MAIN = """\
version: 1
daemon: {store: {memory: {}}, alone: true}
CONNECTIONS
services:
  web:
    production:
      mode: shadow
      runs_on: [{command: {live: [LIVE], move: [LIVE]}}]
      rules: [{file: web.yaml}]
"""
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
CONNECTIONS, RULES = (
    [block for block in BLOCKS if block.startswith(start)] for start in ("connections", "version")
)


def written(folder: Path, rules: str, connections: str = "") -> Path:
    live = folder / "live"
    live.write_text('#!/bin/sh\necho \'{"tag": "v2"}\'\n')
    live.chmod(0o755)
    path = folder / "rollbackd.yaml"
    path.write_text(MAIN.replace("CONNECTIONS", connections).replace("LIVE", str(live)))
    (folder / "web.yaml").write_text(rules)
    return path


def indicators(configuration: Configuration) -> tuple[Indicator, ...]:
    (service,) = configuration.services.values()
    return service.policy.rules.indicators


@pytest.mark.parametrize("rules", RULES)
def test_what_the_page_shows_is_right(tmp_path, rules):
    configuration = read_configuration(written(tmp_path, rules, CONNECTIONS[0]), all_kinds())

    assert indicators(configuration)


def test_suites_need_a_connection_only_for_secrets(tmp_path):
    alive = "version: 1" + RULES[1].partition("version: 1")[2].replace("${secret.password}", "open")
    alone = read_configuration(written(tmp_path, alive), all_kinds())
    beside = read_configuration(written(tmp_path, alive, CONNECTIONS[0]), all_kinds())
    two = CONNECTIONS[0] + CONNECTIONS[0].replace("connections:\n", "").replace("smoke:", "other:")

    assert {each.connection for each in indicators(alone)} == {None}
    assert {each.connection for each in indicators(beside)} == {"smoke"}
    with pytest.raises(InvalidConfiguration, match="there is no connection of the kind steps"):
        read_configuration(written(tmp_path, RULES[1]), all_kinds())
    with pytest.raises(InvalidConfiguration, match="several connections of the kind steps"):
        read_configuration(written(tmp_path, alive, two), all_kinds())


def test_a_secret_is_a_reference_and_its_value_is_in_the_settings_alone(tmp_path):
    def secret(reference: Reference) -> str:
        return f"value of {reference.name}"

    configuration = with_secrets(
        read_configuration(written(tmp_path, RULES[1], CONNECTIONS[0]), all_kinds()), secret
    )
    settings = configuration.connections["smoke"].settings

    assert isinstance(settings, Settings)
    assert settings.secrets["password"].get_secret_value() == "value of SMOKE_PASSWORD"
    assert "value of" not in repr(configuration)
    in_the_open = CONNECTIONS[0].replace("{env: SMOKE_PASSWORD}", "hunter22")
    with pytest.raises(InvalidConfiguration, match="in the open"):
        read_configuration(written(tmp_path, RULES[1], in_the_open), all_kinds())


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{password:", "{pasword:", "the connection has no secret `password`"),
        ("https://shop.example.com", "https://shop.example.org", "may be sent to https://shop.example.com"),
    ],
)
def test_a_secret_that_a_suite_cannot_send_is_told_before_anything_starts(tmp_path, old, new, words):
    with pytest.raises(InvalidConfiguration, match=words):
        read_configuration(written(tmp_path, RULES[1], CONNECTIONS[0].replace(old, new)), all_kinds())
