"""The contract of targets against moto, for as much of AWS as moto has of what a target calls.

Our own fakes are written by whoever writes the targets, and may be wrong where these are. moto is written by others. What it says
otherwise than AWS is in `DISAGREEING`, and each entry is held to: it fails once moto does as AWS does. What cannot run here at all is in
`NOT_THERE` and `UNANSWERED`.

Most of it is for ``make long``; `conftest` says what is in each run.
"""

import boto3
import pytest

from deploy.targets.registry import TARGETS
from tests.contract.emulators import moto
from tests.contract.emulators.members import OfADocument, OfAnAlias, OfARule


@pytest.fixture
def emulator():
    return moto.app()


class TestLambdaOnMoto(OfAnAlias):
    disagreeing = moto.DISAGREEING["lambda"]


class TestLoadBalancerOnMoto(OfARule):
    disagreeing = moto.DISAGREEING["load_balancer"]


class TestFlagdOnMoto(OfADocument):
    disagreeing = moto.DISAGREEING["flagd"]


RUN = {"lambda": TestLambdaOnMoto, "load_balancer": TestLoadBalancerOnMoto, "flagd": TestFlagdOnMoto}


def test_each_target_on_aws_runs_at_moto_or_it_is_said_why_not():
    on_aws = sorted(name for name, kind in TARGETS.items() if kind.on_aws)

    assert sorted([*RUN, *moto.NOT_THERE, *moto.UNANSWERED]) == on_aws


def test_each_disagreement_is_of_a_test_that_there_is():
    assert set(moto.DISAGREEING) <= set(RUN)
    for target, disagreeing in moto.DISAGREEING.items():
        assert set(disagreeing) <= set(dir(RUN[target]))


@pytest.mark.parametrize("target", moto.NOT_THERE)
def test_what_is_said_to_be_missing_at_moto_is(target):
    service, missing = moto.NOT_THERE[target]
    aws = boto3.client(service, region_name="eu-central-1").meta.method_to_api_mapping

    assert set(missing) <= set(aws)
    assert not set(missing) & moto.operations(service)
    assert set(aws) & moto.operations(service), "moto has nothing of it, or names it otherwise"
