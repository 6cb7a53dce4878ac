"""What fires besides: in one line each, with the host that an address leads to, and no more than one reads."""

from datetime import timedelta

from tests.builders import NOON
from watcher.core.alerts import Fires
from watcher.core.change import Beside
from watcher.core.watch import Link
from watcher.core.wording.figures import said
from watcher.core.wording.pointing import firing, links

AT = NOON - timedelta(minutes=3)
ERRORS = Fires(
    "am",
    "CheckoutErrors",
    AT,
    "5xx over 5 % for checkout",
    "https://prometheus.acme.example/graph?g0.expr=errors",
    "https://wiki.acme.example/checkout",
)


def lines(*fires, whole=False):
    return [said(line) for line in firing(Beside(fires=fires), NOON, whole=whole)]


def test_an_alert_is_told_with_since_when_by_whom_in_its_words_and_where_it_can_be_seen():
    assert lines(ERRORS) == [
        "Fires: CheckoutErrors since 11:57:00 UTC, told by am: 5xx over 5 % for checkout (prometheus.acme.example)"
    ]


def test_where_nothing_else_shows_them_addresses_stand_there_whole():
    [line] = lines(ERRORS, whole=True)

    assert line.endswith(f"({ERRORS.link} · runbook: {ERRORS.runbook})")


def test_what_is_not_known_is_not_told():
    assert lines(Fires("am", "CheckoutErrors", None, "CheckoutErrors")) == [
        "Fires: CheckoutErrors, told by am"
    ]


def test_links_say_where_they_lead():
    assert links(Beside(fires=(ERRORS,))) == (
        Link("CheckoutErrors at prometheus.acme.example", ERRORS.link),
        Link("Runbook at wiki.acme.example", ERRORS.runbook),
    )


def test_of_many_three_are_told_and_how_many_more():
    many = [Fires("am", f"a{number}", None, link="https://a.example/") for number in range(5)]

    assert lines(*many)[-1] == "Fires too: 2 more"
    assert len(lines(*many)) == 4
    assert len(links(Beside(fires=tuple(many)))) == 3


def test_what_is_long_is_cut():
    [line] = lines(Fires("am", "n" * 500, None, "w" * 500))

    assert len(line) < 300
