"""Where an organisation lives: on one of Sentry's own sites, of which there is one a region, or on a Sentry of one's own.

Source:
    https://docs.sentry.io/organization/data-storage-location/; `links` in https://docs.sentry.io/api/organizations/
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from deploy.model import About, Finding, Level

VENDOR = "sentry.io"
_REGION = re.compile(r"(?:[a-z0-9-]{1,20}\.)?sentry\.io")  # longer ones are no region's, and may be anything


def finding(asked: str, organization: str, told: Any) -> Finding:
    """Which site is asked, and whether it is the organisation's, as far as its own answer *told*.

    Args:
        asked: The address that is configured.
        organization: Its slug.
        told: Sentry's answer about the organisation, of which nothing is taken for granted.
    """
    if not _is_vendors(asked):
        words = f"{asked} is a Sentry of your own, or a proxy, and knows the organisation {organization}"
        return Finding(Level.OK, words, about=About.SITE)
    lives = _region(told)
    if lives is None or _host(lives) == _host(asked):
        return Finding(Level.OK, f"{asked} is where {organization} lives", about=About.SITE)
    words = f"{organization} lives at {lives}, and {asked} is asked"
    return Finding(
        Level.WARN,
        words,
        f"write `url: {lives}`: what another site answers of it, it has to fetch there, or does not know",
        about=About.SITE,
    )


def _region(told: Any) -> str | None:
    """The address of its region; ``None``: it is not told, or is none of Sentry's own."""
    links = told.get("links") if isinstance(told, Mapping) else None
    url = links.get("regionUrl") if isinstance(links, Mapping) else None
    host = _host(url) if isinstance(url, str) else None
    return f"https://{host}" if host and _REGION.fullmatch(host) else None


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_vendors(url: str) -> bool:
    host = _host(url) or ""
    return host == VENDOR or host.endswith(f".{VENDOR}")
