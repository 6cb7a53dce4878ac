from dataclasses import replace

import pytest

from deploy.model import Live
from rules.model import CanaryVsBaseline, TrafficDrop
from tests.builders import NOON, a_policy, a_watch, minutes, some_facts
from watcher.core.lifecycle import shared_out
from watcher.core.lifecycle.news import MOST_SHARES
from watcher.core.watch import State


def a_shared_watch(judge=None, **changes):
    policy = a_policy()
    rules = tuple(replace(rule, judge=judge or TrafficDrop()) for rule in policy.rules.rules)
    policy = replace(policy, rules=replace(policy.rules, rules=rules))
    return a_watch(changes.pop("state", State.WATCHING), policy=policy, **changes)


def seen(watch, share, at=NOON):
    (change,) = watch.deployment.parts
    live = Live(change.after, shares={} if share is None else {change.after.fingerprint: share})
    return shared_out(watch, {change.part: live}, at, some_facts())


def test_the_share_is_remembered_with_the_time_at_which_it_was_seen():
    step = seen(a_shared_watch(), 0.1)

    assert step is not None
    assert step.watch.shares == ((NOON, 0.1),)
    assert step.messages == ()


def test_only_another_share_is_news():
    watch = a_shared_watch(shares=((NOON - minutes(5), 0.1),))

    assert seen(watch, 0.1) is None
    step = seen(watch, 0.5)
    assert step is not None
    assert step.watch.shares == ((NOON - minutes(5), 0.1), (NOON, 0.5))


@pytest.mark.parametrize(
    ("watch", "share"),
    [
        (a_shared_watch(), None),
        (a_shared_watch(CanaryVsBaseline()), 0.1),
        (a_shared_watch(state=State.RECOVERING), 0.1),
    ],
    ids=["nobody tells it", "no rule looks at it", "it is on its way back"],
)
def test_what_nobody_asks_is_not_remembered(watch, share):
    assert seen(watch, share) is None


def test_of_parts_that_tell_different_shares_there_is_none():
    watch = a_shared_watch()
    (change,) = watch.deployment.parts
    parts = (change, replace(change, part="worker"))
    watch = replace(watch, deployment=replace(watch.deployment, parts=parts))

    def live(share):
        return Live(change.after, shares={change.after.fingerprint: share})

    assert shared_out(watch, {change.part: live(0.1), "worker": live(0.5)}, NOON, some_facts()) is None
    assert shared_out(watch, {change.part: live(0.1), "worker": live(0.1)}, NOON, some_facts()) is not None


def test_no_more_are_remembered_than_a_rollout_has_steps():
    many = tuple((NOON - minutes(MOST_SHARES - number), number / 1000) for number in range(MOST_SHARES))
    step = seen(a_shared_watch(shares=many), 0.9)

    assert step is not None
    assert len(step.watch.shares) == MOST_SHARES
    assert step.watch.shares[-1] == (NOON, 0.9)
