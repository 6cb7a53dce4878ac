"""A real Prometheus scrapes a daemon at work: every panel and every alert asks for what is there, and one alert fires."""

from typing import Any

import aiohttp
import pytest

from tests.examples.operations.expressions import ALERTS, OPERATIONS, SELECTOR, targets
from tests.fakes.prometheus.real import scraping
from tests.watcher.app.by_github import Town, a_town
from tests.watcher.app.house import AtWork, at_work, soon

# What a daemon without AWS does not count, and one that is well: a bug, an error of the store, a lost line, a lease that
# has to be renewed, since a round lasts for seconds. And what is above a bound only where something is wrong.
NOT_HERE = (
    "rollbackd_aws_",
    "rollbackd_loop_failures",
    "rollbackd_store_errors",
    "rollbackd_log_dropped",
    "rollbackd_lease_renew",
    "rollbackd_feed_failures",
    "rollbackd_alerts_unsubscribed",
)


class Asking:
    """Somebody who asks a Prometheus."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def of(self, expression: str) -> list[Any]:
        """The series that *expression* has now. Whatever is refused is a mistake in it."""
        async with self._session.post(f"{self._url}/api/v1/query", data={"query": expression}) as answer:
            told = await answer.json()
        assert told["status"] == "success", (expression, told)
        assert not told.get("warnings"), (expression, told)
        series: list[Any] = told["data"]["result"]
        return series

    async def have_all(self, expressions: list[str]) -> None:
        """Wait until each of *expressions* has series."""

        async def lacking() -> bool:
            self.lacking = [each for each in expressions if not await self.of(each)]
            return not self.lacking

        try:
            await soon(lacking)
        except TimeoutError:
            raise AssertionError(self.lacking) from None

    async def firing(self) -> set[str]:
        """The alerts that fire."""
        return {each["metric"]["alertname"] for each in await self.of('ALERTS{alertstate="firing"}')}


async def _plays(town: Town, daemon: AtWork) -> None:
    """A bad release is put back, and who should hear of it is not there any more."""
    await town.deploys(daemon, "v2")
    await daemon.logs("action.closed")
    await daemon.logs("message.undeliverable")


@pytest.mark.lasts(14)
async def test_a_prometheus_that_scrapes_a_daemon_has_what_panels_and_alerts_ask_for(tmp_path):
    (tmp_path / "prometheus").mkdir()
    async with a_town(tmp_path) as town, at_work(town.house) as daemon:
        host, port = daemon.running.address
        rules = str(OPERATIONS / "alerts.yaml")
        async with scraping([f"{host}:{port}"], "500ms", tmp_path / "prometheus", "rollbackd", rules) as url:
            prometheus = Asking(url, daemon.session)
            await prometheus.have_all(['rollbackd_rollbacks_total{result="done"}'])
            await _plays(town, daemon)

            await prometheus.have_all([each for each in targets() if _is_here(each)])
            named = {name for rule in ALERTS for name, _ in SELECTOR.findall(rule["expr"]) if _is_here(name)}
            await prometheus.have_all([f'{name}{{job="rollbackd"}}' for name in sorted(named)])
            for expression in targets() + [rule["expr"] for rule in ALERTS]:
                await prometheus.of(expression)
            await soon(lambda: _has(prometheus, "RollbackdMessageUndeliverable"))
            fires = await prometheus.firing()

    assert fires == {"RollbackdMessageUndeliverable"}


def _is_here(expression: str) -> bool:
    return not any(name in expression for name in NOT_HERE)


async def _has(prometheus: Asking, alert: str) -> bool:
    return alert in await prometheus.firing()
