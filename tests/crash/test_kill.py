"""SIGKILL between any two things that the daemon does to the world: nothing is lost, nothing is done twice, the end is the same.

``SEAMS=all`` ends it at all pairs of seams, which takes a quarter of an hour; without it a sample is taken, another one for each
``SEED``. ``SEAMS="move #1"`` kills there only.
"""

import os
import random
import signal
from collections.abc import Sequence

import pytest
import pytest_asyncio

from tests.crash.drive import ACKNOWLEDGED, BY_OTHERS, IN_THE_CALL
from tests.crash.seams import Death
from tests.crash.telling import Deaths, Teller, Told, report

SEAMS = os.environ.get("SEAMS", "")
SEED = os.environ.get("SEED", "1")
PAIRS = 24  # in a sample
DRAINS = 9
LONGER = 3  # seams that a life may have more than the one before, as some follow from the clock

# What a story cannot do without. Other seams come and go with the clock: a round more, a round less.
ALWAYS = (
    "before accept #1",
    "accept #1",
    ACKNOWLEDGED,
    "take_inbox #1",
    "open watching #1",
    "claim_due #1",
    "save watching #1",
    "save counting_down #1",
    "save rolling_back #1",
    "claim_actions #1",
    "begin #1",
    "before move #1",
    IN_THE_CALL["before"],
    IN_THE_CALL["after"],
    "move #1",
    "record #1",
    "save recovering #1",
    "save rolled_back #1",
    "claim_messages #1",
    "tell watch.rolled_back #1",
    "sent #1",
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def teller(ward, time, before, tmp_path_factory):
    return Teller(ward, time, tmp_path_factory.mktemp("stories"), before)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def seams(teller):
    """All seams of a story in which nobody dies."""
    told = await teller.tell(())
    assert not told.broken, report([told])
    return [*told.seams[0], ACKNOWLEDGED, *IN_THE_CALL.values()]


def pairs(seams: Sequence[str]) -> list[Deaths]:
    """All that there may be: at each seam, and then at each of the life that follows."""
    return [
        (Death(first), Death(second))
        for number, first in enumerate(seams)
        for second in range(1, len(seams) - number + LONGER)
    ]


def some(stories: Sequence[Deaths], many: int) -> Sequence[Deaths]:
    return stories if SEAMS == "all" else random.Random(SEED).sample(stories, many)


async def test_nobody_dies_and_the_story_passes_every_seam(teller, seams):
    assert set(ALWAYS) <= set(seams)


@pytest.mark.lasts(40)
async def test_killed_once_between_any_two_effects(teller, seams):
    chosen = seams if SEAMS in {"", "all"} else SEAMS.split(", ")

    stories = await teller.tell_all([(Death(seam),) for seam in chosen])

    assert not report(stories)
    assert {told.deaths[0].at for told in stories if told.came_to_pass} >= set(ALWAYS) & set(chosen)


@pytest.mark.long
async def test_killed_twice_in_a_row(teller, seams):
    stories = await teller.tell_all(some(pairs(seams), PAIRS))

    assert not report(stories)
    assert _share_that_came_to_pass(stories) > 0.5


async def test_told_to_end_between_any_two_effects(teller, seams):
    """It finishes what it has in hand, and the next one goes on from there."""
    while_moving = [(Death(seam, signal.SIGTERM),) for seam in ("begin #1", "before move #1", "move #1")]
    anywhere = [(Death(seam, signal.SIGTERM),) for seam in seams if seam not in BY_OTHERS]

    stories = await teller.tell_all([*while_moving, *some(anywhere, DRAINS)])

    assert not report(stories)
    assert all(told.came_to_pass for told in stories[: len(while_moving)])
    assert _share_that_came_to_pass(stories) > 0.5


def _share_that_came_to_pass(stories: Sequence[Told]) -> float:
    return sum(told.came_to_pass for told in stories) / len(stories)
