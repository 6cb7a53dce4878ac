"""The one release once more, in a crowded town: with sampling and limits in force it ends in the same decision.

It may be decided later: while a system is to be let alone it is blind, and a sample takes longer to prove the same. What was
counted is what the system keeps of the log; where that is not all, it says that it is approximate.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from rules.sample import Unavailable
from tests.contract.as_usual import opened
from tests.contract.crowded import CROWDED, RESTRAINED, Limits, asked_in_parts, hear, town
from tests.contract.one_release import MINUTE, by_the_log, counted, decided, requests
from tests.fakes.world import World
from watcher.signals.registry import PROVIDERS

OFTEN = {"cloudwatch", "datadog"}  # each of the others takes as long as both, or much longer
LASTS = {"sentry": 60, "sentry sessions": 30, "loki": 20, "newrelic": 18}  # seconds; the rest: a few
ROWS = [
    pytest.param(
        name,
        marks=[]
        if name in OFTEN
        else [pytest.mark.long, *([pytest.mark.lasts(LASTS[name])] if name in LASTS else [])],
    )
    for name in CROWDED
]


@pytest.mark.parametrize("name", ROWS)
async def test_sampling_and_limits_end_in_the_decision_of_who_read_the_log(name):
    row, limits, expected = CROWDED[name], Limits(), by_the_log()
    seconds = row.minutes * 60
    log = town(requests(seconds), seconds, row.others)
    async with opened(row.usual(limits), World(log)) as there:
        told = await hear(there, row.minutes, row.others, row.first)
        if there.aws is not None:
            limits.reached += asked_in_parts(there.aws)

    ours, kept = told.buckets[: row.minutes], row.keeps(log)
    found = decided(ours, MINUTE, seconds)

    assert set(+limits.reached) == row.reaches
    assert all(isinstance(each, Unavailable) for each in told.blind)
    assert len(ours) == row.minutes
    assert row.first > 1 or ours == told.buckets
    assert ours == counted(kept, ours)
    assert row.samples is (ours != counted(log, ours))
    assert not row.samples or all(each.approximate for each in ours)
    assert expected is not None
    assert found is not None
    assert timedelta(0) <= found.at - expected.at < row.later
    assert decided([replace(each, canary=each.baseline) for each in ours], MINUTE, seconds) is None


def test_a_bucket_that_is_not_of_all_is_never_passed_off_as_whole():
    """What the test above holds: of a sample the log says more."""
    log = requests(60)

    assert all(len(row.keeps(log)) < len(log) / 2 for row in CROWDED.values() if row.samples)
    assert {name for name, row in CROWDED.items() if row.samples} == {"newrelic", "sentry"}


@pytest.mark.parametrize("kind", PROVIDERS)
def test_of_every_kind_it_is_said_what_restrains_it_or_why_nothing_does(kind):
    said = RESTRAINED[kind]

    assert set(RESTRAINED) == set(PROVIDERS)
    assert set(said.rows) == {name for name, row in CROWDED.items() if row.kind == kind}
    assert bool(said.rows) is not bool(said.why_none)
    assert any(CROWDED[name].samples for name in said.rows) is ("approximate" in said.keeps)
