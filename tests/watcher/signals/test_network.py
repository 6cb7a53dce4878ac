"""Is it the service, or is it the network here? Told by what else can be reached."""

import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from rules.sample import Counts, Reading, Unavailable, Who
from tests.fakes.serve import http_to_loopback
from tests.fakes.world import SECOND, START
from watcher.signals.probe.check import Check, Probed, Reason, Seen
from watcher.signals.probe.count import Arm, read
from watcher.signals.probe.query import Query
from watcher.signals.sampling import Beat, Track

TIMED_OUT = Probed(Reason.CONNECT_TIMEOUT, "http://a: no connection within 2 s")
UNREACHABLE = Probed(Reason.UNREACHABLE, "http://a: host unreachable")
REFUSED = Probed(Reason.REFUSED, "http://b: connection refused")
WELL = Probed(None)
END = START + 10 * SECOND


@contextlib.asynccontextmanager
async def probing() -> AsyncIterator[Callable[[str, Seen], Track[Seen]]]:
    async with http_to_loopback(lambda: START) as http:

        def track(host: str, seen: Seen) -> Track[Seen]:
            check = Check(
                f"http://{host}/", Query(url=f"http://{host}/"), http, lambda: START, lambda _: None
            )
            made: Track[Seen] = Track(host, check, 10 * SECOND, START)
            made.keep(Beat(END, seen))
            made.done = END
            return made

        yield track


def reading_of(track: Track[Seen], *others: Track[Seen]) -> Reading:
    return read("health", Arm([track], None), None, [track, *others], START, END)


def is_bad(reading: Reading) -> bool:
    return isinstance(reading, tuple) and reading[0].buckets[0].canary == Counts(1, 1)


async def test_no_connection_in_time_is_bad_where_nothing_else_is_probed():
    async with probing() as track:
        assert is_bad(reading_of(track("a", TIMED_OUT)))


async def test_an_unreachable_host_proves_nothing_where_nothing_else_is_probed():
    async with probing() as track:
        reading = reading_of(track("a", UNREACHABLE))

    assert isinstance(reading, Unavailable)
    assert reading.who is Who.OPERATOR
    assert "it may be the daemon's network" in reading.words


@pytest.mark.parametrize("seen", [TIMED_OUT, UNREACHABLE])
async def test_if_another_host_can_be_reached_it_is_the_service(seen: Seen):
    async with probing() as track:
        assert is_bad(reading_of(track("a", seen), track("b", WELL)))
        assert is_bad(reading_of(track("a", seen), track("b", REFUSED), track("c", TIMED_OUT)))


@pytest.mark.parametrize("seen", [TIMED_OUT, UNREACHABLE])
async def test_if_no_other_host_can_be_reached_either_it_is_more_likely_us(seen: Seen):
    nameless = Unavailable(Who.OPERATOR, "http://c: its name cannot be resolved")
    async with probing() as track:
        reading = reading_of(track("a", seen), track("b", TIMED_OUT), track("c", nameless))

    assert isinstance(reading, Unavailable)


async def test_another_check_of_the_same_host_is_no_witness():
    async with probing() as track:
        assert is_bad(reading_of(track("a", TIMED_OUT), track("a", TIMED_OUT)))


async def test_where_one_of_several_requests_was_answered_the_network_is_well():
    async with probing() as track:
        assert is_bad(reading_of(track("a", Probed(Reason.UNREACHABLE, answered=True))))
        assert is_bad(
            reading_of(track("a", Probed(Reason.CONNECT_TIMEOUT, answered=True)), track("b", TIMED_OUT))
        )


@pytest.mark.parametrize(
    "reason", [Reason.REFUSED, Reason.TLS, Reason.READ_TIMEOUT, Reason.DISCONNECTED, Reason.STATUS]
)
async def test_whatever_came_back_is_the_services_own_doing(reason: Reason):
    async with probing() as track:
        assert is_bad(reading_of(track("a", Probed(reason)), track("b", TIMED_OUT)))
