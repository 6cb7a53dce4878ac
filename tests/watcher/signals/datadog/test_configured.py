"""A connection in the configuration, what ``rollbackd doctor`` says of it, the pack; what docs/datadog.md shows is read here."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.model import Level
from rules.model import Kind
from tests.fakes.datadog import API_KEY, APPLICATION_KEY, Slo, app_of
from tests.fakes.serve import serving_app
from tests.watcher.signals.datadog.asking import a_site, a_world
from watcher.app.ports import Ports
from watcher.commands import doctor
from watcher.config import Configuration, InvalidConfiguration, read_configuration, with_secrets
from watcher.config.registries import all_kinds
from watcher.config.secrets import Reference
from watcher.signals.registry import PROVIDERS

ROOT = Path(__file__).parents[4]
CONNECTION = "dog: {datadog: SETTINGS}"
MAIN = f"""\
version: 1
daemon: {{store: {{memory: {{}}}}, alone: true, reach: [127.0.0.0/8]}}
connections:
  {CONNECTION}
services:
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
    requests: {datadog: {total: "TOTAL"}}
rules:
  - {name: there is traffic, indicator: errors, judge: {traffic_drop: {drop: 50%}}, on_breach: ask}
"""
OF_SLO = f"""\
version: 1
indicators:
  errors:
    ratio: {{datadog: {{slo: {"a" * 32}, groups: ["version:${{arm.version}}"]}}}}
rules:
  - {{name: requests do not fail, indicator: errors, judge: {{slo: {{objective: 99%}}}}, on_breach: ask}}
"""
TOTAL = "sum:trace.http.request.hits{env:prod,service:shop,version:${arm.version}}.as_count()"
KEYS = "api_key: {env: DD_API_KEY}, application_key: {env: DD_APP_KEY}"


def written(folder: Path, settings: str, total: str = TOTAL) -> Path:
    live = folder / "live"
    live.write_text('#!/bin/sh\necho \'{"tag": "v2"}\'\n')
    live.chmod(0o755)
    path = folder / "rollbackd.yaml"
    path.write_text(MAIN.replace("SETTINGS", settings).replace("LIVE", str(live)))
    (folder / "shop.yaml").write_text(RULES.replace("TOTAL", total))
    return path


def read(path: Path) -> Configuration:
    def secret(reference: Reference) -> str:
        return {"DD_API_KEY": API_KEY, "DD_APP_KEY": APPLICATION_KEY}.get(reference.name, "elsewhere")

    return with_secrets(read_configuration(path, all_kinds()), secret)


def test_a_connection_settles_as_its_settings_say(tmp_path):
    connection = read(written(tmp_path, f"{{site: datadoghq.eu, {KEYS}, settle: 90s}}")).connections["dog"]

    assert PROVIDERS["datadog"].at(connection.settings).settle == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("settings", "total", "words"),
    [
        (f"{{site: datadoghq.eu, {KEYS.replace('{env: DD_API_KEY}', 'in-the-open')}}}", TOTAL, "in the open"),
        (f"{{site: datadoghq.org, {KEYS}}}", TOTAL, "connections.dog"),
        (
            f"{{site: datadoghq.eu, {KEYS}}}",
            TOTAL.replace(".as_count()", ""),
            "try: write sum:trace.http.request.hits{…}.as_count()",
        ),
        (
            f"{{site: datadoghq.eu, {KEYS}}}",
            "sum:aws.elb.request_count{*}.as_count()",
            "ask CloudWatch itself",
        ),
    ],
)
def test_what_cannot_be_meant_is_told_with_the_right_form(tmp_path, settings, total, words):
    with pytest.raises(InvalidConfiguration) as told:
        read(written(tmp_path, settings, total))

    assert any(words in str(problem) for problem in told.value.problems), told.value.problems


def test_the_page_of_the_documentation_shows_settings_and_queries_that_are_read(tmp_path):
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "datadog.md").read_text(), re.DOTALL)
    connections = next(block for block in blocks if block.startswith("connections:"))
    rules = next(block for block in blocks if block.startswith("version: 1\nindicators:"))
    path = written(tmp_path, "X")
    path.write_text(
        path.read_text().replace(f"connections:\n  {CONNECTION.replace('SETTINGS', 'X')}\n", connections)
    )
    (tmp_path / "shop.yaml").write_text(rules)

    configuration = read(path)

    assert len(configuration.connections) == 2
    assert len(configuration.services["shop", "production"].policy.rules.indicators) == 7


def test_the_example_of_slos_is_a_rule_file_that_is_read(tmp_path):
    path = written(tmp_path, f"{{site: datadoghq.eu, {KEYS}}}")
    example = (ROOT / "examples" / "rules" / "datadog-slo.yaml").read_text()
    (tmp_path / "shop.yaml").write_text(example)
    given = f"{{file: shop.yaml, with: {{answers: {'a' * 32}, up: {'b' * 32}}}}}"
    path.write_text(path.read_text().replace("{file: shop.yaml}", given))

    rules = read(path).services["shop", "production"].policy.rules

    assert [each.kind for each in rules.indicators] == [Kind.RATIO, Kind.STATE]
    assert [each.compares_arms for each in rules.indicators] == [True, False]
    assert len(rules.rules) == 3


@pytest.mark.parametrize(
    ("total", "level", "words"),
    [
        (TOTAL, Level.OK, "judged 1m after its end"),
        (TOTAL.replace(".hits", ".hit"), Level.FAIL, "did you mean trace.http.request.hits?"),
        (TOTAL.replace("version:", "release:"), Level.FAIL, "no series with the tag release"),
    ],
)
async def test_the_doctor_says_how_late_the_data_are_and_what_is_not_known(tmp_path, total, level, words):
    site = a_site(a_world(now=10))
    async with serving_app(app_of(site)) as port:
        path = written(tmp_path, f"{{url: 'http://127.0.0.1:{port}', {KEYS}}}", total)
        found = await doctor.examined(read(path), Ports(now=lambda: site.world.now))

    by_name = {(each.subject, each.check): each.finding for each in found}
    signal = by_name["service shop/production", "signal errors"]
    assert signal.level is level
    assert words in signal.words
    assert by_name["connection dog", "answers"].level is Level.OK


async def test_the_doctor_says_what_an_slo_promises_and_that_a_rule_promises_otherwise(tmp_path):
    slo = Slo(
        "shop answers",
        good=TOTAL.replace(",version:${arm.version}", ""),
        total=TOTAL.replace(",version:${arm.version}", ""),
    )
    site = a_site(a_world(now=10), slos={"a" * 32: slo})
    async with serving_app(app_of(site)) as port:
        path = written(tmp_path, f"{{url: 'http://127.0.0.1:{port}', {KEYS}}}")
        (tmp_path / "shop.yaml").write_text(OF_SLO)
        found = await doctor.examined(read(path), Ports(now=lambda: site.world.now))

    told = [each.finding for each in found if each.check == "promises"]
    assert [each.level for each in told] == [Level.OK, Level.WARN]
    assert (
        "the SLO shop answers (metric): 100% over the last 30 days; it promises 99.9% over 30d"
        in told[0].words
    )
    assert told[1].words.startswith("“requests do not fail” promises 99%")
    (signal,) = [each.finding for each in found if each.check == "signal errors"]
    assert "judged 1m after its end" in signal.words
