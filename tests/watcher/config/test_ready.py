"""``daemon.ready``: when it is looked at each day whether every service could be put back."""

from datetime import UTC, time
from zoneinfo import ZoneInfo

import pytest

from tests.watcher.config.sample import changed, problems, read
from watcher.core.readiness import Daily


def with_ready(written):
    return changed("  ceilings: {", f"  ready: {written}\n  ceilings: {{")


@pytest.mark.parametrize(
    ("written", "daily"),
    [
        ("{}", Daily(time(7), UTC)),
        ('{at: "09:30"}', Daily(time(9, 30), UTC)),
        ('{at: "09:00", zone: Europe/Berlin}', Daily(time(9), ZoneInfo("Europe/Berlin"))),
        ("{enabled: false}", None),
    ],
)
def test_the_hour_and_the_zone_are_read(tmp_path, written, daily):
    assert read(tmp_path, with_ready(written)).daemon.ready == daily


def test_where_nothing_is_said_it_is_looked_at_every_morning(tmp_path):
    assert read(tmp_path).daemon.ready == Daily()


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('{at: "25:00"}', "ready.at"),
        ("{at: 9}", "ready.at"),
        ("{zone: Berlin}", '"Berlin" is no time zone that this machine knows'),
        ("{zone: ../../etc/passwd}", "is no time zone that this machine knows"),
        ("{zone: Europe}", "is no time zone that this machine knows"),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path, written, says):
    (found,) = problems(tmp_path, with_ready(written))

    assert found.startswith("rollbackd.yaml:8:")
    assert says in found
