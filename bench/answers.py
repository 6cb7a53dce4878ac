"""What signal systems answer to the compiled questions of a tick: bytes, as the fakes of the tests tell them over HTTP.

In the minute that is asked about, each service has answered two requests in each of its two releases, one of them with 500. The
fakes are held against what the vendors publish (tests/schemas); Prometheus is a real one. A fake is asked with the requests in its log
of those services alone that the question names: it would leave out the others, and be slow about it. Logs Insights alone has all of
them in its log group, for its questions do not name so many.
"""

import json
import re
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.fakes import datadog, loki, newrelic, sentry
from tests.fakes.aws.calls import Asked
from tests.fakes.aws.logs.service import Logs
from tests.fakes.prometheus import real
from tests.fakes.serve import serving_app
from tests.fakes.world import Happened, World
from watcher.signals.cloudwatch_logs.plan import MOST_ROWS, Scan
from watcher.signals.datadog.fetch import Grid
from watcher.signals.datadog.fetch import body_of as datadog_body
from watcher.signals.datadog.plan import Call as DatadogCall
from watcher.signals.newrelic.plan import Call as NewRelicCall
from watcher.signals.prometheus.promql import range_of
from watcher.signals.sentry.plan import SAFE
from watcher.signals.sentry.plan import Call as SentryCall

MINUTE = timedelta(minutes=1)
_LATER = timedelta(minutes=10)  # by then all has come
_SERVICE = re.compile(r"shop-(\d+)")
Versions = Callable[[int], tuple[str, str]]
Ask = Callable[[int], Awaitable[bytes]]


class Town:
    """The services that a question names, at work in the minute from *start* on."""

    def __init__(self, start: datetime, versions: Versions) -> None:
        self.start = start
        self.world = World(now=start + _LATER)
        self._versions = versions

    def hold(self, question: str) -> None:
        """Have in the log what the services in *question* did."""
        numbers = {int(each) for each in _SERVICE.findall(question)}
        self.world.log[:] = self.requests(sorted(numbers))

    def requests(self, numbers: Sequence[int]) -> list[Happened]:
        """Of the services of these numbers, in the order of their times."""
        return [
            Happened(self.start + timedelta(seconds=10 + place), version, status, 0.1, number)
            for place, status in enumerate((200, 500))
            for number in numbers
            for version in self._versions(number)
        ]


async def of_datadog(town: Town, calls: Sequence[DatadogCall]) -> list[int]:
    """The bytes of each answer."""
    site = datadog.Site(town.world, datadog.Metrics(town.world), allowed=[])
    headers = {"DD-API-KEY": datadog.API_KEY, "DD-APPLICATION-KEY": datadog.APPLICATION_KEY}
    grid = Grid.of(town.start, town.start + MINUTE, MINUTE)
    bodies = [json.dumps(datadog_body(call, grid)) for call in calls]
    async with serving_app(datadog.app_of(site)) as port, aiohttp.ClientSession(headers=headers) as session:
        url = f"http://127.0.0.1:{port}/api/v2/query/timeseries"
        return [await _answered(town, session, url, body, body) for body in bodies]


async def of_newrelic(town: Town, calls: Sequence[NewRelicCall]) -> list[int]:
    """The bytes of each answer."""
    account = newrelic.Account(town.world, lambda each: f"shop-{each.instance}", a_minute=1_000_000)
    headers = {"API-Key": newrelic.KEY}
    bodies = [call.body(account.number).decode() for call in calls]
    async with serving_app(newrelic.app(account)) as port, aiohttp.ClientSession(headers=headers) as session:
        url = f"http://127.0.0.1:{port}/graphql"
        return [await _answered(town, session, url, body, body) for body in bodies]


async def of_sentry(town: Town, calls: Sequence[SentryCall]) -> list[int]:
    """The bytes of each answer."""
    numbers = sorted({project for call in calls for project in call.projects})
    shop = sentry.Shop(
        town.world,
        projects={f"shop-{number}": number for number in numbers},
        project_of=lambda each: f"shop-{each.instance}",
        named=lambda version: version,
        limit=None,
    )
    found = []
    for call in calls:
        town.hold(" ".join(call.releases))
        url = f"/api/0/organizations/{sentry.ORGANIZATION}/{call.path}?{urlencode(call.params, safe=SAFE)}"
        status, _, body = sentry.respond(shop, "GET", url, f"Bearer {sentry.TOKEN}")
        found.append(_size(status, body))
    return found


async def of_loki(town: Town, texts: Sequence[str]) -> list[int]:
    """The bytes of each answer."""
    server = loki.Server(town.world, loki.Lines(town.world))
    end = round((town.start + MINUTE).timestamp())
    async with serving_app(loki.app_of(server)) as port, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/loki/api/v1/query_range"
        forms = [
            {"query": text, "start": f"{end}000000000", "end": f"{end}000000000", "step": "60s"}
            for text in texts
        ]
        return [await _answered(town, session, url, form["query"], form) for form in forms]


async def of_prometheus(town: Town, size: int, scrape: timedelta, texts: Sequence[str]) -> list[int]:
    """The bytes of each answer, of a real server that has scraped all services."""
    samples = real.Samples()
    for each in town.requests(range(1, size + 1)):
        labels = {"service": f"shop-{each.instance}", "version": each.version, "code": str(each.status)}
        for step in range(-8, 9):
            at = town.start + step * scrape
            samples.add("http_requests_total", labels, at, float(at > each.at))
    end = (town.start + MINUTE).timestamp()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        async with real.filled(samples, Path(folder)) as url, aiohttp.ClientSession() as session:
            for text in texts:
                form = range_of(text, end, end, MINUTE.total_seconds(), {})
                found.append(await _answered(town, session, f"{url}/api/v1/query_range", "", form))
    return found


def of_cloudwatch_logs(town: Town, size: int, group: str, scans: Sequence[Scan]) -> list[int]:
    """The bytes of each answer, by the service itself: what AWS lets pass is looked at elsewhere, and slow.

    All services write to one log group.

    Raises:
        ValueError: An answer was cut, for a query tells no more than so many rows: then nothing is read.
    """
    logs = Logs("111122223333", "eu-central-1", ids=str, looks=1)
    for each in town.requests(range(1, size + 1)):
        line = {"msg": "handled" if each.status < HTTPStatus.BAD_REQUEST else "handled: failed"}
        names = {"service": f"shop-{each.instance}", "version": each.version}
        logs.write(group, each.at, json.dumps(line | names))
    span = {"startTime": int(town.start.timestamp()), "endTime": int((town.start + MINUTE).timestamp())}
    found = []
    for scan in scans:
        given = {"logGroupNames": [group], "queryString": scan.text, **span}
        query = _of_logs(town, logs, "StartQuery", given)
        answer = _of_logs(town, logs, "GetQueryResults", {"queryId": query["queryId"]})
        if len(answer["results"]) >= MOST_ROWS:
            raise ValueError(
                f"a query of the tick has {len(answer['results'])} rows or more: {scan.text[:500]}"
            )
        found.append(len(json.dumps(answer)))
    return found


def _of_logs(town: Town, logs: Logs, operation: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    return logs.operations()[operation](Asked(given, town.world.now, town.world.now, by=""))


async def _answered(
    town: Town, session: aiohttp.ClientSession, url: str, question: str, data: str | Mapping[str, str]
) -> int:
    town.hold(question)
    async with session.post(url, data=data) as answer:
        return _size(answer.status, await answer.read())


def _size(status: int, content: bytes) -> int:
    if status != HTTPStatus.OK:
        raise ValueError(f"a question of the tick was refused with {status}: {content[:500]!r}")
    return len(content)
