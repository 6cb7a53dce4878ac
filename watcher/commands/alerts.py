"""``rollbackd alerts``: what is known of alerts that are pushed."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from watcher.commands._client import at, client
from watcher.commands._screen import as_json, data, moment, table

NOBODY = "no rule means it"


@click.command()
@click.argument("sender", required=False)
@click.option("--firing", is_flag=True, help="Only those that fire.")
@as_json
def command(*, sender: str | None, firing: bool, as_json: bool) -> None:
    """List what other systems have told of their alerts: how each stands, since when, and which rules mean it.

    SENDER is a name under `alerts:`, or that of a queue under `sources:`; all, where it is left out.
    """
    asked = client()
    names = [sender] if sender else [each["name"] for each in asked.get("/v1/alerts")["senders"]]
    told = [asked.get(at("v1", "alerts", name)) for name in names]
    if firing:
        told = [each | {"alerts": _firing(each["alerts"])} for each in told]
    if as_json:
        data({"senders": told})
        return
    table(("SENDER", "KIND", "LAST HEARD (UTC)", "ALERTS"), [_sender(each) for each in told])
    rows = [_alert(each["name"], alert) for each in told for alert in each["alerts"]]
    if rows:
        click.echo()
        table(("SENDER", "ALERT", "STANDS", "SINCE (UTC)", "LAST HEARD (UTC)", "RULES"), rows)
    for each in told:
        _say(each)


def _firing(alerts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in alerts if each["mood"] == "firing"]


def _sender(told: Mapping[str, Any]) -> tuple[str, ...]:
    moods = ", ".join(f"{many} {mood}" for mood, many in told["moods"].items()) or "none was told"
    return told["name"], told["kind"], moment(told["heard_at"]) if told["heard_at"] else "never", moods


def _alert(sender: str, alert: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        sender,
        alert["name"],
        alert["mood"],
        moment(alert["since"]) if alert["since"] else "?",
        moment(alert["heard_at"]),
        " · ".join(alert["rules"]) or NOBODY,
    )


def _say(told: Mapping[str, Any]) -> None:
    """What is not as it should be, on stderr: whoever reads the table by a program gets the table."""
    for topic in told["unsubscribed"]:
        words = f"{told['name']}: the subscription to {topic} was taken back: subscribe /v1/alerts/{told['name']} to it again"
        click.echo(words, err=True)
    if told["more"]:
        click.echo(f"{told['name']}: {told['more']} more alerts are left out", err=True)
