"""How everybody writes a watch that lives: read it, take a pure step, save; again if somebody else was first."""

from collections.abc import Callable, Sequence
from datetime import datetime

from rules.sample import Series
from watcher.core.watch import Step, Watch
from watcher.errors import NoSuchWatch, StoreUnavailable
from watcher.store.store import Answered, GuardFailed, Saved, Store

Decide = Callable[[Watch], Step | None]
Answer = Callable[[Step], Answered | None]
TRIES = 10  # each lost try is another's step; ten in a row do not happen in a watch that takes a few steps a minute


def _nobody(_step: Step) -> None:
    """Nobody waits for an answer that must not be forgotten."""


async def change(
    store: Store,
    watch: str,
    decide: Decide,
    now: datetime,
    buckets: Sequence[Series] = (),
    answer: Answer = _nobody,
) -> Watch | GuardFailed:
    """Let *decide* make a step of the watch as it is, and save it.

    Args:
        store: Where the watch is.
        watch: Its id.
        decide: Pure; called again with the newer watch when another writer was first. ``None``: nothing is to be done.
        now: The time of the step.
        buckets: What is saved with the step.
        answer: What whoever ordered it is answered, to be remembered with the step.

    Returns:
        The watch as it is afterwards; or the guard that did not hold, which is a fact for another step.

    Raises:
        NoSuchWatch: There is none.
        StoreUnavailable: The store fails, or others were always first.
        OrderRefused: What *decide* raises passes through.
    """
    for _ in range(TRIES):
        found = await store.get(watch)
        if found is None:
            raise NoSuchWatch(watch)
        step = decide(found)
        if step is None:
            return found
        saving = await store.save(step, now, buckets, answer(step))
        if isinstance(saving, Saved):
            return saving.watch
        if isinstance(saving, GuardFailed):
            return saving
    raise StoreUnavailable(
        f"{watch} changes faster than it can be written: {TRIES} steps came too late", remedy="try again"
    )
