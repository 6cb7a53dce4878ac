"""A move: the bad deployment is stopped or reverted by its number, or the old version deployed anew by compare-and-set."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from deploy.model import (
    AlreadyThere,
    Begun,
    Drifted,
    Failed,
    Move,
    Moving,
    Refused,
    Serving,
    Unclear,
    Unfinished,
)
from deploy.ports import Aws, AwsCall
from tests.deploy.targets.appconfig.stage import (
    ACTOR,
    ALARM,
    BARE,
    KEY,
    OTHER,
    PLACE,
    PROFILE,
    READS_ONLY,
    SLOWLY,
)
from tests.fakes.aws import AwsError


def begin(stage, expect="2", to="1", **settings):
    return stage.run(stage.target(**settings).begin(stage.move(expect, to), KEY))


def progress(stage, expect="2", to="1", **settings):
    return stage.run(stage.target(**settings).progress(stage.move(expect, to), KEY))


@dataclass
class Meddled:
    """AWS, on which somebody does something just before a call that moves."""

    aws: Aws
    what: Any

    @property
    def read(self) -> AwsCall:
        return self.aws.read

    @property
    def poll(self) -> AwsCall:
        return self.aws.poll

    async def act(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Any:
        if operation in {"start_deployment", "stop_deployment"}:
            self.what()
        return await self.aws.act(scope, service, operation, **parameters)


@dataclass
class Once:
    """Does it the first time."""

    what: Any

    def __call__(self) -> None:
        what, self.what = self.what, lambda: None
        what()


# -------------------------------------------------------------------------------------------------------- taken back


@pytest.mark.parametrize("minutes", [0, 4, 31], ids=["validating", "deploying", "baking"])
def test_what_is_under_way_is_stopped_by_its_number(stage, minutes):
    number = stage.deploys("2", SLOWLY)
    stage.goes_on(minutes=minutes)

    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert answer.platform_id == f"ba8toh7/pgil2o7/{number}"
    assert stage.changed() == ["StopDeployment"]
    assert stage.last("StopDeployment")["DeploymentNumber"] == number
    assert stage.shares() == {"1": 1.0}
    assert progress(stage) == Serving()


def test_what_is_complete_is_reverted(stage):
    stage.deploys("2")
    stage.goes_on(hours=70)

    begin(stage)

    assert stage.changed() == ["StopDeployment"]
    assert stage.shares() == {"1": 1.0}
    assert progress(stage) == Serving()


def test_what_completes_between_the_look_and_the_call_is_taken_back_all_the_same(stage):
    stage.deploys("2", SLOWLY)
    stage.goes_on(minutes=39)
    stage.ports = type(stage.ports)(
        command=stage.ports.command, now=stage.clock, aws=Meddled(stage.aws, lambda: stage.goes_on(minutes=5))
    )

    assert isinstance(begin(stage), Begun)
    assert stage.shares() == {"1": 1.0}


def test_what_takes_time_to_be_taken_back_is_moving(stage):
    stage.appconfig.find(*PLACE).takes_back = timedelta(minutes=1)
    stage.deploys("2", SLOWLY)
    stage.goes_on(minutes=4)
    begin(stage)

    assert isinstance(progress(stage), Moving)
    again = begin(stage)
    assert isinstance(again, Refused | AlreadyThere)
    stage.goes_on(minutes=2)
    assert progress(stage) == Serving()
    assert stage.changed() == ["StopDeployment"]


def test_a_trace_that_may_not_be_left_keeps_nothing_from_being_taken_back(stage):
    stage.world.identities.role(ACTOR, {"appconfig:StopDeployment"})
    stage.deploys("2")
    stage.goes_on(hours=1)

    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert "its trace could not be left" in answer.words
    assert "appconfig:TagResource" in answer.words
    assert progress(stage) == Serving()


# ------------------------------------------------------------------------------------------------------------ deployed anew


def test_after_72_hours_the_old_version_is_deployed_anew_if_nothing_else_was(stage):
    number = stage.deploys("2")
    stage.goes_on(hours=80)

    answer = begin(stage, strategy=BARE)

    assert isinstance(answer, Begun)
    sent = stage.last("StartDeployment")
    assert sent["ConfigurationVersion"] == "1"
    assert sent["DeploymentStrategyId"] == BARE
    assert sent["LatestDeploymentNumber"] == number
    assert isinstance(progress(stage), Moving)
    stage.goes_on(minutes=1)
    assert progress(stage) == Serving()
    assert stage.shares() == {"1": 1.0}
    assert stage.restarted().live().key == KEY


def test_a_number_that_was_given_to_something_else_since_is_not_deployed(stage):
    stage.appconfig.profiles[PLACE[0], PROFILE].reuses = True
    stage.deploys("3")
    stage.goes_on(hours=80)
    target = stage.target()
    good = stage.live(target).release
    stage.appconfig.delete(PLACE[0], PROFILE, "3")
    stage.appconfig.write(PLACE[0], PROFILE, '{"limit": "bad"}')
    stage.deploys("3")
    stage.goes_on(hours=80)
    bad = stage.live(target).release
    move = Move("service", bad, good)
    answer = stage.run(target.begin(move, KEY))

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "version 3 was deleted, and its number given to another content since" in answer.words
    assert any("its number given" in each for each in stage.run(target.foretell(move)).gone)
    assert stage.changed() == []


def test_to_a_version_that_did_not_serve_just_before_it_is_deployed_anew(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)
    stage.deploys("3", BARE)
    stage.goes_on(hours=1)

    begin(stage, expect="3", to="1", strategy=BARE)

    assert stage.changed() == ["StartDeployment"]


def test_where_something_was_taken_back_in_between_nothing_is_guessed_and_it_is_deployed_anew(stage):
    number = stage.deploys("3", BARE)
    stage.goes_on(hours=1)
    stage.appconfig.take_back(PLACE, number, stage.clock.time)
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)

    begin(stage, strategy=BARE)

    assert stage.changed() == ["StartDeployment"]


def test_what_appconfig_refuses_to_take_back_is_left_by_deploying_the_old_version_anew(stage):
    stage.world.faults.fail("appconfig", "StopDeployment", error=AwsError("BadRequestException", "no", 400))
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)
    target, move = stage.target(strategy=BARE), stage.move()

    first = stage.run(target.begin(move, KEY))
    assert isinstance(first, Refused)
    assert "deployed anew instead" in first.words
    assert isinstance(stage.run(target.begin(move, KEY)), Begun)
    stage.goes_on(minutes=1)

    assert stage.run(target.progress(move, KEY)) == Serving()
    assert stage.changed() == ["StopDeployment", "StartDeployment"]
    assert stage.shares() == {"1": 1.0}


def test_what_it_does_not_stop_in_one_state_it_is_told_to_stop_again(stage):
    stage.world.faults.fail("appconfig", "StopDeployment", error=AwsError("BadRequestException", "no", 400))
    stage.deploys("2", SLOWLY)
    target, move = stage.target(), stage.move()

    first = stage.run(target.begin(move, KEY))
    assert isinstance(first, Refused)
    assert first.again_in is not None
    stage.goes_on(seconds=15)
    assert isinstance(stage.run(target.begin(move, KEY)), Begun)

    assert stage.shares() == {"1": 1.0}


def test_what_appconfig_deploys_itself_for_an_experiment_is_waited_for_and_never_taken_back(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)
    stage.deploys("2", SLOWLY)
    stage.appconfig.find(*PLACE).deployments[-1].managed = True
    stage.goes_on(minutes=4)

    answer = begin(stage, strategy=BARE)
    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "for an experiment" in answer.words
    assert stage.changed() == []
    stage.goes_on(hours=1)
    begin(stage, strategy=BARE)

    assert stage.changed() == ["StartDeployment"]


def test_what_is_under_way_is_stopped_and_then_an_older_version_deployed(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)
    stage.deploys("3", SLOWLY)
    stage.goes_on(minutes=4)

    assert isinstance(begin(stage, expect="3", to="1", strategy=BARE), Begun)
    assert isinstance(progress(stage, expect="3", to="1"), Unfinished)
    assert isinstance(begin(stage.restarted(), expect="3", to="1", strategy=BARE), Begun)
    assert isinstance(begin(stage, expect="3", to="1", strategy=BARE), AlreadyThere)
    stage.goes_on(minutes=1)
    assert progress(stage, expect="3", to="1") == Serving()
    assert stage.changed() == ["StopDeployment", "StartDeployment"]


def test_a_deployment_of_somebody_between_the_look_and_the_call_is_never_undone(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=80)
    stage.ports = type(stage.ports)(
        command=stage.ports.command, now=stage.clock, aws=Meddled(stage.aws, lambda: stage.deploys("3", BARE))
    )

    answer = begin(stage, strategy=BARE)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "something was deployed to the environment meanwhile" in answer.words
    stage.goes_on(minutes=1)
    assert stage.shares() == {"3": 1.0}


def test_nor_is_it_where_the_bad_one_was_about_to_be_reverted(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)
    meddled = Meddled(stage.aws, Once(lambda: stage.deploys("3", BARE)))
    stage.ports = type(stage.ports)(command=stage.ports.command, now=stage.clock, aws=meddled)
    target = stage.target(strategy=BARE)

    first = stage.run(target.begin(stage.move(), KEY))
    stage.goes_on(minutes=1)
    second = stage.run(target.begin(stage.move(), KEY))

    assert isinstance(first, Refused)
    assert isinstance(second, Refused)
    assert second.third_tag == "3"
    assert stage.shares() == {"3": 1.0}


def test_the_key_that_a_version_was_deployed_with_is_used_again(stage):
    stage.appconfig.find(*PLACE).deployments[0].kms = "alias/flags"
    stage.deploys("2", BARE)
    stage.goes_on(hours=80)

    begin(stage, strategy=BARE)

    assert stage.last("StartDeployment")["KmsKeyIdentifier"] == "alias/flags"


def test_another_profile_that_is_being_deployed_is_waited_for(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=80)
    number = stage.deploys("1", SLOWLY, profile=OTHER)
    stage.goes_on(minutes=4)

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert (
        f"stop-deployment --application-id ba8toh7 --environment-id pgil2o7 --deployment-number {number}"
        in (answer.words)
    )
    assert stage.changed() == []


def test_a_version_that_the_validators_refuse_is_refused_in_their_words(stage):
    stage.appconfig.profiles[PLACE[0], PROFILE].refuses = frozenset({"1"})
    stage.deploys("2", BARE)
    stage.goes_on(hours=80)

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "validates version 1 anew" in answer.words


def test_an_alarm_that_takes_the_rollback_itself_back_is_said_with_its_name_and_it_is_not_sent_again(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=80)
    stage.appconfig.rings(PLACE, ALARM, stage.clock.time, stage.clock.time + timedelta(hours=1))
    begin(stage)
    stage.goes_on(minutes=1)
    found = progress(stage)

    assert isinstance(found, Failed)
    assert f"at an alarm ({ALARM})" in found.words
    assert "without a bake time" in found.words
    assert isinstance(begin(stage), Refused)
    assert stage.changed() == ["StartDeployment"]


# -------------------------------------------------------------------------------------------------------- other hands


def test_what_appconfig_has_taken_back_itself_is_there_already(stage):
    stage.deploys("2", SLOWLY)
    stage.appconfig.rings(
        PLACE, ALARM, stage.clock.time + timedelta(minutes=3), stage.clock.time + timedelta(hours=1)
    )
    stage.goes_on(minutes=5)

    assert begin(stage) == AlreadyThere()
    assert progress(stage) == Serving()
    assert stage.changed() == []


def test_a_person_who_deploys_a_third_version_is_not_undone(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)
    stage.deploys("3", SLOWLY)
    stage.goes_on(minutes=4)

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.third_tag == "3"
    assert isinstance(progress(stage), Drifted)


def test_where_nothing_was_deployed_nothing_is_sent(stage):
    stage.appconfig.find(*PLACE).deployments.clear()

    assert isinstance(begin(stage), Refused)
    assert stage.changed() == []


def test_without_a_role_to_act_nothing_is_tried(stage):
    stage.deploys("2")
    stage.goes_on(hours=1)

    answer = begin(stage, account=READS_ONLY)

    assert isinstance(answer, Refused)
    assert "no role to act" in answer.words
    assert stage.world.mutating_calls() == []


def test_an_order_of_which_nothing_is_seen_was_lost_and_a_person_is_told_what_to_run(stage):
    stage.deploys("2", BARE)
    stage.goes_on(hours=1)
    target, move = stage.target(), stage.move()

    async def later() -> Any:
        first = await target.progress(move, KEY)
        stage.goes_on(minutes=3)
        return first, await target.progress(move, KEY)

    first, second = stage.run(later())

    assert isinstance(first, Moving)
    assert isinstance(second, Failed)
    assert "aws appconfig stop-deployment" in second.by_hand
    assert "--allow-revert" in second.by_hand


@pytest.mark.parametrize(("operation", "hours"), [("StopDeployment", 1), ("StartDeployment", 80)])
@pytest.mark.parametrize(
    ("error", "again"),
    [
        (AwsError("ThrottlingException", "Rate exceeded", 429), True),
        (AwsError("InternalServerException", "try again", 400), True),
        (AwsError("ResourceNotFoundException", "gone", 404), False),
    ],
    ids=lambda value: value.code if isinstance(value, AwsError) else "",
)
def test_what_is_only_not_now_is_tried_again(stage, error, again, operation, hours):
    stage.world.faults.fail("appconfig", operation, error=error, times=None)
    stage.deploys("2", BARE)
    stage.goes_on(hours=hours)

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert (answer.again_in is not None) is again
    assert error.message in answer.words
    assert stage.shares() == {"2": 1.0}


@pytest.mark.parametrize("hours", [1, 80])
def test_an_answer_that_is_lost_is_read_and_never_sent_again(stage, hours):
    stage.world.faults.lose_answer("appconfig", times=None, operation="StopDeployment")
    stage.world.faults.lose_answer("appconfig", times=None, operation="StartDeployment")
    stage.deploys("2", BARE)
    stage.goes_on(hours=hours)

    assert isinstance(begin(stage, strategy=BARE), Unclear)
    stage.goes_on(minutes=1)
    assert progress(stage) == Serving()
    assert isinstance(begin(stage), AlreadyThere)
    assert len(stage.changed()) == 1
