"""What else moved around a watch, as whoever takes a step looks it up."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.builders import NOON, a_deployment, a_service, a_watch, minutes
from watcher.core.change import Beside, Change, ChangeKind
from watcher.core.service import Around
from watcher.core.watch import State, Step
from watcher.store.facts import Lookup
from watcher.store.sql import changes
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening, Store

AROUND = Around(told_by=("events",), own=("/checkout/*",))
CHECKOUT = a_service(around=AROUND)
CART = a_service(name="cart")
WATCH = a_watch(traffic_at=NOON - minutes(10), complete_at=NOON - minutes(10))


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with open_memory(MemorySettings(), Opening(lambda: NOON, threads=False)) as store:
        yield store


def looking(store, *services):
    known = {service.key: service for service in services or (CHECKOUT, CART)}
    return Lookup(store, lambda: known, lambda _rules: ())


async def moved(store, *changes):
    for change in changes:
        await store.add_change(change, NOON)


def at(before: float, what: str = "moved", **more) -> Change:
    return Change(NOON - minutes(before), what, **more)


async def test_it_is_looked_up_from_an_hour_before_the_switch_to_now(store):
    inside, outside = (at(70), at(0.1)), (at(70.1), at(0), at(-1))
    await moved(store, *inside, *outside)

    found = await looking(store).beside(WATCH, NOON)

    assert found == Beside(inside, told=True, around=AROUND)


async def test_before_the_switch_it_is_an_hour_before_now(store):
    early = replace(WATCH, traffic_at=None, complete_at=None, opened_at=NOON + minutes(1))
    await moved(store, at(60), at(60.1))

    assert (await looking(store).beside(early, NOON)).changes == (at(60),)


async def test_what_concerns_another_is_left_out(store):
    await moved(store, at(5, "mine", name="/checkout/limits"), at(5, "theirs", service="cart"))

    assert [each.what for each in (await looking(store).beside(WATCH, NOON)).changes] == ["mine"]


async def test_deployments_of_others_are_known_without_being_told(store):
    theirs = replace(
        a_watch(State.WATCHING, id="w_2", service="cart", opened_at=NOON - minutes(4)),
        revision=1,
        deployment=replace(a_deployment("v8"), service="cart"),
    )
    await store.open(Step(theirs, before=0), NOON)
    await store.open(Step(replace(WATCH, revision=1), before=0), NOON)

    (change,) = (await looking(store).beside(WATCH, NOON)).changes

    assert (change.what, change.kind, change.at) == (
        "cart v8 deployed",
        ChangeKind.DEPLOYMENT,
        NOON - minutes(4),
    )


async def test_where_nobody_tells_of_changes_that_is_known(store):
    assert not (await looking(store, a_service()).beside(WATCH, NOON)).told


async def test_while_whoever_tells_does_not_answer_that_nothing_was_told_says_nothing(store):
    lookup = replace(looking(store), deaf=lambda source, at: (source, at) == ("events", NOON))

    found = await lookup.beside(WATCH, NOON)

    assert (found.told, found.deaf) == (False, ("events",))
    assert (await lookup.beside(WATCH, NOON + minutes(1))).told


async def test_where_more_moved_than_is_looked_through_it_is_not_said_that_nothing_else_did(store):
    mine, nearer = at(50, name="/checkout/limits"), [at(5, service="cart")] * (changes.MOST - 1)
    await moved(store, mine, *nearer[1:])
    whole = await looking(store).beside(WATCH, NOON)
    assert (whole.changes, whole.told, whole.more) == ((mine,), True, False)

    await moved(store, nearer[0])
    found = await looking(store).beside(WATCH, NOON)
    assert (found.told, found.more) == (False, True)


async def test_what_moved_in_the_days_before_hides_nothing_of_the_hour(store):
    long_ago = NOON - minutes(60 * 30)
    days = replace(WATCH, opened_at=long_ago, traffic_at=long_ago, complete_at=long_ago)
    await moved(store, at(5), *[at(600, service="cart")] * changes.MOST)

    found = await looking(store).beside(days, NOON)

    assert (found.changes, found.told, found.more) == ((at(5),), True, False)


async def test_of_a_watch_that_is_over_it_is_looked_up_to_its_end(store):
    over = replace(WATCH, state=State.PASSED, ended_at=NOON - minutes(3))
    await moved(store, at(4, "before"), at(2, "after"))

    assert [each.what for each in (await looking(store).beside(over, NOON)).changes] == ["before"]


def test_a_sort_of_change_that_a_newer_version_knows_is_another_to_this_one():
    row = {
        "at": NOON.timestamp(),
        "what": "a moon rose",
        "kind": "celestial",
        "name": "moon",
        **dict.fromkeys(("service", "environment", "account", "region", "known_by", "told_by")),
    }
    asking = changes.read(NOON - minutes(1), NOON + minutes(1), NOON)
    next(asking)
    asking.send([row])
    asking.send([])
    with pytest.raises(StopIteration) as ended:
        asking.send([])

    assert ended.value.value == [Change(NOON, "a moon rose", name="moon")]


@pytest.mark.parametrize("document", ['{"v":1,"id":7}', '{"v":99}', "{"])
def test_a_watch_that_cannot_be_read_is_a_deployment_still_and_keeps_nobody_waiting(document):
    row = {"at": NOON.timestamp(), "id": "w_2", "service": "cart", "environment": "production"}
    asking = changes.read(NOON - minutes(1), NOON + minutes(1), NOON)
    next(asking)
    asking.send([])
    asking.send([row | {"document": document}])
    with pytest.raises(StopIteration) as ended:
        asking.send([row | {"document": document}])

    assert [(each.what, each.service, each.name) for each in ended.value.value] == [
        ("cart deployed", "cart", "w_2"),
        ("cart went back", "cart", "w_2"),
    ]


async def test_of_a_service_that_is_configured_no_more_nothing_is_said(store):
    await moved(store, at(5))

    assert await looking(store, CART).beside(WATCH, NOON) == Beside()


async def test_it_is_among_the_facts_of_a_step(store):
    await moved(store, at(5))

    assert (await looking(store).facts(WATCH, NOON)).beside.changes == (at(5),)
