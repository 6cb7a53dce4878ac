"""Alerts that fire beside a watch: those that a rule of it means, each once, the newest first."""

import json
from dataclasses import replace

from rules.model import Consequence, Indicator, InState, Kind, Rule, RuleSet
from tests.builders import NOON, a_policy
from tests.watcher.runtime.at_work import a_new_watch, at_work, virtual
from tests.watcher.signals.alert.building import FIRING, WELL, an_alert
from watcher.runtime.firing import Firing


def pushed(name, **match):
    query = json.dumps({"source": "am", "match": match})
    return Indicator(name, Kind.STATE, "alert", query)


@virtual
async def test_those_that_a_rule_means_are_found_once_the_newest_first():
    indicators = (
        pushed("one", service="checkout"),
        pushed("same", service="checkout"),
        pushed("unnamed", version="${arm.nothing}"),
    )
    rules = (Rule("no-page", "no page", Consequence.ASK, indicator="one", judge=InState()),)
    watch = replace(a_new_watch(), policy=a_policy(rules=RuleSet(indicators, rules)))
    alerts = [
        an_alert("old", FIRING, -9),
        an_alert("new", FIRING, -2),
        an_alert("between", FIRING, -5),
        an_alert("ended", WELL, -1),
        an_alert("other", FIRING, -1, labels={"service": "cart"}),
    ]
    async with at_work() as work:
        await work.store.hear_alerts("am", alerts, NOON, {})

        found = await Firing(work.store)(watch, NOON)

    assert [each.called for each in found] == ["new", "between", "old"]
