"""A connection in the configuration, what ``rollbackd doctor`` says of it, the pack; what docs/sentry.md shows is read here."""

import re
from pathlib import Path

import pytest

from deploy.model import Level
from tests.fakes.sentry import TOKEN, Shop, app
from tests.fakes.serve import serving_app
from tests.fakes.world import START, World
from tests.watcher.signals.sentry.asking import MINUTE, a_log
from watcher.app.ports import Ports
from watcher.commands import doctor
from watcher.config import Configuration, InvalidConfiguration, read_configuration, with_secrets
from watcher.config.registries import all_kinds
from watcher.config.secrets import Reference

ROOT = Path(__file__).parents[4]
CONNECTION = "errors: {sentry: SETTINGS}"
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
      names: {{sentry: "checkout@${{tag}}"}}
      rules: [{{file: checkout.yaml}}]
"""
RULES = """\
version: 1
indicators:
  crashes:
    ratio: {sentry: QUERY}
rules:
  - {name: sessions do not crash, indicator: crashes, judge: {slo: {objective: 99%}}, on_breach: rollback}
"""
QUERY = '{sessions: crashed, project: checkout, environment: production, release: "${arm.sentry}"}'
GOOD = "{organization: shop, token: {env: SENTRY_TOKEN}}"


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
        return TOKEN if reference.name == "SENTRY_TOKEN" else "another"

    return with_secrets(read_configuration(path, all_kinds()), secret)


@pytest.mark.parametrize(
    ("settings", "query", "words"),
    [
        ("{organization: shop, token: in-the-open}", QUERY, "in the open"),
        (
            "{organization: shop, token: {env: A}, url: https://sentry.io/api/0}",
            QUERY,
            "write https://sentry.io",
        ),
        (GOOD, QUERY.replace("${arm.sentry}", "checkout@1"), "`sentry:` under `names:` of the service"),
        (
            GOOD,
            QUERY.replace("sessions: crashed", "errors: all, of: sessions"),
            "it needs sessions or requests",
        ),
        (GOOD, QUERY.replace("project", "projects"), "projects"),
    ],
)
def test_what_cannot_be_meant_is_told_with_the_right_form(tmp_path, settings, query, words):
    with pytest.raises(InvalidConfiguration) as told:
        read(written(tmp_path, settings, query))

    assert any(words in str(problem) for problem in told.value.problems), told.value.problems


def test_the_page_of_the_documentation_shows_settings_and_queries_that_are_read(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "sentry.md").read_text(), re.DOTALL)
    connections = next(block for block in blocks if block.startswith("connections:"))
    rules = next(block for block in blocks if block.startswith("version: 1\nindicators:"))
    path = written(tmp_path, "X")
    text = path.read_text().replace(f"connections:\n  {CONNECTION.replace('SETTINGS', 'X')}\n", connections)
    path.write_text(text)
    (tmp_path / "checkout.yaml").write_text(rules)

    configuration = read(path)

    assert len(configuration.connections) == 3
    assert len(configuration.services["checkout", "production"].policy.rules.indicators) == 4


@pytest.mark.parametrize(
    ("named", "query", "level", "words"),
    [
        ("checkout@{}", QUERY, Level.OK, "judged 5m after its end"),
        ("checkout@{}+ab12", QUERY, Level.FAIL, "no release checkout@2; nearest: checkout@2+ab12"),
        (
            "checkout@{}",
            QUERY.replace("project: checkout", "project: chekout"),
            Level.FAIL,
            "did you mean checkout?",
        ),
    ],
)
async def test_the_doctor_says_how_late_the_data_are_and_what_is_not_known(
    tmp_path, named, query, level, words
):
    shop = Shop(World(a_log(20, new=6, old=0, fails=0), now=START + 20 * MINUTE), named=named.format)
    async with serving_app(app(shop)) as port:
        settings = GOOD.replace("{organization", f"{{url: 'http://127.0.0.1:{port}', organization")
        found = await doctor.examined(read(written(tmp_path, settings, query)), Ports(now=lambda: shop.now))

    by_name = {(each.subject, each.check): each.finding for each in found}
    signal = by_name["service checkout/production", "signal crashes"]
    assert words in signal.words
    assert signal.level is level
    assert by_name["connection errors", "answers"].level is Level.OK
