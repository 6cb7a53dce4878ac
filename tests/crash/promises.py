"""What holds at the end of every story, however often the daemon was killed on the way."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from deploy.tags import Ledger
from rules.sample import Series
from tests.crash.drive import Story
from watcher.core.watch import ActionState, State, Watch
from watcher.store.sqlite.opening import SqliteSettings, open_sqlite
from watcher.store.store import AuditRow, Claimed, InboxItem, Opening

# What people are told one by one, in this order. What is only shown is replaced by what is newer.
TOLD = ("watch.breached", "watch.rolling_back", "watch.rolled_back")

# What the audit says of a watch, each once, in this order.
LIVED = (
    *("watch.opened", "watch.counting_down", "watch.rolling_back", "action.queued"),
    *("action.begun", "watch.recovering", "action.done", "watch.rolled_back"),
)


@dataclass(frozen=True)
class Remembered:
    """What is in the store at the end."""

    watches: list[Watch]
    announcement: InboxItem | None
    actions: list[Claimed]
    ledger: Ledger
    buckets: list[Series]
    audit: list[AuditRow]
    waiting: Mapping[str, Mapping[str, float]]


@asynccontextmanager
async def _remembered(story: Story) -> AsyncIterator[Remembered]:
    now = story.outside.time.now
    async with open_sqlite(SqliteSettings(path=story.outside.database), Opening(now)) as store:
        watches = list(await store.list())
        yield Remembered(
            watches,
            await store.announcement(story.told_id),
            [action for watch in watches for action in await store.actions(watch.id)],
            await store.ledger("web", "production", "service"),
            [series for watch in watches for series in await store.buckets(watch.id)],
            list(await store.audit(limit=1000)),
            await store.counts(now()),
        )


def _acknowledged(story: Story, found: Remembered) -> Iterator[str]:
    """What was acknowledged is accounted for, and belongs to the watch."""
    item = found.announcement
    if item is None:
        yield f"the announcement {story.told_id} was acknowledged, and is lost"
        return
    ours = {watch.id for watch in found.watches}
    if item.closing is None or item.closing.watch not in ours:
        yield f"what became of the announcement is {item.closing}"


def _one_move(story: Story, found: Remembered) -> Iterator[str]:
    """One move had effect, and nobody ever asked for another. A platform that forgets was asked once."""
    keys = {action.action.id for action in found.actions}
    attempted, effective = story.outside.calls("attempted"), story.outside.calls("effective")
    if len(effective) != 1 or {call.key for call in attempted} != keys:
        yield f"the actions {keys} made these calls: {attempted}, of which {effective} had effect"
    if len(attempted) > 1 and not story.is_cut_in_the_call:
        yield f"it was called {len(attempted)} times"
    begun = sum(row.what == "action.begun" for row in found.audit)
    if begun < len(attempted):
        yield f"{begun} intents were written for {len(attempted)} calls"


def _same_end(story: Story, found: Remembered) -> Iterator[str]:
    """Rolled back, and well again; v1 serves."""
    ends = [(watch.state, watch.ending and watch.ending.recovered, watch.tag) for watch in found.watches]
    if ends != [(State.ROLLED_BACK, True, "v2")]:
        yield f"the watches ended {ends}"
    if [action.state for action in found.actions] != [ActionState.DONE]:
        yield f"the actions ended {[action.state for action in found.actions]}"
    if story.outside.serves != "v1":
        yield f"{story.outside.serves} serves"


def _ledger(story: Story, found: Remembered) -> Iterator[str]:
    """v1, v2 and v1 again, without a gap; v2 is quarantined."""
    tags = {entry.release.fingerprint: entry.release.tag for entry in found.ledger.entries}
    marked = {entry.release.tag for entry in found.ledger.entries if entry.quarantined}
    spans = found.ledger.spans
    if [tags[span.fingerprint] for span in spans] != ["v1", "v2", "v1"]:
        yield f"the spans are of {[tags[span.fingerprint] for span in spans]}"
    if [span.end for span in spans] != [*(span.start for span in spans[1:]), None]:
        yield f"the spans have gaps: {spans}"
    if marked != {"v2"}:
        yield f"quarantined: {marked}"


def _buckets(story: Story, found: Remembered) -> Iterator[str]:
    """No request was counted twice."""
    for series in found.buckets:
        for one, other in itertools.pairwise(series.buckets):
            if other.start < one.end:
                yield f"buckets overlap: {one} and {other}"


def _audit(story: Story, found: Remembered) -> Iterator[str]:
    """Each thing that happened stands there once, in the order in which it happened. An intent may be written again."""
    if [row.seq for row in found.audit] != list(range(1, len(found.audit) + 1)):
        yield "the audit has gaps"
    firsts = dict(reversed([(row.what, row.seq) for row in found.audit]))
    missing = [what for what in LIVED if what not in firsts]
    if missing or sorted(LIVED, key=lambda what: firsts[what]) != list(LIVED):
        yield f"the audit says {list(firsts)}"
    for what, many in Counter(row.what for row in found.audit if row.what in LIVED).items():
        if many > 1 and what != "action.begun":
            yield f"the audit says {what} {many} times"
    accepted = [row.what for row in found.audit if row.subject == story.told_id]
    if len(accepted) != 2 or accepted[0] != "announcement.accepted":
        yield f"the audit says of the announcement {accepted}"


def _told(story: Story, found: Remembered) -> Iterator[str]:
    """Each message arrived at least once; twice only under the same id, and then it says the same."""
    by_id: dict[str, dict[str, Any]] = {}
    for message in story.outside.told:
        if by_id.setdefault(message["id"], message) != message:
            yield f"two messages are called {message['id']}"
    apart = [message["event"] for message in by_id.values() if message["kind"] == "append"]
    if tuple(apart) != TOLD:
        yield f"people were told {apart}"
    shown = [message["event"] for message in story.outside.told if message["kind"] == "show"]
    if shown[-1:] != ["watch.rolled_back"]:
        yield f"people were shown {shown}"


def _at_rest(story: Story, found: Remembered) -> Iterator[str]:
    """Nothing waits."""
    waiting = found.waiting
    if waiting["inbox"]["pending"] or waiting["actions"]["open"] or waiting["messages"]:
        yield f"something waits: {waiting}"


def _no_bugs(story: Story, found: Remembered) -> Iterator[str]:
    """Being killed is no reason for an error of ours."""
    for life in story.lives:
        yield from (f"it logged {event}" for event in life.events if event["level"] == "error")


PROMISES = (_acknowledged, _one_move, _same_end, _ledger, _buckets, _audit, _told, _at_rest, _no_bugs)


async def broken(story: Story) -> list[str]:
    """Which promises were broken, in words; none, if all is well. The daemon has ended."""
    async with _remembered(story) as found:
        return [words for promise in PROMISES for words in promise(story, found)]
