"""A move of an alias: one call, with the revision that was looked at, and only where nobody else has moved it."""

import shlex
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from deploy.model import AlreadyThere, Begun, Drifted, Failed, Moving, Refused, Serving, Unclear
from deploy.ports import Aws, AwsCall
from tests.deploy.targets.lambda_alias.stage import ACTOR, KEY, READS_ONLY, Stage
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON

COMMIT = {"revisionType": "GitHub", "gitHubLocation": {"repository": "shop/checkout", "commitId": "a" * 40}}


def begin(stage, **settings):
    return stage.run(stage.target(**settings).begin(stage.move(), KEY))


@dataclass
class Meddled:
    """AWS, on which somebody does something just before each call that acts."""

    stage: Stage
    aws: Aws
    what: Any

    @property
    def read(self) -> AwsCall:
        return self.aws.read

    @property
    def poll(self) -> AwsCall:
        return self.aws.poll

    async def act(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Any:
        self.what()
        return await self.aws.act(scope, service, operation, **parameters)


def test_it_points_the_alias_back_and_gives_the_bad_version_nothing(stage):
    stage.points("2")

    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert stage.shares() == {"1": 1.0}
    assert stage.changed() == ["UpdateAlias"]


def test_in_flight_the_share_of_the_bad_version_is_taken_at_once(stage):
    stage.points("1", v2=0.1)

    begin(stage)

    assert stage.shares() == {"1": 1.0}


def test_a_canary_that_was_promoted_first_is_taken_back_as_well(stage):
    stage.points("2", v1=0.9)

    begin(stage)

    assert stage.shares() == {"1": 1.0}


def test_somebody_who_moves_the_alias_between_our_look_and_our_call_is_not_undone(stage):
    stage.points("2")
    stage.aws = Meddled(stage, stage.aws, lambda: stage.points("3"))
    stage.restarted()

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "changed meanwhile" in answer.words
    assert stage.shares() == {"3": 1.0}


def test_a_third_version_is_somebody_elses(stage):
    for points in (("3", {}), ("2", {"v3": 0.1}), ("1", {"v3": 0.1})):
        stage.points(points[0], **points[1])

        answer = begin(stage)

        assert isinstance(answer, Refused)
        assert answer.third_tag == "3"
    assert stage.changed() == []


def test_where_the_wanted_version_serves_nothing_is_sent(stage):
    assert begin(stage) == AlreadyThere()
    assert stage.changed() == []


def test_without_a_role_to_act_nothing_is_tried(stage):
    stage.points("2")

    answer = begin(stage, account=READS_ONLY)

    assert isinstance(answer, Refused)
    assert "configure `act:`" in answer.words
    assert stage.world.mutating_calls() == []


def test_it_acts_with_the_role_to_act_alone(stage):
    stage.points("2")
    begin(stage)

    (call,) = stage.world.mutating_calls()
    assert call.by == ACTOR


def test_what_a_person_wrote_into_the_description_stays(stage):
    stage.functions.point("checkout", "live", "2", NOON, description="owned by team shop")
    begin(stage)
    stage.points("2")
    stage.goes_on(minutes=5)
    stage.run(stage.target().begin(stage.move(), "w_2.9.0"))

    assert stage.functions.alias("checkout", "live").description == (
        f"owned by team shop [rollbackd:move w_2.9.0 {(NOON + timedelta(minutes=5)).timestamp():.0f} 2 1]"
    )


def test_where_there_is_no_room_for_a_trace_the_rollback_is_made_without_it(stage):
    stage.functions.point("checkout", "live", "2", NOON, description="x" * 240)

    answer = begin(stage)

    assert isinstance(answer, Begun)
    assert "no room" in answer.words
    assert stage.functions.alias("checkout", "live").description == "x" * 240
    assert stage.shares() == {"1": 1.0}


def test_a_version_that_was_deleted_is_refused_with_what_to_do(stage):
    stage.points("2")
    move = stage.move()
    stage.functions.delete_version("checkout", "1")

    answer = stage.run(stage.target().begin(move, KEY))

    assert isinstance(answer, Refused)
    assert answer.again_in is None
    assert "publish the same content anew" in answer.words


@pytest.mark.parametrize(
    ("code", "status"), [("TooManyRequestsException", 429), ("ResourceConflictException", 409)]
)
def test_not_now_is_asked_again(stage, code, status):
    stage.points("2")
    stage.world.faults.fail("lambda", "UpdateAlias", error=AwsError(code, "later", status))

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None


def test_a_server_error_may_have_happened_and_is_not_sent_again(stage):
    stage.points("2")
    stage.world.faults.fail("lambda", "UpdateAlias", error=AwsError("ServiceException", "oops", 500))

    assert isinstance(begin(stage), Unclear)


def test_what_cannot_be_read_is_not_moved(stage):
    stage.points("2")
    stage.world.faults.fail("lambda", "GetAlias", times=None)

    answer = begin(stage)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert stage.changed() == []


@pytest.mark.parametrize("alias", [None, "live"])
def test_latest_is_never_moved(stage, alias):
    stage.points("$LATEST")

    answer = begin(stage, alias=alias)

    assert isinstance(answer, Refused)
    assert "no version to go back to" in answer.words
    assert stage.changed() == []


def test_an_alias_that_is_not_there_is_not_made(stage):
    answer = begin(stage, alias="staging")

    assert isinstance(answer, Refused)
    assert stage.changed() == []


# ------------------------------------------------------------------------------------------------------------- CodeDeploy


@pytest.fixture
def owned(stage):
    """CodeDeploy is moving the alias."""
    stage.world.codedeploy.create_group("shop", "checkout", NOON - timedelta(days=1))
    stage.deployment = stage.world.codedeploy.deploy("shop", "checkout", COMMIT, NOON)
    stage.points("1", v2=0.1)
    return stage


GROUP = {"codedeploy": {"application": "shop", "group": "checkout"}}


def test_an_alias_that_codedeploy_is_moving_is_left_to_it_and_a_person_is_asked(owned):
    (words,) = owned.live(owned.target(**GROUP)).obstacles
    answer = begin(owned, **GROUP)

    assert isinstance(answer, Refused)
    assert answer.words == words
    assert owned.deployment in words
    assert "aws codedeploy stop-deployment --deployment-id" in words
    assert owned.changed() == []


def test_once_codedeploy_is_done_the_alias_is_moved_back(owned):
    owned.goes_on(hours=1)
    owned.points("2")

    assert owned.live(owned.target(**GROUP)).obstacles == ()
    assert isinstance(begin(owned, **GROUP), Begun)
    assert owned.shares() == {"1": 1.0}


def test_where_codedeploy_cannot_be_asked_nothing_is_moved(owned):
    owned.world.faults.fail("codedeploy", error=AwsError("AccessDeniedException", "not you"), times=None)

    answer = begin(owned, **GROUP)

    assert isinstance(answer, Refused)
    assert owned.changed() == []


# --------------------------------------------------------------------------------------------------------- how far it is


def test_it_serves_as_soon_as_lambda_says_so(stage):
    stage.points("2")
    target, move = stage.target(), stage.move()
    stage.run(target.begin(move, KEY))

    assert stage.run(target.progress(move, KEY)) == Serving()


def test_reads_that_are_late_are_waited_for(stage):
    stage.points("2")
    target, move = stage.target(), stage.move()
    stage.goes_on(seconds=20)
    stage.run(target.begin(move, KEY))
    stage.world.faults.stale("lambda", by=timedelta(seconds=10), until=NOON + timedelta(seconds=40))

    assert isinstance(stage.run(target.progress(move, KEY)), Moving)
    stage.goes_on(seconds=30)
    assert stage.run(target.progress(move, KEY)) == Serving()


def test_an_order_that_was_lost_on_its_way_is_said_after_two_minutes_also_after_a_restart(stage):
    stage.points("2")
    target, move = stage.target(), stage.move()

    assert isinstance(stage.run(target.progress(move, KEY)), Moving)
    stage.goes_on(minutes=2)
    failed = stage.run(target.progress(move, KEY))

    assert isinstance(failed, Failed)
    assert shlex.split(failed.by_hand) == [
        *("aws", "lambda", "update-alias", "--function-name", "checkout", "--name", "live"),
        *("--function-version", "1", "--routing-config", '{"AdditionalVersionWeights": {}}'),
        *("--region", "eu-central-1"),
    ]


def test_the_two_minutes_begin_when_it_was_sent(stage):
    stage.points("2")
    target, move = stage.target(), stage.move()
    stage.world.faults.fail("lambda", "UpdateAlias", error=AwsError("ServiceException", "oops", 500))
    stage.run(target.begin(move, KEY))
    stage.goes_on(minutes=2)

    assert isinstance(stage.run(target.progress(move, KEY)), Failed)


def test_somebody_who_gives_the_bad_version_a_share_again_is_seen_at_once(stage):
    """As CodeDeploy would, where nobody has told us that it moves the alias."""
    stage.points("2")
    target, move = stage.target(), stage.move()
    stage.run(target.begin(move, KEY))
    stage.points("1", v2=0.1)

    found = stage.run(target.progress(move, KEY))

    assert found == Drifted("1 had all calls, and somebody has moved the alias since", "2")


def test_what_another_move_of_ours_has_left_says_nothing_of_this_one(stage):
    stage.points("2")
    target, move = stage.target(), stage.move()
    stage.run(target.begin(move, "w_0.1.0"))
    stage.points("2")

    assert isinstance(stage.run(target.progress(move, KEY)), Moving)
