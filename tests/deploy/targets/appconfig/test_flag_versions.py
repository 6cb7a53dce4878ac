"""Numbers of versions that are given twice, large versions, and the moves of other flags: what of it concerns one flag."""

import asyncio
import json
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.model import Begun, Drifted, Move, Refused, Release, Serving, Unfinished
from deploy.ports import Aws, AwsCall
from tests.deploy.targets.appconfig.flag_stage import FLAG, FLAGS, OTHER, FlagStage, document
from tests.deploy.targets.appconfig.stage import BARE, KEY, PLACE, SLOWLY
from tests.fakes.aws import AwsError

WRITES = ["CreateHostedConfigurationVersion", "StartDeployment"]


@pytest.fixture
def stage():
    made = FlagStage()
    yield made
    assert made.world.bugs == []


def profile(stage: FlagStage) -> Any:
    return stage.appconfig.profiles[PLACE[0], FLAGS]


# ------------------------------------------------------------------------------------------------ what was deleted


@pytest.mark.parametrize("error", ["ConflictException", "BadRequestException"])
@pytest.mark.parametrize("reuses", [False, True])
def test_where_the_newest_version_was_deleted_the_flag_goes_back_however_appconfig_counts(
    stage, reuses, error
):
    profile(stage).reuses, profile(stage).overtaken = reuses, error
    off = stage.now()
    stage.gives(checkout=True)
    on = stage.now()
    stage.appconfig.delete(PLACE[0], FLAGS, stage.writes(other=True))

    assert isinstance(stage.moves(on, off), Begun)
    assert stage.is_given() == {"off": 1.0}


def test_a_number_that_is_given_again_is_another_version_once_it_is_deployed(stage):
    profile(stage).reuses = True
    target = stage.target()
    off = stage.now()
    assert stage.run(target.observe()).release.tag == "off"
    number = stage.writes(checkout=False, other=True)
    stage.deploys(number, BARE, FLAGS)
    stage.goes_on(minutes=1)
    assert stage.run(target.observe()).release.tag == "off"
    stage.appconfig.delete(PLACE[0], FLAGS, number)
    assert stage.writes(checkout=True, other=False) == number
    stage.deploys(number, BARE, FLAGS)
    stage.goes_on(minutes=1)
    live = stage.run(target.observe())

    assert live.release.tag == "on"
    assert isinstance(stage.moves(live.release, off, target=target), Begun)
    assert stage.served() == document(checkout=False, other=False)


def test_a_version_that_was_deleted_as_we_asked_is_not_remembered_for_the_one_that_we_write(stage):
    profile(stage).reuses = True
    off = stage.now()
    stage.gives(checkout=True)
    on, target = stage.now(), stage.target()
    fails = AwsError("ThrottlingException", "slow", 400)
    stage.world.faults.fail("appconfig", "StartDeployment", error=fails)
    stage.moves(on, off, target=target)
    label = stage.label("3")
    stage.appconfig.delete(PLACE[0], FLAGS, "3")
    stage.writes(label, checkout=False, other=True)
    assert "delete it" in stage.moves(on, off, target=target).words
    stage.appconfig.delete(PLACE[0], FLAGS, "3")

    assert isinstance(stage.moves(on, off, target=target), Begun)
    assert stage.served() == document(checkout=False)
    assert stage.run(target.observe()).release.tag == "off"


# ------------------------------------------------------------------------------------------------------ large versions


def test_what_is_written_is_no_longer_than_what_was_read_for_a_version_is_bounded(stage):
    said = document()
    said["values"][OTHER] |= {f"limit-{number}": number for number in range(100)}
    content = ""
    for on in (False, True):
        said["values"][FLAG] = {"enabled": on}
        content = json.dumps(said, separators=(",", ":"))
        stage.deploys(stage.appconfig.write(PLACE[0], FLAGS, content), BARE, FLAGS)
        stage.goes_on(minutes=1)

    assert isinstance(stage.moves(stage.now(), FlagStage().now()), Begun)
    written = stage.last("CreateHostedConfigurationVersion")["Content"]
    assert len(written) == len(content) + len("false") - len("true")


# -------------------------------------------------------------------------------------------------------- slow answers


@dataclass
class Slow:
    """AWS, each of whose answers takes *seconds*: what is called off was done all the same."""

    aws: Aws
    seconds: float
    poll: AwsCall | None = None

    def __post_init__(self) -> None:
        self.poll = self.aws.poll

    async def read(self, scope: str, service: str, operation: str, /, **told: Any) -> Mapping[str, Any]:
        return await self._late(self.aws.read(scope, service, operation, **told))

    async def act(self, scope: str, service: str, operation: str, /, **told: Any) -> Mapping[str, Any]:
        return await self._late(self.aws.act(scope, service, operation, **told))

    async def _late(self, answer: Awaitable[Mapping[str, Any]]) -> Mapping[str, Any]:
        found = await answer
        await asyncio.sleep(self.seconds)
        return found


@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.0, 1.3])
def test_where_appconfig_is_slow_one_version_is_written_and_deployed_once(stage, seconds):
    off = stage.now()
    stage.gives(checkout=True)
    on = stage.now()
    stage.aws = Slow(stage.aws, seconds)
    target = stage.restarted().target()
    answers = [stage.moves(on, off, target=target) for _ in range(8)]

    assert stage.changed() == WRITES, answers
    assert stage.is_given() == {"off": 1.0}


@pytest.mark.parametrize("seconds", [1.5, 1.7, 2.0, 3.4])
def test_where_it_is_slower_still_nothing_is_written_or_deployed_twice(stage, seconds):
    off = stage.now()
    stage.gives(checkout=True)
    on = stage.now()
    stage.aws = Slow(stage.aws, seconds)
    target = stage.restarted().target()
    for _ in range(8):
        stage.moves(on, off, target=target)

    assert stage.changed() in ([], WRITES[:1], WRITES)


@dataclass
class SlowToWrite(Slow):
    """Only what acts is slow."""

    async def read(self, scope: str, service: str, operation: str, /, **told: Any) -> Mapping[str, Any]:
        return await self.aws.read(scope, service, operation, **told)


def test_where_to_write_took_too_long_for_a_deployment_to_be_answered_none_is_begun(stage):
    off = stage.now()
    stage.gives(checkout=True)
    on = stage.now()
    stage.aws = SlowToWrite(stage.aws, 6.0)
    answer = stage.moves(on, off, target=stage.restarted().target())

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert stage.changed() == WRITES[:1]


# --------------------------------------------------------------------------------- on top of what did not prove itself


def on_top(stage: FlagStage) -> tuple[Release, Release]:
    """The flag was off; then on with a limit, which nobody had judged when it went on, and is going out still."""
    off = stage.now()
    stage.gives(checkout={"enabled": True, "limit": 3})
    stage.gives(SLOWLY, checkout=True)
    stage.goes_on(minutes=4)
    return stage.both()[1], off


def test_a_bad_flag_on_its_way_is_stopped_and_then_goes_back_further_than_to_what_was_before_it(stage):
    bad, off = on_top(stage)
    move = Move("service", bad, off)

    assert isinstance(stage.moves(bad, off), Begun)
    assert isinstance(stage.run(stage.restarted().target().progress(move, KEY)), Unfinished)
    assert isinstance(stage.restarted().moves(bad, off), Begun)
    assert stage.run(stage.target().progress(move, KEY)) == Serving()
    assert stage.changed() == ["StopDeployment", *WRITES]
    assert stage.is_given() == {"off": 1.0}


def test_what_a_person_deploys_after_we_have_stopped_it_is_theirs(stage):
    bad, off = on_top(stage)
    stage.moves(bad, off)
    stage.gives(checkout={"enabled": True, "limit": 4})
    answer = stage.moves(bad, off)

    assert isinstance(answer, Refused)
    assert answer.third_tag == stage.now().tag
    assert isinstance(stage.run(stage.target().progress(Move("service", bad, off), KEY)), Drifted)
    assert stage.changed() == ["StopDeployment"]


# -------------------------------------------------------------------------------------------- the moves of other flags


def stopped_for_another(stage: FlagStage) -> None:
    """What brings another flag goes out slowly, and is stopped by the service that minds that one."""
    stage.gives(SLOWLY, checkout=True, other=True)
    seen = FlagStage.live
    stage.flag = OTHER
    off, on = stage.both()
    assert isinstance(stage.moves(on, off, key="w_2.1.0"), Begun)
    assert stage.changed()[-1] == "StopDeployment"
    stage.flag = FLAG
    assert seen(stage).release is not None


def test_what_another_flag_was_stopped_for_is_no_way_back_of_this_one(stage):
    stage.gives(checkout=True)
    stopped_for_another(stage)
    live = stage.live()

    assert live.release is not None
    assert live.release.tag == "on"
    assert live.key is None


def test_a_lost_store_does_not_read_that_this_one_was_rolled_back(stage):
    stage.gives(checkout=True)
    on = stage.now()
    stopped_for_another(stage)
    recalled = stage.run(stage.restarted().target().recall(stage.clock.time))

    assert recalled.quarantined == {}
    assert [release.tag for release, _ in recalled.served] == ["off"]  # `on` is watched still
    assert on.tag == "on"


def test_what_a_flag_was_stopped_for_itself_is_its_way_back_also_for_one_that_came_with_it(stage):
    off = stage.now()
    stage.gives(SLOWLY, checkout=True, other=True)
    on = stage.both()[1]
    assert isinstance(stage.moves(on, off), Begun)
    recalled = stage.run(stage.restarted().target().recall(stage.clock.time))

    assert stage.live().key == KEY
    assert set(recalled.quarantined) == {on.fingerprint}
    assert stage.of() == ("off", None)
