"""The contract of targets against an emulator: what it says otherwise than AWS is expected to fail, and fails where it does not."""

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

import pytest

from deploy.model import Refused
from tests.contract.emulators.tapped import App
from tests.contract.emulators.worlds import Alias, AtEmulator, Deployments, Document, Rule, living
from tests.contract.staged_contract import StagedContract
from tests.contract.target_contract import KEY, TargetContract
from tests.contract.test_targets import LooksFirst, SetAtOnce


class OnEmulator(TargetContract):
    """Its module gives the fixture ``emulator``; a member says what disagrees by the name of the test."""

    at: ClassVar[type[AtEmulator]]
    disagreeing: ClassVar[Mapping[str, str]] = {}

    @pytest.fixture
    async def world(self, emulator: App) -> AsyncIterator[AtEmulator]:
        async with living(self.at, emulator) as world:
            yield world

    @pytest.fixture(autouse=True)
    def _as_is_written_down(self, request):
        why = self.disagreeing.get(request.node.originalname)
        if why is not None:
            request.applymarker(pytest.mark.xfail(reason=why, raises=AssertionError, strict=True))

    @staticmethod
    def sent(world: AtEmulator) -> int:
        """How many calls have changed anything."""
        return world.sent()


class ComparesAndSets(OnEmulator):
    """Its move is refused by the platform where another hand was faster."""

    async def test_what_another_hand_does_between_the_look_and_the_call_is_not_undone(self, world, move):
        world.runs(self.bad)
        world.tap.meanwhile |= dict.fromkeys(world.moves, lambda: world.runs(self.third))

        answer = await world.target().begin(move, KEY)

        assert isinstance(answer, Refused)
        assert world.changes() == []


class OfAnAlias(ComparesAndSets, LooksFirst, StagedContract):
    """An alias of a function."""

    at = Alias
    good, bad, third = "1", "2", "3"


class OfARule(OnEmulator, LooksFirst, StagedContract):
    """Weights of a rule. There is no compare-and-set."""

    at = Rule


class OfADocument(ComparesAndSets, SetAtOnce):
    """A flag of a document in S3, put there by `If-Match`."""

    at = Document
    good, bad, third = "enabled.off", "enabled.on", "disabled"


class OfDeployments(OnEmulator, LooksFirst):
    """A profile of AppConfig whose last deployment is young."""

    at = Deployments
    good, bad, third = "1", "2", "3"
