"""All loops of a process, made in one place."""

import asyncio

from tests.watcher.runtime.at_work import ANotifier, at_work, now, virtual
from watcher.runtime.crew import Crew, Leaving, Pace
from watcher.runtime.janitor import Janitor
from watcher.runtime.rounds import Loop

NAMES = [
    "listener",
    "lookout",
    "patrol",
    "performer",
    "courier",
    "janitor",
    "onlooker",
    "keeper",
    "gatekeeper",
    "doorkeeper",
    "feeder",
    "mirrors",
]


def a_crew(work, failed=lambda _loop, _bug: None):
    return Crew(
        work.store,
        work.lookup,
        work.current,
        work.inquiry,
        lambda: {"room": ANotifier()},
        work.bells,
        work.metrics,
        "me",
        now,
        work.new_id,
        failed,
        pace=Pace(lookout=7.0),
    )


@virtual
async def test_each_loop_has_its_name_its_pace_and_its_bell():
    async with at_work() as work:
        loops = a_crew(work).loops(Janitor(work.store, work.metrics, now))

        assert [loop.name for loop in loops] == NAMES
        assert loops[1].idle == 7.0
        plain = [loop.loop if isinstance(loop, Leaving) else loop for loop in loops]
        assert [loop.bell for loop in plain if isinstance(loop, Loop) and loop.bell] == [
            work.bells.inbox,
            work.bells.watches,
            work.bells.actions,
            work.bells.messages,
            work.bells.marks,
            work.bells.barriers,
        ]


@virtual
async def test_a_store_that_is_away_stops_no_loop():
    async with at_work() as work:
        bugs: list[str] = []
        stop = asyncio.Event()
        loops = a_crew(work, lambda loop, _bug: bugs.append(loop)).loops(
            Janitor(work.store, work.metrics, now)
        )
        running = [asyncio.ensure_future(loop.run(stop)) for loop in loops]
        work.store.away = True
        await asyncio.sleep(60)
        work.store.away = False
        await asyncio.sleep(60)

        assert not any(task.done() for task in running)
        assert bugs == []
        stop.set()
        await asyncio.wait(running)
