"""Who tells of changes: whether the cloud has told of any, where it is said that it would."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from deploy.model import About, Finding, Level
from rules.duration import duration_text
from watcher.commands._client import Failed, client
from watcher.commands._doctor.checks import Check, not_told
from watcher.commands._doctor.opened import Opened

SUBJECT = "changes"
SECONDS = 3.0  # for the daemon to answer in
LOOKS_BACK = timedelta(days=7)  # in a week something moves everywhere
LISTED = 3
Ask = Callable[[datetime], Any]


class _Change(BaseModel):
    at: datetime
    account: str | None


class _Changes(BaseModel):
    changes: list[_Change]


def of_the_daemon(since: datetime) -> Any:
    """What the daemon that the environment names was told since then. Raises `Failed`."""
    query = urlencode({"since": since.isoformat(), "limit": 500})
    return client().once("GET", f"/v1/changes?{query}", None, {}, SECONDS)


def checks(opened: Opened, ask: Ask = of_the_daemon) -> Iterator[Check]:
    """One, where a service says that a queue would tell."""
    configuration = opened.configuration
    queues = {name for name, source in configuration.sources.items() if source.account is not None}
    told_by = sorted({name for each in configuration.services.values() for name in each.around.told_by})
    named = [name for name in told_by if name in queues]
    if named:
        yield Check(SUBJECT, "told", partial(_told, ask, named, opened.ports.now))


async def _told(ask: Ask, named: Sequence[str], now: Callable[[], datetime]) -> Sequence[Finding]:
    try:
        told = _Changes.model_validate(await asyncio.to_thread(ask, now() - LOOKS_BACK))
    except Failed as failed:
        return [not_told(f"nobody says what was told: {failed.message}", failed.remedy, About.TOLD)]
    except ValidationError:
        words = "the daemon that was asked is of another version"
        return [Finding(Level.WARN, words, "ask it after its upgrade", untold=True, about=About.TOLD)]
    by_the_cloud = [change.at for change in told.changes if change.account is not None]
    if by_the_cloud:
        ago = duration_text(timedelta(seconds=int(max((now() - max(by_the_cloud)).total_seconds(), 0))))
        return [
            Finding(
                Level.OK, f"the cloud told of {len(by_the_cloud)} in 7 days, last {ago} ago", about=About.TOLD
            )
        ]
    return [
        Finding(
            Level.WARN,
            f"the cloud told of none in 7 days, though {', '.join(named[:LISTED])} would tell of them",
            "let a rule of EventBridge send them there (docs/changes.md), or take it out of `changes: {told_by}`:"
            " else it is said that nothing moved, and nobody knows",
            about=About.TOLD,
        )
    ]
