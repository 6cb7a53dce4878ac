"""The services in force; and targets that always answer."""

import asyncio
from dataclasses import replace

import pytest

from deploy.model import Foretold, Live, Move, RollbackPlan, Unclear, Unreadable
from deploy.target import Staged, StandingBy
from tests.builders import a_release, a_service
from tests.watcher.runtime.at_work import ATarget, hang, virtual
from watcher.runtime.fleet import Current, Fleet

KEY = ("checkout", "production")
MOVE = Move("service", a_release("v43"), a_release("v42"))
SILENCE = "no answer within 8 s"


def a_fleet(target):
    return Fleet({KEY: a_service()}, {KEY: {"service": target}})


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda target: target.resolve({"tag": "v43"}), Unreadable(SILENCE)),
        (lambda target: target.observe(), Unreadable(SILENCE)),
        (lambda target: target.progress(MOVE, "key"), Unreadable(SILENCE)),
        (lambda target: target.begin(MOVE, "key"), Unclear(SILENCE)),  # it may have happened
        (lambda target: target.foretell(MOVE), Foretold((), obstacles=(SILENCE,))),
    ],
)
@virtual
async def test_a_platform_that_hangs_is_answered_for(ask, answer):
    target = Current(a_fleet(ATarget(does=hang))).targets(KEY)["service"]

    assert await ask(target) == answer
    assert asyncio.get_running_loop().time() == 8


async def test_what_a_kind_of_target_does_not_undo_stands_in_each_plan_also_after_the_configuration_was_read_again():
    plan = RollbackPlan(*KEY, (MOVE,))
    fleet = replace(
        a_fleet(ATarget(live=Live(a_release("v43")))), not_undone={KEY: {"service": "migrations"}}
    )
    current = Current(fleet)

    told = [await fleet.foretell(plan), await current.foretell(plan)]
    current.swap(Fleet())
    told.append(await current.foretell(plan))

    assert [each["service"].not_undone for each in told] == ["migrations"] * 3
    assert [each["service"].calls for each in told] == [("put v42",)] * 3


class Standing(ATarget):
    """Its traffic is shared out at a word, and what has none is known by its name."""

    async def shift(self, shift, key):
        return await self.begin(MOVE, key)

    async def shifted(self, shift, key):
        return await self.progress(MOVE, key)

    async def stands_by(self, hints):
        return await self.resolve(hints)

    async def unready(self, release):
        return str(await self.resolve({"tag": release.tag}))


@virtual
async def test_one_that_knows_what_stands_by_is_answered_for_too_and_another_is_not_asked():
    target = Current(a_fleet(Standing(does=hang))).targets(KEY)["service"]

    assert isinstance(target, StandingBy)
    assert isinstance(target, Staged)
    assert await target.stands_by({"tag": "v43"}) == Unreadable(SILENCE)
    in_time = Current(a_fleet(Standing())).targets(KEY)["service"]
    assert isinstance(in_time, StandingBy)
    assert await in_time.stands_by({"tag": "v43"}) == a_release("v43")
    assert not isinstance(Current(a_fleet(ATarget())).targets(KEY)["service"], StandingBy)


@virtual
async def test_what_a_target_says_in_time_is_passed_on():
    platform = ATarget()
    target = Current(a_fleet(platform)).targets(KEY)["service"]

    assert target.part == "service"
    assert await target.resolve({"tag": "v43"}) == a_release("v43")
    assert await target.observe() == platform.live
    assert await target.begin(MOVE, "key") == platform.begins
    assert await target.progress(MOVE, "key") == platform.goes
    assert (await target.foretell(MOVE)).calls == ("put v42",)


def test_another_fleet_is_put_in_force_as_a_whole():
    current = Current(a_fleet(ATarget()))

    current.swap(Fleet({("cart", "production"): a_service(name="cart")}, {("cart", "production"): {}}))

    assert set(current.services) == {("cart", "production")}


def test_a_service_that_vanishes_keeps_its_targets_for_the_rollback_that_is_under_way():
    current = Current(a_fleet(ATarget()))

    current.swap(Fleet())

    assert set(current.targets(KEY)) == {"service"}
    assert current.targets(("never", "known")) == {}


@virtual
async def test_whether_it_is_warm_is_answered_for_too():
    target = Current(a_fleet(Standing(does=hang))).targets(KEY)["service"]

    assert isinstance(target, StandingBy)
    assert await target.unready(a_release("v43")) == Unreadable(SILENCE)
