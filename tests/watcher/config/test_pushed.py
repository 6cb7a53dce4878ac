"""Alerts that are pushed: who may tell them, what silence means, and that a hint alone rolls nothing back."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.watcher.config.sample import MAIN, folder
from watcher.config import InvalidConfiguration, read_configuration
from watcher.config.configuration import Configuration
from watcher.config.read import with_secrets
from watcher.config.registries import all_kinds
from watcher.config.secrets import Reference

SENDERS = """\
alerts:
  am: {alertmanager: {secret: {env: AM}}}
  dd: {datadog: {secret: {env: DD}}}
sources:
  queue: {sqs: {account: shop, url: "https://sqs.eu-central-1.amazonaws.com/123456789012/alarms"}}
  http: {http: {}}
"""
QUERY = "{source: am, match: {service: checkout}}"
RULES = """\
version: 1
parameters: {host: {}, objective: {default: 99.9%}}
indicators:
  pushed: {state: {alert: QUERY}}
  ready: {probe: {http: {url: "http://${host}/${objective}"}}}
rules:
  - {name: no alert, id: quiet, indicator: pushed, judge: {state: {for: 1m}}, on_breach: ask}
"""


def configured(
    tmp_path: Path, query: str = QUERY, rules: str = RULES, senders: str = SENDERS, main: str = MAIN
) -> Configuration:
    main = (
        main.replace("sources:\n  http: {http: {}}\n", senders)
        .replace(
            "  tsdb: {metrics: {url: https://metrics.example, token: {env: METRICS_TOKEN}, headers: {x-key: {file: /run/secrets/key}}}}\n  room: {chat: {token: {env: CHAT_TOKEN}}}",
            '  room: {webhook: {url: "https://room.example", secret: {env: ROOM}}}',
        )
        .replace("tell: [room, {room: releases}]", "tell: [room]")
    )
    return read_configuration(folder(tmp_path, main, rules.replace("QUERY", query)), all_kinds())


def problems(tmp_path: Path, *given: str, **more: str) -> list[str]:
    try:
        configured(tmp_path, *given, **more)
    except InvalidConfiguration as invalid:
        return [
            str(each).replace(f"{tmp_path}/", "").replace("\n    try:", " | try:")
            for each in invalid.problems
        ]
    return []


def query_of(configuration: Configuration) -> dict[str, Any]:
    indicators = configuration.services["checkout", "production"].policy.rules.indicators
    found: dict[str, Any] = json.loads(next(each.query for each in indicators if each.id == "pushed"))
    return found


def test_silence_of_a_system_that_repeats_itself_is_well_while_it_is_heard(tmp_path):
    assert query_of(configured(tmp_path)) == {
        "source": "am",
        "match": {"service": "checkout"},
        "silent": "well",
        "heard_within": "5h",
        "repeats": "5h",
    }


@pytest.mark.parametrize("source", ["dd", "queue"])
def test_silence_of_a_system_that_tells_of_changes_is_no_data(tmp_path, source):
    query = query_of(configured(tmp_path, f"{{source: {source}, match: {{service: checkout}}}}"))

    assert query == {"source": source, "match": {"service": "checkout"}, "silent": "unknown"}


def test_what_is_written_stands(tmp_path):
    written = "{source: am, match: {service: checkout}, silent: unknown, heard_within: 10m, repeats: 1h}"

    query = query_of(configured(tmp_path, written))

    assert (query["silent"], query["heard_within"], query["repeats"]) == ("unknown", "10m", "1h")


def test_the_secrets_of_senders_are_put_in_when_the_daemon_starts(tmp_path):
    def secrets(reference: Reference) -> str:
        return f"{reference.name}-{'s' * 40}"

    opened = with_secrets(configured(tmp_path), secrets)

    assert opened.alerts["am"].settings.secrets == (f"AM-{'s' * 40}",)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{source: amm, match: {a: b}}", 'source: unknown sender of alerts "amm" | try: did you mean "am"?'),
        ("{source: http, match: {a: b}}", 'source: unknown sender of alerts "http" | try: known: am, dd, queue'),
        ("{match: {a: b}}", '"source" is missing'),
        ("{source: am, match: {}}", "match"),
        ("{source: am}", '"match" is missing'),
        ("{source: am, match: {a: b}, silent: good}", "silent"),
        ("{source: am, match: {a: b}, heard_within: 10s}", "heard_within: must lie within 1m to 31d | try: write 5h, or 5m"),
        ("{source: am, match: {a: b}, decides: yes}", "decides"),
        ("{source: am, match: {a: b}, trust: decide}", 'trust: unknown key "trust"'),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_query_is_told_at_its_place(tmp_path, query, expected):
    found = problems(tmp_path, query)

    assert any("indicators.pushed.state.alert" in each and expected in each for each in found), found


HINT = "an alert that is pushed may not roll back by itself, unless its query says so"


def test_a_rule_that_rolls_back_by_a_hint_is_refused_with_the_remedy(tmp_path):
    found = problems(tmp_path, rules=RULES.replace("on_breach: ask", "on_breach: rollback"))

    assert found == [
        f"rules/web.yaml:7:90: rules[0].on_breach: {HINT} | try: add `decides: true` to the query, or write on_breach: ask"
    ]


@pytest.mark.parametrize("consequence", ["ask", "doubt", "tell"])
def test_a_hint_may_do_all_else(tmp_path, consequence):
    assert problems(tmp_path, rules=RULES.replace("on_breach: ask", f"on_breach: {consequence}")) == []


def test_what_decides_may_roll_back(tmp_path):
    query = "{source: am, match: {service: checkout}, decides: true}"

    assert problems(tmp_path, query, RULES.replace("on_breach: ask", "on_breach: rollback")) == []


MORE = """\
  - {name: ready, id: ready, indicator: ready, judge: {threshold: {}}, on_breach: rollback}
  - {name: both, id: both, all_of: MEMBERS, on_breach: rollback}
"""


def test_a_hint_may_be_one_of_several_that_roll_back_together(tmp_path):
    rules = RULES.replace("on_breach: ask", "on_breach: rollback") + MORE.replace("MEMBERS", "[quiet, ready]")

    assert problems(tmp_path, rules=rules) == []


def test_hints_alone_do_not_roll_back_together_either(tmp_path):
    second = "  - {name: no page, id: page, indicator: pushed, judge: {state: {}}, on_breach: tell}\n"
    rules = RULES + second + MORE.replace("MEMBERS", "[quiet, page]")

    assert any("rules[3]" in each and HINT in each for each in problems(tmp_path, rules=rules))


def test_a_sender_and_a_source_of_one_name_are_refused(tmp_path):
    found = problems(tmp_path, senders=SENDERS.replace("  dd:", "  queue:"))

    assert any('alerts.queue: "queue" is a source already' in each for each in found)


def test_a_kind_that_is_not_there_is_told_with_those_that_are(tmp_path):
    found = problems(tmp_path, senders=SENDERS.replace("{datadog:", "{datdog:"))

    assert any(
        'unknown sender of alerts "datdog" | try: did you mean "datadog"?' in each for each in found
    ), found


def test_a_rule_that_names_a_sender_with_a_mistake_has_none_of_its_own(tmp_path):
    found = problems(tmp_path, senders=SENDERS.replace("{secret: {env: AM}}", "{secrt: {env: AM}}"))

    assert found
    assert all("alerts.am" in each for each in found)
