"""What every target must do, written once.

A member says how its platform is told about (`TargetWorld`): it is the platform, or a fake of it that is reached the way
the real one is. A target that cannot show a fact (a platform without keys) overrides the one test, and says why.
"""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import pytest

from deploy.model import (
    Begun,
    Drifted,
    Failed,
    Live,
    Move,
    Moving,
    Refused,
    Release,
    RollbackPlan,
    Serving,
    Unclear,
    Unreadable,
)
from deploy.rollback import Done, roll_back
from deploy.target import CALL_TIMEOUT, Target


class TargetWorld(ABC):
    """One part on its platform, as a test sees it."""

    @abstractmethod
    def target(self) -> Target:
        """The target that looks at this platform."""

    @abstractmethod
    def runs(self, tag: str | None, *, moving_to: str | None = None, key: str | None = None) -> None:
        """From now on this runs; a move that is on its way ends where *moving_to* says, not before `arrives`."""

    @abstractmethod
    def arrives(self) -> None:
        """What is on its way is there."""

    @abstractmethod
    def is_slow(self) -> None:
        """Moves are on their way until `arrives`."""

    @abstractmethod
    def is_down(self) -> None:
        """It answers nothing of use, to nobody."""

    @abstractmethod
    def hangs(self) -> None:
        """It takes a call and does not answer."""

    @abstractmethod
    def refuses(self, words: str) -> None:
        """It says no to every move, in these words."""

    @abstractmethod
    def loses_answers(self) -> None:
        """It does what it is told, and its answers are lost."""

    @abstractmethod
    def changes(self) -> list[str]:
        """The tags that it was brought to by somebody's order, in order; a repetition that changed nothing is none."""


KEY = "w_1.3.0"


class TargetContract:
    """The tests; a member's class is named ``Test…`` and has the fixture ``world``.

    Attributes:
        good, bad, third: Tags as the platform writes them.
    """

    part: ClassVar[str] = "service"
    good: ClassVar[str] = "v1"
    bad: ClassVar[str] = "v2"
    third: ClassVar[str] = "v3"

    @pytest.fixture
    def world(self, tmp_path: Path) -> TargetWorld:
        raise NotImplementedError

    @pytest.fixture
    def move(self) -> Move:
        return Move(self.part, expect=Release.of_tag(self.bad), to=Release.of_tag(self.good))

    # -- looking

    async def test_it_tells_what_serves(self, world):
        world.runs(self.bad)

        live = await world.target().observe()

        assert isinstance(live, Live)
        assert live.release is not None
        assert live.release.is_same_as(Release.of_tag(self.bad))
        assert live.in_flight is None

    async def test_it_tells_what_is_on_its_way(self, world):
        world.runs(self.good, moving_to=self.bad)

        live = await world.target().observe()

        assert isinstance(live, Live)
        assert live.in_flight is not None
        assert live.in_flight.is_same_as(Release.of_tag(self.bad))

    async def test_where_nothing_serves_it_says_so(self, world):
        world.runs(None)

        live = await world.target().observe()

        assert isinstance(live, Live)
        assert live.release is None

    async def test_a_platform_that_is_down_is_unreadable_and_never_empty(self, world, move):
        world.is_down()
        target = world.target()

        for found in (await target.observe(), await target.resolve({}), await target.progress(move, KEY)):
            assert isinstance(found, Unreadable)
            assert found.words

    async def test_looking_changes_nothing(self, world, move):
        world.runs(self.bad)
        target = world.target()

        await target.observe()
        await target.resolve({"tag": self.good})
        await target.progress(move, KEY)
        await target.foretell(move)

        assert world.changes() == []

    # -- what is meant

    async def test_without_a_hint_what_is_coming_is_meant_and_else_what_serves(self, world):
        target = world.target()
        world.runs(self.good, moving_to=self.bad)
        coming = await target.resolve({})
        world.runs(self.good)
        serving = await target.resolve({})

        assert isinstance(coming, Release)
        assert coming.is_same_as(Release.of_tag(self.bad))
        assert isinstance(serving, Release)
        assert serving.is_same_as(Release.of_tag(self.good))

    async def test_a_hinted_tag_is_what_is_meant_even_while_another_is_coming(self, world):
        world.runs(self.good, moving_to=self.bad)

        found = await world.target().resolve({"tag": self.good})

        assert isinstance(found, Release)
        assert found.is_same_as(Release.of_tag(self.good))

    async def test_what_is_announced_as_irreversible_is_a_floor(self, world):
        world.runs(self.bad)

        found = await world.target().resolve({"tag": self.bad, "reversible": "false", "sentry": "shop@2"})

        assert isinstance(found, Release)
        assert not found.reversible
        assert found.names["sentry"] == "shop@2"

    # -- moving

    async def test_it_moves_to_the_tag_that_it_is_told(self, world, move):
        world.runs(self.bad)
        target = world.target()

        assert isinstance(await target.begin(move, KEY), Begun)
        assert world.changes() == [self.good]
        assert await target.progress(move, KEY) == Serving()

    async def test_a_move_repeated_with_its_key_is_made_once(self, world, move):
        world.runs(self.bad)
        target = world.target()

        await target.begin(move, KEY)
        again = await target.begin(move, KEY)

        assert not isinstance(again, Unclear)
        assert world.changes() == [self.good]

    async def test_a_move_repeated_after_a_newer_deployment_does_not_undo_it(self, world, move):
        world.runs(self.bad)
        target = world.target()
        await target.begin(move, KEY)
        world.runs(self.third, key=KEY)

        await target.begin(move, KEY)

        assert world.changes() == [self.good]

    async def test_a_refusal_is_told_in_the_platforms_words_and_changes_nothing(self, world, move):
        world.runs(self.bad)
        world.refuses("AccessDenied: not you")

        answer = await world.target().begin(move, KEY)

        assert isinstance(answer, Refused)
        assert "AccessDenied: not you" in answer.words
        assert world.changes() == []

    async def test_a_lost_answer_is_unclear_and_never_a_refusal(self, world, move):
        world.runs(self.bad)
        world.loses_answers()

        assert isinstance(await world.target().begin(move, KEY), Unclear)
        assert world.changes() == [self.good]

    async def test_no_call_takes_longer_than_its_time(self, world, move):
        world.runs(self.bad)
        world.hangs()
        target = world.target()

        async with asyncio.timeout(CALL_TIMEOUT.total_seconds() + 2):
            assert isinstance(await target.observe(), Unreadable)
        async with asyncio.timeout(CALL_TIMEOUT.total_seconds() + 2):
            assert isinstance(await target.begin(move, KEY), Unclear)

    # -- how far it is

    async def test_a_move_on_its_way_is_moving_until_it_serves(self, world, move):
        world.runs(self.bad)
        world.is_slow()
        target = world.target()
        await target.begin(move, KEY)

        assert isinstance(await target.progress(move, KEY), Moving)
        world.arrives()
        assert await target.progress(move, KEY) == Serving()

    async def test_another_release_is_a_drift_that_is_named(self, world, move):
        world.runs(self.third)

        progress = await world.target().progress(move, KEY)

        assert isinstance(progress, Drifted)
        assert progress.tag == self.third

    async def test_another_release_on_its_way_is_a_drift_too(self, world, move):
        world.runs(self.good, moving_to=self.third)

        assert isinstance(await world.target().progress(move, KEY), Drifted | Failed)

    # -- foretelling

    async def test_it_foretells_its_calls_and_how_a_person_makes_them(self, world, move):
        world.runs(self.bad)

        foretold = await world.target().foretell(move)

        assert foretold.calls
        assert self.good in foretold.by_hand
        assert foretold.capacity
        assert foretold.sessions

    # -- all together

    async def test_a_rollback_is_one_change_even_if_every_record_of_it_is_lost(self, world, move):
        world.runs(self.bad)
        world.is_slow()
        plan, targets = RollbackPlan("checkout", "production", (move,)), {self.part: world.target()}

        async def intend(_: Move) -> bool:
            return True

        for _ in range(3):
            await roll_back(plan, targets, KEY, sent=0, intend=intend)
        world.arrives()

        assert await roll_back(plan, targets, KEY, sent=0, intend=intend) == Done()
        assert world.changes() == [self.good]
