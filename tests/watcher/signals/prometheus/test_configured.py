"""A connection in the configuration, and what ``rollbackd doctor`` says of it; what docs/prometheus.md shows is read here."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.model import Level
from tests.fakes.prometheus.gate import Gate, before, says
from tests.watcher.signals.prometheus.asking import MINUTE, NOON
from watcher.app.ports import Ports
from watcher.commands import doctor
from watcher.config import InvalidConfiguration, read_configuration, with_secrets
from watcher.config.registries import all_kinds
from watcher.config.secrets import Reference
from watcher.signals.registry import PROVIDERS

DOCS = Path(__file__).parents[4] / "docs" / "prometheus.md"
MAIN = """\
version: 1
daemon: {store: {memory: {}}, alone: true, reach: [127.0.0.0/8]}
accounts: {shop: {region: eu-central-1}}
connections:
  prom: {prometheus: SETTINGS}
services:
  web:
    production:
      mode: shadow
      runs_on: [{command: {live: [LIVE], move: [LIVE]}}]
      rules: [{file: web.yaml}]
"""
RULES = """\
version: 1
indicators:
  errors:
    ratio:
      prometheus: QUERY
rules:
  - {name: the objective holds, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""
QUERY = (
    '{counter: http_requests_total, where: {service: shop, version: "${arm.version}"}, bad: {code: "5.."}}'
)


def written(folder: Path, settings: str, query: str = QUERY) -> Path:
    live = folder / "live"
    live.write_text('#!/bin/sh\necho \'{"tag": "v2"}\'\n')
    live.chmod(0o755)
    path = folder / "rollbackd.yaml"
    path.write_text(MAIN.replace("SETTINGS", settings).replace("LIVE", str(live)))
    (folder / "web.yaml").write_text(RULES.replace("QUERY", query))
    return path


def read(path: Path):
    def secret(reference: Reference) -> str:
        return f"value-of-{reference.name}"

    return with_secrets(read_configuration(path, all_kinds()), secret)


def test_a_connection_settles_as_its_settings_say(tmp_path):
    settings = "{url: http://prom:9090, scrape_interval: 30s}"
    connection = read(written(tmp_path, settings)).connections["prom"]

    assert PROVIDERS["prometheus"].at(connection.settings).settle == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("{url: http://prom:9090, bearer: in-the-open}", "in the open"),
        ("{url: http://prom:9090, sigv4: {account: shpo}}", "shpo"),
        ("{url: prom}", "connections.prom"),
    ],
)
def test_a_connection_that_cannot_be_meant_is_told(tmp_path, settings, words):
    with pytest.raises(InvalidConfiguration) as told:
        read(written(tmp_path, settings))

    assert any(words in str(problem) for problem in told.value.problems), told.value.problems


def test_the_page_of_the_documentation_shows_settings_and_queries_that_are_read(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    connections = next(block for block in blocks if block.startswith("connections:"))
    rules = next(block for block in blocks if block.startswith("version: 1\nindicators:"))
    path = written(tmp_path, "{url: http://unused}")
    text = path.read_text().replace("connections:\n  prom: {prometheus: {url: http://unused}}\n", connections)
    path.write_text(text)
    (tmp_path / "web.yaml").write_text(rules)

    configuration = read(path)

    assert len(configuration.connections) >= 4
    assert len(configuration.services["web", "production"].policy.rules.indicators) >= 5


async def _examined(path: Path, minutes: float = 20):
    return await doctor.examined(read(path), Ports(now=lambda: NOON + minutes * MINUTE))


async def test_the_doctor_says_that_the_server_answers_and_how_late_its_data_are(shop, tmp_path):
    found = await _examined(written(tmp_path, f"{{url: '{shop}'}}"))

    by_name = {(each.subject, each.check): each.finding for each in found}
    assert by_name["connection prom", "answers"].level is Level.OK
    assert by_name["service web/production", "signal errors"].level is Level.OK
    assert "judged 30s after its end" in by_name["service web/production", "signal errors"].words


async def test_the_doctor_names_a_name_that_is_wrong_at_once(shop, tmp_path):
    query = QUERY.replace("http_requests_total", "http_request_total")
    found = await _examined(written(tmp_path, f"{{url: '{shop}'}}", query))

    signal = next(each.finding for each in found if each.check == "signal errors")
    assert signal.level is Level.FAIL
    assert "did you mean http_requests_total?" in signal.words


async def test_the_doctor_says_who_must_act_where_it_is_not_let_in(tmp_path):
    async with before(Gate(says(401, "no org id")), None) as url:
        found = await _examined(written(tmp_path, f"{{url: '{url}'}}"))

    answers = next(each.finding for each in found if each.check == "answers")
    assert answers.level is Level.FAIL
    assert "no org id" in answers.words
    assert "tenant" in answers.remedy
