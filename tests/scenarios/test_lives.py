"""The daemon dies and is born again, has a twin, and is told other things: nothing is lost, and nothing is done twice."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.builders import minutes, seconds
from tests.scenarios.stage import EPOCH
from tests.scenarios.story import known, watched
from tests.scenarios.virtual import in_virtual_time
from tests.scenarios.world import Act, a_service, a_world, an_objective, compared, killed, release, together
from watcher.core.service import Bake, Mode
from watcher.core.watch import State
from watcher.store.store import Saved

BAD = release("v2", at=minutes(10), fails=0.05)
GOOD = release("v2", at=minutes(10))
RULES = together(compared(), an_objective())


def what_is_said(story):
    """All verdicts, but for what counts the seconds that remain: a second life looks at another second of the minute."""
    judgement = known(story.watch.judgement)
    return replace(
        judgement, at=EPOCH, verdicts=tuple(replace(each, can_see=None) for each in judgement.verdicts)
    )


# --------------------------------------------------------------------------------------------------------------- deaths


def test_a_watch_goes_on_after_a_restart_with_the_same_evidence_bit_for_bit():
    service = a_service(rules=RULES)

    quiet = in_virtual_time(watched(a_world(service, GOOD), minutes=40))
    story = in_virtual_time(
        watched(a_world(service, GOOD, killed(minutes(13.1)), killed(minutes(17.4))), minutes=40)
    )

    assert story.watch.evidence == quiet.watch.evidence
    assert what_is_said(story) == what_is_said(quiet)
    assert story.states() == quiet.states() == ["watching", "passed"]


def test_a_daemon_that_was_away_for_minutes_judges_what_it_missed():
    async def dies(stage):
        await stage.life.die()

    async def is_born(stage):
        stage.bear()

    world = a_world(BAD, Act(minutes(11), dies), Act(minutes(20), is_born))

    story = in_virtual_time(watched(world, minutes=40))

    assert minutes(20) < story.rolled_back_at < minutes(22)


@pytest.mark.parametrize("second", [0.2, 0.5, 0.9, 1.5, 3, 8, 15, 21, 23, 30])
def test_a_daemon_that_dies_in_the_middle_of_a_rollback_finishes_it_and_sends_nothing_twice(second):
    """The move is decided at 12:10 and takes twenty seconds: dead before it, in the call, after it, when it is there."""
    world = a_world(BAD, killed(minutes(12) + seconds(10 + second)))

    story = in_virtual_time(watched(world, minutes=40))

    assert story.watch.state is State.ROLLED_BACK
    assert len(story.actions) == 1
    assert story.calls_that_change == ["UpdateService v1"]


# ---------------------------------------------------------------------------------------------------------------- twins


@dataclass
class Written:
    """A store around the store that notes each revision that was saved."""

    store: Any
    saved: Counter[tuple[str, int]]

    def __getattr__(self, name):
        return getattr(self.store, name)

    async def save(self, step, *args):
        saving = await self.store.save(step, *args)
        if isinstance(saving, Saved):
            self.saved[step.watch.id, step.watch.revision] += 1
        return saving


@pytest.mark.parametrize("deployed", [BAD, GOOD])
def test_two_daemons_on_one_store_write_each_revision_once_and_act_once(deployed):
    saved: Counter[tuple[str, int]] = Counter()
    settings = {"around_store": lambda store: Written(store, saved)}

    story = in_virtual_time(watched(a_world(deployed, replicas=2, settings=settings), minutes=40))
    alone = in_virtual_time(watched(a_world(deployed), minutes=40))

    assert set(saved.values()) == {1}
    assert story.states() == alone.states()
    assert story.calls_that_change == alone.calls_that_change
    assert story.events == alone.events


def test_where_one_of_two_daemons_dies_the_other_goes_on():
    async def one_dies(stage):
        await stage.lives[0].die()

    world = a_world(BAD, Act(minutes(11), one_dies), replicas=2)

    story = in_virtual_time(watched(world, minutes=40))

    assert story.rolled_back_at < minutes(13.5)


# -------------------------------------------------------------------------------------------------- other configuration


def test_a_watch_keeps_the_policy_that_it_was_opened_with():
    async def softer(stage):
        stage.reads_again(a_service(mode=Mode.SHADOW, bake=Bake(minutes(1), minutes(2))))

    story = in_virtual_time(watched(a_world(BAD, Act(minutes(11), softer)), minutes=40))

    assert story.watch.policy.mode is Mode.AUTO
    assert story.watch.state is State.ROLLED_BACK


def test_a_deployment_after_the_reload_has_the_new_policy():
    async def softer(stage):
        stage.reads_again(a_service(mode=Mode.SHADOW))

    story = in_virtual_time(watched(a_world(BAD, Act(minutes(5), softer)), minutes=40))

    assert story.watch.state is State.KEPT
    assert story.calls_that_change == []


def test_a_rollback_of_a_service_that_vanishes_from_the_configuration_is_finished():
    async def vanishes(stage):
        stage.reads_again()

    story = in_virtual_time(watched(a_world(BAD, Act(minutes(12.25), vanishes)), minutes=40))

    assert story.watch.state is State.ROLLED_BACK
    assert story.calls_that_change == ["UpdateService v1"]


def test_a_watch_whose_signal_connection_is_gone_after_a_restart_is_blind_and_ends():
    async def loses_it(stage):
        stage.signals = {"others": stage.signals["others"]}
        await stage.is_killed_and_born_again()

    service = a_service(bake=Bake(minutes(10), minutes(20)))

    story = in_virtual_time(watched(a_world(service, GOOD, Act(minutes(12), loses_it)), minutes=60))

    assert story.bugs == []
    assert story.states() == ["watching", "unproven"]
    assert "no connection is called counts any more" in known(story.watch.judgement).verdicts[0].words
