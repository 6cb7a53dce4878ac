"""Stories that chance tells: whatever is deployed, breaks, dies and is ordered, in any order, the invariants hold.

A seed is a story: ``ROLLBACKD_SEEDS=1000`` tells a thousand of them, ``ROLLBACKD_SEEDS=17:18`` the seventeenth again.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders import minutes
from tests.scenarios.platforms import GivesUp, Hangs, LosesTheAnswer, Refuses
from tests.scenarios.stage import Stage
from tests.scenarios.story import Story, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import (
    Act,
    World,
    a_release,
    a_service,
    a_world,
    an_objective,
    compared,
    dark,
    disarmed,
    killed,
    order,
    outage,
    release,
    together,
)
from watcher.core.service import Asking, Bake, Then
from watcher.core.watch import OPEN_ACTIONS, State

LASTS = 150  # minutes; nothing happens in the last hour
ORDERS = ("hold", "resume", "keep", "pass", "roll_back", "ask_again")
MOODS = (
    Refuses("no"),
    Refuses("busy", timedelta(seconds=30)),
    LosesTheAnswer(),
    LosesTheAnswer(False),
    GivesUp("no"),
    Hangs(),
)

CLOSED = {f"announcement.{state}" for state in ("watching", "joined", "recorded", "rejected")}


LONG = range(4, 12) if "ROLLBACKD_SEEDS" not in os.environ else range(0)  # what is asked for is told


def seeds() -> range:
    first, _, end = os.environ.get("ROLLBACKD_SEEDS", "12").partition(":")
    return range(int(first), int(end)) if end else range(int(first))


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.long) if seed in LONG else seed for seed in seeds()]
)
def test_the_invariants_hold_whatever_happens(seed):
    story = in_virtual_time(watched(a_chance(random.Random(seed)), minutes=LASTS))

    assert list(broken(story)) == []


# ------------------------------------------------------------------------------------------------------------ what happens


def a_chance(chance: random.Random) -> World:
    service = a_service(
        rules=together(compared(), an_objective(0.98)),
        bake=Bake(minutes(5), minutes(25)),
        asking=Asking(minutes(15), chance.choice(list(Then))),
        countdown=minutes(chance.choice((0, 0, 2))),
        move_timeout=minutes(10),
        rollout_timeout=minutes(15),
    )
    acts = [
        *_deployments(chance),
        *_people(chance),
        *_hands(chance),
        *(killed(_when(chance)) for _ in range(chance.randrange(4))),
    ]
    faults = [outage(start, start + minutes(chance.randrange(1, 10)), 0.2) for start in _some(chance, 1)]
    darks = [
        dark(
            chance.choice(("hangs", "unavailable", "no data", "nan", "late")),
            start,
            start + minutes(chance.randrange(1, 15)),
        )
        for start in _some(chance, 1)
    ]
    moods = tuple(chance.choice(MOODS) for _ in range(chance.randrange(3)))
    return replace(a_world(service, *acts, *faults, *darks), moods=moods, replicas=chance.choice((1, 1, 2)))


def _when(chance: random.Random) -> timedelta:
    return minutes(2) + timedelta(seconds=chance.randrange(85 * 60))


def _some(chance: random.Random, most: int) -> list[timedelta]:
    return [_when(chance) for _ in range(chance.randrange(most + 1))]


def _deployments(chance: random.Random) -> list[Act]:
    return [
        release(
            chance.choice((f"v{number}", f"v{number}", "v2")),
            at=_when(chance),
            fails=chance.choice((0.001, 0.001, 0.05, 0.3)),
            share=chance.choice((0.3, 0.5, 1.0)),
            takes=chance.choice((0, 0, 45)),
            announced=chance.random() < 0.7,
        )
        for number in range(2, 3 + chance.randrange(4))
    ]


def _people(chance: random.Random) -> list[Act]:
    def ordering(kind: str) -> Act:
        async def do(stage: Stage) -> None:
            if await stage.store.list(service="checkout"):
                await order(timedelta(0), kind).do(stage)

        return Act(_when(chance), do)

    said = [ordering(chance.choice(ORDERS)) for _ in range(chance.randrange(4))]
    return [*said, *(disarmed(at, "10m") for at in _some(chance, 1))]


def _hands(chance: random.Random) -> list[Act]:
    def puts(tag: str) -> Act:
        async def do(stage: Stage) -> None:
            stage.platforms["checkout", "service"].goes_to(a_release(tag))

        return Act(_when(chance), do)

    return [puts(chance.choice(("v1", "v2", "v3"))) for _ in range(chance.randrange(2))]


# ------------------------------------------------------------------------------------------------------- what must hold


def broken(story: Story) -> Iterator[str]:
    """What does not hold, in words. The numbers are ARCHITECTURE's."""
    yield from (f"a bug: {bug!r}" for bug in story.bugs)
    yield from _two_rollbacks(story)
    yield from _after_the_end(story)
    yield from _forgotten(story)
    yield from _forbidden_ways(story)
    yield from _unaccounted(story)


def _automatic(story: Story) -> list[str]:
    return [each.action.watch for each in story.actions if each.action.ordered_by is None]


def _two_rollbacks(story: Story) -> Iterator[str]:
    """1, and the ceilings of 7."""
    started = _automatic(story)
    yield from (
        f"1: {watch} was rolled back twice by itself" for watch in set(started) if started.count(watch) > 1
    )
    if len(started) > 2:
        yield f"7: {len(started)} rollbacks of a service in a day"


def _after_the_end(story: Story) -> Iterator[str]:
    """2."""
    ended = {watch.id for watch in story.watches if watch.state.is_final}
    yield from (
        f"2: {each.action.id} is open, and its watch has ended"
        for each in story.actions
        if each.action.watch in ended and each.state in OPEN_ACTIONS
    )


def _forgotten(story: Story) -> Iterator[str]:
    """3. What is stuck, or held, waits for a day; nothing else is left after an hour without news."""
    yield from (
        f"3: {watch.id} is still {watch.state.words}"
        for watch in story.watches
        if not watch.state.is_final and watch.state is not State.STUCK
    )


def _forbidden_ways(story: Story) -> Iterator[str]:
    """7."""
    tags = {
        entry.release.fingerprint: entry.release.tag for entry in story.ledgers["checkout", "service"].entries
    }
    quarantined: set[str] = set()
    for row in story.audit:
        if row.what == "release.quarantined":
            quarantined.add(row.subject)
        elif row.what in {"release.quarantined_no_more", "release.allowed"}:
            quarantined.discard(row.subject)
        elif row.what == "action.queued":
            to = row.facts["moves"][0].partition(" → ")[2]
            if to in {tags.get(each) for each in quarantined}:
                yield f"7: {row.facts['action']} goes back to {to}, which is quarantined"


def _unaccounted(story: Story) -> Iterator[str]:
    """8."""
    accepted = {row.subject for row in story.audit if row.what == "announcement.accepted"}
    closed = {row.subject for row in story.audit if row.what in CLOSED}
    yield from (f"8: {each} is not accounted for" for each in sorted(accepted - closed))
