"""One server of several tenants: the ways of asking that are used, in the shapes that Loki has, with its limits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from tests.fakes.loki import logql
from tests.fakes.loki.lines import Lines
from tests.fakes.loki.logql import SECOND, Wrong
from tests.fakes.world import World

MOST_POINTS = 11_000


@dataclass
class Server:
    """How it is, and what came.

    Attributes:
        tenant: Without whose name nothing is answered; of another's lines it knows nothing.
        authorization: The header without which a gateway lets nobody through.
        refuse: Looks at a form, and answers itself; ``None``: it is answered as ever.
        most_series: In one answer; more are too many.
        wrong: Hears of each query that was refused, in the server's words.
        warnings: That stand beside the numbers.
        forms: That came, and `calls`: when; `headers` of the same.
    """

    world: World
    lines: Lines
    tenant: str | None = None
    authorization: str | None = None
    refuse: Callable[[Mapping[str, str]], web.Response | None] = lambda _form: None
    most_series: int = 500
    wrong: Callable[[str], None] = lambda _words: None
    warnings: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    calls: list[datetime] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()} or dict(request.query)
        path = request.path
        if path.endswith("/query_range"):
            self.forms.append(form)
            self.calls.append(self.world.now)
        if self.authorization is not None and request.headers.get("Authorization") != self.authorization:
            return web.Response(status=401, text=f"who is {request.headers.get('Authorization')}?")
        if self.tenant is not None and "X-Scope-OrgID" not in request.headers:
            return web.Response(status=401, text="no org id\n")
        is_ours = self.tenant is None or request.headers["X-Scope-OrgID"] == self.tenant
        return self.refuse(form) or self._told(path, form, is_ours=is_ours)

    def _told(self, path: str, form: Mapping[str, str], *, is_ours: bool) -> web.Response:
        try:
            if path == "/loki/api/v1/query_range":
                return self._matrix(form, is_ours=is_ours)
            if path == "/loki/api/v1/labels":
                names = sorted({name for each in self._streams(form, is_ours=is_ours) for name in each})
                return web.json_response({"status": "success", **({"data": names} if names else {})})
            if path.startswith("/loki/api/v1/label/") and path.endswith("/values"):
                label = path.split("/")[-2]
                values = {each[label] for each in self._streams(form, is_ours=is_ours) if label in each}
                return web.json_response(
                    {"status": "success", **({"data": sorted(values)} if values else {})}
                )
            if path == "/loki/api/v1/status/buildinfo":
                return web.json_response({"version": "3.2.1", "revision": "0"})
        except Wrong as wrong:
            self.wrong(str(wrong))
            return web.Response(status=400, text=str(wrong))
        return web.Response(status=404, text="404 page not found\n")

    def _streams(self, form: Mapping[str, str], *, is_ours: bool) -> list[Mapping[str, str]]:
        sure = logql.Parser(form["query"]).whole().stream if "query" in form else (lambda _labels: True)
        lines = self.lines.came() if is_ours else []
        if "start" in form:
            start, end = int(form["start"]) / SECOND, int(form["end"]) / SECOND
            lines = [line for line in lines if start <= line.at.timestamp() <= end]
        return [line.stream for line in lines if sure(line.stream)]

    def _matrix(self, form: Mapping[str, str], *, is_ours: bool) -> web.Response:
        expression = logql.Parser(form["query"]).whole()
        step = logql.span(form["step"])
        # The frontend rounds the start down to the step, and the end up, unasked.
        start, end = int(form["start"]) // step * step, -(-int(form["end"]) // step) * step
        if (end - start) // step > MOST_POINTS:
            raise Wrong(
                "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter"
            )
        if isinstance(expression, logql.Log):
            return web.json_response({"status": "success", "data": {"resultType": "streams", "result": []}})
        lines = self.lines.came() if is_ours else []
        found = logql.evaluated(expression, lines, range(start, end + 1, step))
        found = {labels: points for labels, points in found.items() if points}
        if len(found) > self.most_series:
            raise Wrong(
                f"maximum number of series ({self.most_series}) reached for a single query; consider reducing query "
                "cardinality by adding more specific stream selectors, reducing the time range, or aggregating results "
                "with functions like sum(), count() or topk()"
            )
        return web.json_response(self._said(found))

    def _said(self, found: logql.Matrix) -> dict[str, Any]:
        result = [
            {
                "metric": dict(labels),
                "values": [[at // SECOND, f"{x:g}"] for at, x in sorted(points.items())],
            }
            for labels, points in sorted(found.items(), reverse=True)
        ]
        more = {"warnings": self.warnings} if self.warnings else {}
        return {"status": "success", "data": {"resultType": "matrix", "result": result, "stats": {}}, **more}


def app_of(server: Server) -> web.Application:
    """Serves *server*."""
    app = web.Application(client_max_size=1 << 24)
    app.router.add_route("*", "/{path:.*}", server.answer)
    return app
