"""Stepping: read, take a pure step, save; again if somebody else was first."""

from datetime import timedelta

import pytest

from tests.contract.store.build import NOON, errors_of, minutes, opened, saved, step_of
from watcher.core.watch import Armed, State, Step, Watch
from watcher.errors import NoSuchWatch, StoreUnavailable
from watcher.store.stepping import change
from watcher.store.store import Disarmed, GuardFailed, Store


def hold(watch: Watch) -> Step:
    return step_of(watch, State.HELD)


class Overtaken:
    """A store in which somebody else writes between every reading and saving, *times* over."""

    def __init__(self, store: Store, times: int) -> None:
        self._store = store
        self._left = times
        self.save = store.save

    async def get(self, watch: str) -> Watch | None:
        found = await self._store.get(watch)
        if found is not None and self._left:
            self._left -= 1
            await saved(self._store, step_of(found, evidence=f"{self._left} left"))
        return found


class SteppingContract:
    async def test_a_step_is_taken_of_the_watch_as_it_is(self, store: Store):
        await opened(store)

        watch = await change(store, "w_1", hold, NOON, [errors_of((1, 9))])

        assert isinstance(watch, Watch)
        assert watch.state is State.HELD
        assert await store.get("w_1") == watch
        assert await store.buckets("w_1") == [errors_of((1, 9))]

    async def test_where_nothing_is_to_be_done_the_watch_stays(self, store: Store):
        watch = await opened(store)

        assert await change(store, "w_1", lambda _: None, NOON) == watch

    async def test_a_step_is_decided_anew_when_somebody_was_first(self, store: Store):
        await opened(store)

        watch = await change(Overtaken(store, times=2), "w_1", hold, NOON)  # type: ignore[arg-type] # of a Store it needs two operations

        assert isinstance(watch, Watch)
        assert (watch.state, watch.revision, watch.evidence) == (State.HELD, 4, "0 left")

    async def test_it_gives_up_when_others_are_always_first(self, store: Store):
        await opened(store)

        with pytest.raises(StoreUnavailable, match="changes faster") as caught:
            await change(Overtaken(store, times=99), "w_1", hold, NOON)  # type: ignore[arg-type] # as above

        assert caught.value.remedy == "try again"

    async def test_a_guard_that_fails_is_told_to_who_asked(self, store: Store):
        watch = await opened(store)
        await store.disarm(Disarmed(*watch.key, "ann", "", NOON, NOON + minutes(60)), NOON)
        armed = Armed(*watch.key)

        outcome = await change(
            store, "w_1", lambda found: step_of(found, causes={"requires": frozenset({armed})}), NOON
        )

        assert isinstance(outcome, GuardFailed)
        assert outcome.guard == armed

    async def test_nobody_steps_a_watch_that_is_not_there(self, store: Store):
        with pytest.raises(NoSuchWatch, match="w_9"):
            await change(store, "w_9", hold, NOON + timedelta(0))
