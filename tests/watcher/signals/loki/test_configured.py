"""A connection in the configuration, and what ``rollbackd doctor`` says of it; what docs/loki.md shows is read here."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.model import Level
from tests.fakes.loki import app_of
from tests.fakes.serve import serving_app
from tests.watcher.signals.loki.asking import a_server
from watcher.app.ports import Ports
from watcher.commands import doctor
from watcher.config import Configuration, InvalidConfiguration, read_configuration, with_secrets
from watcher.config.registries import all_kinds
from watcher.config.secrets import Reference
from watcher.signals.registry import PROVIDERS

DOCS = Path(__file__).parents[4] / "docs" / "loki.md"
CONNECTIONS = "connections:\n  logs: {loki: SETTINGS}\n"
MAIN = f"""\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true, reach: [127.0.0.0/8]}}
{CONNECTIONS}services:
  shop:
    production:
      mode: shadow
      runs_on: [{{command: {{live: [LIVE], move: [LIVE]}}}}]
      rules: [{{file: shop.yaml}}]
"""
RULES = """\
version: 1
indicators:
  errors:
    ratio: {loki: {stream: {app: APP, version: "${arm.version}"}, bad: {contains: error}}}
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""


def written(folder: Path, settings: str, app: str = "shop") -> Path:
    live = folder / "live"
    live.write_text('#!/bin/sh\necho \'{"tag": "v2"}\'\n')
    live.chmod(0o755)
    path = folder / "rollbackd.yaml"
    path.write_text(MAIN.replace("SETTINGS", settings).replace("LIVE", str(live)))
    (folder / "shop.yaml").write_text(RULES.replace("APP", app))
    return path


def read(path: Path) -> Configuration:
    def secret(reference: Reference) -> str:
        return f"value-of-{reference.name}"

    return with_secrets(read_configuration(path, all_kinds()), secret)


def test_a_connection_settles_as_its_settings_say(tmp_path):
    connection = read(written(tmp_path, "{url: http://loki:3100, settle: 2m}")).connections["logs"]

    assert PROVIDERS["loki"].at(connection.settings).settle == timedelta(minutes=2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{url: http://loki:3100, bearer: in-the-open}", "in the open"),
        ("{url: loki}", "connections.logs"),
    ],
)
def test_a_connection_that_cannot_be_meant_is_told(tmp_path, settings, words):
    with pytest.raises(InvalidConfiguration) as told:
        read(written(tmp_path, settings))

    assert any(words in str(problem) for problem in told.value.problems), told.value.problems


def test_the_page_of_the_documentation_shows_settings_and_queries_that_are_read(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    path = written(tmp_path, "{url: http://unused}")
    unused = CONNECTIONS.replace("SETTINGS", "{url: http://unused}")
    path.write_text(path.read_text().replace(unused, blocks[0]))
    (tmp_path / "shop.yaml").write_text(blocks[1])

    configuration = read(path)

    assert len(configuration.connections) == 4
    assert len(configuration.services["shop", "production"].policy.rules.indicators) == 4


@pytest.mark.parametrize(
    ("app", "level", "words"),
    [("shop", Level.OK, "judged 60s after its end"), ("shpo", Level.FAIL, "did you mean shop?")],
)
async def test_the_doctor_says_that_the_server_answers_and_of_each_signal_whether_it_is_known(
    tmp_path, app, level, words
):
    server = a_server()
    async with serving_app(app_of(server)) as port:
        path = written(tmp_path, f"{{url: 'http://127.0.0.1:{port}'}}", app)
        found = await doctor.examined(read(path), Ports(now=lambda: server.world.now))

    by_name = {(each.subject, each.check): each.finding for each in found}
    assert by_name["connection logs", "answers"].level is Level.OK
    signal = by_name["service shop/production", "signal errors"]
    assert signal.level is level
    assert words in signal.words.replace("1m after", "60s after")
