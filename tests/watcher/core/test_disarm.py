"""The switch."""

from dataclasses import replace

import pytest

from tests.builders import NOON, an_order, hours, minutes, seconds
from watcher.core.disarm import (
    Changes,
    Off,
    announced,
    armed_again,
    by_lever,
    disarming,
    in_force,
    pulled,
    words,
)
from watcher.core.watch import OrderKind
from watcher.errors import OrderIncomplete


def a_switch(**changes):
    return replace(Off("checkout", "production", "olga", "database work", NOON, NOON + hours(1)), **changes)


def disarm(**changes):
    return disarming(an_order(OrderKind.DISARM, **changes), "checkout", "production", NOON)


def test_it_is_off_for_an_hour_or_as_long_as_one_says():
    assert disarm(reason="database work") == a_switch()
    assert disarm(lasting=hours(48)).until == NOON + hours(48)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ({"reason": " "}, "disarming needs a reason"),
        ({"lasting": hours(24 * 7) + minutes(1)}, "a switch is off for at most 7 days"),
        ({"lasting": minutes(0)}, "a switch is off for at most 7 days"),
        ({"lasting": -hours(1)}, "a switch is off for at most 7 days"),
    ],
)
def test_it_has_a_reason_and_an_end(order, says):
    with pytest.raises(OrderIncomplete, match=says) as refusal:
        disarm(**order)

    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("switch", "holds"),
    [
        (a_switch(), True),
        (a_switch(service="*", environment="*"), True),
        (a_switch(service="cart"), False),
        (a_switch(environment="staging"), False),
        (a_switch(until=NOON), False),
    ],
    ids=["its own", "all", "another service", "another environment", "expired"],
)
def test_it_holds_for_one_service_or_for_all_until_it_expires(switch, holds):
    assert (in_force([switch], "checkout", "production", NOON) is switch) is holds


def test_of_several_the_longest_is_told():
    short, long = a_switch(), a_switch(service="*", environment="*", until=NOON + hours(9))

    assert in_force([short, long], "checkout", "production", NOON) is long
    assert in_force([], "checkout", "production", NOON) is None


def test_it_is_told_by_whom_until_when_and_why():
    assert words(a_switch(), NOON) == "disarmed by olga until 13:00:00 UTC: database work"
    assert words(None, NOON) == ""


def test_it_is_announced():
    told = announced(a_switch(), NOON)

    assert told.headline == (
        "checkout · production: rollbackd is disarmed until 13:00:00 UTC, by olga: database work"
    )
    assert told.lines == (
        "It watches and tells, and rolls nothing back by itself. What people order is done",
        "It arms itself again then",
    )
    assert told.event == "switch.disarmed"


def test_it_is_announced_when_it_is_on_again():
    told = armed_again(a_switch(service="*", environment="*"), "piet", NOON)

    assert told.headline == "all services: rollbackd is armed again, by piet"


# ------------------------------------------------------------------------------------------------------------- levers

KNOWN = [("checkout", "production"), ("cart", "staging")]
FILE = "file:/etc/rollbackd/disarmed"


def said_by(text):
    return {"/".join(key): each.reason for key, each in pulled(text, KNOWN).items()}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, {}),
        ("armed", {}),
        (" Armed\n", {}),
        ("# of the platform team\n\narmed", {}),
        ("", {"*/*": "no reason is given"}),
        ("# nothing\n\n", {"*/*": "no reason is given"}),
        ("the database moves", {"*/*": "the database moves"}),
        ("*: the database moves", {"*/*": "the database moves"}),
        ("*/*: the database moves", {"*/*": "the database moves"}),
        ("*", {"*/*": "no reason is given"}),
        ("checkout/production: a drill", {"checkout/production": "a drill"}),
        ("checkout/production a drill", {"checkout/production": "a drill"}),
        ("checkout/production", {"checkout/production": "no reason is given"}),
        ("checkout/production: a\ncart/staging: b", {"checkout/production": "a", "cart/staging": "b"}),
        ("checkout/production: a\ncheckout/production: b", {"checkout/production": "a"}),
        (
            "checkout/productoin: a",
            {"*/*": "there is no checkout/productoin, so all are: checkout/productoin: a"},
        ),
        ("checkout/: a", {"*/*": "checkout/: a"}),
        ("x" * 900, {"*/*": "x" * 200}),
        ("*: a\x1b[31mb", {"*/*": "a [31mb"}),
    ],
)
def test_a_lever_says_what_is_held_off_and_what_is_not_understood_holds_off_all(text, says):
    assert said_by(text) == says


def lever(wanted, *switches, now=NOON):
    return by_lever(FILE, pulled(wanted, KNOWN).values(), switches, now)


def test_a_lever_that_is_pulled_holds_off_for_an_hour_and_is_renewed_after_half_of_it():
    (off,) = lever("*: why").off

    assert off == Off("*", "*", FILE, "why", NOON, NOON + hours(1))
    assert lever("*: why", off, now=NOON + minutes(29)) == Changes()
    later = lever("*: why", off, now=NOON + minutes(31))
    assert later == Changes(renewed=(replace(off, until=NOON + minutes(91)),))


def test_another_reason_is_written_down_and_told_nobody():
    (off,) = lever("*: why").off

    assert lever("*: another", off).renewed == (replace(off, reason="another"),)


def test_a_lever_that_is_let_go_arms_what_it_held_off_and_nothing_else():
    mine, theirs = a_switch(by=FILE), a_switch(service="cart", by="token:olga")

    assert lever(None, mine, theirs) == Changes(on=(mine,))


def test_what_a_person_has_disarmed_stays_theirs():
    theirs = a_switch(service="*", environment="*")

    assert lever("*: why", theirs) == Changes()
    assert lever(None, theirs) == Changes()


def test_a_lever_takes_over_before_what_a_person_has_disarmed_runs_out():
    theirs = a_switch(service="*", environment="*")

    assert lever("*: why", theirs, now=theirs.until - seconds(16)) == Changes()
    (off,) = lever("*: why", theirs, now=theirs.until - seconds(14)).off
    assert off.by == FILE


def test_of_a_lever_nobody_is_told_when_it_ends_for_it_does_not_know():
    held = a_switch(by=FILE)

    notice = announced(held, NOON)

    assert words(held, NOON) == f"disarmed by {FILE}: database work"
    assert notice.headline == f"checkout · production: rollbackd is disarmed, by {FILE}: database work"
    assert notice.lines[-1] == "It is armed again within 10 s, once that no longer says so"
