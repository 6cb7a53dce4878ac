"""The short notation of series."""

import pytest

from rules.errors import Malformed
from rules.trial.notation import MOST, Named, numbers, shares, states


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("600", (600,)),
        ("600x3", (600, 600, 600)),
        ("0+2x3", (0, 2, 4)),
        ("9-4x3", (9, 5, 1)),
        ("0.5+0.25x2", (0.5, 0.75)),
        ("1 _ 2", (1, None, 2)),
        (" 1x2\n _x2  3 ", (1, 1, None, None, 3)),
    ],
)
def test_numbers(text, meant):
    assert numbers(text) == meant


def test_gauges_may_be_below_zero():
    assert numbers("-5 -5+10x2 2-3x3", negative=True) == (-5, -5, 5, 2, -1, -4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "without a bucket"),
        (" ", "without a bucket"),
        ("1 two", "'two' is no number"),
        ("-1", "'-1' is below 0, and a count is 0 or more"),
        ("1e3", "'1e3' is no number"),
        ("nan", "'nan' is no number"),
        ("5x", "'5x' is no number"),
        ("5x0", "x0 makes no bucket"),
        ("_x0", "x0 makes no bucket"),
        ("3-2x3", "goes below 0"),
        (f"1x{MOST + 1}", "more than 50,000 buckets"),
        ("1x999999", "more than 50,000 buckets"),
        (f"1x{MOST} 1", "more than 50,000 buckets"),
        ("\u0661", "is no number"),  # a digit elsewhere
        ("9" * 40, "is more than is ever counted"),
    ],
)
def test_what_is_no_series_of_counts(text, words):
    with pytest.raises(Malformed, match=words) as caught:
        numbers(text)

    assert caught.value.remedy


def test_states():
    assert states("OKx2 _ ALARM! _x2") == (Named("OK", False), Named("OK", False), None, Named("ALARM", True), None, None)  # fmt: skip


@pytest.mark.parametrize("text", ["", "OK!!", "5", "OKx0", "OK!x", "OK-x5", f"OKx{MOST + 1}"])
def test_what_is_no_series_of_states(text):
    with pytest.raises(Malformed):
        states(text)


def test_shares():
    assert shares("10%x2 0.5 100%") == (0.1, 0.1, 0.5, 1.0)


@pytest.mark.parametrize("text", ["", "10", "101%", "x5", "10%x0", "_", f"1%x{MOST + 1}"])
def test_what_is_no_series_of_shares(text):
    with pytest.raises(Malformed):
        shares(text)
