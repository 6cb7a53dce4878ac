"""The one release once more, by systems as they usually are: default buckets, and data that come as late as their vendors say.

`test_one_release` plays it second by second, where nothing is late. Here nobody says when a bucket is final but the daemon's own
`Inquiry`, which looks once a second; a bucket that is asked for sooner than that would be told too small.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest

from rules.sample import Bucket, Reading
from tests.contract.as_usual import BASELINE, CANARY, USUAL, Opened, opened
from tests.contract.one_release import MINUTE, buckets_in, by_the_log, counted, decided, requests
from tests.contract.test_one_release import BY_THE_MINUTE, MEMBERS
from tests.fakes.world import SECOND, START, Happened, World
from watcher.runtime.inquiry import PATIENCE
from watcher.signals.provider import Question, Window

MINUTES = 3  # the third is the first that is whole and bad
LATEST = 5 * MINUTE  # after which the last bucket of whoever settles longest is final
AT_ONCE = frozenset(
    {"prometheus"}
)  # what it has scraped it tells; its settle is for the stores that stand behind one
DEARER = frozenset({"loki", "prometheus"})  # half a second each, and much as Datadog's
ROWS = [pytest.param(name, marks=[pytest.mark.long] if name in DEARER else []) for name in USUAL]


@dataclass
class Told:
    """What a watch has heard, and when."""

    buckets: list[Bucket] = field(default_factory=list)
    at: dict[datetime, datetime] = field(default_factory=dict)  # by the end of each


async def _hear(there: Opened) -> Told:
    """Look once a second, until what happened is final; what comes then is silence."""
    told, inquiry = Told(), there.inquiry
    for second in range(1, MINUTES * 60 + int(LATEST.total_seconds()) + 5):
        await there.on(second)
        since = told.buckets[-1].end if told.buckets else START
        asked = inquiry.ask([_question(there, since)], there.clock.now())
        for read in asked.reads.values():
            await read
        reading = (await asked.to([_question(there, since)])).get("errors")
        for bucket in buckets_in(reading) if isinstance(reading, tuple) else ():
            told.buckets.append(bucket)
            told.at[bucket.end] = there.clock.now()
        if len(told.buckets) >= MINUTES:
            break
    return told


def _question(there: Opened, since: datetime) -> Question:
    return Question("w_1/errors", there.indicator, CANARY, BASELINE, since)


async def _too_soon(there: Opened) -> Reading:
    """What is told of the last minute a second after its end: nobody but us asks so soon."""
    now = there.clock.now()
    window = Window(now - SECOND - MINUTE, now - SECOND, now + PATIENCE)
    return (await there.connected.provider.read([_question(there, window.start)], window))["w_1/errors"]


@pytest.mark.parametrize("name", ROWS)
async def test_what_comes_late_ends_in_the_decision_of_who_read_the_log(name):
    usual, log, expected = USUAL[name], requests(MINUTES * 60), by_the_log()
    async with opened(usual, World(log)) as there:
        told = await _hear(there)
    async with opened(usual, World(log)) as there:
        await there.on(MINUTES * 60 + 1)
        early = await _too_soon(there)

    ours = told.buckets
    perfect, bad = counted(log, ours), decided(ours, MINUTE, MINUTES * 60)

    assert [each.end for each in ours] == [START + nth * MINUTE for nth in range(1, MINUTES + 1)]
    assert ours == perfect
    assert all(usual.late <= at - end <= LATEST + SECOND for end, at in told.at.items())
    assert _is_whole(early, log) is (name in AT_ONCE)
    assert bad is not None
    assert bad == decided(perfect, MINUTE, MINUTES * 60)
    assert expected is not None
    assert told.at[bad.at] - bad.at >= usual.late
    assert 0 * SECOND <= bad.at - expected.at < MINUTE
    assert decided([replace(each, canary=each.baseline) for each in ours], MINUTE, MINUTES * 60) is None


def _is_whole(reading: Reading, log: Sequence[Happened]) -> bool:
    """It tells its minute as the log has it, whether or not it says so."""
    if not isinstance(reading, tuple):
        return False
    buckets = [replace(each, incomplete=False) for each in buckets_in(reading)]
    return bool(buckets) and buckets == counted(log, buckets)


def test_every_kind_that_counts_what_others_saw_has_its_row():
    """Those that look themselves are played at their own beat, with their own settle, in `test_one_release`."""
    counts = {*(member.kind for member in MEMBERS), *BY_THE_MINUTE} - {"scrape"}

    assert {usual.kind for usual in USUAL.values()} == counts
