"""How late our own loop was, and what that makes of an answer that did not come."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from aiohttp import web

from tests.fakes.faults import never, serving
from tests.fakes.serve import http_to_loopback, serving_app
from tests.fakes.world import START
from tests.waiting import passes
from watcher.http import Fault, HttpRefused, Request, too_late
from watcher.http.lateness import BEAT, Lateness

SHORT, LONG = timedelta(seconds=0.3), timedelta(seconds=60)
NOTHING = pytest.approx(0, abs=1e-6)  # but for the rounding of times


async def asked(serve: Callable[..., Awaitable[None]], timeout: timedelta) -> HttpRefused:
    async with http_to_loopback(lambda: START) as http, serving(serve) as port:
        with pytest.raises(HttpRefused) as caught:
            await http.send(Request("test", f"http://127.0.0.1:{port}/", timeout=timeout, fresh=True))
        return caught.value


async def stands_still(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the request; then all that runs here stands still until the time is over."""
    await reader.readuntil(b"\r\n\r\n")
    passes(LONG.total_seconds() + 2)
    await asyncio.sleep(LONG.total_seconds())


async def test_a_loop_that_only_waits_is_in_time():
    with Lateness().measured() as late:
        await asyncio.sleep(3.5 * BEAT)

        assert late() == NOTHING


async def test_what_a_loop_stands_still_is_known_before_its_next_beat_and_after_it():
    with Lateness().measured() as late:
        passes(2.0)
        at_once = late()
        await asyncio.sleep(1.5 * BEAT)
        later = late()
        passes(1.0)

        assert at_once == pytest.approx(2.0, abs=2 * BEAT)
        assert later == pytest.approx(at_once)
        assert late() == pytest.approx(3.0, abs=2 * BEAT)


async def test_each_knows_of_its_own_time_alone_and_nothing_beats_once_all_are_gone():
    lateness = Lateness()
    with lateness.measured() as first:
        passes(2.0)
        with lateness.measured() as second:
            passes(1.0)
            assert first() == pytest.approx(3.0, abs=2 * BEAT)
            assert second() == pytest.approx(1.0, abs=2 * BEAT)
    passes(5.0)
    with lateness.measured() as third:
        await asyncio.sleep(1.5 * BEAT)
        assert third() == NOTHING

    assert [each for each in asyncio.get_running_loop()._scheduled if not each.cancelled()] == []  # type: ignore[attr-defined]


async def test_no_answer_from_who_hangs_is_theirs_and_from_behind_a_stall_ours():
    theirs, ours = await asked(never, SHORT), await asked(stands_still, LONG)

    assert (theirs.fault, theirs.late) == (Fault.READ_TIMEOUT, 0)
    assert ours.fault is Fault.READ_TIMEOUT
    assert ours.late == pytest.approx(62, abs=1)


async def test_who_hangs_up_while_we_stand_still_may_have_waited_for_us():
    async def hangs_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        passes(15.0)  # the client asks a second time

    ours = await asked(hangs_up, LONG)

    assert ours.fault is Fault.DISCONNECTED
    assert ours.late == pytest.approx(30, abs=1)


async def test_what_is_no_matter_of_time_is_never_laid_on_our_lateness():
    async def talks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        passes(30.0)
        writer.write(b"nonsense\r\n\r\n")
        await writer.drain()

    refused = await asked(talks_nonsense, LONG)

    assert (refused.fault, refused.late) == (Fault.MALFORMED, 0)


async def test_an_answer_says_how_much_of_its_time_was_ours():
    async def behind_a_stall(_request: web.Request) -> web.Response:
        passes(5.0)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", behind_a_stall)
    async with http_to_loopback(lambda: START) as http, serving_app(app) as port:
        answer = await http.send(Request("test", f"http://127.0.0.1:{port}/", timeout=LONG))

    assert answer.seconds >= 5
    assert answer.late == pytest.approx(5, abs=2 * BEAT)


@pytest.mark.parametrize(("late", "counts"), [(0.0, 0.0), (0.4, 0.0), (0.41, 0.41), (9.0, 9.0)])
def test_a_fifth_of_a_time_may_be_lost(late, counts):
    assert too_late(late, timedelta(seconds=2)) == counts
