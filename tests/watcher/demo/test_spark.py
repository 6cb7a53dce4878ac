"""Small pictures made of letters."""

from watcher.demo.picture.spark import bar, spark


def test_a_bar_never_overflows():
    assert bar(5.0, 3.0, 4) == "████"
    assert bar(-1.0, 3.0, 4) == "░░░░"
    assert bar(1.5, 3.0, 4) == "██░░"


def test_a_spark_shows_the_least_that_is_not_nothing_and_a_gap_as_a_gap():
    assert spark([0.0, 0.0001, 1.0, 7.0, None], 1.0) == " ▁██·"
