"""Invariant 6: a revision is written once, and actions and messages exist exactly for revisions that were written.

Two replicas read, decide and save in any order, each from what it read last. An operation is played whole, so an order
of operations is all that there is to interleave.
"""

import asyncio
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from tests.contract.store.build import LEASE, NOON, Clock, an_action, appended, opened, step_of
from watcher.core.watch import State, Watch
from watcher.store.sqlite.opening import MemorySettings, open_memory
from watcher.store.store import Opening, Saved, Store

MOVES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.sampled_from(["read", "judge", "roll back", "end", "claim", "begin", "a lease runs out"]),
    ),
    max_size=40,
)


@dataclass
class Replica:
    """What one replica has read, and what it holds."""

    name: str
    store: Store
    clock: Clock
    read: Watch
    action: str = ""
    fence: int = 0
    written: dict[int, tuple[str, ...]] = field(default_factory=dict)
    calls: list[int] = field(default_factory=list)

    async def move(self, what: str) -> None:
        match what:
            case "read":
                found = await self.store.get("w_1")
                assert found is not None
                self.read = found
            case "judge":
                await self.save(State.WATCHING)
            case "roll back":
                await self.save(State.ROLLING_BACK)
            case "end":
                await self.save(State.KEPT)
            case "claim":
                for action in await self.store.claim_actions(NOON, 1, self.name, LEASE):
                    self.fence, self.action = action.fence, action.action.id
            case "begin":
                if self.fence and await self.store.begin(self.action, self.fence, NOON):
                    self.calls.append(self.fence)
            case _:
                self.clock.passes(LEASE)

    async def save(self, state: State) -> None:
        """A step into *state*, with an action and a message that name their revision and who wrote it."""
        if self.read.state.is_final:
            return
        revision = self.read.revision + 1
        action = an_action(self.read, ordered_by=self.name, valid_in=state)
        message = appended(f"w_1.{revision}.2", self.name)
        causes = {"actions": (action,), "messages": (message,)}
        saving = await self.store.save(step_of(self.read, state, causes, evidence=self.name), NOON)
        if isinstance(saving, Saved):
            self.read = saving.watch
            self.written[revision] = (action.id, message.id)


@given(MOVES)
def test_a_revision_is_written_once_with_exactly_what_it_causes(moves):
    asyncio.run(_play(moves))


async def _play(moves: list[tuple[str, str]]) -> None:
    clock = Clock()
    async with open_memory(MemorySettings(), Opening(clock)) as store:
        watch = await opened(store)
        a, b = Replica("a", store, clock, watch), Replica("b", store, clock, watch)
        for name, what in moves:
            await (a if name == "a" else b).move(what)
        await _check(store, a, b)


async def _check(store: Store, a: Replica, b: Replica) -> None:
    assert not set(a.written) & set(b.written)
    written = a.written | b.written
    assert sorted(written) == list(range(2, 2 + len(written)))

    newest = await store.get("w_1")
    assert newest is not None
    assert newest.revision == max(written, default=1)

    actions = await store.actions("w_1")
    by_owner = {action.action.id: action.action.ordered_by for action in actions}
    assert by_owner == {ids[0]: replica.name for replica in (a, b) for ids in replica.written.values()}
    assert await _messages(store) == {
        ids[1]: replica.name for replica in (a, b) for ids in replica.written.values()
    }

    valid = [action for action in actions if action.state.value in {"planned", "begun"}]
    assert all(action.action.valid_in is newest.state for action in valid)
    calls = a.calls + b.calls
    assert len(calls) == sum(action.attempts for action in actions)


async def _messages(store: Store) -> dict[str, str]:
    """All messages that were queued, by who queued them."""
    told = {}
    while outgoing := await store.claim_messages(NOON, 10, "c", LEASE):
        for each in outgoing:
            told[each.message.id] = each.message.notice.headline
            await store.sent(each.message.id, each.fence, NOON, ref="ok")
    return told
