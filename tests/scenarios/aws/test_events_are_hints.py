"""Events are hints: whatever becomes of them on their way, each target ends as if every one had come once and in order.

A seed is a fate: ``ROLLBACKD_SEEDS=100`` tries a hundred of them on each target.
"""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders import minutes
from tests.scenarios.aws import fleet, test_codedeploy, test_lambda
from tests.scenarios.aws.cases import CASES
from tests.scenarios.aws.other_cases import OTHERS
from tests.scenarios.aws.stage import AwsStage
from watcher.core.watch import State

LATEST = 8 * 60  # seconds
# Of the others nobody sends events over a queue of AWS. At the end half of AppConfig's clients have the third version.
TOLD = {**CASES, "appconfig": replace(OTHERS["appconfig"], after={"3": 0.5, "1": 0.5})}


def fates(chance: random.Random) -> Callable[[Mapping[str, Any]], Sequence[timedelta]]:
    """Two of five events are lost; of the others each copy, one to three, comes up to eight minutes late."""

    def fate(_event: Mapping[str, Any]) -> Sequence[timedelta]:
        copies = chance.choice((0, 0, 1, 2, 3))
        return [timedelta(seconds=chance.choice((0, chance.randrange(LATEST)))) for _ in range(copies)]

    return fate


@pytest.mark.parametrize("seed", range(int(os.environ.get("ROLLBACKD_SEEDS", "1"))))
@pytest.mark.parametrize("target", TOLD)
def test_lost_doubled_and_overtaken_events_change_nothing_of_how_it_ends(tmp_path, target, seed):
    case = TOLD[target]

    async def story(stage: AwsStage) -> None:
        stage.world.fates = fates(random.Random(f"{target} {seed}"))
        case.deploys(stage, 2, 0.2)
        await stage.goes_on(minutes(24))
        case.deploys(stage, 3, 0.001)
        await stage.goes_on(minutes(30))

        ended = [(watch.tag, watch.state) for watch in await stage.watches()]
        assert ended == [(case.tag(2), State.ROLLED_BACK), (case.tag(3), State.WATCHING)]
        assert case.moves(stage)[-1:] == [case.sent]
        assert len(case.moves(stage)) <= case.most
        assert case.runs(stage) == case.after

    case.told(tmp_path, story)


# ----------------------------------------------------------------------- what the platform does by itself, and nobody tells


def tells_nothing(stage: AwsStage) -> None:
    stage.world.fates = lambda _: ()


def test_what_codedeploy_takes_back_and_nobody_tells_of_ends_the_watch(tmp_path):
    own = {"enabled": True, "events": ["DEPLOYMENT_FAILURE"]}

    async def story(stage: AwsStage) -> None:
        tells_nothing(stage)
        stage.world.codedeploy.behave(fleet.key(2), fails_at="ValidateService")
        fleet.deploys(stage, 2, fails=0.0, autoRollbackConfiguration=own)
        await stage.goes_on(minutes(20))

        first, *_ = await stage.watches()
        assert (first.tag, first.state, first.was_taken_back) == (fleet.tag(2), State.SUPERSEDED, True)
        (said,) = [notice for _, notice in stage.told if notice.event == "watch.taken_back"]
        assert f"{fleet.tag(1)} serves again" in said.headline
        assert f"{fleet.tag(2)} is not quarantined" in " ".join(said.lines)
        assert fleet.moves(stage) == []
        entries = {each.release.tag: each for each in (await stage.ledger()).entries}
        assert entries[fleet.tag(2)].quarantined is None

    test_codedeploy.told(tmp_path, story)


def test_a_version_of_lambda_that_another_hand_takes_back_is_followed(tmp_path):
    async def story(stage: AwsStage) -> None:
        tells_nothing(stage)
        test_lambda.points(stage, "1", v2=0.1)
        await stage.goes_on(minutes(8))
        test_lambda.points(stage, "1")
        await stage.goes_on(minutes(14))

        first, second = await stage.watches()
        assert (first.tag, first.state, first.superseded_by) == ("2", State.SUPERSEDED, second.id)
        assert (second.tag, second.state, second.policy.mode.value) == ("1", State.WATCHING, "ask")
        assert test_lambda.moves(stage) == []

    test_lambda.told(tmp_path, story)
