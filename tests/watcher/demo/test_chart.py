"""Charts: everything lies inside, nothing covers anything, and the axes can be read."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.demo.picture.chart import (
    GAP,
    LEFT,
    LETTER,
    RIGHT,
    WIDTH,
    Incident,
    Level,
    Line,
    Moment,
    Scale,
    Span,
    draw,
    ticks,
)


def an_incident(**changes) -> Incident:
    usual = Incident("errors", "share", -5.0, 20.0, [Line("v1", "old", [(0.0, 0.01), (10.0, 0.05)])])
    return replace(usual, **changes)


def extents(chart, words):
    """From where to where each label's words reach, with the row."""
    for label in chart.labels:
        width = len(label.words) * LETTER
        yield (label.x - width, label.x) if label.anchor == "end" else (label.x, label.x + width), label


def test_a_scale_holds_what_is_beyond_at_its_ends():
    scale = Scale(0.0, 10.0, 100.0, 200.0)

    assert (scale(-5), scale(5), scale(50)) == (100.0, 150.0, 200.0)


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.0, 0.1, 5, [0.0, 0.02, 0.04, 0.06, 0.08, 0.1]),
        (-5.0, 22.0, 12, [-5.0, 0.0, 5.0, 10.0, 15.0, 20.0]),
        (-1.0, 3.4, 5, [-1.0, 0.0, 1.0, 2.0, 3.0]),
    ],
)
def test_ticks_are_round(low, high, most, expected):
    assert ticks(low, high, most) == expected


@given(
    low=st.floats(-100, 0),
    span=st.floats(0.01, 1000),
    most=st.integers(2, 12),
)
def test_ticks_lie_inside_and_are_not_too_many(low, span, most):
    found = ticks(low, low + span, most)

    assert len(found) <= most + 1
    assert all(low - 1e-6 * span <= each <= low + span * (1 + 1e-6) for each in found)


@given(st.lists(st.tuples(st.floats(-5, 20), st.text("abcdefgh", min_size=1, max_size=18)), max_size=9))
def test_no_label_covers_another_and_no_line_crosses_a_label(moments):
    chart = draw(an_incident(moments=[Moment(at, name) for at, name in moments]))

    placed = list(extents(chart, moments))
    for number, ((left, right), label) in enumerate(placed):
        for (other_left, other_right), other in placed[number + 1 :]:
            if label.y == other.y:
                assert right <= other_left + 1e-6 or other_right <= left + 1e-6
        for (other_left, other_right), other in placed:
            if other.y > label.y:  # lower, so that the line of `label` passes by it
                crosses = other_left + GAP < label.x < other_right - GAP
                assert not crosses or "end" in {label.anchor, other.anchor}  # at the right edge it may


def test_labels_stand_above_the_frame():
    chart = draw(
        an_incident(moments=[Moment(0, "deployed"), Moment(0.5, "decided"), Moment(19.9, "served again")])
    )

    assert all(0 < label.y < chart.top for label in chart.labels)
    assert {label.words: label.anchor for label in chart.labels}["served again"] == "end"


def test_everything_lies_inside_the_frame():
    chart = draw(an_incident(spans=[Span(-50, 50, "outage", "hiccup")], levels=[Level(0.02, "limit")]))

    assert chart.boxes[0].x == LEFT
    assert chart.boxes[0].x + chart.boxes[0].width == WIDTH - RIGHT
    assert all(chart.top <= tick.at <= chart.bottom for tick in [*chart.ys, *chart.levels])
    assert all(LEFT <= tick.at <= WIDTH - RIGHT for tick in chart.xs)


def test_shares_are_told_in_percent_and_never_above_all():
    chart = draw(an_incident(lines=[Line("v1", "new", [(0.0, 1.0)])], percent=True))

    assert chart.ys[-1].words == "100 %"


def test_what_lies_outside_the_time_is_not_drawn():
    chart = draw(an_incident(lines=[Line("v1", "new", [(-9.0, 0.1), (30.0, 0.1)], filled=True)]))

    assert chart.lines[0].path == ""
    assert chart.lines[0].area == ""


def test_a_filled_line_is_closed_down_to_the_axis():
    chart = draw(an_incident(lines=[Line("v1", "new", [(0.0, 0.1), (1.0, 0.1)], filled=True)]))

    assert chart.lines[0].area.endswith(" Z")
    assert f" {chart.bottom:g} " in chart.lines[0].area


def test_nothing_to_draw_is_a_chart_too():
    assert draw(an_incident(lines=[])).ys
