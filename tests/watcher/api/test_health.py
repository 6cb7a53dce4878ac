"""How the daemon is, for orchestrators and for Prometheus."""

from datetime import timedelta

import pytest

from tests.watcher.api.daemon import an_api
from tests.watcher.api.test_problems import Away, is_problem
from watcher.api.deps import Status

FRESH, OLD = timedelta(seconds=1), timedelta(seconds=16)


@pytest.mark.parametrize(
    ("status", "alive", "ready"),
    [
        (Status(FRESH, FRESH), 200, 200),
        (Status(FRESH, FRESH, words=("sentry is silent",)), 200, 200),
        (Status(OLD, FRESH), 503, 200),
        (Status(FRESH, OLD), 200, 503),
        (Status(FRESH, None), 200, 503),
        (Status(FRESH, FRESH, draining=True), 200, 503),
    ],
)
async def test_alive_looks_at_the_loops_and_ready_at_the_store(status, alive, ready):
    async with an_api(status=status) as api:
        statuses = [(await api.get(path, None)).status for path in ("/livez", "/readyz")]

    assert statuses == [alive, ready]


async def test_what_is_not_well_is_said():
    status = Status(OLD, None, words=("the disk is full",))
    async with an_api(status=status) as api:
        answer = await api.get("/livez", None)

    assert is_problem(answer, 503)
    assert "the disk is full" in answer.json["detail"]


async def test_alive_needs_no_store():
    async with an_api(around=lambda _store: Away()) as api:
        answer = await api.get("/livez", None)

    assert answer.json == {"status": "alive", "words": []}


async def test_metrics_are_in_the_format_of_prometheus(api):
    answer = await api.get("/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"# TYPE rollbackd_build_info gauge" in answer.raw
