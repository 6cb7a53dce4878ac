"""One real server for the tests of this folder, filled with half an hour of the shop."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.prometheus.real import filled
from tests.watcher.signals.prometheus.shop import log, seen


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. It lives in a loop of its own, longer than that of any test."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    ready, over = threading.Event(), threading.Event()
    told: dict[str, str | BaseException] = {}

    async def life() -> None:
        async with filled(seen(log()), folder) as url:
            told["url"] = url
            ready.set()
            await asyncio.to_thread(over.wait)

    def run() -> None:
        try:
            asyncio.run(life())
        except BaseException as error:  # noqa: BLE001 - it is raised again where the test can see it, a skip among them
            told["failed"] = error
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="prometheus")
    thread.start()
    ready.wait()
    if isinstance(failed := told.get("failed"), BaseException):
        thread.join()
        raise failed
    yield str(told["url"])
    over.set()
    thread.join()
