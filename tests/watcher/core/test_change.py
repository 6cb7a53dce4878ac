"""Whose a change is, and what it has to do with what got bad."""

from dataclasses import replace

import pytest

from tests.builders import NOON, a_service, minutes
from watcher.core.change import (
    Change,
    ChangeKind,
    Moved,
    Weighed,
    concerning,
    concerns,
    nearest,
    told_once,
    weighed,
)
from watcher.core.service import Around

US = "us-east-1"
HERE = Around(own=("/checkout/*",), places=frozenset({("123456789012", US)}))
CHECKOUT = a_service(around=HERE)
CART = a_service(name="cart", around=replace(HERE, own=("/cart/*",)))
SERVICES = (CHECKOUT, CART)


def a_change(what="parameter changed", at=NOON, **more):
    return Change(at, what, **{"account": "123456789012", "region": US, **more})


def does_concern(change, service=CHECKOUT, services=SERVICES):
    return concerns(change, service, services)


# ------------------------------------------------------------------------------------------------------------ whose it is


def test_what_is_told_of_a_service_is_that_services_alone():
    change = a_change(service="cart", environment="production")

    assert does_concern(change, CART)
    assert not does_concern(change, CHECKOUT)


def test_what_is_told_of_a_service_in_no_environment_is_of_it_everywhere():
    assert does_concern(a_change(service="checkout"))
    assert not does_concern(a_change(service="checkout", environment="staging"))


def test_what_is_told_of_an_environment_is_everybodys_there():
    assert does_concern(Change(NOON, "migration run", environment="production"))
    assert not does_concern(Change(NOON, "migration run", environment="staging"))


def test_what_is_told_of_nobody_is_everybodys():
    assert does_concern(Change(NOON, "the office moved"))


def test_a_deployment_is_a_change_for_all_others_of_the_environment_and_not_for_its_own_service():
    def of(service, environment="production"):
        kind = ChangeKind.DEPLOYMENT
        return Change(NOON, "cart v8 deployed", service=service, environment=environment, kind=kind)

    assert does_concern(of("cart"))
    assert not does_concern(of("checkout"))
    assert not does_concern(of("cart", "staging"))


def test_a_deployment_of_a_service_that_nobody_configured_is_everybodys_who_runs_there():
    stranger = a_change("ECS service other deployed", kind=ChangeKind.DEPLOYMENT, name="main/other")

    assert does_concern(stranger)
    assert not does_concern(replace(stranger, region="eu-west-1"))


def test_what_a_service_calls_its_own_is_its_own_and_not_its_neighbours():
    change = a_change(name="/checkout/limits")

    assert does_concern(change, CHECKOUT)
    assert not does_concern(change, CART)


def test_what_two_call_their_own_is_of_both():
    both = [replace(each, around=Around(own=("/shared/*",))) for each in SERVICES]

    assert all(does_concern(a_change(name="/shared/rates"), each, both) for each in both)


def test_what_a_service_calls_its_own_is_so_only_where_it_runs():
    """Staging has a parameter of the same name, in an account of its own."""
    elsewhere = replace(HERE, places=frozenset({("999999999999", US)}))
    staging = a_service(environment="staging", around=elsewhere)
    change = a_change(name="/checkout/limits", account="999999999999")

    assert does_concern(change, staging, [CHECKOUT, staging])
    assert not does_concern(change, CHECKOUT, [CHECKOUT, staging])
    assert not does_concern(change, CHECKOUT, [CHECKOUT])
    assert does_concern(a_change(name="/checkout/limits"), CHECKOUT, [CHECKOUT, staging])
    assert does_concern(a_change(name="/checkout/limits"), CART, [CART, staging])  # nobody's, here


def test_names_are_told_apart_by_their_case():
    assert does_concern(a_change(name="/Checkout/limits"), CART)


@pytest.mark.parametrize(
    ("places", "concerned"),
    [
        ({("123456789012", US)}, True),
        ({(None, US)}, True),
        ({("123456789012", "eu-west-1"), ("123456789012", US)}, True),
        ({("999999999999", US)}, False),
        ({("123456789012", "eu-west-1")}, False),
        (set(), True),  # it runs where nobody knows of: it may be there
    ],
)
def test_what_is_nobodys_own_is_of_all_who_run_in_its_account_and_region(places, concerned):
    service = a_service(around=Around(places=frozenset(places)))

    assert does_concern(a_change(name="payments-db"), service, [service]) is concerned


def test_what_has_no_name_is_nobodys_own():
    everything = a_service(around=Around(own=("*",)))

    assert does_concern(a_change(name=""), CART, [CART, everything])


def test_those_that_concern_a_service_are_in_order():
    late, early = a_change("late", NOON), a_change("early", NOON - minutes(1))
    others = a_change(service="cart")

    assert concerning([late, others, early], CHECKOUT, SERVICES) == (early, late)


# ------------------------------------------------------------------------------------------- what it has to do with it

SWITCH, BEGAN = NOON, NOON + minutes(11)


def weigh(*changes):
    return weighed(changes, HERE, SWITCH, BEGAN)


def said(moved):
    return [each.what for each in moved]


def own(at, what="parameter", kind=ChangeKind.PARAMETER):
    return a_change(what, at, kind=kind, name="/checkout/limits")


def shared(at, what="failover"):
    return a_change(what, at, kind=ChangeKind.FAILOVER, name="payments-db")


def test_a_setting_of_its_own_that_moved_before_the_switch_is_left_as_it_is():
    assert said(weigh(own(SWITCH - minutes(4))).left) == ["parameter"]
    assert said(weigh(own(SWITCH)).left) == ["parameter"]
    assert said(weigh(own(SWITCH - minutes(60))).left) == ["parameter"]
    assert weigh(own(SWITCH - minutes(61))) == Weighed()


def test_a_setting_that_was_told_of_the_service_is_its_own_too():
    told = Change(SWITCH - minutes(4), "migration run", service="checkout")

    assert said(weigh(told).left) == ["migration run"]


def test_what_a_rollback_has_nothing_to_do_with_is_not_left():
    assert weigh(own(SWITCH - minutes(4), kind=ChangeKind.SCALING)).left == ()
    assert weigh(replace(own(SWITCH - minutes(4)), name="/shared/rates")).left == ()


def test_what_moved_between_the_switch_and_the_beginning_is_suspected():
    assert said(weigh(shared(SWITCH + minutes(1)), own(BEGAN)).suspects) == ["parameter", "failover"]


def test_what_moved_before_the_switch_or_after_the_beginning_is_shown_besides():
    found = weigh(shared(SWITCH, "before"), shared(BEGAN + minutes(1), "after"))

    assert found.suspects == ()
    assert said(found.others) == ["after", "before"]


def test_what_moved_more_than_an_hour_before_it_began_has_nothing_to_do_with_it():
    assert said(weigh(shared(BEGAN - minutes(60))).others) == ["failover"]
    assert weigh(shared(BEGAN - minutes(61))) == Weighed()


def test_the_nearest_to_the_beginning_comes_first():
    found = weigh(
        shared(BEGAN - minutes(9), "9 before"),
        shared(BEGAN - minutes(1), "1 before"),
        shared(BEGAN + minutes(2), "2 after"),
        shared(BEGAN - minutes(40), "40 before"),
    )

    assert said(found.besides) == ["1 before", "2 after", "9 before", "40 before"]


def test_what_is_suspected_stands_once_among_what_moved_besides():
    found = weigh(shared(BEGAN - minutes(1), "suspect"), shared(SWITCH - minutes(1), "other"))

    assert said(found.besides) == ["suspect", "other"]
    assert said(found.others) == ["other"]


def test_what_says_the_same_is_told_once_with_how_often():
    times = [BEGAN - minutes(number) for number in (3, 1, 2)]
    launched = [shared(at, "web launched an instance") for at in times]

    assert told_once([*launched[:1], shared(SWITCH), *launched[1:]]) == [
        Moved("web launched an instance", 3, BEGAN - minutes(3), BEGAN - minutes(1)),
        Moved("failover", 1, SWITCH, SWITCH),
    ]


def test_what_says_the_same_of_two_kinds_is_told_twice():
    kinds = ChangeKind.FLAG, ChangeKind.OTHER

    assert len(told_once(a_change(kind=kind) for kind in kinds)) == len(kinds)


def test_of_many_changes_those_nearest_to_a_moment_are_kept_in_their_order():
    changes = [a_change(at=NOON + minutes(each)) for each in (-9, -2, 1, 30)]

    assert nearest(reversed(changes), NOON, 2) == (changes[1], changes[2])
