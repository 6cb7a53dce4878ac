"""What the pages show of ``rollbackd doctor`` is what it prints of such findings: letter for letter, on 100 columns."""

import re
from collections.abc import Sequence

import click
import pytest

from deploy.model import About, Finding, Level
from tests.docs.pages import ROOT
from watcher.commands import doctor
from watcher.commands._doctor import tables
from watcher.commands._doctor.checks import Found
from watcher.commands._sheet import Page

WEB, CHECKOUT = "service web/production", "service checkout/production"
STARTED = [
    Found(WEB, "live", Finding(Level.OK, "v42 (fingerprint tag:v42) is live"), where="command"),
    Found(
        WEB,
        "way back",
        Finding(
            Level.OK,
            "the platform remembers no other release: the way back opens with the next deployment; a move takes as long as"
            " the program takes",
        ),
        where="command",
    ),
    Found(
        WEB,
        "signal errors",
        Finding(
            Level.OK, "data until 2s ago; a bucket of 10s is judged 1s after its end", about=About.LATENESS
        ),
        where="errors (scrape)",
    ),
    Found(
        WEB,
        "could see",
        Finding(
            Level.OK,
            "“the objective holds”: at 25 requests a second (as in the past): 0 % → 1 % is found within 3 min, 0 % → 5 %"
            " within 21 s. …",
        ),
        where="its rules",
    ),
    Found(
        WEB,
        "costs",
        Finding(Level.OK, "errors: one look each 10s at 1 instance: 8,640 requests a day", about=About.COST),
        where="its rules",
    ),
    Found(
        "daemon",
        "callers",
        Finding(
            Level.OK,
            "no token is configured: only this machine is heard, at 127.0.0.1:8080, and whoever is on it may order",
        ),
    ),
    Found(
        "daemon",
        "heartbeat",
        Finding(
            Level.WARN,
            "no heartbeat is set: nobody hears when the daemon is dead, and nothing is rolled back then",
            "set `daemon.heartbeat: {url: ...}` to a monitor outside, or alert on RollbackdDown elsewhere",
        ),
    ),
]
REFUSED = (
    "Datadog (datadoghq.eu): HTTP 403: Forbidden: are both keys of this site and valid, and has the application key the"
    " scope timeseries_query?"
)
MENDS = "give the application key that scope, or correct `application_key`"
TROUBLED = [
    Found("account shop", "to read", Finding(Level.OK, "we are arn:aws:iam::123456789012:role/rollbackd-read, in eu-central-1")),
    Found("connection dog", "answers", Finding(Level.OK, "Datadog (datadoghq.eu) is the site of the API key, which is known to one site alone", about=About.SITE), where="datadog"),
    Found("connection dog", "answers", Finding(Level.OK, "Datadog (datadoghq.eu) knows the API key", about=About.KEY), where="datadog"),
    Found("connection dog", "answers", Finding(Level.FAIL, REFUSED, MENDS, about=About.SCOPE), where="datadog"),
    Found("connection dog", "answers", Finding(Level.OK, "this machine's clock agrees with that of Datadog (datadoghq.eu), within 5 s", about=About.CLOCK), where="datadog"),
    Found(CHECKOUT, "live", Finding(Level.OK, "checkout:42 (fingerprint sha256:2a684ad679ed) is live"), where="ecs"),
    Found(
        CHECKOUT,
        "to act",
        Finding(
            Level.FAIL,
            "arn:aws:iam::123456789012:role/rollbackd-act may not ecs:UpdateService on"
            " arn:aws:ecs:eu-central-1:123456789012:service/shop/checkout",
            "allow it: `rollbackd init ecs` writes the policies of ECS, the page of any other target has its own",
        ),
        where="ecs",
    ),
    Found(CHECKOUT, "signal slow", Finding(Level.FAIL, REFUSED, about=About.DATA, untold=True), where="slow (dog)", by="connection dog"),
    Found(
        CHECKOUT,
        "signal crashes",
        Finding(
            Level.FAIL,
            "https://sentry.io, organization shop: no release checkout@1.4.2; nearest: checkout@1.4.2+ab12",
            "correct `names:` of the service, or the query in the rule file: the release must be asked for as it is called there",
            about=About.RELEASE,
        ),
        where="crashes (sentry)",
    ),
    Found(
        CHECKOUT,
        "costs",
        Finding(Level.OK, "sentry: 2 calls each 1m: 2,880 for a day of a watch, 60 for the shortest bake (30m)"),
        where="its rules",
    ),
]  # fmt: skip


def printed(found: Sequence[Found]) -> str:
    """As it stands on a terminal of 100 columns."""
    lines = [*tables.tables(found, tables.Wanted(), Page(100)), tables.summary(found, doctor.status(found))]
    return "".join(f"{click.unstyle(line)}\n" for line in lines)


@pytest.mark.parametrize(("page", "found"), [("start.md", STARTED), ("running.md", TROUBLED)])
def test_a_page_shows_what_is_printed(page, found):
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    shown = re.search(
        r"^\$ rollbackd doctor --config rollbackd\.yaml\n(.*?)^(?:\$|```)", text, re.DOTALL | re.MULTILINE
    )

    assert shown is not None
    assert shown[1] == printed(found)
