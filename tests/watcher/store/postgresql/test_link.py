"""The way to the database: it swallows, it is cut, answers are late or lost. Nothing is lost, nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from tests.contract.store.build import (
    NOON,
    Clock,
    a_watch,
    an_action,
    claimed_action,
    opened,
    rolling_back,
    step_of,
)
from tests.replicas.link import Link, Trap, a_link
from tests.watcher.store.postgresql.server import Server, a_server
from tests.watcher.store.postgresql.test_contract import a_copy
from tests.watcher.store.postgresql.test_faults import crash, until_it_works
from watcher.core.watch import ActionState, State, Step, Watch
from watcher.errors import StoreUnavailable
from watcher.store.postgresql.opening import connected
from watcher.store.postgresql.settings import PostgresqlSettings
from watcher.store.stepping import change
from watcher.store.store import Opening, Saved, Stale, Store

COMMIT = "COMMIT\0"  # as it is said; a transaction begins with "READ COMMITTED"


@asynccontextmanager
async def a_store(server: Server, link: Link, name: str) -> AsyncIterator[Store]:
    dsn = server.dsn(name).replace(f":{server.port}/", f":{link.port}/")
    async with connected(PostgresqlSettings(dsn=SecretStr(dsn), pool=1), Opening(Clock())) as store:
        yield store


@asynccontextmanager
async def far_away(server: Server) -> AsyncIterator[tuple[Store, Link]]:
    """A store that is reached by a link."""
    name = await a_copy(server)
    async with a_link(server.port, "a") as link, a_store(server, link, name) as store:
        yield store, link


def rollback_of(watch: Watch) -> Step:
    return step_of(watch, State.ROLLING_BACK, {"actions": (an_action(watch),)})


async def roll_back_again(store: Store) -> None:
    """As everybody steps: read, decide, save. Who finds that it is rolling back has nothing to do."""
    await change(
        store, "w_1", lambda watch: None if watch.state is State.ROLLING_BACK else rollback_of(watch), NOON
    )


async def test_a_link_that_swallows_is_told_in_time_and_what_was_not_committed_did_not_happen(server_18):
    async with far_away(server_18) as (store, link):
        watch = await opened(store)
        link.traps.append(Trap(("INSERT INTO actions",), Link.swallow, answered=False))
        async with asyncio.timeout(60):
            with pytest.raises(StoreUnavailable, match="did not answer within 4 s; it did not happen"):
                await store.save(rollback_of(watch), NOON)
        async with asyncio.timeout(60):
            with pytest.raises(StoreUnavailable):
                await store.check()

        link.heal()
        await until_it_works(store)

        assert await store.get("w_1") == watch
        assert await store.actions("w_1") == []


async def test_an_answer_that_comes_late_is_not_taken_for_that_to_the_next_question(server_18):
    async with far_away(server_18) as (store, link):
        await opened(store)
        other = await opened(store, a_watch("w_2", "search"))
        link.traps.append(Trap(("FROM watches WHERE id",), Link.swallow))
        with pytest.raises(StoreUnavailable, match="did not answer within 4 s"):
            await store.get("w_1")

        link.heal()
        await until_it_works(store)

        assert await store.get("w_2") == other


async def test_a_commit_that_arrives_late_is_said_to_be_in_doubt_and_is_not_played_twice(server_18):
    async with far_away(server_18) as (store, link):
        watch = await opened(store)
        link.traps.append(Trap((COMMIT,), Link.swallow, answered=False))
        with pytest.raises(StoreUnavailable, match="did not answer within 4 s; it may have happened"):
            await store.save(rollback_of(watch), NOON)

        link.heal()
        await until_it_works(store)
        await roll_back_again(store)

        assert len(await store.actions("w_1")) == 1


@pytest.mark.parametrize("answered", [True, False], ids=["its answer is lost", "it is lost itself"])
async def test_a_link_that_is_cut_in_a_commit_leaves_doubt_and_reading_ends_it(server_18, answered):
    async with far_away(server_18) as (store, link):
        watch = await opened(store)
        link.traps.append(Trap((COMMIT,), Link.refuse, answered=answered))
        with pytest.raises(StoreUnavailable, match="it may have happened"):
            await store.save(rollback_of(watch), NOON)

        link.heal()
        await until_it_works(store)

        found = await store.get("w_1")
        assert found is not None
        assert (found.state is State.ROLLING_BACK) is answered
        assert isinstance(await store.save(rollback_of(watch), NOON), Stale if answered else Saved)
        await roll_back_again(store)
        assert len(await store.actions("w_1")) == 1


@pytest.mark.parametrize("answered", [True, False], ids=["its answer is lost", "it is lost itself"])
async def test_a_beginning_in_doubt_is_not_taken_for_leave_to_call(server_18, answered):
    """Who claims it next is told by its state whether a call may have been made, and looks what runs."""
    async with far_away(server_18) as (store, link):
        await rolling_back(store)
        claimed = await claimed_action(store)
        assert claimed is not None
        link.traps.append(Trap((COMMIT,), Link.refuse, answered=answered))
        with pytest.raises(StoreUnavailable, match="it may have happened"):
            await store.begin(claimed.action.id, claimed.fence, NOON)

        link.heal()
        await until_it_works(store)

        (found,) = await store.actions("w_1")
        assert (found.state, found.attempts) == (
            (ActionState.BEGUN, 1) if answered else (ActionState.PLANNED, 0)
        )


@pytest.mark.parametrize("answered", [True, False], ids=["after it", "before it"])
async def test_a_server_that_dies_in_a_commit_has_it_whole_or_not_at_all(answered):
    with a_server(18, safe=True) as server:
        async with a_link(server.port, "a") as link, a_store(server, link, server.database()) as store:
            watch = await opened(store)
            link.traps.append(Trap((COMMIT,), _dies(server), answered=answered))
            with pytest.raises(StoreUnavailable, match="it may have happened"):
                await store.save(rollback_of(watch), NOON)

            await until_it_works(store)

            assert len(await store.actions("w_1")) == (1 if answered else 0)
            await roll_back_again(store)
            assert len(await store.actions("w_1")) == 1


def _dies(server: Server) -> Callable[[Link], None]:
    def does(link: Link) -> None:
        crash(server, "kill")
        link.refuse()
        link.heal()

    return does
