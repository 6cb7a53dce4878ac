"""The switch."""

from dataclasses import replace

import pytest

from tests.builders import NOON, an_order, hours, minutes
from watcher.core.disarm import Off, announced, armed_again, disarming, in_force, words
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
