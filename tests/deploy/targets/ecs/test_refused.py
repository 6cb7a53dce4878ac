"""AWS refuses one kind of reading and answers the others: every operation says so in its own way, and none breaks."""

import pytest

from deploy.errors import AwsRefused
from deploy.model import Begun, Foretold, Gone, Live, Moving, Refused, Release, Serving, Unclear, Unreadable
from deploy.targets.ecs.reading import Reader
from tests.deploy.targets.ecs.stage import Stage
from tests.fakes.aws.fixtures import NOON

READINGS = (
    *("DescribeServices", "DescribeServiceRevisions", "DescribeServiceDeployments", "ListServiceDeployments"),
    *("DescribeTaskDefinition", "DescribeImages", "TagResource"),
)
FAULTS = ("throttle", "fail", "lose_answer")


def a_stage(fault: str, operation: str, *, in_flight: bool) -> Stage:
    """``web:2`` is on its way, or serves; from now on *operation* fails."""
    stage = Stage()
    stage.deploy("web:2")
    stage.goes_on(seconds=25)
    if not in_flight:
        stage.goes_on(minutes=10)
    # A service of its own each, so that nothing is known yet but what is read now.
    service = "ecr" if operation == "DescribeImages" else "ecs"
    getattr(stage.world.faults, fault)(service, operation, times=None)
    return stage


@pytest.mark.parametrize("in_flight", [True, False], ids=["in flight", "complete"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", READINGS)
def test_whatever_is_refused_each_operation_answers_with_a_value(operation, fault, in_flight):
    stage = a_stage(fault, operation, in_flight=in_flight)
    target, move = stage.target(), stage.move()

    assert isinstance(stage.run(target.observe()), Live | Unreadable)
    assert isinstance(stage.run(target.resolve({})), Release | Unreadable | Gone)
    assert isinstance(stage.run(target.foretell(move)), Foretold)
    assert isinstance(stage.run(target.begin(move, "w_1.2.0")), Begun | Refused | Unclear)
    assert isinstance(stage.run(target.progress(move, "w_1.2.0")), Moving | Serving | Unreadable)
    stage.run(target.recall(NOON))


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_read_is_not_moved(fault):
    stage = a_stage(fault, "DescribeServiceRevisions", in_flight=True)

    said = stage.run(stage.target().begin(stage.move(), "w_1.2.0"))

    assert isinstance(said, Refused)
    assert said.again_in is not None
    assert stage.changed() == []


async def test_an_answer_without_the_definition_that_was_asked_for_is_a_refusal():
    async def call(_scope, _service, _operation, /, **_parameters):
        return {}

    with pytest.raises(AwsRefused, match="web:1: an answer without a task definition"):
        await Reader("shop", call, lambda: NOON).registered("web:1")
