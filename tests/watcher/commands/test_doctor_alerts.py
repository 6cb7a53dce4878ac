"""What the doctor says of those who tell of alerts."""

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.model import Level
from tests.builders import NOON
from tests.watcher.config.sample import MAIN
from tests.watcher.config.test_pushed import configured
from watcher.commands._client import Unreachable
from watcher.commands._doctor import alerts
from watcher.commands._doctor.checks import carried_out
from watcher.commands._doctor.opened import Opened
from watcher.config import with_secrets

SECRET = "0123456789abcdef" * 3


async def found(
    folder: Path, told: Any = None, **opened: Any
) -> dict[tuple[str, str], list[tuple[Level, str, str]]]:
    """By subject and check: level, words, remedy. *told*: what the daemon answers."""

    def ask() -> Any:
        if isinstance(told, Exception):
            raise told
        return {"senders": told or []}

    configuration = with_secrets(configured(folder, **opened), lambda _: SECRET)
    ports = SimpleNamespace(now=lambda: NOON)
    world = cast("Opened", SimpleNamespace(configuration=configuration, ports=ports))
    every: dict[tuple[str, str], list[tuple[Level, str, str]]] = {}
    for each in await carried_out(list(alerts.checks(world, ask))):
        finding = each.finding
        every.setdefault((each.subject, each.check), []).append(
            (finding.level, finding.words, finding.remedy)
        )
    return every


def heard(name: str, ago: timedelta | None, lacking_at: datetime | None = None) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "x",
        "heard_at": (NOON - ago).isoformat() if ago is not None else None,
        "lacking_at": lacking_at.isoformat() if lacking_at else None,
        "moods": {},
    }


async def test_it_says_where_to_call_which_rules_listen_and_how_good_the_secret_is(tmp_path):
    assert "public_url: https://rollbackd.example" in MAIN

    said = await found(tmp_path)

    assert said["alerts am", "address"] == [
        (Level.OK, "it is to call https://rollbackd.example/v1/alerts/am", "")
    ]
    assert said["alerts am", "rules"] == [
        (Level.OK, "named by rules of checkout/production, checkout/staging", "")
    ]
    assert said["alerts am", "secret"] == [(Level.OK, f"a secret of {len(SECRET)} characters", "")]
    [(level, words, _)] = said["alerts dd", "rules"]
    assert (level, words) == (Level.WARN, "no rule names it: what it tells is remembered, and judges nothing")


async def test_where_nobody_knows_the_address_that_is_told(tmp_path):
    main = MAIN.replace(", public_url: https://rollbackd.example/", "")

    said = await found(tmp_path, main=main)

    [(level, words, remedy)] = said["alerts am", "address"]
    assert (level, remedy) == (Level.WARN, "write it; it has to be let through to the daemon")
    assert words.startswith("it is to call /v1/alerts/am, and `daemon.http.public_url` does not say")


async def test_it_says_when_each_was_last_heard(tmp_path):
    told = [
        heard("am", timedelta(minutes=4)),
        heard("dd", None),
        heard("queue", timedelta(hours=1), NOON - timedelta(hours=1)),
    ]

    said = (await found(tmp_path, told, query="{source: queue, match: {a: b}}"))["alerts", "heard"]

    assert [(level, words) for level, words, _ in said] == [
        (Level.OK, "am was last heard 4m ago, at 2026-11-24 11:56:00 UTC"),
        (Level.WARN, "dd was never heard"),
        (Level.WARN, "queue was last heard 1h ago, at 2026-11-24 11:00:00 UTC, and left some out"),
    ]
    assert said[1][2] == "send a test from there; see docs/alerts.md"


async def test_one_that_the_running_daemon_does_not_know_is_told(tmp_path):
    ahead = timedelta(seconds=-3)  # the daemon's clock is ahead of ours

    said = (await found(tmp_path, [heard("am", ahead)]))["alerts", "heard"]

    assert [words for _, words, _ in said] == [
        "am was last heard 0s ago, at 2026-11-24 12:00:03 UTC",
        "the daemon that runs knows no dd",
    ]


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (Unreachable("no daemon answers at http://127.0.0.1:8080: refused", "ROLLBACKD_URL says where it listens"),
         "nobody says when they were last heard: no daemon answers at http://127.0.0.1:8080: refused"),
        ([{"name": "am"}], "the daemon that was asked is of another version"),
    ],
)  # fmt: skip
async def test_where_the_daemon_does_not_say_that_is_one_warning(tmp_path, told, words):
    [(level, said, remedy)] = (await found(tmp_path, told))["alerts", "heard"]

    assert (level, said) == (Level.WARN, words)
    assert remedy


async def test_where_nobody_tells_of_alerts_nothing_is_said(tmp_path):
    rules = (
        "version: 1\nparameters: {host: {}, objective: {default: 1}}\nindicators:\n"
        '  ready: {probe: {http: {url: "http://${host}/${objective}"}}}\n'
        "rules:\n  - {name: ready, indicator: ready, judge: {threshold: {}}, on_breach: rollback}\n"
    )

    assert await found(tmp_path, rules=rules, senders="sources:\n  http: {http: {}}\n") == {}


async def test_a_subscription_that_was_taken_back_is_a_failure_with_its_remedy(tmp_path):
    told = heard("am", timedelta(minutes=2)) | {
        "unsubscribed": ["arn:aws:sns:eu-central-1:123456789012:alarms"]
    }

    said = await found(tmp_path, [told])

    level, words, remedy = said["alerts", "heard"][0]
    assert (level, "its subscription was taken back" in words) == (Level.FAIL, True)
    assert "subscribe /v1/alerts/am to it again" in remedy
