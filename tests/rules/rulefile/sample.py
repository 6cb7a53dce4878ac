"""Rule files to change, and what is wrong with them then."""

import pytest

from rules import model
from rules.document import read_document
from rules.errors import InvalidRules
from rules.model import Kind
from rules.rulefile import Catalogue, RuleFile, read_rules

ALL = frozenset(Kind)
EVERYTHING = Catalogue(
    providers={
        "scrape": ALL - {Kind.STATE, Kind.PROBE},
        "http": frozenset({Kind.PROBE}),
        "cloudwatch": ALL,
        "split": ALL,
    },
    later=frozenset({"datadog"}),
    own_arms=frozenset({"split"}),
)

INDICATORS = """\
version: 1
indicators:
  errors: {ratio: {scrape: {url: "${arm.url}", bad: 5xx}}}
  slow: {latency: {scrape: {url: x, over: [1s, 300ms]}}}
  crashes: {events: {scrape: {count: x, exposure: traffic}}}
  traffic: {requests: {scrape: {url: "${arm.url}"}}}
  queue: {value: {scrape: {url: x}}}
  alarm: {state: {cloudwatch: {alarms: [x]}}}
  health: {probe: {http: {url: x}}}
  both: {ratio: {split: {url: x}}}
rules:
"""


def read(text: str, given: str = "{}", catalogue: Catalogue = EVERYTHING) -> RuleFile:
    return read_rules(text, "r.yaml", catalogue, read_document(given, "with"))


def problems(text: str, given: str = "{}", catalogue: Catalogue = EVERYTHING) -> list[str]:
    """All that is wrong, each on one line."""
    with pytest.raises(InvalidRules) as refused:
        read(text, given, catalogue)
    return [str(problem).replace("\n    ", " | ") for problem in refused.value.problems]


def a_rule(judge: str, indicator: str = "errors", more: str = "", on_breach: str = "rollback") -> str:
    """A file whose only rule stands in line 12."""
    return f"{INDICATORS}  - {{name: it, indicator: {indicator}, judge: {judge}, on_breach: {on_breach}{more}}}\n"


def the_rule(text: str) -> model.Rule:
    return read(text).rules.rules[0]


MEMBERS = f"""{INDICATORS}\
  - {{name: a, indicator: errors, judge: {{slo: {{objective: 99%}}}}, on_breach: tell}}
  - {{name: rank, indicator: queue, judge: {{percentile_rank: {{}}}}, on_breach: ask}}
  - {{name: rank2, indicator: queue, judge: {{percentile_rank: {{}}}}, on_breach: ask}}
"""

WITH = """\
version: 1
parameters:
  host: {}
  objective: {default: 99.9%}
indicators:
  errors: {ratio: {scrape: {url: "http://${host}/metrics", arm: "${arm.x}"}}}
  health: {probe: {http: {url: x}}}
rules:
  - {name: it, indicator: errors, judge: {slo: {objective: "${objective}"}}, on_breach: rollback}
"""
