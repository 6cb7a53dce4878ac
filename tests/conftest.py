"""What holds for every test: no credentials of yours, no deadline by the wall clock, on CI nothing is skipped, the longest first."""

import asyncio
import gc
import os
from collections.abc import Callable, Generator, Mapping
from itertools import islice

import pytest
from hypothesis import settings

from tests.schemas.exchange import drained
from tests.waiting import IdleTime

# A test that forgets its fake must be refused, and never reach an account of whoever runs it.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ |= {
    "AWS_ACCESS_KEY_ID": "of-no-account",
    "AWS_SECRET_ACCESS_KEY": "of-no-account",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

# looptime asks for the current event loop before the first asynchronous test; where none was ever set, asyncio makes one,
# which nobody closes, and some later test is blamed for it.
asyncio.set_event_loop(None)

# How long one example takes says more about the machine than about us.
settings.register_profile("here", deadline=None, print_blob=True)
settings.load_profile("here")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """On a machine that is slow nobody is late."""
    return {"idle time": IdleTime}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives to the end: whoever looks for garbage need not go through ten thousand tests again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Who waits for long begins first, each on a worker of its own: else the others wait for the last one in the end.

    At first a worker gets so many tests in a row (``--dist worksteal``): what is to begin soon stands where a row begins.
    """
    workers = int(getattr(config, "workerinput", {}).get("workercount", 1))
    lasting = sorted((item for item in items if _lasts(item)), key=_lasts, reverse=True)
    others = iter([item for item in items if not _lasts(item)])
    first: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for item in lasting:
        min(first, key=lambda row: sum(map(_lasts, row))).append(item)
    left, rows = len(items), []
    for number, row in enumerate(first):
        share = left // (workers - number)
        left -= share
        rows += [*row, *islice(others, max(0, share - len(row)))]
    items[:] = [*rows, *others]


def _lasts(item: pytest.Item) -> float:
    mark = item.get_closest_marker("lasts")
    return float(mark.args[0]) if mark else 0.0


def _held_against_what_is_published() -> Generator[None, object, object]:
    """What fakes were asked, and answered, fits what their vendors publish; whatever else the test is about."""
    try:
        told = yield
    finally:  # also where the test has failed: the next one is not to be blamed for it
        unlike = drained()
    if unlike:
        pytest.fail("not as it is published:\n" + "\n".join(unlike), pytrace=False)
    return told


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    """What fixtures have to do with fakes is held against it too."""
    return (yield from _held_against_what_is_published())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """So is what the test has."""
    return (yield from _held_against_what_is_published())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """And what is said while all is put away: else the next test would be blamed for it."""
    return (yield from _held_against_what_is_published())


def _on_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """On CI a test that is skipped has failed: the component that it is about was not there."""
    report = yield
    if _on_ci() and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is a failure on CI: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is imported."""
    report = yield
    if _on_ci() and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which is a failure on CI: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
