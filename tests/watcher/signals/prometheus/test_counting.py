"""What is counted, held against a real server: whole numbers, none lost and none twice."""

from datetime import timedelta

import pytest

from rules.model import Kind
from rules.sample import Bucket, Counts, Invalid, NoData, Value, Who
from tests.fakes.prometheus.real import Samples, filled
from tests.watcher.signals.prometheus.asking import (
    MINUTE,
    NOON,
    RATIO,
    SECOND,
    asking,
    buckets,
    canary,
    indicator,
)
from tests.watcher.signals.prometheus.shop import log, truth
from watcher.signals.prometheus.promql import STARTED

LATENCY = {
    "histogram": "http_request_duration_seconds",
    "where": {"service": "shop", "version": "${arm.version}"},
    "over": ["300ms", "1s"],
}


async def test_each_bucket_counts_what_was_scraped_in_it_for_both_releases(shop):
    requests = log()
    async with asking(shop) as ask:
        found = buckets(await ask.one(RATIO, minutes=25))

    assert len(found) == 25
    for bucket in found:
        assert bucket.baseline == Counts(*truth(requests, bucket.end, "v1"))
        expected = truth(requests, bucket.end, "v2")
        assert bucket.canary == (Counts(*expected) if bucket.end > NOON + 5 * MINUTE else None)
        assert not bucket.approximate


async def test_no_request_is_lost_between_buckets_and_none_counted_twice(shop):
    requests = log()
    async with asking(shop) as ask:
        found = canary(await ask.one(RATIO, minutes=25))

    edge = NOON + 24 * MINUTE + 49 * SECOND
    own = [each for each in requests if each.version == "v2" and each.at < edge]
    assert sum(bad for _, bad, _ in found) == sum(each.code == "500" for each in own)
    assert sum(total for _, _, total in found) == len(own)


async def test_the_first_errors_of_a_new_release_are_seen_in_its_first_bucket(shop):
    async with asking(shop) as ask:
        minute, bad, total = canary(await ask.one(RATIO))[0]

    assert minute == 6
    assert (bad, total) == truth(log(), NOON + 6 * MINUTE, "v2")
    assert bad > 0


async def test_a_latency_is_exact_where_its_bound_is_one_of_the_histograms(shop):
    async with asking(shop) as ask:
        reading = await ask.one(LATENCY, Kind.LATENCY, bounds=(0.3, 1.0), minutes=25)

    assert isinstance(reading, tuple)
    own = [each for each in log() if each.version == "v2" and each.at < NOON + 24 * MINUTE + 49 * SECOND]
    for series, bound in zip(reading, (0.3, 1.0), strict=True):
        assert series.bound == bound
        slow = sum(bucket.canary.bad for bucket in series.buckets if isinstance(bucket.canary, Counts))
        assert slow == sum(each.seconds > bound for each in own)


async def test_a_bound_that_the_histogram_has_not_is_the_authors_with_the_nearest_named(shop):
    async with asking(shop) as ask:
        reading = await ask.one({**LATENCY, "over": "500ms"}, Kind.LATENCY, bounds=(0.5,))

    assert isinstance(reading, Invalid)
    assert reading.who is Who.AUTHOR
    assert "nearest: 0.3 s and 1 s" in reading.words


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"gauge": "queue_depth", "where": {"service": "shop"}}, Kind.VALUE),
        ({"gauge": "queue_depth", "take": "max"}, Kind.VALUE),
        ({"expr": "max(queue_depth)"}, Kind.VALUE),
    ],
)
async def test_a_value_is_the_newest_in_its_bucket(shop, query, kind):
    async with asking(shop) as ask:
        found = buckets(await ask.one(query, kind))

    assert len(found) == 10
    assert all(isinstance(bucket.canary, Value) and 0 <= bucket.canary.x <= 6 for bucket in found)


async def test_expressions_count_what_they_say_and_errors_that_are_not_there_are_none(shop):
    of = 'http_requests_total{version="${arm.version}",code=~"%s"}'
    query = {
        "bad_expr": f"sum(increase({of % '5..'}[${{bucket}}]))",
        "total_expr": f"sum(increase({of % '.+'}[${{bucket}}]))",
    }
    never = {**query, "bad_expr": f"sum(increase({of % '418'}[${{bucket}}]))"}
    async with asking(shop) as ask:
        found, none = canary(await ask.one(query)), canary(await ask.one(never))

    assert sum(bad for _, bad, _ in found) > 0
    assert all(float(bad).is_integer() and bad <= total for _, bad, total in found)
    assert {bad for _, bad, _ in none} == {0.0}


async def test_a_total_that_is_not_there_is_no_data_though_errors_are(shop):
    query = {
        "bad_expr": "sum(increase(http_requests_total[${bucket}]))",
        "total_expr": "sum(increase(http_requests_of_nobody_total[${bucket}]))",
    }
    async with asking(shop) as ask:
        assert isinstance(await ask.one(query), NoData)


@pytest.mark.parametrize(
    ("expression", "answer", "words"),
    [
        ("sum(queue_depth) * 0 / 0", NoData, "no series"),
        ("sum(up) / 0", Invalid, "divided by zero"),
        ("http_requests_total", Invalid, "series where one was expected"),
        ("sum(nothing_of_the_kind)", NoData, "gives none"),
        ("1 + 1", Invalid, "refuses the query"),
        ("sum(queue_depth", None, ""),
    ],
)
async def test_each_strange_answer_is_what_it_is(shop, expression, answer, words):
    if answer is None:
        with pytest.raises(ValueError, match="is missing"):
            async with asking(shop) as ask:
                await ask.one({"expr": expression}, Kind.VALUE)
        return
    async with asking(shop) as ask:
        reading = await ask.one({"expr": expression}, Kind.VALUE)

    assert isinstance(reading, answer)
    assert words in reading.words


async def test_one_query_that_is_wrong_does_not_spoil_those_beside_it(shop):
    good = [indicator(RATIO, name=f"good{n}") for n in range(3)]
    bad = [indicator({"expr": f"1 + {n}"}, Kind.VALUE, f"bad{n}") for n in range(2)]
    value = indicator({"expr": "max(queue_depth)"}, Kind.VALUE, "value")
    async with asking(shop) as ask:
        readings = await ask.all(*good, *bad, value)

    assert all(isinstance(readings[each.id], tuple) for each in (*good, value))
    assert all(isinstance(readings[each.id], Invalid) for each in bad)


# ------------------------------------------------------------------------------------------------------ a counter's traps


def _counter(samples: Samples, values: dict[float, float], **labels: str) -> None:
    for seconds, value in values.items():
        samples.add("c_total", labels, NOON + timedelta(seconds=seconds), value)


COUNTED = {"counter": "c_total", "where": {"version": "${arm.version}"}, "bad": {"code": "5.."}}


async def _found(samples: Samples, folder) -> list[tuple[int, float, float]]:
    async with filled(samples, folder) as url, asking(url) as ask:
        return canary(await ask.one(COUNTED, minutes=20))


async def test_a_counter_that_is_born_with_three_errors_has_three(tmp_path):
    samples = Samples()
    _counter(samples, {4 + 15 * n: 100.0 + 2 * n for n in range(40)}, version="v2", code="200")
    _counter(samples, {304 + 15 * n: 3.0 for n in range(20)}, version="v2", code="500")

    assert (6, 3.0, 11.0) in await _found(samples, tmp_path)


async def test_a_process_that_begins_again_is_counted_on_also_when_it_overtakes_itself(tmp_path):
    samples = Samples()
    before = {4.0 + 15 * n: 10.0 * n for n in range(5)}
    after = {79.0 + 15 * n: 20.0 + 100 * n for n in range(8)}  # far more than before, within the same bucket
    _counter(samples, before | after, version="v2", code="200")
    _counter(samples, {at: value / 10 for at, value in (before | after).items()}, version="v2", code="500")

    found = await _found(samples, tmp_path)

    assert all(bad == pytest.approx(total / 11, abs=1) for _, bad, total in found)
    began_again = {minute: total for minute, _, total in found}[2]
    assert began_again > (20 + 200 - 30) * 1.1  # the mere difference would leave out what was before


async def test_an_old_process_that_is_scraped_for_the_first_time_does_not_count_its_life(tmp_path):
    samples = Samples()
    old = {"job": "shop", "instance": "old:80"}
    for n in range(40):
        at = 64 + 15 * n
        samples.add(STARTED, old, NOON.timestamp() + at, NOON.timestamp() - 7200)
        _counter(samples, {at: 50_000.0 + 10 * n}, version="v2", code="200", **old)
        if n >= 8:  # its first errors
            _counter(samples, {at: 3.0}, version="v2", code="500", **old)

    found = await _found(samples, tmp_path)

    first = {minute: total for minute, _, total in found}[2]
    assert 25 <= first <= 45  # four scrapes, with thirty requests between them
    assert {(bad, total) for minute, bad, total in found if minute in {3, 5, 6}} == {(0.0, 40.0)}
    assert {minute: bad for minute, bad, _ in found}[4] == 3.0


@pytest.mark.parametrize("started", [70, -30])
async def test_a_young_process_counts_from_its_start(tmp_path, started):
    samples = Samples()
    new = {"job": "shop", "instance": "new:80"}
    for n in range(40):
        samples.add(STARTED, new, NOON.timestamp() + 79 + 15 * n, NOON.timestamp() + started)
        _counter(samples, {79 + 15 * n: 7.0 + 10 * n}, version="v2", code="200", **new)

    assert {minute: total for minute, _, total in await _found(samples, tmp_path)}[2] == 27.0


async def test_a_series_that_ends_is_counted_to_its_end(tmp_path):
    samples = Samples()
    _counter(
        samples, {4 + 15 * n: float(n) for n in range(7)}, version="v2", code="200"
    )  # the last at 12:01:34

    assert sum(total for _, _, total in await _found(samples, tmp_path)) == 6.0


async def test_after_a_gap_it_goes_on_where_it_was_and_its_life_is_not_counted_anew(tmp_path):
    samples = Samples()
    _counter(
        samples, {4 + 15 * n: 10_000.0 + n for n in range(72) if not 12 <= n < 52}, version="v2", code="200"
    )

    found = await _found(samples, tmp_path)

    assert [minute for minute, _, _ in found if 3 < minute < 14] == []
    assert {minute: total for minute, _, total in found}[14] == 44.0


async def test_a_scrape_that_fails_is_no_data_and_never_zero_traffic(tmp_path):
    samples = Samples()
    _counter(samples, {4 + 15 * n: float(n) for n in range(9)}, version="v2", code="200")
    _counter(samples, {4 + 15 * n: float(n) for n in range(80)}, version="v1", code="200")
    async with filled(samples, tmp_path) as url, asking(url) as ask:
        found = buckets(await ask.one(COUNTED, minutes=5))

    assert [bucket.canary for bucket in found][3:] == [None, None]
    assert all(bucket.baseline is not None for bucket in found)


async def test_series_with_equal_labels_of_two_indicators_are_not_lost(shop):
    """`or` drops rows whose labels it has already: each part has a label of its own."""
    other = {**RATIO, "bad": {"code": {"not": "2.."}}}
    total = {"counter": "http_requests_total", "where": RATIO["where"]}
    async with asking(shop) as ask:
        readings = await ask.all(
            indicator(RATIO, name="one"),
            indicator(other, name="other"),
            indicator(total, Kind.REQUESTS, "all"),
        )

    one, two, every = (canary(readings[name]) for name in ("one", "other", "all"))
    assert one == two
    assert [total for _, _, total in one] == [total for _, _, total in every]
    assert all(isinstance(bucket, Bucket) for bucket in buckets(readings["all"]))


async def test_a_long_history_is_read_in_parts_that_join(shop):
    async with asking(shop) as ask:
        found = buckets(await ask.one(RATIO, start=NOON - 1000 * MINUTE, minutes=1025))
        short = buckets(await ask.one(RATIO, minutes=25))

    assert found[-25:] == short
