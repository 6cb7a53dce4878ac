"""Watches: which there are, how one stands, what the verdict is, and what people say of it."""

from collections.abc import Sequence
from datetime import timedelta

from rules.sample import Series
from watcher.api.asked import OneVerdict, OneWatch, SomeWatches
from watcher.api.bodies import NewNote, NoBody
from watcher.api.handlers.reach import must_reach, watch_in_reach
from watcher.api.handlers.show import summary, verdict_told, watch_told
from watcher.api.handlers.waiting import until
from watcher.api.problems import conflict
from watcher.api.route import Call
from watcher.api.told import Noted, Recorded, RecordedSeries, VerdictTold, Watches, WatchTold
from watcher.core.watch import Watch
from watcher.errors import NoSuchWatch
from watcher.store.besides import Besides
from watcher.store.documents import encode_buckets
from watcher.store.store import Note

PAGES = 10  # a token that is good for few services may have to look at many watches; then the page is short, not slow


async def watches(call: Call[SomeWatches, NoBody]) -> Watches:
    """Watches, newest first."""
    asked = call.asked
    if asked.service and asked.environment:
        must_reach(call, asked.service, asked.environment)
    found, after = await _page(call)
    return Watches(watches=[summary(watch) for watch in found], after=after)


async def _page(call: Call[SomeWatches, NoBody]) -> tuple[Sequence[Watch], str | None]:
    """As many watches as were asked for, of those within reach; and where the next page begins."""
    found: list[Watch] = []
    after, limit = call.asked.after, call.asked.limit
    for _ in range(PAGES):
        read = await _read(call, after, limit)
        for watch in read:
            after = watch.id
            found += [watch] if call.who.covers(*watch.key) else []
            if len(found) == limit:
                return found, after
        if len(read) < limit:
            return found, None
    return found, after


async def _read(call: Call[SomeWatches, NoBody], after: str | None, limit: int) -> Sequence[Watch]:
    asked = call.asked
    states = [asked.state] if asked.state else []
    return await call.deps.store.list(
        service=asked.service, environment=asked.environment, states=states, after=after, limit=limit
    )


async def watch(call: Call[OneWatch, NoBody]) -> WatchTold:
    """One watch, whole."""
    found = await watch_in_reach(call, call.asked.id)
    actions = await call.deps.store.actions(found.id)
    notes = await call.deps.store.notes(found.id)
    now = call.deps.now()
    deps = call.deps
    beside = await Besides(deps.store, deps.services, deps.deaf, deps.fires).around(found, now)
    return watch_told(found, actions, notes, beside, now)


async def verdict(call: Call[OneVerdict, NoBody]) -> VerdictTold:
    """What is known so far; waits for more, if asked to."""

    async def again(latest: Watch, left: timedelta) -> Watch:
        return await call.deps.store.changed(latest.id, latest.revision, left) or latest

    first = await watch_in_reach(call, call.asked.id)
    found = await until(call, call.asked.wait, first, lambda watch: watch.state.is_final, again)
    return verdict_told(found, call.deps.now())


async def note(call: Call[OneWatch, NewNote]) -> Noted:
    """Keep what a person says of a watch."""
    found = await watch_in_reach(call, call.asked.id)
    now = call.deps.now()
    kept = await call.deps.store.note(
        Note(found.id, call.who.name, now, call.body.call, call.body.words), now
    )
    if not kept:
        raise NoSuchWatch(found.id)
    return Noted(watch=found.id, call=call.body.call)


async def record(call: Call[OneWatch, NoBody]) -> Recorded:
    """All that a watch was judged by so far."""
    found = await watch_in_reach(call, call.asked.id)
    if found.brief is None or found.evidence is None:
        raise conflict(
            "not-judged", f"{found.id} has not been judged yet", "ask again once the release takes traffic"
        )
    return record_of(found, await call.deps.store.buckets_as_saved(found.id))


def record_of(watch: Watch, saved: Sequence[tuple[int, Series]]) -> Recorded:
    """All that *watch*, which has been judged, was judged by: as it stands in the store, with the buckets as they were *saved*."""
    together: dict[tuple[str, float | None], list[tuple[int, Series]]] = {}
    for revision, each in saved:
        together.setdefault((each.indicator, each.bound), []).append((revision, each))
    return Recorded(
        watch=watch.id,
        brief=watch.brief or "",
        evidence=watch.evidence or "",
        series=[
            RecordedSeries(
                indicator=indicator,
                bound=bound,
                buckets=encode_buckets([bucket for _, each in rows for bucket in each.buckets]),
                saved=[(revision, len(each.buckets)) for revision, each in rows],
            )
            for (indicator, bound), rows in together.items()
        ],
    )
