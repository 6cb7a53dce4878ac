"""Redirects and the time that is left, of probes of several requests."""

from datetime import timedelta

import pytest

from watcher.signals.probe.following import Deadline, TooLate, origin_of, same_site

SECOND = timedelta(seconds=1)


async def test_no_request_may_take_longer_than_what_is_left_of_the_whole():
    assert Deadline(10 * SECOND).within(SECOND) == SECOND
    assert Deadline(SECOND).within(10 * SECOND) <= SECOND
    with pytest.raises(TooLate):
        Deadline(0 * SECOND).within(SECOND)


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
