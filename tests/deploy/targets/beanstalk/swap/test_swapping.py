"""Putting back by a swap of names: to exactly the other environment, once, and never on an answer that was lost."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
    RollbackPlan,
    Serving,
    Unclear,
    Unfinished,
)
from deploy.ports import Aws, AwsCall
from deploy.rollback import Done, Going, Outcome, Unknown, roll_back
from deploy.targets.beanstalk import BeanstalkTarget
from tests.deploy.targets.beanstalk.stage import KEY, READS_ONLY
from tests.deploy.targets.beanstalk.swap.pair_stage import BLUE, CNAME, GREEN, TRACE, PairStage
from tests.fakes.aws import AwsError

SWAP = "SwapEnvironmentCNAMEs"


def test_the_name_goes_back_to_the_environment_that_served_before_by_one_call_and_a_trace(stage):
    stage.deployed("v2")

    answer = stage.run(stage.target().begin(stage.move(), KEY))

    assert isinstance(answer, Begun)
    assert stage.changed() == [SWAP]
    (swap,) = [call for call in stage.world.calls if call.operation == SWAP]
    assert swap.parameters == {"SourceEnvironmentName": GREEN, "DestinationEnvironmentName": BLUE}
    assert stage.tags("v1")[TRACE].startswith(f"{KEY} ")
    stage.goes_on(seconds=2)
    assert stage.named == BLUE


def test_it_serves_only_when_the_answers_of_dns_have_ended(stage):
    stage.deployed("v2")
    target, move = stage.target(), stage.move()
    stage.run(target.begin(move, KEY))

    seen = []
    for wait in (1, 2, 55, 6):
        stage.goes_on(seconds=wait)
        seen.append(stage.progress(move, target=target))

    assert [type(each) for each in seen] == [Moving, Moving, Moving, Serving]
    assert "for 60 s who has asked before goes to v2 still" in seen[2].words
    assert stage.changed() == [SWAP]


def test_that_an_event_is_late_does_not_shorten_the_time_of_dns(stage):
    stage.beanstalk.swaps.told_after = timedelta(minutes=5)
    stage.deployed("v2")
    target, move = stage.target(), stage.move()
    stage.live(target)
    stage.run(target.begin(move, KEY))
    stage.goes_on(seconds=10)

    assert isinstance(stage.progress(move, target=target), Moving)
    stage.goes_on(seconds=61)
    assert isinstance(stage.progress(move, target=target), Serving)


@pytest.mark.parametrize("stamps", [True, False], ids=["stamped", "not stamped"])
def test_what_was_swapped_already_is_not_swapped_again(stage, stamps):
    stage.beanstalk.swaps.stamps = stamps
    stage.deployed("v2")
    move = stage.move()
    stage.swaps()
    soon = stage.run(stage.target().begin(move, KEY))
    stage.goes_on(minutes=2)
    later = stage.run(stage.target().begin(move, KEY))

    assert isinstance(soon, Begun)
    assert f"{CNAME} leads to {BLUE} and so to v1 already" in soon.words
    assert later == AlreadyThere()
    assert stage.changed() == []


def test_a_third_release_is_left_alone_and_named(stage):
    stage.deployed("v2")
    move = stage.move()
    stage.deployed("v3")

    answer, progress = stage.run(stage.target().begin(move, KEY)), stage.progress(move)

    assert isinstance(answer, Refused)
    assert answer.third_tag == "v3"
    assert isinstance(progress, Drifted)
    assert progress.tag == "v3"
    assert stage.changed() == []


# -------------------------------------------------------------------------------------------------- what is against it


def terminated(stage: PairStage) -> None:
    stage.beanstalk.terminate(BLUE)


def is_terminating(stage: PairStage) -> None:
    stage.beanstalk.set_status(BLUE, "Terminating", stage.clock.time)


def has_another(stage: PairStage) -> None:
    stage.beanstalk.deploy(BLUE, "v3", stage.clock.time)
    stage.goes_on(minutes=10)


def is_updated(stage: PairStage) -> None:
    stage.beanstalk.deploy(BLUE, "v3", stage.clock.time)


def is_red(stage: PairStage) -> None:
    stage.beanstalk.find(BLUE).ill = ("Red", "Severe")


def is_grey(stage: PairStage) -> None:
    stage.beanstalk.find(BLUE).ill = ("Grey", "NoData")


def is_half(stage: PairStage) -> None:
    """An update there was broken off: some of its instances have another version."""
    environment = stage.beanstalk.find(BLUE)
    state = environment.states.latest
    first, *rest = state.instances
    environment.put(
        replace(state, updated=stage.clock.time, instances=(replace(first, label="v3", deployment=2), *rest)),
        stage.clock.time,
    )


@pytest.mark.parametrize(
    ("happens", "words", "gone"),
    [
        (terminated, f"the other environment {BLUE} is not there: it was terminated", True),
        (is_terminating, f"the other environment {BLUE} is Terminating: v1 is to be deployed anew", True),
        (has_another, f"the other environment {BLUE} runs v3, not v1: deploy v1 there", True),
        (is_updated, f"the other environment {BLUE} is Updating to v3: somebody deploys there", True),
        (is_red, f"the health of the other environment {BLUE} is Red (Severe), not Green", False),
        (is_grey, f"the health of the other environment {BLUE} is Grey (NoData), not Green", False),
        (is_half, f"the other environment {BLUE} does not run v1 alone: 1 of 4 instances run v3", False),
    ],
)
def test_what_is_against_a_swap_is_named_foretold_and_nothing_is_sent(stage, happens, words, gone):
    stage.deployed("v2")
    move = stage.move()
    before = stage.foretold(move)
    happens(stage)

    answer, foretold = stage.run(stage.target().begin(move, KEY)), stage.foretold(move)

    assert isinstance(answer, Refused)
    assert answer.words.startswith(words)
    assert answer.again_in is None
    assert stage.changed() == []
    assert (before.obstacles, before.gone) == ((), ())
    assert foretold.obstacles[0] == answer.words
    assert foretold.gone == ((answer.words,) if gone else ())


def test_another_environment_that_is_not_to_be_seen_is_not_known_to_be_gone(stage):
    """A role to read that may see only one of them: Beanstalk answers as if there were no other."""
    stage.deployed("v2")
    move = stage.move()
    stage.beanstalk.hides(BLUE)

    answer, foretold = stage.run(stage.target().begin(move, KEY)), stage.foretold(move)

    assert isinstance(answer, Refused)
    assert (foretold.gone, foretold.unread) == ((), True)
    assert foretold.obstacles[0] == answer.words
    assert "or the role to read may not see it" in answer.words
    assert stage.changed() == []


def test_one_that_was_terminated_and_made_anew_is_there(stage):
    stage.deployed("v2")
    stage.beanstalk.terminate(BLUE)
    stage.beanstalk.create_environment("shop", BLUE, "v1", stage.clock.time)

    foretold = stage.foretold()

    assert (foretold.gone, foretold.unread) == ((), False)


@pytest.mark.parametrize("name", [BLUE, GREEN])
def test_what_is_only_busy_is_awaited(stage, name):
    stage.deployed("v2")
    stage.beanstalk.set_status(name, "Updating", stage.clock.time)

    answer = stage.run(stage.target().begin(stage.move(), KEY))

    assert isinstance(answer, Refused)
    assert name in answer.words
    assert answer.again_in is not None
    assert stage.foretold().gone == ()
    assert stage.changed() == []


def test_must_be_ready_is_asked_again(stage):
    stage.deployed("v2")
    busy = AwsError(
        "InvalidParameterValue", f"Environment named {BLUE} is in an invalid state. Must be Ready."
    )
    stage.world.faults.fail("elasticbeanstalk", SWAP, error=busy, times=1)
    target, move = stage.target(), stage.move()
    first = stage.run(target.begin(move, KEY))
    second = stage.run(target.begin(move, KEY))

    assert isinstance(first, Refused)
    assert first.again_in is not None
    assert isinstance(second, Begun)


def test_without_a_role_to_act_nothing_is_tried(stage):
    stage.deployed("v2")

    assert isinstance(stage.run(stage.target(READS_ONLY).begin(stage.move(), KEY)), Refused)
    assert stage.world.mutating_calls() == []


@dataclass
class Between:
    """Ports to AWS; something happens while our trace is written, which is between our look and the call."""

    aws: Aws
    happens: Callable[[], None] | None

    @property
    def read(self) -> AwsCall:
        return self.aws.read

    async def act(self, scope: str, service: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
        if operation == "update_tags_for_resource" and self.happens is not None:
            self.happens()
            self.happens = None
        return await self.aws.act(scope, service, operation, **parameters)


def test_another_hand_that_swaps_between_our_look_and_the_call_is_not_swapped_back(stage):
    stage.deployed("v2")
    move = stage.move()
    stage.beanstalk.swaps.takes = timedelta(0)
    target = stage.meanwhile(lambda aws: Between(aws, stage.swaps)).target()
    answer = stage.run(target.begin(move, KEY))
    sent, leads = stage.changed(), stage.named
    stage.swaps()
    again = stage.run(target.begin(move, KEY))

    assert isinstance(answer, Refused)
    assert f"{CNAME} leads to {BLUE} now: another hand has swapped it" in answer.words
    assert answer.again_in is not None
    assert (sent, leads) == ([], BLUE)
    assert isinstance(again, Begun)  # what was not sent is not taken for sent
    assert stage.changed() == [SWAP]


def test_a_name_that_is_lost_between_our_look_and_the_call_is_not_swapped(stage):
    stage.deployed("v2")
    move = stage.move()
    target = stage.meanwhile(lambda aws: Between(aws, lambda: stage.beanstalk.terminate(GREEN))).target()

    answer = stage.run(target.begin(move, KEY))

    assert isinstance(answer, Refused)
    assert f"none of the environments has the name {CNAME}" in answer.words
    assert stage.changed() == []


# ------------------------------------------------------------------------------------------- answers that are not clear


def test_an_answer_that_is_lost_is_unclear_and_read_and_never_sent_again(stage):
    stage.deployed("v2")
    stage.world.faults.lose_answer("elasticbeanstalk", SWAP)
    target, move = stage.target(), stage.move()
    answer = stage.run(target.begin(move, KEY))
    again = stage.run(stage.restarted().target().begin(move, KEY))
    stage.goes_on(minutes=2)

    assert isinstance(answer, Unclear)
    assert isinstance(again, Begun | Refused)
    assert stage.changed() == [SWAP]
    assert stage.progress(move) == Serving()


@pytest.mark.parametrize("restarts", [False, True])
def test_reads_that_are_late_do_not_make_it_swap_twice(stage, restarts):
    """What is read of environments is a minute old: the name seems to be where it was, and our call to have come to nothing."""
    stage.deployed("v2")
    stage.goes_on(minutes=5)
    target, move = stage.target(), stage.move()
    stage.beanstalk.swaps.takes = timedelta(0)
    stage.run(target.begin(move, KEY))
    for operation in ("DescribeEnvironments", "DescribeEvents", "DescribeInstancesHealth"):
        stage.world.faults.stale("elasticbeanstalk", operation, by=timedelta(seconds=60), times=None)
    stage.goes_on(seconds=30)
    target = stage.restarted().target() if restarts else target
    progress, answer = stage.progress(move, target=target), stage.run(target.begin(move, KEY))

    assert isinstance(progress, Moving | Unfinished)
    assert isinstance(answer, Begun)
    assert stage.changed() == [SWAP]


@dataclass
class Lives:
    """What performers do with an action, one after the other, and no more."""

    stage: PairStage
    move: Move
    sent: int = 0
    begun: bool = False

    def go_on(self, target: BeanstalkTarget, *, is_killed: bool = False) -> Outcome:
        """One step. *is_killed*: before what came of a call is written."""

        async def intend(_move: Move) -> bool:
            self.begun = True
            return True

        plan = RollbackPlan("checkout", "production", (self.move,))
        outcome = self.stage.run(
            roll_back(plan, {"service": target}, KEY, sent=self.sent, intend=intend, begun=self.begun)
        )
        if isinstance(outcome, Going | Unknown) and not is_killed:
            self.begun, self.sent = self.begun and not outcome.sent, outcome.sent
        return outcome


@pytest.mark.parametrize("is_killed", [True, False], ids=["its answer is not written", "it is"])
@pytest.mark.parametrize("leaves_trace", [True, False])
def test_a_restart_within_seconds_of_our_swap_does_not_swap_twice_where_nothing_of_it_is_to_be_read_yet(
    stage, is_killed, leaves_trace
):
    """Environments, events and tags are read as they were a minute ago: all that another life has of it is the store."""
    stage.deployed("v2")
    stage.goes_on(minutes=5)
    stage.beanstalk.swaps.takes = timedelta(0)
    lives = Lives(stage, stage.move())
    if not leaves_trace:
        stage.world.faults.fail("elasticbeanstalk", "UpdateTagsForResource")
    lives.go_on(stage.target(), is_killed=is_killed)
    stage.goes_on(seconds=5)
    stale = stage.world.faults.stale("elasticbeanstalk", by=timedelta(seconds=60))
    target, seen = stage.restarted().target(), []
    for _ in range(10):
        seen.append(lives.go_on(target))
        stage.goes_on(seconds=5)
    stage.world.faults.lift(stale)
    lives.go_on(target)
    stage.goes_on(seconds=61)
    ends = lives.go_on(target)

    assert stage.changed() == [SWAP]
    assert stage.named == BLUE
    assert {type(each) for each in seen} == {Going}
    assert ends == Done()


def test_what_was_to_be_sent_when_it_was_killed_and_was_not_is_sent_by_the_next_life(stage):
    """No trace and no swap: an intent in the store alone. It is looked at for as long as anything is late, and sent then."""
    stage.deployed("v2")
    stage.goes_on(minutes=5)
    lives = Lives(stage, stage.move(), begun=True)
    target = stage.target()
    first = lives.go_on(target)
    early = stage.changed()
    stage.goes_on(seconds=121)
    lives.go_on(target)
    stage.goes_on(seconds=63)

    assert isinstance(first, Going)
    assert early == []
    assert stage.changed() == [SWAP]
    assert lives.go_on(target) == Done()


def test_a_call_that_came_to_nothing_is_seen_to_have_and_sent_once_more(stage):
    """The daemon was killed between its trace and the call: a trace, and no swap."""
    stage.deployed("v2")
    stage.goes_on(minutes=5)
    move = stage.move()
    stage.beanstalk.tag(
        "shop", "v1", stage.clock.time, {TRACE: f"{KEY} {stage.clock.time.timestamp():.0f} v2"}
    )
    first, at_once = stage.progress(move), stage.run(stage.target().begin(move, KEY))
    stage.goes_on(seconds=121)
    then = stage.progress(move)
    answer = stage.run(stage.target().begin(move, KEY))

    assert isinstance(first, Moving)
    assert isinstance(at_once, Begun)
    assert isinstance(then, Unfinished)
    assert isinstance(answer, Begun)
    assert stage.changed() == [SWAP]


def test_what_is_under_way_for_long_is_not_taken_for_lost(stage):
    """Beanstalk may not say that it has changed an environment before it is done with it."""
    stage.deployed("v2")
    stage.goes_on(minutes=5)
    move, blue = stage.move(), stage.beanstalk.find(BLUE)
    stage.beanstalk.tag(
        "shop", "v1", stage.clock.time, {TRACE: f"{KEY} {stage.clock.time.timestamp():.0f} v2"}
    )
    blue.put(replace(blue.states.latest, status="Updating"), stage.clock.time)
    stage.goes_on(seconds=121)

    assert isinstance(stage.progress(move), Moving)
    stage.run(stage.target().begin(move, KEY))
    assert stage.changed() == []


def test_where_the_other_environment_is_terminated_after_the_order_a_person_is_needed(stage):
    stage.deployed("v2")
    stage.goes_on(minutes=5)
    target, move = stage.target(), stage.move()
    stage.world.faults.fail("elasticbeanstalk", SWAP, error=AwsError("InternalFailure", "later", 500))
    stage.world.faults.lose_answer("elasticbeanstalk", SWAP)
    stage.run(target.begin(move, KEY))
    stage.beanstalk.terminate(BLUE)
    stage.goes_on(seconds=121)

    progress = stage.progress(move)

    assert isinstance(progress, Failed)
    assert "the other environment is not there any more since" in progress.words


def test_what_another_hand_has_swapped_to_and_fro_needs_a_person(stage):
    stage.deployed("v2")
    stage.goes_on(minutes=5)
    target, move = stage.target(), stage.move()
    stage.run(target.begin(move, KEY))
    stage.goes_on(seconds=10)
    stage.swaps()
    stage.goes_on(seconds=120)
    progress, answer = stage.progress(move, target=target), stage.run(target.begin(move, KEY))

    assert isinstance(progress, Failed)
    assert "another hand may have moved it" in progress.words
    assert "swap-environment-cnames" in progress.by_hand
    assert isinstance(answer, Begun)
    assert stage.changed() == [SWAP]
    assert stage.named == GREEN
