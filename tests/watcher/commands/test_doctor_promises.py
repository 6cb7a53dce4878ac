"""A rule and the SLO that it reads each promise something: the doctor says when that is not the same."""

import asyncio
from collections.abc import Sequence

import pytest

from deploy.model import Finding, Level
from rules.model import Consequence, Indicator, InState, Kind, Rule, Slo
from tests.fakes.datadog import Slo as Promised
from tests.watcher.signals.datadog import asking as datadog
from watcher.commands._doctor.promises import findings
from watcher.runtime.inquiry import Connected, Inquiry
from watcher.signals.registry import PROVIDERS
from watcher.telemetry.metrics import Metrics

NAME = "a" * 32
HITS = "sum:trace.http.request.hits{*}.as_count()"


def rule(objective: float, of: str = "errors") -> Rule:
    return Rule("r", "requests do not fail", Consequence.ROLLBACK, of, Slo(objective))


def said(targets: dict[str, float], *rules: Rule, indicators: Sequence[Indicator] = ()) -> list[Finding]:
    """What is said of *rules*, and an SLO that has these *targets*."""
    read = indicators or [datadog.indicator({"slo": NAME})]

    async def story() -> Sequence[Finding]:
        slo = Promised("shop answers", good=HITS, total=HITS, targets=targets)
        async with datadog.asking(datadog.a_site(slos={NAME: slo})) as life:
            inquiry = Inquiry({"datadog": Connected(PROVIDERS["datadog"], life.provider)}, Metrics())
            return await findings(inquiry, rules, read)

    return list(asyncio.run(story()))


@pytest.mark.parametrize(("targets", "objective"), [({"7d": 99.9}, 0.999), ({"7d": 99.0, "30d": 99.9}, 0.99)])
def test_a_rule_that_promises_the_same_is_well(targets, objective):
    (one,) = said(targets, rule(objective))

    assert one.level is Level.OK
    assert "errors: the SLO shop answers (metric): 100% over the last 7 days; it promises 9" in one.words


def test_a_rule_that_promises_otherwise_is_a_warning_with_both():
    well, other = said({"7d": 99.0, "30d": 99.9}, rule(0.95))

    assert well.level is Level.OK
    assert other.level is Level.WARN
    assert (
        other.words
        == "“requests do not fail” promises 95%, and the SLO shop answers (metric) 99% over 7d and 99.9% over 30d"
    )
    assert "objective: 99.9%" in other.remedy


def test_only_rules_that_promise_a_share_of_it_are_held_against_it():
    of_state = Rule("s", "it stays up", Consequence.ASK, "errors", InState())

    assert len(said({"7d": 99.0}, of_state, rule(0.5, of="another"))) == 1


def test_what_is_no_slo_promises_nothing():
    assert said({"7d": 99.0}, rule(0.5), indicators=[datadog.indicator(datadog.RATIO, Kind.RATIO)]) == []
