"""What a step is told of the way back."""

from dataclasses import replace

from deploy.model import PartChange
from deploy.tags import Grade
from tests.builders import NOON, a_back, a_deployment, a_ledger, a_policy, a_release, some_facts
from watcher.core.facts import furthest, ways_back

LEDGER = a_ledger("v41", "v42", "v43", passed=("v42",))


def test_a_part_goes_back_to_its_nearest_best_release():
    ways = ways_back(a_deployment(), {"service": LEDGER}, a_policy(), NOON)

    assert ways["service"].release == a_release("v42")
    assert ways["service"].grade is Grade.PROVEN


def test_a_part_without_a_known_good_release_or_a_ledger_is_missing():
    assert ways_back(a_deployment("v1"), {"service": a_ledger("v1")}, a_policy(), NOON) == {}
    assert ways_back(a_deployment(), {}, a_policy(), NOON) == {}


def test_a_release_that_says_that_it_cannot_be_undone_is_a_floor_though_the_ledger_does_not_know_it_yet():
    part = PartChange("service", a_release("v42"), a_release("v44", reversible=False))

    ways = ways_back(replace(a_deployment(), parts=(part,)), {"service": LEDGER}, a_policy(), NOON)

    assert ways["service"].floor


def test_ways_by_part_are_good_for_one_part_too():
    facts = some_facts(way_back=None, ways_back={"service": a_back()})

    assert facts.backs(a_deployment()) == {"service": a_back()}


def test_the_way_that_is_shown_is_the_one_to_think_about():
    near, far, floor = a_back(), a_back("v40", crosses=5), a_back("v41", crosses=1, floor=True)

    assert furthest((near, far)) is far
    assert furthest((near, far, floor)) is floor
    assert furthest(()) is None
