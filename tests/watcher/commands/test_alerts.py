"""What is known of pushed alerts, on the command line: how each stands, and which rules mean it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rules.model import Consequence, Indicator, InState, Kind, Rule, RuleSet
from tests.builders import a_policy, a_service
from tests.watcher.api.daemon import ADA, NOON, an_api
from tests.watcher.commands.speaking import speak
from tests.watcher.signals.alert.building import FIRING, WELL, an_alert

PUSHED = Indicator(
    "pushed", Kind.STATE, "alert", json.dumps({"source": "am", "match": {"service": "checkout"}})
)
RULES = RuleSet(
    (PUSHED,), (Rule("no-page", "no page", Consequence.ASK, indicator="pushed", judge=InState()),)
)
CHECKOUT = a_service(policy=a_policy(rules=RULES))


class Heard:
    """Who may be heard."""

    def kinds(self) -> Mapping[str, str]:
        return {"am": "alertmanager", "queue": "sqs"}


def an_api_that_heard(**more: Any) -> Any:
    return an_api(alerts=Heard(), services=[CHECKOUT], **more)


async def told(api: Any) -> None:
    alerts = [
        an_alert("errors", FIRING, -2, words="5xx over 5 %", link="https://a.example/1"),
        an_alert("disk", WELL, -9, labels={"service": "cart"}),
    ]
    await api.daemon.store.hear_alerts("am", alerts, NOON, {}, incomplete=False)


async def test_alerts_are_listed_with_how_they_stand_since_when_and_which_rules_mean_them():
    async with an_api_that_heard() as api:
        await told(api)
        said = await speak(api, "alerts")

    assert (said.status, said.err) == (0, "")
    assert said.out == (
        "SENDER  KIND          LAST HEARD (UTC)     ALERTS\n"
        "am      alertmanager  2026-11-24 12:00:00  1 firing, 1 well\n"
        "queue   sqs           never                none was told\n"
        "\n"
        "SENDER  ALERT   STANDS  SINCE (UTC)          LAST HEARD (UTC)     RULES\n"
        "am      errors  firing  2026-11-24 11:58:00  2026-11-24 12:00:00  checkout/production: no page\n"
        "am      disk    well    2026-11-24 11:51:00  2026-11-24 12:00:00  no rule means it\n"
    )


async def test_only_those_of_one_sender_that_fire_as_json():
    async with an_api_that_heard() as api:
        await told(api)
        said = await speak(api, "alerts", "am", "--firing", "--json")

    [sender] = said.json["senders"]
    [alert] = sender["alerts"]
    assert (alert["name"], alert["words"], alert["link"]) == ("errors", "5xx over 5 %", "https://a.example/1")


async def test_how_many_are_left_out_is_said():
    async with an_api_that_heard() as api:
        many = [an_alert(f"a{number}", FIRING, -2) for number in range(502)]
        await api.daemon.store.hear_alerts("am", many, NOON, {}, incomplete=False)
        said = await speak(api, "alerts", "am")

    assert said.err == "am: 2 more alerts are left out\n"
    assert said.out.count("firing") == 501  # and the sum


async def test_a_sender_that_nobody_knows_is_a_slip_and_those_that_are_known_are_named():
    async with an_api_that_heard() as api:
        said = await speak(api, "alerts", "amm")

    assert said.status == 2
    assert "known: am, queue" in said.err


@pytest.mark.parametrize("path", ["/v1/alerts", "/v1/alerts/am"])
async def test_who_may_not_see_all_services_is_not_shown_alerts(path):
    few = replace(ADA, services=("checkout/production",))
    async with an_api_that_heard(tokens=[few]) as api:
        answer = await api.get(path, few)

    assert answer.status == 403
