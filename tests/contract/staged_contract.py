"""What every target must do whose traffic the daemon shares out (`deploy.target.Staged`), written once.

A member adds it to its class beside `TargetContract`, with whose platform and tags it works.
"""

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Live,
    Move,
    Moving,
    Refused,
    Release,
    Serving,
    Shift,
    Unclear,
    is_about,
)
from deploy.rollback import Done
from deploy.rollout import Beside, Forward, beside, move_on
from tests.contract.target_contract import KEY, TargetContract

SECOND = "w_1.9.0"


class StagedContract(TargetContract):
    """*good* serves, *bad* is the release that is given a share; 10 % is what `TargetWorld.runs` gives to what moves."""

    fine = 0.255  # the finest share that it can give

    def shift(self, share: float, expect: float) -> Shift:
        before, after = Release.of_tag(self.good), Release.of_tag(self.bad)
        return Shift(self.part, before, after, share, expect)

    @staticmethod
    def sent(world) -> int:
        """How many calls have changed anything."""
        return len(world.aws_world.mutating_calls())

    @staticmethod
    async def share(target) -> tuple[float, str | None, str | None]:
        """What the release has that is on its way, and the tags: of what is on its way, and of what serves."""
        live = await target.observe()
        assert isinstance(live, Live)
        coming = live.in_flight
        share = live.shares[coming.fingerprint] if coming else 0.0
        return share, coming.tag if coming else None, live.release.tag if live.release else None

    async def test_it_gives_a_share_to_a_release_that_has_none(self, world):
        world.runs(self.good)
        target = world.target()

        assert isinstance(await target.shift(self.shift(0.05, 0.0), KEY), Begun)

        share, coming, serves = await self.share(target)
        assert is_about(share, 0.05)
        assert (coming, serves) == (self.bad, self.good)
        assert await target.shifted(self.shift(0.05, 0.0), KEY) == Serving()

    async def test_a_release_that_has_no_traffic_is_found_beside_what_serves(self, world):
        world.runs(self.good)
        target = world.target()

        found = await beside(target, {"tag": self.bad})

        assert isinstance(found, Beside)
        assert found.release.tag == self.bad
        assert found.live.share_of(found.release) == 0
        shift = Shift(self.part, Release.of_tag(self.good), found.release, 0.05, 0.0)
        assert isinstance(await target.shift(shift, KEY), Begun)

    async def test_it_tells_which_of_the_two_is_the_newer_after_a_restart_too(self, world):
        world.runs(self.good)
        await world.target().shift(self.shift(0.05, 0.0), KEY)

        assert (await self.share(world.target()))[1:] == (self.bad, self.good)

    async def test_it_goes_from_stage_to_stage_and_the_last_is_the_whole(self, world):
        world.runs(self.good, moving_to=self.bad)
        target = world.target()

        assert isinstance(await target.shift(self.shift(self.fine, 0.1), KEY), Begun)
        assert is_about((await self.share(target))[0], self.fine)
        assert isinstance(await target.shift(self.shift(1.0, self.fine), SECOND), Begun)

        assert await self.share(target) == (0.0, None, self.bad)
        assert await target.shifted(self.shift(1.0, self.fine), SECOND) == Serving()

    async def test_a_shift_that_is_so_already_is_not_sent(self, world):
        world.runs(self.good, moving_to=self.bad)

        assert await world.target().shift(self.shift(0.1, 0.05), KEY) == AlreadyThere()
        assert world.changes() == []

    async def test_a_share_that_another_hand_has_given_is_not_overwritten(self, world):
        world.runs(self.good, moving_to=self.bad)

        answer = await world.target().shift(self.shift(0.25, 0.05), KEY)

        assert isinstance(answer, Refused)
        assert answer.third_tag == self.bad
        assert "10 %" in answer.words
        assert world.changes() == []

    async def test_a_third_release_with_traffic_is_left_alone(self, world):
        world.runs(self.good, moving_to=self.third)
        target = world.target()

        answer = await target.shift(self.shift(0.25, 0.1), KEY)

        assert isinstance(answer, Refused)
        assert answer.third_tag == self.third
        assert world.changes() == []
        assert isinstance(await target.shifted(self.shift(0.25, 0.1), KEY), Drifted)

    async def test_a_shift_that_is_refused_is_told_in_the_platforms_words(self, world):
        world.runs(self.good, moving_to=self.bad)
        world.refuses("AccessDenied: not you")

        answer = await world.target().shift(self.shift(0.25, 0.1), KEY)

        assert isinstance(answer, Refused)
        assert "AccessDenied: not you" in answer.words

    async def test_a_shift_whose_answer_is_lost_is_unclear(self, world):
        world.runs(self.good, moving_to=self.bad)
        world.loses_answers()
        target = world.target()

        assert isinstance(await target.shift(self.shift(0.25, 0.1), KEY), Unclear)
        assert await target.shifted(self.shift(0.25, 0.1), KEY) == Serving()

    async def test_a_shift_on_its_way_is_moving(self, world):
        world.runs(self.good, moving_to=self.bad)
        world.is_slow()
        target = world.target()
        await target.shift(self.shift(0.25, 0.1), KEY)

        assert isinstance(await target.shifted(self.shift(0.25, 0.1), KEY), Moving)
        world.arrives()
        assert await target.shifted(self.shift(0.25, 0.1), KEY) == Serving()

    async def test_from_any_share_it_goes_back_to_nothing_at_once(self, world, move: Move):
        world.runs(self.good)
        target = world.target()
        await target.shift(self.shift(0.05, 0.0), KEY)

        assert isinstance(await target.begin(move, SECOND), Begun)
        assert await self.share(target) == (0.0, None, self.good)

    @pytest.mark.parametrize("sent", [0, 1])
    async def test_a_stage_is_one_change_even_if_every_record_of_it_is_lost(self, world, sent):
        world.runs(self.good, moving_to=self.bad)
        step, targets = self.shift(0.25, 0.1), {self.part: world.target()}

        async def intend(_: Forward) -> bool:
            return True

        await move_on(step, targets, KEY, sent=0, intend=intend)
        before = self.sent(world)

        assert await move_on(step, targets, KEY, sent=sent, intend=intend) == Done()
        assert self.sent(world) == before
