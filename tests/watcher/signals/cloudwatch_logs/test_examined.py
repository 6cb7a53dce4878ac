"""What ``rollbackd doctor`` says of log groups and SLOs; what docs/aws.md shows of them is read here."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.model import Level
from rules.document import read_document
from rules.model import Indicator, Kind
from tests.fakes.aws.fixtures import NOON, Clock
from tests.watcher.commands.test_doctor import RULES, Office, a_shop, of, the
from watcher.signals.registry import PROVIDERS

WEB = "service web/production"
INDICATORS = """\
  lines:
    ratio: {cloudwatch_logs: {groups: /ecs/web, bad: {contains: error}}}
  budget:
    state: {application_signals: {slo: web-works}}
"""
DOCS = Path(__file__).parents[4] / "docs" / "aws.md"


@pytest.fixture
def office(tmp_path):
    now = Clock(NOON)
    world = a_shop(now)
    for minute in range(30):
        world.logs.write(
            "/ecs/web", NOON - timedelta(minutes=30 - minute), "an error" if minute % 7 else "well"
        )
    world.slos.turn("web-works", "OK", NOON - timedelta(days=1))
    yield Office(now, world, tmp_path)
    assert world.bugs == []


def ruled(indicators: str) -> str:
    more = (
        "  - {name: few lines are bad, indicator: lines, judge: {slo: {objective: 99%}}, on_breach: tell}\n"
        "  - {name: the budget holds, indicator: budget, judge: {state: {for: 1m}}, on_breach: doubt}\n"
    )
    return RULES.replace("rules:\n", f"{indicators}rules:\n") + more


async def test_the_doctor_says_how_late_lines_are_and_what_looking_for_them_costs(office):
    found = await office.examines(rules=ruled(INDICATORS))

    lines, budget = the(found, WEB, "signal lines"), the(found, WEB, "signal budget")
    assert (lines.level, budget.level) == (Level.OK, Level.OK)
    assert "judged 2m after its end" in lines.words
    assert "lines: 0.0 MB were scanned for 15m of 1 log group" in [
        each.words for each in of(found, WEB, "costs")
    ]
    assert "judged 3m after its end" in budget.words


async def test_the_doctor_names_a_group_and_an_slo_that_are_not_there(office):
    wrong = INDICATORS.replace("/ecs/web", "/ecs/wbe").replace("web-works", "web-wroks")
    found = await office.examines(rules=ruled(wrong))

    assert "no log group /ecs/wbe" in the(found, WEB, "signal lines").words
    assert "no SLO is called web-wroks" in the(found, WEB, "signal budget").words


@pytest.mark.parametrize("provider", ["cloudwatch_logs", "application_signals"])
def test_the_examples_of_the_documentation_are_understood(provider):
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    block = next(each for each in blocks if f"{provider}:" in each)
    section = read_document(block, "docs/aws.md").get("indicators")
    assert section is not None

    ((_, entry),) = section.entries()
    ((kind, written),) = entry.node.entries()
    query = written.node.get(provider)
    assert query is not None
    assert isinstance(query.read_as(PROVIDERS[provider].query), PROVIDERS[provider].query)
    assert (
        PROVIDERS[provider].mistake(Indicator("i", Kind(kind), provider, json.dumps(query.plain()))) is None
    )
