"""A rule pack at work: its own queries through the real provider of checks, and what its rules say of what comes back."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

import rules
from rules.document import read_document
from rules.evaluate import Setting, prepare
from rules.model import Kind, RuleSet
from rules.replay import Recording, Round, rounds
from rules.rulefile import read_rules
from rules.sample import Counts, Reading
from rules.verdict import Outcome
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START, Clock, World
from watcher.config.registries import all_kinds
from watcher.signals.probe.provider import open_probe
from watcher.signals.provider import Opening, Provider, Question, Window
from watcher.signals.sampling import Pace

CATALOG = Path(rules.__file__).parent / "catalog"
BEAT = timedelta(seconds=10)
HOUR = timedelta(hours=1)
Answers = Callable[[web.Request], web.StreamResponse]


def the_pack(name: str, **given: Any) -> RuleSet:
    """The pack *name* with these parameters."""
    text = (CATALOG / f"{name}.yaml").read_text(encoding="utf-8")
    return read_rules(text, name, all_kinds().catalogue, read_document(json.dumps(given), "with")).rules


@dataclass
class Watching:
    """The checks of a pack, on a clock that goes on when it is told to."""

    world: World
    clock: Clock
    provider: Provider
    base: str

    async def until(
        self, seconds: int, pack: RuleSet, canary: Mapping[str, str], baseline: Mapping[str, str]
    ) -> dict[str, Reading]:
        """Probe up to *seconds* after the start, and read what the probes of *pack* came to."""
        asked = [
            Question(each.id, each, canary, baseline, START)
            for each in pack.indicators
            if each.kind is Kind.PROBE
        ]
        await self.provider.read(asked, Window(START - HOUR, START, self.world.now))
        end = START + timedelta(seconds=seconds)
        await self.clock.advance(end + timedelta(seconds=3))
        return dict(await self.provider.read(asked, Window(START - HOUR, end, self.world.now)))


@contextlib.asynccontextmanager
async def watching(world: World, answers: Answers) -> AsyncIterator[Watching]:
    """Checks of a service that answers everything with *answers*."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return answers(request)

    app, clock = web.Application(), Clock(world)
    app.router.add_get("/{path:.*}", handle)
    async with serving_app(app) as port, http_to_loopback(clock.now) as http:
        pace = Pace(clock.now, clock.monotonic, clock.until)
        async with open_probe(None, Opening(http, clock.now, clock.monotonic), pace) as provider:
            yield Watching(world, clock, provider, f"http://127.0.0.1:{port}")


def told(reading: Reading) -> list[str]:
    """Each bucket in a sign for each arm: how many of how many were bad, ``-`` for none."""
    assert isinstance(reading, tuple), reading
    return [f"{_sign(bucket.canary)} {_sign(bucket.baseline)}" for bucket in reading[0].buckets]


def _sign(measure: object) -> str:
    return f"{measure.bad:g}/{measure.total:g}" if isinstance(measure, Counts) else "-"


def judged(pack: RuleSet, readings: Mapping[str, Reading], seconds: int) -> list[Round]:
    """What the rules of *pack* say at each beat, of a release that took all traffic at the start."""
    names = [each.id for each in pack.indicators]
    setting = Setting(
        false_rollback_probability=0.001,
        opened_at=START,
        at_least=timedelta(minutes=30),
        at_most=timedelta(hours=24),
        buckets=dict.fromkeys(names, BEAT),
        settles=dict.fromkeys(names, timedelta(0)),
    )
    seen = {name: Recording(reading) for name, reading in readings.items() if isinstance(reading, tuple)}
    moments = [START + beat * BEAT for beat in range(1, seconds // 10 + 1)]
    return list(rounds(prepare(pack, setting, {}), seen, moments, START, START))


def breaches(played: Sequence[Round]) -> dict[str, int]:
    """When each rule that breached did so first, in seconds from the start."""
    found: dict[str, int] = {}
    for round_ in played:
        for verdict in round_.judgement.verdicts:
            if verdict.outcome is Outcome.BREACHED:
                found.setdefault(verdict.rule, int((round_.now - START).total_seconds()))
    return found
