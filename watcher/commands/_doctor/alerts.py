"""Who tells of alerts: where to, for which rules, is its secret good; and, where a daemon runs that can be asked, when it was last heard."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError

from deploy.model import About, Finding, Level
from rules.duration import duration_text
from watcher.app.opening import opened_sender
from watcher.commands._client import Failed, client
from watcher.commands._doctor.checks import Check, not_told
from watcher.commands._doctor.opened import Opened
from watcher.config import Configuration, Configured
from watcher.signals.alert.query import source_of
from watcher.signals.registry import PROVIDERS

SECONDS = 3.0  # for the daemon to answer in
LISTED = 3
Ask = Callable[[], Any]


class _Sender(BaseModel):
    name: str
    heard_at: datetime | None
    lacking_at: datetime | None
    unsubscribed: list[str] = []


class _Senders(BaseModel):
    senders: list[_Sender]


def of_the_daemon() -> Any:
    """What the daemon that the environment names says of who was heard. Raises `Failed`."""
    asked = client()
    return asked.once("GET", "/v1/alerts", None, {}, SECONDS)


def checks(opened: Opened, ask: Ask = of_the_daemon) -> Iterator[Check]:
    """Of each that is configured, and of each that a rule names."""
    configuration = opened.configuration
    named = _named(configuration)
    for name, each in configuration.alerts.items():
        subject = f"alerts {name}"
        yield Check(subject, "address", partial(_address, configuration, name))
        yield Check(subject, "rules", partial(_rules, named.get(name, ())))
        yield Check(subject, "secret", partial(_examined, each))
    if configuration.alerts or named:
        names = sorted({*configuration.alerts, *named})
        yield Check("alerts", "heard", partial(_heard, ask, names, opened.ports.now))


def _named(configuration: Configuration) -> Mapping[str, Sequence[str]]:
    """The services whose rules are told by each, by its name."""
    found: dict[str, dict[str, None]] = {}
    for key, service in configuration.services.items():
        for indicator in service.policy.rules.indicators:
            if PROVIDERS[indicator.provider].pushed is not None:
                found.setdefault(source_of(indicator), {})["/".join(key)] = None
    return {name: tuple(services) for name, services in found.items()}


async def _address(configuration: Configuration, name: str) -> Sequence[Finding]:
    public_url, path = configuration.daemon.public_url, f"/v1/alerts/{name}"
    if public_url is None:
        words = f"it is to call {path}, and `daemon.http.public_url` does not say under which address it reaches us"
        return [
            Finding(
                Level.WARN, words, "write it; it has to be let through to the daemon", about=About.ADDRESS
            )
        ]
    return [Finding(Level.OK, f"it is to call {public_url}{path}", about=About.ADDRESS)]


async def _rules(services: Sequence[str]) -> Sequence[Finding]:
    if not services:
        words = "no rule names it: what it tells is remembered, and judges nothing"
        return [
            Finding(
                Level.WARN,
                words,
                "write an indicator: `state: {alert: {source: NAME, match: {…}}}`",
                about=About.RULES,
            )
        ]
    more = f" and {len(services) - LISTED} more" if len(services) > LISTED else ""
    return [Finding(Level.OK, f"named by rules of {', '.join(services[:LISTED])}{more}", about=About.RULES)]


async def _examined(configured: Configured) -> Sequence[Finding]:
    """Opened here: one that lacks a library is a finding, and hides none of the others."""
    return opened_sender(configured).examine()


async def _heard(ask: Ask, names: Sequence[str], now: Callable[[], datetime]) -> Sequence[Finding]:
    try:
        told = _Senders.model_validate(await asyncio.to_thread(ask))
    except Failed as failed:
        return [
            not_told(f"nobody says when they were last heard: {failed.message}", failed.remedy, About.HEARD)
        ]
    except ValidationError:
        return [
            Finding(
                Level.WARN,
                "the daemon that was asked is of another version",
                "ask it after its upgrade",
                untold=True,
                about=About.HEARD,
            )
        ]
    known = {each.name: each for each in told.senders}
    return [_one(name, known.get(name), now()) for name in names]


def _one(name: str, sender: _Sender | None, now: datetime) -> Finding:
    if sender is None:
        remedy = "has it read this configuration? `kill -HUP` lets it read again"
        return Finding(Level.WARN, f"the daemon that runs knows no {name}", remedy, about=About.HEARD)
    if sender.heard_at is None:
        return Finding(
            Level.WARN,
            f"{name} was never heard",
            "send a test from there; see docs/alerts.md",
            about=About.HEARD,
        )
    if sender.unsubscribed:
        words = f"{name} hears nothing more of {', '.join(sender.unsubscribed[:LISTED])}: its subscription was taken back"
        remedy = f"subscribe /v1/alerts/{name} to it again, or take it out of the configuration"
        return Finding(Level.FAIL, words, remedy, about=About.HEARD)
    ago = duration_text(timedelta(seconds=max(0, int((now - sender.heard_at).total_seconds()))))
    words = f"{name} was last heard {ago} ago, at {sender.heard_at:%Y-%m-%d %H:%M:%S} UTC"
    if sender.lacking_at is not None and sender.lacking_at == sender.heard_at:
        return Finding(
            Level.WARN,
            f"{words}, and left some out",
            "let it send all alerts of a group, and fewer labels in it",
            about=About.HEARD,
        )
    return Finding(Level.OK, words, about=About.HEARD)
