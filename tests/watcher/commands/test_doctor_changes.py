"""What the doctor says of those who would tell of changes."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from deploy.model import Level
from tests.builders import NOON
from tests.watcher.config import test_accounts as on_aws
from watcher.commands._client import Unreachable
from watcher.commands._doctor import changes
from watcher.commands._doctor.checks import carried_out
from watcher.commands._doctor.opened import Opened
from watcher.core.service import Around

PLACE = ("checkout", "production")


async def found(
    folder: Path, told: Any, told_by: tuple[str, ...] = ("http", "events")
) -> list[tuple[Level, str, str]]:
    """Level, words, remedy. *told*: the changes that the daemon answers."""
    asked = []

    def ask(since: Any) -> Any:
        asked.append(since)
        if isinstance(told, Exception):
            raise told
        return {"changes": told}

    plain = on_aws.read(folder)
    service = replace(plain.services[PLACE], around=Around(told_by=told_by))
    configuration = replace(plain, services={PLACE: service})
    world = cast(
        "Opened", SimpleNamespace(configuration=configuration, ports=SimpleNamespace(now=lambda: NOON))
    )
    every = [each.finding for each in await carried_out(list(changes.checks(world, ask)))]
    assert set(asked) <= {NOON - timedelta(days=7)}
    return [(each.level, each.words, each.remedy) for each in every]


def a_change(ago: timedelta, account: str | None = "123456789012") -> dict[str, Any]:
    return {"at": (NOON - ago).isoformat(), "what": "it moved", "account": account}


async def test_it_says_how_many_the_cloud_told_of_and_when_last(tmp_path):
    told = [a_change(timedelta(minutes=1), None), a_change(timedelta(hours=2)), a_change(timedelta(days=3))]

    assert await found(tmp_path, told) == [(Level.OK, "the cloud told of 2 in 7 days, last 2h ago", "")]


async def test_where_only_people_told_the_cloud_did_not(tmp_path):
    [(level, words, remedy)] = await found(tmp_path, [a_change(timedelta(minutes=1), None)])

    assert (level, words) == (
        Level.WARN,
        "the cloud told of none in 7 days, though events would tell of them",
    )
    assert "EventBridge" in remedy


@pytest.mark.parametrize("told_by", [(), ("http",)])
async def test_where_no_queue_would_tell_nothing_is_said(tmp_path, told_by):
    assert await found(tmp_path, [], told_by) == []


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            Unreachable("no daemon answers", "ROLLBACKD_URL says where"),
            "nobody says what was told: no daemon answers",
        ),
        (Unreachable("no daemon answers", ""), "nobody says what was told: no daemon answers"),
        ([{"at": "soon"}], "the daemon that was asked is of another version"),
    ],
)
async def test_where_the_daemon_does_not_say_that_is_one_warning(tmp_path, told, words):
    [(level, said, remedy)] = await found(tmp_path, told)

    assert (level, said) == (Level.WARN, words)
    assert remedy
