"""The pattern that is to be pasted into EventBridge lets all in that is understood."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from deploy.sources.sqs.trail import TRAIL
from tests.watcher.changes.said import LINES, OURS, heard
from watcher.changes import read
from watcher.changes.reading import READS

PATTERN = json.loads((Path(__file__).parents[3] / "examples/changes/event-pattern.json").read_text())
EVENTS = [line for line in (*OURS, *LINES) if "detail-type" in line.event]
CHANGES = [
    line
    for line in EVENTS
    if line.event["detail-type"] != TRAIL and not line.of.startswith("github") and "lambda" not in line.of
]


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """As EventBridge matches: every key has one of its values."""
    return all(
        any(matches(each, event) for each in wanted) if key == "$or" else _has(wanted, event.get(key))
        for key, wanted in pattern.items()
    )


def _has(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and matches(wanted, found)
    prefixes = [each["prefix"] for each in wanted if isinstance(each, dict)]
    return found in wanted or any(str(found).startswith(prefix) for prefix in prefixes)


@pytest.mark.parametrize("line", CHANGES, ids=lambda line: line.of)
def test_every_event_that_is_a_change_gets_in(line):
    assert read(heard(line.event)) is None or matches(PATTERN, line.event)


def test_every_kind_that_is_understood_is_in_the_pattern():
    seen = {(line.event["source"], line.event["detail-type"]) for line in EVENTS}

    by_eventbridge = {(source, kind) for source, kind in READS if source.startswith("aws.")}

    assert by_eventbridge <= seen | {("aws.ecs", "ECS Deployment State Change")}


@pytest.mark.parametrize("line", CHANGES, ids=lambda line: line.of)
def test_eventbridge_lets_the_same_in_as_we_think(line):
    """Moto's matcher of patterns is another's."""
    assert EventPattern.load(json.dumps(PATTERN)).matches_event(line.event) is matches(PATTERN, line.event)


def test_the_pattern_is_one_that_eventbridge_takes():
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html: a pattern has at most 2,048 characters."""
    assert len(json.dumps(PATTERN, separators=(",", ":"))) <= 2048


def test_what_is_no_change_need_not_get_in():
    tasks = next(line.event for line in LINES if line.of == "aws.ecs/ECS Task State Change")

    assert not matches(PATTERN, tasks)
