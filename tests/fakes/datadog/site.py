"""One site, with its own keys: the ways of asking that are used, in the shapes that were recorded."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from statistics import fmean
from typing import Any

from aiohttp import web

from tests.fakes.datadog import metrics
from tests.fakes.datadog.limits import Allowed, refused
from tests.fakes.datadog.metrics import Metrics, Wrong
from tests.fakes.datadog.monitors import Monitor
from tests.fakes.datadog.slos import Slo
from tests.fakes.world import World
from tests.schemas.book import book
from tests.schemas.door import served

JSONAPI = "application/vnd.api+json"
RETENTION = 15 * 30 * 86400  # seconds: fifteen months
SCALAR_STEP = 60  # seconds: how it rolls up before it makes one number is not told
API_KEY, APPLICATION_KEY = "a" * 32, "b" * 40
SCOPES = frozenset({"timeseries_query", "monitors_read", "metrics_read", "slos_read"})
AGGREGATORS = ("avg", "min", "max", "sum", "last", "mean", "area", "l2norm", "percentile", "stddev")


@dataclass
class Site:
    """How it is, and what came.

    Attributes:
        scopes: Of the application key.
        refuse: Looks at a request and its body, and answers itself; ``None``: it is answered as ever.
        most_queries: In one call; more are too many. most_bytes: of a body; more is too much.
        ahead: By which its clock differs from the world's, in seconds.
        bodies: Of the queries that came.
        calls: Paths that came, with when.
    """

    world: World
    metrics: Metrics
    scopes: frozenset[str] = SCOPES
    allowed: list[Allowed] = field(default_factory=lambda: [Allowed("metrics_query", 300, 60)])
    monitors: dict[int, Monitor] = field(default_factory=dict)
    slos: dict[str, Slo] = field(default_factory=dict)
    refuse: Callable[[str, Any], web.Response | None] = lambda _path, _body: None
    most_queries: int = 100
    most_bytes: int = 1 << 20
    ahead: float = 0.0
    bodies: list[Any] = field(default_factory=list)
    calls: list[tuple[str, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.calls.append((request.path, self.world.now))
        answered = self._answered(request, body)
        answered.headers["Date"] = format_datetime(self._now(), usegmt=True)
        return answered

    def _now(self) -> datetime:
        return self.world.now + timedelta(seconds=self.ahead)

    def _answered(self, request: web.Request, body: bytes) -> web.Response:
        unknown = self._unknown(request)
        if unknown is not None:
            return _published(request, body, unknown)
        headers: dict[str, str] = {}
        for allowed in self.allowed if request.path != "/api/v1/validate" else ():
            is_over, headers = allowed.count(self.world.now)
            if is_over:
                return _published(request, body, refused(headers))
        if len(body) > self.most_bytes:
            return web.Response(status=413, text="Request entity too large", headers=headers)
        try:
            content = json.loads(body) if body else None
        except ValueError:
            return web.Response(
                status=400, text='{"errors":["Unable to parse payload as JSON"]}', headers=headers
            )
        refused_ = self.refuse(request.path, content)
        if refused_ is not None:
            refused_.headers.update(headers)
            return refused_
        told = self._told(request, content)
        told.headers.update(headers)
        return _published(request, body, told)

    def _unknown(self, request: web.Request) -> web.Response | None:
        if "DD-API-KEY" not in request.headers:
            return errors(403, "API key required")
        if request.headers["DD-API-KEY"] != API_KEY:
            return errors(403, "Forbidden")
        if request.path == "/api/v1/validate":  # it looks at that key alone
            return None
        needs = {
            "/api/v2/query/": "timeseries_query",
            "/api/v1/search": "metrics_read",
            "/api/v1/slo/": "slos_read",
        }
        scope = next(
            (scope for path, scope in needs.items() if request.path.startswith(path)), "monitors_read"
        )
        is_right = request.headers.get("DD-APPLICATION-KEY") == APPLICATION_KEY and scope in self.scopes
        return None if is_right else errors(403, "Forbidden")

    def _told(self, request: web.Request, content: Any) -> web.Response:
        if request.path == "/api/v1/validate":
            return web.json_response({"valid": True})
        if request.path == "/api/v1/search" and request.method == "GET":
            wanted = request.query.get("q", "").removeprefix("metrics:")
            return web.json_response(
                {"results": {"metrics": [n for n in self.metrics.names() if wanted in n]}}
            )
        queries = {"/api/v2/query/timeseries": self._timeseries, "/api/v2/query/scalar": self._scalar}
        if request.path in queries and request.method == "POST":
            return queries[request.path](content)
        if request.path.startswith("/api/v1/slo/") and request.method == "GET":
            return self._slo(request)
        number = request.path.removeprefix("/api/v1/monitor/")
        if number.isdigit() and request.method == "GET":
            monitor = self.monitors.get(int(number))
            return (
                errors(404, "Monitor not found")
                if monitor is None
                else web.json_response(monitor.told(int(number), self.world))
            )
        return errors(404, "Not found")

    def _slo(self, request: web.Request) -> web.Response:
        name, _, what = request.path.removeprefix("/api/v1/slo/").partition("/")
        slo = self.slos.get(name)
        if slo is None:
            return errors(404, "SLO not found")
        if not what:
            return web.json_response(slo.defined(name))
        start, end = int(request.query["from_ts"]), int(request.query["to_ts"])
        if start >= end:
            return errors(400, "from_ts must be before to_ts")
        return web.json_response(slo.history(self.world, self.metrics, start, end))

    def _timeseries(self, content: Any) -> web.Response:
        self.bodies.append(content)
        refused_ = self._misfit(content, "timeseries_request")
        if refused_ is not None:
            return refused_
        given = content["data"]["attributes"]
        start, end = given["from"] / 1000, given["to"] / 1000
        try:
            return web.json_response(self._series(given, int(start), int(end)), content_type=JSONAPI)
        except Wrong as wrong:
            return errors(400, str(wrong))

    def _scalar(self, content: Any) -> web.Response:
        refused_ = self._misfit(content, "scalar_request")
        if refused_ is not None:
            return refused_
        try:
            return web.json_response(self._columns(content["data"]["attributes"]), content_type=JSONAPI)
        except Wrong as wrong:
            return errors(400, str(wrong))

    def _misfit(self, content: Any, kind: str) -> web.Response | None:
        data = content["data"]
        if data["type"] != kind:
            return errors(400, f'API input validation failed: Invalid type. Expected "{kind}".')
        given = data["attributes"]
        start, end = given["from"] / 1000, given["to"] / 1000
        if start >= end:
            return errors(400, "API input validation failed: from must be before to")
        if end < self.world.now.timestamp() - RETENTION:
            return errors(400, "Queries ending outside the retention date are invalid")
        if len(given["queries"]) > self.most_queries:
            return errors(400, "Too many queries in one request")
        return None

    def _columns(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A row for each group that any of the formulas has something of; the others have a null there."""
        start, end = given["from"] // 1000, given["to"] // 1000
        found: list[dict[tuple[str, ...], float]] = []
        queries = {query["name"]: query for query in given["queries"]}
        by: tuple[str, ...] = ()
        for formula in given["formulas"]:
            query = queries.get(formula["formula"])
            if query is None:
                raise Wrong(f"API input validation failed: {formula['formula']} is not defined")
            if query["aggregator"] not in AGGREGATORS:
                raise Wrong(f"Invalid aggregator. Expected one of: {','.join(AGGREGATORS)}")
            asked = metrics.asked(query["query"])
            by = by or asked.by
            groups = self.metrics.answer(asked, self.metrics.sent(asked.metric), start, end, SCALAR_STEP)
            numbers = {
                tags: _aggregated(query["aggregator"], [x for _, x in sorted(points.items())])
                for tags, points in groups.items()
                if points
            }
            limit = formula.get("limit", {})
            order = sorted(numbers, key=lambda tags: numbers[tags], reverse=limit.get("order") == "desc")
            found.append({tags: numbers[tags] for tags in order[: limit.get("count", len(order))]})
        rows = list(dict.fromkeys(tags for numbers in found for tags in numbers))
        columns: list[dict[str, Any]] = [
            {"type": "group", "name": name, "values": [[tags[place].partition(":")[2]] for tags in rows]}
            for place, name in enumerate(by)
        ]
        columns += [
            {
                "type": "number",
                "name": formula["formula"],
                "values": [numbers.get(tags) for tags in rows],
                "meta": {"unit": None},
            }
            for formula, numbers in zip(given["formulas"], found, strict=True)
        ]
        return {"data": {"type": "scalar_response", "attributes": {"columns": columns}}}

    def _series(self, given: Mapping[str, Any], start: int, end: int) -> dict[str, Any]:
        by_name = {query["name"]: metrics.asked(query["query"]) for query in given["queries"]}
        names = [each["formula"] for each in given["formulas"]] if "formulas" in given else list(by_name)
        sent = {name: self.metrics.sent(name) for name in {query.metric for query in by_name.values()}}
        found: list[tuple[int, tuple[str, ...], dict[int, float]]] = []
        for index, name in enumerate(names):
            if name not in by_name:
                raise Wrong(f"API input validation failed: {name} is not defined")
            query = by_name[name]
            groups = self.metrics.answer(query, sent[query.metric], start, end, given["interval"] // 1000)
            found += [(index, tags, points) for tags, points in groups.items() if points]
        times = sorted({at for _, _, points in found for at in points})
        # Of all series together, and of buckets alone in which there is something: a null is none of this series.
        return {
            "data": {
                "id": "0",
                "type": "timeseries_response",
                "attributes": {
                    "series": [
                        {"group_tags": list(tags), "query_index": index, "unit": None}
                        for index, tags, _ in found
                    ],
                    "times": [at * 1000 for at in times],
                    "values": [[points.get(at) for at in times] for _, _, points in found],
                },
            }
        }


def _aggregated(aggregator: str, points: list[float]) -> float:
    how: dict[str, Callable[[list[float]], float]] = {"sum": sum, "min": min, "max": max}
    if aggregator in how:
        return float(how[aggregator](points))
    return points[-1] if aggregator == "last" else fmean(points)


def errors(status: int, words: str, *, jsonapi: bool = False) -> web.Response:
    """In the one shape, or in the other."""
    told = [{"status": str(status), "title": "Error", "detail": words}] if jsonapi else [words]
    kind = JSONAPI if jsonapi else "application/json"
    return web.Response(status=status, text=json.dumps({"errors": told}), content_type=kind)


def app_of(site: Site) -> web.Application:
    """Serves *site*."""
    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{path:.*}", site.answer)
    return app


def _published(request: web.Request, body: bytes, answer: web.Response) -> web.Response:
    """*answer*, held against what Datadog publishes; what is played instead of one is not."""
    version = "v1" if request.path.startswith("/api/v1/") else "v2"
    served(book(f"datadog-{version}"), request, body, answer)
    return answer
