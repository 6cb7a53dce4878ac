"""One story for all targets on AWS: how another hand deploys there, what goes back, and what people meet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.scenarios.aws import (
    fleet,
    test_beanstalk,
    test_beanstalk_swap,
    test_codedeploy,
    test_ecs,
    test_lambda,
    test_load_balancer,
    test_site,
)
from tests.scenarios.aws.stage import AwsStage


@dataclass(frozen=True)
class Case:
    """One target, on which the first of three releases has always served.

    Attributes:
        told: Sets its stage.
        deploys: Another hand deploys the release of that number, of which that share fails, as is usual there.
        tag: Of a release, by its number.
        by_hand: Another hand puts the first release back, in one call.
        moves: What we have sent for going back, in order.
        sent: The last of it.
        most: How many calls that may be.
        runs: What people meet.
        before: That, while the first release serves alone.
        after: That, once the third has been deployed.
        asked: How many requests a system beside AWS has had from us so far.
    """

    told: Callable[..., None]
    deploys: Callable[[AwsStage, int, float], object]
    tag: Callable[[int], str]
    by_hand: Callable[[AwsStage], object]
    moves: Callable[[AwsStage], list[Any]]
    sent: Any
    runs: Callable[[AwsStage], Any]
    before: Any
    after: Any
    most: int = 1
    asked: Callable[[AwsStage], int] = lambda _stage: 0


def _weighed(stage: AwsStage, number: int, fails: float) -> None:
    test_load_balancer.deploys(stage, f"v{number}", fails=fails)
    test_load_balancer.weighs(stage, blue=90, green=10)


CASES: Mapping[str, Case] = {
    "ecs": Case(
        told=test_ecs.told,
        deploys=lambda stage, number, fails: stage.deploys(f"web:{number}", fails),
        tag=lambda number: f"web:{number}",
        by_hand=lambda stage: stage.deploys("web:1"),
        moves=test_ecs.moves,
        sent="web:1",
        runs=lambda stage: stage.runs,
        before={"web:1"},
        after={"web:3"},
    ),
    "codedeploy": Case(
        told=test_codedeploy.told,
        deploys=fleet.deploys,
        tag=fleet.tag,
        by_hand=lambda stage: fleet.deploys(stage, 1),
        moves=fleet.moves,
        sent=fleet.key(1),
        runs=fleet.runs,
        before={fleet.key(1)},
        after={fleet.key(3)},
    ),
    "beanstalk": Case(
        told=test_beanstalk.told,
        deploys=lambda stage, number, fails: test_beanstalk.deploys(stage, f"v{number}", fails),
        tag=lambda number: f"v{number}",
        by_hand=lambda stage: test_beanstalk.deploys(stage, "v1"),
        moves=test_beanstalk.moves,
        sent="v1",
        runs=test_beanstalk.runs,
        before={"v1": 4},
        after={"v3": 4},
        most=2,
    ),
    "lambda": Case(
        told=test_lambda.told,
        deploys=lambda stage, number, fails: test_lambda.points(stage, "1", fails, **{f"v{number}": 0.1}),
        tag=str,
        by_hand=lambda stage: test_lambda.points(stage, "1"),
        moves=test_lambda.moves,
        sent="1",
        runs=test_lambda.shares,
        before={"1": 1.0},
        after={"1": 0.9, "3": 0.1},
    ),
    "load_balancer": Case(
        told=test_load_balancer.told,
        deploys=_weighed,
        tag=lambda number: f"v{number}",
        by_hand=lambda stage: test_load_balancer.weighs(stage, blue=100, green=0),
        moves=lambda stage: ["weights"] * test_load_balancer.moves(stage),
        sent="weights",
        runs=test_load_balancer.weights,
        before={"blue": 100, "green": 0},
        after={"blue": 90, "green": 10},
    ),
    "s3_cloudfront": Case(
        told=test_site.told,
        deploys=lambda stage, number, fails: test_site.deploys(stage, f"v{number}", fails),
        tag=lambda number: f"v{number}",
        by_hand=lambda stage: test_site.deploys(stage, "v1"),
        moves=test_site.moves,
        sent="v1",
        runs=test_site.served,
        before="v1",
        after="v3",
    ),
}

# The other ways of targets that have several.
BESIDES: Mapping[str, Case] = {
    "beanstalk, a swap": Case(
        told=test_beanstalk_swap.told,
        deploys=lambda stage, number, fails: test_beanstalk_swap.swaps_in(stage, f"v{number}", fails),
        tag=lambda number: f"v{number}",
        by_hand=lambda stage: stage.world.beanstalk.swap(
            test_beanstalk_swap.GREEN, test_beanstalk_swap.BLUE, stage.now()
        ),
        moves=test_beanstalk_swap.swaps,
        sent=test_beanstalk_swap.BLUE,
        runs=test_beanstalk_swap.met,
        before={"v1"},
        after={"v3"},
    )
}
