"""Reading a page of metrics; prometheus-client's parsers are the oracle."""

from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parsed_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parsed_text

from watcher.signals.scrape.page import LONGEST_LINE, MOST_SERIES, NotAPage, read_page

WANTED = frozenset({"shop_requests_total", "shop_seconds_bucket", "shop_depth"})
values = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e"),
    max_size=12,
)
numbers = st.floats(allow_nan=True, allow_infinity=True, width=64)


@st.composite
def registries(draw):
    registry = CollectorRegistry()
    counter = Counter("shop_requests", "How many", ["path", "code"], registry=registry)
    histogram = Histogram("shop_seconds", "How long", ["path"], buckets=(0.1, 0.3, 1), registry=registry)
    gauge = Gauge("shop_depth", "How deep", ["path"], registry=registry)
    Gauge("shop_depth_of_others", "Not wanted", registry=registry).set(1)
    for path, code in draw(st.sets(st.tuples(values, st.sampled_from(["200", "500"])), max_size=6)):
        counter.labels(path, code).inc(draw(st.floats(0, 1e12)))
        histogram.labels(path).observe(draw(st.floats(0, 3)))
        gauge.labels(path).set(draw(numbers))
    return registry


def told_by(families):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if sample.name in WANTED and isfinite(sample.value)
    }


def read(text, wanted=WANTED):
    page = read_page(text, wanted)
    assert page.broken == {}
    return {
        (name, labels): value for name, series in page.samples.items() for labels, value in series.items()
    }


@given(registries())
def test_the_text_format_is_read_as_prometheus_client_reads_it(registry):
    text = generate_latest(registry).decode()

    assert read(text) == told_by(parsed_text(text))


@given(registries())
def test_openmetrics_is_read_as_prometheus_client_reads_it(registry):
    text = openmetrics(registry).decode()

    assert read(text) == told_by(parsed_openmetrics(text))


@given(st.text(max_size=60))
def test_no_line_makes_the_reader_fall(line):
    try:
        read_page(f"shop_depth{line}\n", WANTED)
    except NotAPage:
        return


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("shop_depth 1", 1),
        ("shop_depth\t1e3", 1000),
        ("  shop_depth   +2.5  ", 2.5),
        ("shop_depth 3 1395066363000", 3),
        ("shop_depth{} 4", 4),
        ('shop_depth{a="b",} 5', 5),
        ('shop_depth { a = "b" , c="d" } 6', 6),
        ('shop_depth{a="}"} 7', 7),
        ('shop_depth{a="\\"\\\\\\n"} 8 # {trace="x"} 0.5 123', 8),
        ("shop_depth 9\r", 9),
    ],
)
def test_a_line_may_be_written_in_many_ways(line, value):
    assert list(read(f"{line}\n").values()) == [value]


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "nan"])
def test_what_is_not_finite_is_left_out(value):
    assert read(f"shop_depth {value}\n") == {}


@pytest.mark.parametrize(
    "line",
    [
        "shop_depth {a=b} 1",
        "shop_depth x",
        "shop_depth ",
        'shop_depth{a="b 1',
        "shop_depth 1 2 3",
        'shop_depth{a="b"} 1_0',
        "shop_depth " + " " * LONGEST_LINE,
    ],
)
def test_a_broken_line_breaks_its_own_metric_alone(line):
    page = read_page(f"{line}\nshop_requests_total 1\n", WANTED)

    assert page.broken == {"shop_depth": "a line of shop_depth cannot be read"}
    assert page.samples == {"shop_requests_total": {(): 1}}


def test_a_series_that_stands_twice_breaks_its_metric():
    page = read_page('shop_depth{a="b",c="d"} 1\nshop_depth{c="d",a="b"} 2\n', WANTED)

    assert page.broken == {"shop_depth": "a series of shop_depth stands twice on one page"}


def test_too_many_series_break_their_metric():
    page = read_page("".join(f'shop_depth{{a="{number}"}} 1\n' for number in range(MOST_SERIES + 1)), WANTED)

    assert "more than 5000 series" in page.broken["shop_depth"]
    assert page.samples == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html>", "a web page, not metrics"),
        ('\n{"a": 1}', "JSON, not metrics"),
        ("", "an empty page"),
        ("  \n", "an empty page"),
        ("shop_depth 1", "a page that ends in the middle of a line"),
    ],
)
def test_what_is_no_page_is_refused(text, words):
    with pytest.raises(NotAPage, match=words):
        read_page(text, WANTED)


def test_the_beginning_of_the_process_is_read_if_it_is_one_process():
    one = "process_start_time_seconds 1.5e9\n"

    assert read_page(one, WANTED).started == 1.5e9
    assert read_page('process_start_time_seconds{a="b"} 1\n' + one, WANTED).started is None
    assert read_page("shop_depth 1\n", WANTED).started is None


def test_names_are_gathered_only_if_one_is_missing():
    page = "shop_depth 1\nother 2\n"

    assert read_page(page, frozenset({"shop_depth"})).names == frozenset()
    assert read_page(page, WANTED).names == {"shop_depth", "other"}
