"""Cookies that a far end sets, for as long as one exchange of several requests lasts.

What is kept is sent back to where it came from and nowhere else: domain, path and ``Secure`` are minded by aiohttp's jar.
Deliberately absent: keeping them between two exchanges, so that each begins as a new visitor does.
"""

from collections.abc import Sequence

from aiohttp import CookieJar
from yarl import URL

MOST = 50  # cookies of one exchange: browsers keep about as many for a site
LONGEST = 4096  # bytes of one, as browsers take it


class Cookies:
    """A jar for one exchange. Made where an event loop runs."""

    def __init__(self) -> None:
        # Addresses are let in: an instance is asked at its own, and a browser keeps the cookies of an address too.
        self._jar = CookieJar(unsafe=True, quote_cookie=False)

    def keep(self, url: str, told: Sequence[str]) -> None:
        """Keep what the answer from *url* set; what is too long, too much or no cookie is left out."""
        for line in told[:MOST]:
            if len(line) > LONGEST or len(self._jar) >= MOST:
                continue
            if not _is_for_a_whole_tld(
                line
            ):  # Python's own parser drops a cookie that is `Partitioned`, or holds JSON
                self._jar.update_cookies_from_headers([line], URL(url))

    def header(self, url: str) -> str:
        """What ``Cookie`` says towards *url*; empty where nothing is kept for it."""
        return "; ".join(f"{each.key}={each.value}" for each in self._jar.filter_cookies(URL(url)).values())

    def values(self) -> frozenset[str]:
        """What stands in them: a session may be worth a password, and no word of ours repeats one."""
        return frozenset(each.value for each in self._jar)


def _is_for_a_whole_tld(line: str) -> bool:
    """``Domain=com``, which no browser keeps. Which longer ones are public too is in a list that is not here."""
    attributes = (attribute.partition("=") for attribute in line.split(";")[1:])
    domains = [value.strip(' ."') for name, _, value in attributes if name.strip().lower() == "domain"]
    return any(domain and "." not in domain for domain in domains)
