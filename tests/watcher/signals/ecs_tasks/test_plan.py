"""How many lists so many services cost, of clusters of any size: whichever way is fewer, held against counting both."""

from datetime import timedelta
from math import ceil

import pytest

from tests.watcher.signals.ecs_tasks.shop import second
from watcher.signals.ecs_tasks.plan import (
    GROWN,
    KNOWN_FOR,
    LEAST,
    MOST_PAGES,
    MOST_WHOLE,
    Lengths,
    Plan,
    Size,
    planned,
)

NOW = second(0)
RESTS = Lengths(running=2, stopped=0)


def size(pages: int, *, ago: timedelta = timedelta(0), is_all: bool = True) -> Size:
    return Size(pages, NOW - ago, is_all)


@pytest.mark.parametrize(
    ("services", "calls"), [(1, 2), (10, 2), (100, 3), (1_000, 21), (2_500, 51), (5_000, 101)]
)
def test_all_services_of_a_cluster_at_rest_are_the_lists_of_the_cluster(services, calls):
    tasks = services * RESTS.running

    plan = planned([RESTS] * services, size(ceil(tasks / 100) + 1), NOW)

    assert plan.calls == calls == min(2 * services, ceil(tasks / 100) + 1)


@pytest.mark.parametrize("services", [1, 2, 3, 5, 20, 60, 1_000])
@pytest.mark.parametrize("pages", [2, 3, 4, 6, 21, 41, 119, 150])
@pytest.mark.parametrize("silent", [0, 1, 5])
def test_what_is_fewer_calls_is_done(services, pages, silent):
    watched = [*[RESTS] * services, *[Lengths(0, 30)] * silent]

    plan = planned(watched, size(pages), NOW)

    singly, whole = 2 * (services + silent), pages + silent
    assert plan.calls == min(singly, whole)
    assert bool(plan.most) is (whole < singly)


def test_of_two_ways_that_cost_the_same_each_service_is_asked_for_by_itself():
    assert planned([RESTS] * 3, size(6), NOW) == Plan(calls=6)


def test_as_many_pages_are_read_of_a_cluster_that_grows_as_are_worth_it_and_no_more():
    plan = planned([RESTS] * 30, size(21), NOW)

    assert plan == Plan(calls=21, most=59)


def test_a_service_with_many_tasks_is_as_many_calls_as_its_lists_have_pages_up_to_a_bound():
    assert Lengths(0, 0).calls == 2
    assert Lengths(100, 101).calls == 3
    assert Lengths(250, 100_000).calls == 3 + MOST_PAGES
    assert planned([Lengths(250, 900)], size(12), NOW).calls == 12
    assert planned([Lengths(250, 900), RESTS], size(13), NOW) == Plan(calls=13, most=13)


def test_a_cluster_that_nobody_has_seen_is_tried_for_as_long_as_its_services_would_cost_more():
    assert planned([None], None, NOW) == Plan(calls=2)
    assert planned([None] * 2, None, NOW) == Plan(calls=LEAST, most=3)
    assert planned([None] * 40, None, NOW) == Plan(calls=LEAST, most=79)


def test_there_is_an_end_to_what_is_read_of_a_cluster():
    assert planned([None] * 5_000, None, NOW).most == MOST_WHOLE
    assert planned([RESTS] * 5_000, size(MOST_WHOLE), NOW) == Plan(calls=MOST_WHOLE, most=MOST_WHOLE)
    assert planned([RESTS] * 5_000, size(MOST_WHOLE + 1), NOW) == Plan(calls=10_000)


def test_a_cluster_that_was_too_large_is_left_alone_for_a_while_or_until_far_more_is_asked_of_it():
    tried = size(4, is_all=False)
    later = size(4, is_all=False, ago=KNOWN_FOR + timedelta(seconds=1))
    many = (GROWN * tried.pages + 1) // 2 + 1

    assert planned([RESTS] * 2, tried, NOW) == Plan(calls=4)
    assert planned([RESTS] * 2, later, NOW) == Plan(calls=LEAST, most=3)
    assert planned([RESTS] * (many - 1), tried, NOW) == Plan(calls=2 * (many - 1))
    assert planned([RESTS] * many, tried, NOW).most == 2 * many - 1


def test_how_large_a_cluster_was_is_true_for_a_while():
    assert planned([RESTS] * 4, size(30, ago=KNOWN_FOR), NOW) == Plan(calls=8)
    assert planned([RESTS] * 4, size(30, ago=KNOWN_FOR + timedelta(seconds=1)), NOW).most == 7
