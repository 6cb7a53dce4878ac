"""Redirects and the time that is left, of probes of several requests."""

from datetime import timedelta

import pytest

from rules.sample import Who
from watcher.http import Fault, HttpRefused
from watcher.signals.late import were_late
from watcher.signals.probe.check import Probed, Reason
from watcher.signals.probe.following import Astray, Deadline, TooLate, origin_of, same_site, unfinished

SECOND = timedelta(seconds=1)


def in_time() -> float:
    return 0.0


async def test_no_request_may_take_longer_than_what_is_left_of_the_whole():
    assert Deadline(10 * SECOND, in_time).within(SECOND) == SECOND
    assert Deadline(SECOND, in_time).within(10 * SECOND) <= SECOND
    with pytest.raises(TooLate):
        Deadline(0 * SECOND, in_time).within(SECOND)


async def test_what_was_not_asked_in_time_is_bad_unless_it_was_our_own_loop_that_took_the_time():
    bad = unfinished(TooLate(), Deadline(10 * SECOND, in_time))
    bearable = unfinished(TooLate(), Deadline(10 * SECOND, lambda: 1.9))
    ours = unfinished(TooLate(), Deadline(10 * SECOND, lambda: 2.3))

    assert bad == bearable == Probed(Reason.DEADLINE, "not asked within the 10 s of the whole")
    assert ours == were_late(2.3)


@pytest.mark.parametrize("fault", [Fault.READ_TIMEOUT, Fault.CONNECT_TIMEOUT, Fault.DISCONNECTED])
async def test_a_request_has_no_answer_for_the_time_that_was_lost_before_it_too(fault):
    refused = HttpRefused(Who.SERVICE, "no", fault)  # itself it was in time

    assert unfinished(refused, Deadline(10 * SECOND, lambda: 2.3)) == were_late(2.3)


async def test_what_is_bad_whatever_the_time_is_bad_in_a_loop_that_is_late():
    late = Deadline(10 * SECOND, lambda: 9.0)

    assert unfinished(Astray("elsewhere"), late) == Probed(Reason.REDIRECT, "elsewhere")
    assert unfinished(HttpRefused(Who.SERVICE, "no", Fault.REFUSED), late) == Probed(Reason.REFUSED, "no")


@pytest.mark.parametrize(
    ("start", "to", "same"),
    [
        ("http://a/x", "http://A:80/y", True),
        ("http://a/x", "https://a/", True),
        ("http://a:8080/x", "https://a/", False),
        ("https://a/x", "http://a/", False),
        ("https://a/", "https://a.evil/", False),
        ("https://a/", "https://a@evil/", False),
        ("https://a/", "https://u:p@a/", False),
        ("https://a/", "https://a:444/", False),
        ("https://a/", "file:///etc/passwd", False),
        ("https://a/", "https://[x/", False),
    ],
)
def test_a_redirect_stays_where_nothing_comes_to_a_stranger(start, to, same):
    assert same_site(start, to) is same


def test_an_origin_is_scheme_host_and_port():
    assert origin_of("https://Shop.example.com/x?y") == ("https", "shop.example.com", 443)
    assert origin_of("http://[::1]:8080/") == ("http", "::1", 8080)
