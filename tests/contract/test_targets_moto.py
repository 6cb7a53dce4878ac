"""The contract of targets against moto, for as much of AWS as moto has of what a target calls.

Our own fakes are written by whoever writes the targets, and may be wrong where these are. moto is written by others. What it says
otherwise than AWS is in `DISAGREEING`, and each entry is held to: it fails once moto does as AWS does. What cannot run here at all is in
`NOT_THERE` and `UNANSWERED`. ministack emulates more, and needs another botocore than the locked one, against whose models every call
is checked: it is not run.

Most of it is for ``make long``; `conftest` says what is in each run.
"""

import boto3
import pytest

from deploy.model import Refused
from deploy.targets.registry import TARGETS
from tests.contract.moto.disagreeing import DISAGREEING, NOT_THERE, UNANSWERED
from tests.contract.moto.lacking import operations
from tests.contract.moto.worlds import AliasAtMoto, AtMoto, DocumentAtMoto, RuleAtMoto, at_moto
from tests.contract.staged_contract import StagedContract
from tests.contract.target_contract import KEY, TargetContract
from tests.contract.test_targets import LooksFirst, SetAtOnce


class OnMoto(TargetContract):
    """What moto says otherwise is expected to fail, and fails where it does not."""

    @pytest.fixture(autouse=True)
    def _as_is_written_down(self, request):
        why = DISAGREEING.get((type(self).__name__, request.node.originalname))
        if why is not None:
            request.applymarker(pytest.mark.xfail(reason=why, raises=AssertionError, strict=True))


class ComparesAndSets(OnMoto):
    """Its move is refused by the platform where another hand was faster."""

    async def test_what_another_hand_does_between_the_look_and_the_call_is_not_undone(self, world, move):
        world.runs(self.bad)
        world.tap.meanwhile[world.moves] = lambda: world.runs(self.third)

        answer = await world.target().begin(move, KEY)

        assert isinstance(answer, Refused)
        assert world.changes() == []


class TestLambdaOnMoto(ComparesAndSets, LooksFirst, StagedContract):
    """An alias of a function."""

    good, bad, third = "1", "2", "3"

    @staticmethod
    def sent(world: AtMoto) -> int:
        return world.sent()

    @pytest.fixture
    async def world(self, tmp_path):
        async with at_moto(AliasAtMoto) as world:
            yield world


class TestLoadBalancerOnMoto(OnMoto, LooksFirst, StagedContract):
    """Weights of a rule. There is no compare-and-set."""

    @staticmethod
    def sent(world: AtMoto) -> int:
        return world.sent()

    @pytest.fixture
    async def world(self, tmp_path):
        async with at_moto(RuleAtMoto) as world:
            yield world


class TestFlagdOnMoto(ComparesAndSets, SetAtOnce):
    """A flag of a document in S3, put there by `If-Match`."""

    good, bad, third = "enabled.off", "enabled.on", "disabled"

    @pytest.fixture
    async def world(self, tmp_path):
        async with at_moto(DocumentAtMoto) as world:
            yield world


RUN = {"lambda": TestLambdaOnMoto, "load_balancer": TestLoadBalancerOnMoto, "flagd": TestFlagdOnMoto}


def test_each_target_on_aws_runs_at_moto_or_it_is_said_why_not():
    on_aws = sorted(name for name, kind in TARGETS.items() if kind.on_aws)

    assert sorted([*RUN, *NOT_THERE, *UNANSWERED]) == on_aws


def test_each_disagreement_is_of_a_test_that_there_is():
    tests = {(each.__name__, name) for each in RUN.values() for name in dir(each) if name.startswith("test_")}

    assert set(DISAGREEING) <= tests


@pytest.mark.parametrize("target", NOT_THERE)
def test_what_is_said_to_be_missing_at_moto_is(target):
    service, missing = NOT_THERE[target]
    aws = boto3.client(service, region_name="eu-central-1").meta.method_to_api_mapping

    assert set(missing) <= set(aws)
    assert not set(missing) & operations(service)
    assert set(aws) & operations(service), "moto has nothing of it, or names it otherwise"
