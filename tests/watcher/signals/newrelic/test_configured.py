"""A connection in the configuration, and what ``rollbackd doctor`` says of it; what docs/newrelic.md shows is read here."""

import re
from pathlib import Path

import pytest

from deploy.model import Level
from tests.fakes.newrelic import KEY, Account, app
from tests.fakes.serve import serving_app
from tests.fakes.world import START, World
from tests.watcher.signals.newrelic.asking import MINUTE, a_log
from watcher.app.ports import Ports
from watcher.commands import doctor
from watcher.config import Configuration, InvalidConfiguration, read_configuration, with_secrets
from watcher.config.registries import all_kinds
from watcher.config.secrets import Reference

DOCS = Path(__file__).parents[4] / "docs" / "newrelic.md"
CONNECTION = "nr: {newrelic: SETTINGS}"
MAIN = f"""\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true, reach: [127.0.0.0/8]}}
connections:
  {CONNECTION}
services:
  checkout:
    production:
      mode: shadow
      runs_on: [{{command: {{live: [LIVE], move: [LIVE]}}}}]
      rules: [{{file: checkout.yaml}}]
"""
RULES = """\
version: 1
indicators:
  errors:
    ratio: {newrelic: QUERY}
rules:
  - {name: requests do not fail, indicator: errors, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""
QUERY = '{from: Transaction, where: {appName: checkout, tags.version: "${arm.version}"}, bad: error IS true}'
GOOD = "{account: 4711, key: {env: NEW_RELIC_KEY}}"


def written(folder: Path, settings: str = GOOD, query: str = QUERY) -> Path:
    live = folder / "live"
    live.write_text('#!/bin/sh\necho \'{"tag": "2"}\'\n')
    live.chmod(0o755)
    path = folder / "rollbackd.yaml"
    path.write_text(MAIN.replace("SETTINGS", settings).replace("LIVE", str(live)))
    (folder / "checkout.yaml").write_text(RULES.replace("QUERY", query))
    return path


def read(path: Path) -> Configuration:
    def secret(reference: Reference) -> str:
        return KEY if reference.name == "NEW_RELIC_KEY" else "NRAK-ANOTHER"

    return with_secrets(read_configuration(path, all_kinds()), secret)


@pytest.mark.parametrize(
    ("settings", "query", "words"),
    [
        ("{account: 4711, key: NRAK-IN-THE-OPEN}", QUERY, "in the open"),
        (GOOD, QUERY.replace("Transaction", "Metric"), "metrics are points"),
        (GOOD, QUERY.replace("bad: error IS true", "over: 1s"), "it needs bad"),
        (GOOD, QUERY.replace("from:", "form:"), "form"),
    ],
)
def test_what_cannot_be_meant_is_told_with_the_right_form(tmp_path, settings, query, words):
    with pytest.raises(InvalidConfiguration) as told:
        read(written(tmp_path, settings, query))

    assert any(words in str(problem) for problem in told.value.problems), told.value.problems


def test_the_page_of_the_documentation_shows_settings_and_queries_that_are_read(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    connections = next(block for block in blocks if block.startswith("connections:"))
    rules = next(block for block in blocks if block.startswith("version: 1\nindicators:"))
    path = written(tmp_path, "X")
    text = path.read_text().replace(f"connections:\n  {CONNECTION.replace('SETTINGS', 'X')}\n", connections)
    path.write_text(text)
    (tmp_path / "checkout.yaml").write_text(rules)

    configuration = read(path)

    assert len(configuration.connections) == 2
    assert len(configuration.services["checkout", "production"].policy.rules.indicators) == 4


@pytest.mark.parametrize(
    ("query", "level", "words"),
    [
        (QUERY, Level.OK, "judged 2m after its end"),
        (QUERY.replace("appName: checkout", "appName: chekout"), Level.FAIL, "did you mean checkout?"),
    ],
)
async def test_the_doctor_says_how_late_the_data_are_and_what_is_not_known(tmp_path, query, level, words):
    account = Account(World(a_log(20, new=6, old=0, fails=0), now=START + 20 * MINUTE))
    async with serving_app(app(account)) as port:
        settings = GOOD.replace("{account", f"{{url: 'http://127.0.0.1:{port}', account")
        found = await doctor.examined(
            read(written(tmp_path, settings, query)), Ports(now=lambda: account.now)
        )

    by_name = {(each.subject, each.check): each.finding for each in found}
    signal = by_name["service checkout/production", "signal errors"]
    assert words in signal.words
    assert signal.level is level
    assert by_name["connection nr", "answers"].level is Level.OK
    assert by_name["service checkout/production", "costs"].words.startswith(
        "nr: 1 call each 1m: 1,440 for a day"
    )
