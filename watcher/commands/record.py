"""``rollbackd record``: what a service's signals said in the past, as lines that `replay` reads."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from deploy.model import Release
from deploy.tags import Ledger
from rules.document import unknown
from rules.model import Indicator
from rules.sample import Bucket, Counts, Measure, NoData, Reading, Series, State, Unavailable, Value, Who
from watcher.app.ports import Ports
from watcher.app.reload import load
from watcher.commands._config import config_option
from watcher.commands._doctor.opened import Opened, opened
from watcher.commands._duration import SECONDS
from watcher.commands._screen import say
from watcher.config import Configuration, InvalidConfiguration
from watcher.core.intake import Part, names_of
from watcher.core.intake.arms import named
from watcher.core.service import Service
from watcher.runtime.inquiry import connection_of
from watcher.signals.arms import names_in
from watcher.signals.provider import Question, Window
from watcher.telemetry.logs import Logging, logging_to
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.redaction import Redactor

PIECE = timedelta(hours=6)  # asked for at once: within what providers give in one answer
PATIENCE = timedelta(seconds=60)
STDERR = 2
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One indicator of one release; *release* is empty where releases are not told apart."""

    indicator: Indicator
    release: str
    names: Mapping[str, str]


@click.command()
@click.argument("service")
@click.option("--past", type=SECONDS, default="7d", show_default=True, help="How far back.")
@click.option("--release", "releases", multiple=True, metavar="TAG", help="A release, for queries that tell releases apart.")  # fmt: skip
@click.option("--arm", "given", multiple=True, metavar="NAME=VALUE", help="What ${arm.NAME} is, where the configuration does not make it of the tag.")  # fmt: skip
@config_option
def command(
    *, service: str, past: float, releases: tuple[str, ...], given: tuple[str, ...], config: Path
) -> None:
    """Read the past of SERVICE/ENVIRONMENT from its providers, and print it as JSON lines. Nothing is changed anywhere.

    Exit status 1 if nothing could be read of an indicator, 2 if the configuration has a mistake.
    """
    wrong = [pair for pair in given if not pair.partition("=")[2]]
    if wrong:
        raise click.UsageError(f"--arm {wrong[0]}: write NAME=VALUE")
    names = {name: value for name, _, value in (pair.partition("=") for pair in given)}
    redactor = Redactor()
    try:
        configuration = load(config, redactor.learn)
    except InvalidConfiguration as invalid:
        for problem in invalid.problems:
            say(str(problem))
        raise SystemExit(2) from None
    known = {"/".join(key): found for key, found in configuration.services.items()}
    if service not in known:
        raise click.UsageError(". ".join(unknown("service", service, known)))
    ports = Ports()
    with logging_to(Logging(level="error", fd=STDERR), redactor, Metrics(), ports.monotonic):
        past_of = recorded(configuration, ports, known[service], timedelta(seconds=past), releases, names)
        troubles = asyncio.run(past_of)
    for trouble in troubles:
        say(redactor.text(trouble))
    raise SystemExit(1 if troubles else 0)


async def recorded(
    configuration: Configuration,
    ports: Ports,
    service: Service,
    past: timedelta,
    releases: Sequence[str],
    given: Mapping[str, str],
) -> list[str]:
    """Print the lines; what could not be read, in words.

    Args:
        configuration: That *service* is of.
        ports: The outside.
        service: Whose indicators.
        past: How far back.
        releases: Tags, for queries that tell releases apart.
        given: What ``${arm.NAME}`` is, by name, where the configuration does not make it of the tag.
    """
    async with opened(configuration, ports) as world:
        return await _recorded(world, service, past, releases, given)


async def _recorded(
    world: Opened, service: Service, past: timedelta, releases: Sequence[str], given: Mapping[str, str]
) -> list[str]:
    troubles: list[str] = []
    for indicator in service.policy.rules.indicators:
        why = _unreadable(world, indicator)
        asked = [] if why else list(_asked(service, indicator, releases, given))
        if not asked:
            troubles.append(f"{indicator.id}: {why or 'its query tells releases apart: say --release TAG'}")
        for each in asked:
            read = [await _read(world, each, *piece) for piece in _pieces(world, indicator, past)]
            lines = [line for reading in read if isinstance(reading, tuple) for line in _lines(each, reading)]
            for line in lines:
                click.echo(line)
            troubles += _troubles(each, read, some=bool(lines))
    return troubles


def _unreadable(world: Opened, indicator: Indicator) -> str:
    """Why its past cannot be read; empty if it can."""
    if connection_of(indicator) not in world.inquiry.providers:
        return f"no connection is called {connection_of(indicator)}"
    if world.inquiry.looks_itself(indicator):
        return f"{indicator.provider} knows only what the daemon has seen itself"
    return ""


def _asked(
    service: Service, indicator: Indicator, releases: Sequence[str], given: Mapping[str, str]
) -> Iterator[_Asked]:
    """Once a release, where the query tells them apart."""
    needed = names_in(json.loads(indicator.query))
    if not needed:
        yield _Asked(indicator, "", {})
        return
    for tag in releases:
        release = Release(f"tag:{tag}", tag, dict(given))
        parts = [named(Part(part, release, Ledger(*service.key, part)), service) for part in service.parts]
        names = names_of(part.release for part in parts)
        missing = sorted(needed - names.keys())
        if missing:
            raise click.UsageError(
                f"{indicator.id} asks for ${{arm.{missing[0]}}}, which nothing says: --arm {missing[0]}=VALUE"
            )
        yield _Asked(indicator, tag, names)


def _pieces(world: Opened, indicator: Indicator, past: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """``[now - past, now - settle)`` on the grid of the indicator's buckets, in pieces."""
    bucket, settle = world.inquiry.beat(indicator)
    now = world.ports.now()
    start, end = (
        _EPOCH + (moment - _EPOCH) // bucket * bucket for moment in (now - past - settle, now - settle)
    )
    step = max(PIECE // bucket, 1) * bucket
    while start < end:
        yield start, min(start + step, end)
        start += step


async def _read(world: Opened, asked: _Asked, start: datetime, end: datetime) -> Reading:
    """One piece."""
    question = Question(asked.indicator.id, asked.indicator, asked.names, None, since=start)
    provider = world.inquiry.providers[connection_of(asked.indicator)].provider
    deadline = world.ports.now() + PATIENCE
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return (await provider.read([question], Window(start, end, deadline)))[question.id]
    except TimeoutError:
        return Unavailable(Who.PROVIDER, f"no answer within {PATIENCE.total_seconds():.0f} s")


def _troubles(asked: _Asked, read: Sequence[Reading], *, some: bool) -> list[str]:
    """What kept pieces from being read, each once; a piece without data is none where others have some."""
    of = f"{asked.indicator.id} of {asked.release}" if asked.release else asked.indicator.id
    words = [
        reading.words
        for reading in read
        if not isinstance(reading, tuple) and not (some and isinstance(reading, NoData))
    ]
    return [f"{of}: {each}" for each in list(dict.fromkeys(words))[:1]]


def _lines(asked: _Asked, reading: tuple[Series, ...]) -> Iterator[str]:
    for series in reading:
        for bucket in series.buckets:
            if bucket.canary is not None and not bucket.incomplete:
                yield json.dumps(_row(asked, series, bucket, bucket.canary))


def _row(asked: _Asked, series: Series, bucket: Bucket, measure: Measure) -> dict[str, Any]:
    row: dict[str, Any] = {"end": bucket.end.astimezone(UTC).isoformat(), "indicator": asked.indicator.id}
    if asked.release:
        row["release"] = asked.release
    match measure:
        case Counts(bad, total):
            row |= {"total": total, "bad": bad}
        case Value(x):
            row["value"] = x
        case State():
            row |= {"state": measure.name, "is_bad": measure.bad}
    if series.bound is not None:
        row["bound"] = series.bound
    return row
