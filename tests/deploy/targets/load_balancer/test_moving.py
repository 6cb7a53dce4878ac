"""A move of weights: all actions as they were but for the weights, looked at once more right before, and only if it may be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from deploy.model import AlreadyThere, Begun, Failed, Live, Moving, Refused, Serving, Unclear, Unreadable
from deploy.ports import Aws, AwsCall
from tests.deploy.targets.load_balancer.stage import ACTOR, KEY, READS_ONLY, Stage
from tests.deploy.targets.load_balancer.test_forward import LOGIN
from tests.fakes.aws import AwsError
from tests.fakes.aws.fixtures import NOON


def begin(stage, **settings):
    return stage.run(stage.target(**settings).begin(stage.move(), KEY))


@pytest.fixture
def bad(stage):
    stage.weighs(blue=0, green=100)
    return stage


@dataclass
class Meddled:
    """AWS, on which somebody does something just before one operation."""

    aws: Aws
    operation: str
    what: Callable[[], None]
    done: list[str] = field(default_factory=list)

    @property
    def poll(self) -> AwsCall:
        return self.aws.poll

    async def read(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Any:
        return await self.aws.read(scope, service, operation, **parameters)

    async def act(self, scope: str, service: str, operation: str, /, **parameters: Any) -> Any:
        if operation == self.operation and not self.done:
            self.done.append(operation)
            self.what()
        return await self.aws.act(scope, service, operation, **parameters)


def test_all_traffic_goes_to_the_group_that_still_serves_the_wanted_release(bad):
    answer = begin(bad)

    assert isinstance(answer, Begun)
    assert bad.weights() == {"blue": 100, "green": 0}
    assert bad.changed() == ["ModifyRule"]


def test_of_a_listener_the_default_action_is_changed():
    stage = Stage(listener=True)
    stage.weighs(blue=0, green=100)

    begin(stage)

    assert stage.weights() == {"blue": 100, "green": 0}
    assert stage.changed() == ["ModifyListener"]


def test_in_flight_the_share_of_the_bad_release_is_taken_at_once(stage):
    stage.weighs(blue=90, green=10)

    begin(stage)

    assert stage.weights() == {"blue": 100, "green": 0}


def test_the_login_before_it_stays_with_its_secret_and_all_keep_their_order(bad):
    secret = {
        **LOGIN,
        "AuthenticateOidcConfig": {**LOGIN["AuthenticateOidcConfig"], "ClientSecret": "hunter2"},
    }
    bad.elb.put_actions(bad.rule, [secret, {**bad.elb.actions(bad.rule)[0], "Order": 2}], NOON)

    answer = begin(bad)

    assert isinstance(answer, Begun), answer
    login, forward = bad.elb.actions(bad.rule)
    assert login == secret
    assert forward["Order"] == 2
    assert bad.weights() == {"blue": 100, "green": 0}


# ------------------------------------------------------------------------------------------------------------- sessions


def test_who_is_bound_to_the_bad_release_is_moved_with_the_next_request(stage):
    stage.weighs(blue=90, green=10, sticky=3600)
    stage.elb.bind(stage.rule, "ada", "green", NOON)

    begin(stage)

    assert stage.elb.guest(stage.rule, "ada", NOON) == "blue"


def test_a_weight_of_nothing_alone_would_have_left_them_there(stage):
    """What `sessions: stay` does, for whoever keeps sessions in memory."""
    stage.weighs(blue=90, green=10, sticky=3600)
    stage.elb.bind(stage.rule, "ada", "green", NOON)

    begin(stage, sessions="stay")

    assert stage.weights() == {"blue": 100, "green": 0}
    assert stage.elb.guest(stage.rule, "ada", NOON) == "green"
    assert stage.elb.guest(stage.rule, "new", NOON) == "blue"


# ------------------------------------------------------------------------------------------------------- no compare-and-set


def test_somebody_who_changes_the_rule_between_our_looks_is_not_undone(bad):
    bad.aws = Meddled(bad.aws, "add_tags", lambda: bad.weighs(blue=10, green=90))
    bad.restarted()

    answer = begin(bad)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert "changed the rule meanwhile" in answer.words
    assert bad.weights() == {"blue": 10, "green": 90}


def test_somebody_who_changes_it_in_the_very_moment_is_overwritten_and_that_is_said_before(bad):
    """The balancer has no compare-and-set: this is what remains, and `plan` says it."""
    told = bad.run(bad.target().foretell(bad.move()))
    bad.aws = Meddled(bad.aws, "modify_rule", lambda: bad.weighs(blue=10, green=90))
    bad.restarted()

    begin(bad)

    assert bad.weights() == {"blue": 100, "green": 0}
    assert "no compare-and-set" in told.calls[-1]


# ------------------------------------------------------------------------------------------------------------- when not to


def test_a_third_release_is_somebody_elses(bad):
    bad.elb.create_group("red", NOON)
    bad.elb.release("red", "v3", NOON)
    for weights in ({"red": 100}, {"green": 90, "red": 10}, {"blue": 90, "red": 10}):
        bad.weighs(**{"blue": 0, **weights})

        answer = begin(bad)

        assert isinstance(answer, Refused)
        assert answer.third_tag == "v3"
    assert bad.changed() == []


def test_where_the_wanted_release_serves_nothing_is_sent(stage):
    assert begin(stage) == AlreadyThere()
    assert stage.world.mutating_calls() == []


def test_a_release_that_no_group_serves_any_more_cannot_be_gone_back_to(bad):
    bad.elb.release("blue", "v3", NOON)

    answer = begin(bad)

    assert isinstance(answer, Refused)
    assert "serves v1 any more (blue serves v3, green serves v2): deploy it again" in answer.words
    assert bad.changed() == []


@pytest.mark.parametrize("states", [("unhealthy", "unhealthy"), ("initial",), ("draining", "draining"), ()])
def test_a_group_without_a_healthy_target_is_not_given_the_traffic(bad, states):
    bad.elb.have("blue", NOON, *states, reason="Target.ResponseCodeMismatch", description="codes: [503]")

    answer = begin(bad)

    assert isinstance(answer, Refused)
    assert answer.words.startswith("no target of blue is healthy")
    assert bad.world.mutating_calls() == []
    assert bad.weights() == {"blue": 0, "green": 100}


@pytest.mark.parametrize("states", [("healthy", "unhealthy"), ("unavailable",)])
def test_one_target_that_can_answer_is_enough(bad, states):
    bad.elb.have("blue", NOON, *states)

    assert isinstance(begin(bad), Begun)


def test_where_health_cannot_be_read_nothing_is_moved(bad):
    bad.world.faults.fail("elbv2", "DescribeTargetHealth", times=None)

    answer = begin(bad)

    assert isinstance(answer, Refused)
    assert answer.again_in is not None
    assert bad.changed() == []


def test_without_a_role_to_act_nothing_is_tried(bad):
    answer = begin(bad, account=READS_ONLY)

    assert isinstance(answer, Refused)
    assert "configure `act:`" in answer.words
    assert bad.world.mutating_calls() == []


def test_it_acts_with_the_role_to_act_alone(bad):
    begin(bad)

    assert [(call.operation, call.by) for call in bad.world.mutating_calls()] == [
        ("AddTags", ACTOR),
        ("ModifyRule", ACTOR),
    ]


def test_a_trace_that_cannot_be_left_keeps_no_rollback_from_being_made(bad):
    bad.world.faults.fail("elbv2", "AddTags", error=AwsError("TooManyTags", "fifty"), times=None)

    answer = begin(bad)

    assert isinstance(answer, Begun)
    assert "its trace could not be left on the rule" in answer.words
    assert bad.weights() == {"blue": 100, "green": 0}


def test_names_too_long_for_a_trace_keep_none_either(bad):
    long = "v" + "9" * 127
    bad.elb.release("blue", long, NOON)
    move = bad.move(to=long)

    answer = bad.run(bad.target().begin(move, "k" * 128))

    assert isinstance(answer, Begun)
    assert "it fits in no tag" in answer.words


@pytest.mark.parametrize(
    ("error", "kind", "again"),
    [
        (AwsError("Throttling", "slow down"), Refused, True),
        (AwsError("OperationNotPermitted", "not this one"), Refused, False),
        (AwsError("InternalFailure", "oops", 500), Unclear, False),
    ],
)
def test_what_aws_says_to_a_move_is_told_apart(bad, error, kind, again):
    bad.world.faults.fail("elbv2", "ModifyRule", error=error)

    answer = begin(bad)

    assert isinstance(answer, kind)
    assert (getattr(answer, "again_in", None) is not None) is again


# --------------------------------------------------------------------------------------------------------- how far it is


def test_it_serves_as_soon_as_the_rule_says_so(bad):
    target, move = bad.target(), bad.move()
    bad.run(target.begin(move, KEY))

    assert bad.run(target.progress(move, KEY)) == Serving()


def test_an_order_that_was_lost_is_said_after_two_minutes_by_the_trace_that_was_left(bad):
    bad.world.faults.fail("elbv2", "ModifyRule", error=AwsError("InternalFailure", "oops", 500))
    begin(bad)
    bad.goes_on(seconds=119)
    still = bad.run(bad.restarted().target().progress(bad.move(), KEY))
    bad.goes_on(seconds=1)
    failed = bad.run(bad.restarted().target().progress(bad.move(), KEY))

    assert isinstance(still, Moving)
    assert isinstance(failed, Failed)
    assert "aws elbv2 modify-rule --rule-arn" in failed.by_hand
    assert failed.by_hand.endswith("# all to v1")


def test_the_trace_of_another_move_says_nothing_of_this_one(bad):
    bad.run(bad.target().begin(bad.move(), "w_0.1.0"))
    bad.weighs(blue=0, green=100)
    bad.goes_on(hours=1)

    assert isinstance(bad.run(bad.target().progress(bad.move(), KEY)), Moving)


def test_reads_that_are_late_are_waited_for(bad):
    target, move = bad.target(), bad.move()
    bad.goes_on(seconds=20)
    bad.run(target.begin(move, KEY))
    bad.world.faults.stale("elbv2", by=timedelta(seconds=10), until=NOON + timedelta(seconds=40))

    assert isinstance(bad.run(target.progress(move, KEY)), Moving)
    bad.goes_on(seconds=30)
    assert bad.run(target.progress(move, KEY)) == Serving()


# ------------------------------------------------------------------------------------------------------ what is refused

READS = ("DescribeRules", "DescribeTags", "DescribeTargetHealth", "DescribeTargetGroupAttributes")


@pytest.mark.parametrize("fault", ["throttle", "fail", "lose_answer"])
@pytest.mark.parametrize("operation", [*READS, "AddTags", "ModifyRule"])
def test_whatever_is_refused_each_operation_answers_with_a_value(operation, fault):
    stage = Stage()
    stage.weighs(blue=50, green=50)
    getattr(stage.world.faults, fault)("elbv2", operation, times=None)
    target, move = stage.target(), stage.move()

    assert isinstance(stage.run(target.observe()), Live | Unreadable)
    stage.run(target.resolve({}))
    stage.run(target.foretell(move))
    assert isinstance(stage.run(target.begin(move, KEY)), Begun | Refused | Unclear)
    assert isinstance(stage.run(target.progress(move, KEY)), Moving | Serving | Unreadable)
    stage.run(target.recall(NOON))
