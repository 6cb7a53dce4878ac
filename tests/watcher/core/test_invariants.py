"""The invariants of DESIGN §6, under whatever may happen in whatever order."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from deploy.model import Phase
from rules.model import Consequence
from rules.recovery import Level
from rules.verdict import Onset, Outcome
from tests.builders import (
    NOON,
    READY,
    a_blind_judgement,
    a_breach,
    a_judgement,
    a_policy,
    a_verdict,
    an_announcement,
    hours,
    minutes,
    seconds,
)
from tests.watcher.core.small_world import World
from tests.watcher.core.taken import due
from watcher.core.service import Asking, Bake, Hooks, Mode, Rollout, Stage, Then
from watcher.core.watch import ActionState, OrderKind, State

TAGS = [f"v{number}" for number in range(1, 6)]
JUDGEMENTS = {  # by name, so that a failing example reads well
    "healthy": a_judgement(),
    "undecided": a_judgement(a_verdict(), a_verdict(Outcome.UNDECIDED, READY)),
    "spent": a_judgement(a_verdict(spent=True, outcome=Outcome.BLIND), a_verdict(rule=READY)),
    "nothing can act": a_judgement(a_verdict(rule=replace(READY, on_breach=Consequence.TELL))),
    "blind": a_blind_judgement(),
    "blind and asks": a_blind_judgement(asks=True),
    "breached": a_breach(),
    "breached by a rule that asks": a_breach(asks=True),
    "breached with a control": a_breach(doubts=("the database is well",)),
    "breached late": a_breach(compared=False, onset=Onset(NOON + hours(1), NOON + hours(1), NOON + hours(2))),
}
LEVELS = {"well": Level(True, "well"), "not well": Level(False, "not well"), "not seen": Level(None, "")}
POLICIES = {
    "auto": a_policy(),
    "auto, counts down": a_policy(countdown=seconds(30)),
    "auto, goes if unanswered": a_policy(asking=Asking(minutes(5), Then.ROLL_BACK)),
    "ask": a_policy(Mode.ASK),
    "ask, goes if unanswered": a_policy(
        Mode.ASK, asking=Asking(minutes(5), Then.ROLL_BACK), bake=Bake(minutes(5), minutes(10))
    ),
    "shadow": a_policy(Mode.SHADOW),
}
STAGES = Rollout(stages=(Stage(0.05), Stage(0.25), Stage(1.0)), at_least=minutes(5), at_most=minutes(20))
HOOKS = Rollout(hooks=Hooks.ANSWER, at_least=minutes(5), at_most=minutes(20))
IN_STAGES = {
    "auto": a_policy(rollout=STAGES),
    "auto, counts down": a_policy(rollout=STAGES, countdown=seconds(30)),
    "ask, and forward by itself": a_policy(Mode.ASK, rollout=replace(STAGES, forward=Mode.AUTO)),
    "ask, goes if unanswered": a_policy(Mode.ASK, rollout=STAGES, asking=Asking(minutes(5), Then.ROLL_BACK)),
    "shadow": a_policy(Mode.SHADOW, rollout=STAGES),
    "hooks": a_policy(rollout=HOOKS),
    "hooks, ask": a_policy(Mode.ASK, rollout=HOOKS),
}
SHARES = [0.05, 0.1, 0.25, 0.4]
SPANS = [seconds(1), seconds(30), minutes(5), minutes(31), hours(1), hours(5), hours(25)]


class Anything(RuleBasedStateMachine):
    """Whatever may happen, in whatever order, twice, late, or never."""

    @initialize(policy=st.sampled_from(sorted(POLICIES)))
    def begins(self, policy):
        self.world = World(POLICIES[policy])

    @rule(tag=st.sampled_from(TAGS), judgement=st.sampled_from(sorted(JUDGEMENTS)))
    def a_release_arrives_and_is_judged(self, tag, judgement):
        self.world.platform.deploy(tag)
        self.world.platform.finish()
        self.world.reads()
        self.world.judges(JUDGEMENTS[judgement], LEVELS["not seen"])

    @rule(
        tag=st.sampled_from(TAGS), state=st.sampled_from(ActionState), level=st.sampled_from(sorted(LEVELS))
    )
    def a_bad_release_arrives_and_is_rolled_back(self, tag, state, level):
        self.a_release_arrives_and_is_judged(tag, "breached")
        self.world.performs(state)
        self.world.passes(minutes(11))
        self.world.judges(JUDGEMENTS["breached"], LEVELS[level])

    @rule(tag=st.sampled_from(TAGS))
    def somebody_deploys(self, tag):
        self.world.platform.deploy(tag)

    @rule()
    def the_platform_is_done(self):
        self.world.platform.finish()

    @rule(
        tag=st.sampled_from(TAGS),
        phase=st.sampled_from(Phase),
        age=st.sampled_from([seconds(0), minutes(10), hours(3), hours(30), -minutes(9)]),
        source=st.sampled_from(["queue", "nobody"]),
    )
    def a_source_says(self, tag, phase, age, source):
        said = an_announcement(phase, source=source, at=self.world.now - age, hints={"tag": tag})
        self.world.hears(said)
        self.world.hears(said)

    @rule()
    def what_runs_is_read(self):
        self.world.reads()

    @rule(judgement=st.sampled_from(sorted(JUDGEMENTS)), level=st.sampled_from(sorted(LEVELS)))
    def it_is_judged(self, judgement, level):
        self.world.judges(JUDGEMENTS[judgement], LEVELS[level])

    @rule(state=st.sampled_from(ActionState))
    def the_performer_comes_to(self, state):
        self.world.performs(state)

    @rule(kind=st.sampled_from(OrderKind))
    def a_person_says(self, kind):
        self.world.orders(kind)

    @rule(length=st.sampled_from(SPANS))
    def time_passes(self, length):
        self.world.passes(length)

    @rule()
    def the_switch_is_turned(self):
        self.world.disarmed = not self.world.disarmed

    @rule()
    def three_other_services_roll_back(self):
        self.world.fleet += [self.world.now] * 3

    @invariant()
    def in_shadow_the_machine_does_nothing(self):
        if self.world.service.policy.mode is Mode.SHADOW:
            assert not self.world.automatic()

    @invariant()
    def no_more_happens_by_itself_in_a_day_than_may(self):
        since = self.world.now - timedelta(days=1)
        assert len([action for action in self.world.automatic() if action.queued_at > since]) <= 2

    @invariant()
    def what_lives_is_due(self):
        living = self.world.living
        assert living is None or living.due_at is not None

    @invariant()
    def it_is_told_where_it_has_been(self):
        for watch in self.world.watches.values():
            event(f"a watch was {watch.state.words}")

    def teardown(self):
        """Every watch ends, and none needs a person for it: only time passes, and nothing more is to be seen."""
        for _ in range(40):
            if (living := self.world.living) is None:
                return
            self.world.now = max(self.world.now, living.due_at or self.world.now)
            step = due(living, self.world.now, self.world.facts(living))
            if step is None:
                self.world.passes(hours(1))
            else:
                self.world.tries(living, step)
        assert self.world.living is None, f"it waits for ever: {self.world.living.state}"


class AnythingInStages(Anything):
    """The same, where the daemon moves the rollouts forward."""

    @initialize(policy=st.sampled_from(sorted(IN_STAGES)))
    def begins(self, policy):
        self.world = World(IN_STAGES[policy])

    @rule(
        tag=st.sampled_from(TAGS),
        share=st.sampled_from(SHARES),
        hook=st.sampled_from([0, 1]),
        judgement=st.sampled_from(sorted(JUDGEMENTS)),
    )
    def a_release_gets_a_share_and_is_judged(self, tag, share, hook, judgement):
        self.world.platform.deploy(tag, share, hook)
        self.world.reads()
        self.world.passes(minutes(6))
        self.world.judges(seen_now(JUDGEMENTS[judgement], self.world.now), LEVELS["not seen"])

    @rule()
    def it_is_seen_to_be_well(self):
        self.world.judges(seen_now(JUDGEMENTS["healthy"], self.world.now), LEVELS["well"])

    @rule(tag=st.sampled_from(TAGS), state=st.sampled_from(ActionState))
    def a_rollout_is_ordered_to_begin(self, tag, state):
        if self.world.starts(tag):
            self.world.judges(JUDGEMENTS["blind"], LEVELS["not seen"])
            self.world.performs(state)

    @rule(share=st.sampled_from(SHARES))
    def somebody_moves_the_traffic(self, share):
        self.world.platform.share = share


def seen_now(judgement, now):
    """*judgement*, of what was seen until *now*."""
    verdicts = (replace(each, seen=replace(each.seen, until=now)) for each in judgement.verdicts)
    return replace(judgement, verdicts=tuple(verdicts))


AnythingInStages.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestAnythingInStages = AnythingInStages.TestCase
Anything.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestAnything = Anything.TestCase


# --------------------------------------------------------------------------------------------------- a day, never still


def a_day(seed, policy):
    """A day of a service whose every release is bad, with a pipeline that never gives up."""
    world, chance = World(policy), random.Random(seed)
    end = NOON + hours(24)
    while world.now < end:
        world.passes(seconds(chance.choice([10, 20, 30, 60])))
        if chance.random() < 0.01:
            world.platform.deploy(chance.choice(TAGS))
        if chance.random() < 0.1:
            world.platform.finish()
        world.reads()
        if chance.random() < 0.05:
            phase, age = chance.choice(list(Phase)), minutes(chance.choice([0, 5, 60]))
            world.hears(an_announcement(phase, at=world.now - age, hints={"tag": chance.choice(TAGS)}))
        world.judges(
            a_breach() if chance.random() < 0.2 else a_judgement(), chance.choice(list(LEVELS.values()))
        )
        if chance.random() < 0.3:
            world.performs(
                chance.choice([ActionState.BEGUN, ActionState.DONE, ActionState.DONE, ActionState.FAILED])
            )
    return world


@pytest.mark.parametrize("seed", range(4))
def test_a_service_never_ping_pongs_though_every_release_is_bad_all_day(seed):
    world = a_day(seed, a_policy())

    moves = [action.plan.moves[0] for action in world.automatic()]
    assert 1 <= len(moves) <= 2, "the ceiling of a day"
    for first, second in pairwise(moves):
        assert (first.expect, first.to) != (second.to, second.expect), "there and back again"


def test_left_alone_after_its_rollback_it_is_still():
    world = World()
    world.platform.deploy("v2")
    world.platform.finish()
    world.reads()
    world.judges(a_breach(), LEVELS["well"])
    world.performs(ActionState.DONE)
    opened = len(world.watches)

    def everything_burns_on():
        world.reads()
        world.judges(a_breach(), LEVELS["not well"])
        for phase in Phase:
            world.hears(an_announcement(phase, at=world.now, hints={"tag": "v1"}))

    world.every(minutes(1), NOON + hours(24), everything_burns_on)

    assert world.platform.live == "v1"
    assert len(world.watches) == opened == 1
    assert [watch.state for watch in world.watches.values()] == [State.ROLLED_BACK]
    assert len(world.actions) == 1


def test_a_rollback_that_takes_effect_after_the_machine_gave_up_is_not_rolled_back():
    world = World()
    world.platform.deploy("v2")
    world.platform.finish()
    world.reads()
    world.judges(a_breach(), LEVELS["well"])
    world.performs(ActionState.BEGUN)
    world.passes(minutes(31))
    world.judges(a_breach(), LEVELS["well"])
    assert world.living
    assert world.living.state is State.STUCK
    assert world.orders(OrderKind.KEEP)

    world.platform.finish()
    world.every(minutes(1), world.now + hours(1), world.reads)
    world.every(minutes(1), world.now + hours(1), lambda: world.judges(a_breach(), LEVELS["well"]))

    assert len(world.watches) == 1
    assert len(world.actions) == 1


def test_it_comes_back_again_and_again_and_people_are_asked():
    world = World()
    for _ in range(4):
        world.platform.deploy("v2")
        world.platform.finish()
        world.reads()
        world.judges(a_breach(), LEVELS["well"])
        world.performs(ActionState.DONE)
        world.judges(a_breach(), LEVELS["well"])
        world.passes(minutes(20))

    assert len(world.automatic()) == 2
    assert world.living
    assert world.living.state is State.ASKING
    assert world.living.returning
