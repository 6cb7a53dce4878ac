"""Whether all came that should have come: looked at in the middle of a bucket as well as at its end."""

from datetime import timedelta

from rules.model import Slo
from rules.verdict import Because, Outcome
from tests.rules.building import a_bucket, a_rule, a_watch, counts, noon, series

FIVE = timedelta(minutes=5)


def seen_at(minutes, *came):
    """What is said so many minutes after noon, of buckets of five minutes that are final after ten; the switch is at 12:00:30."""
    watch = a_watch(a_rule(Slo(0.9)), bucket=FIVE, settle=timedelta(minutes=10))
    watch.traffic_at = watch.complete_at = noon(0.5)
    watch.reads(
        noon(minutes), errors=(series(*(a_bucket(each, counts(0, 5000), length=FIVE) for each in came)),)
    )
    return watch.verdict()


def test_neither_the_bucket_of_the_switch_nor_the_one_under_way_is_missing():
    for minutes in range(20, 25):
        assert seen_at(minutes + 0.9, 1).because is not Because.HOLES
    for minutes in range(25, 30):
        assert seen_at(minutes + 0.9, 1, 2).outcome is Outcome.HEALTHY


def test_what_is_missing_is_missing():
    assert seen_at(45, 1, 2, 6).words == "only 3 of 6 buckets came"


def test_what_came_before_a_hole_does_not_fill_it():
    assert seen_at(105, 1, 2, 3, 4, 5, 6, 18).words == "only 1 of 6 buckets came"


def test_no_more_is_remembered_than_is_looked_back():
    watch = a_watch(a_rule(Slo(0.9)), at_least=FIVE)
    watch.sees([(counts(0, 5000), None)] * 20)

    assert watch.evidence.memories["errors"].came == 0b11111
