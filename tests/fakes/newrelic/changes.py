"""NerdGraph as far as change tracking goes: events are a log, their application is looked for, and NRQL counts them later.

Source:
    https://docs.newrelic.com/docs/change-tracking/config/nerdgraph/ (an entity search must find one; times within 24 h)
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.fakes.newrelic.graph import KEY, NUMBER
from tests.fakes.world import World
from tests.schemas.exchange import Exchange
from tests.schemas.graph import hear

DAY = timedelta(hours=24)
_SEARCH = re.compile(r"name = '([^']*)' AND domain = 'APM' AND accountId = (\d+)")
_COUNT = re.compile(
    r"SELECT count\(\*\) FROM ChangeTrackingEvent(?: WHERE groupId = '([^']*)' SINCE (\d+) UNTIL (\d+)| SINCE 1 hour ago)"
)


@dataclass(frozen=True)
class Change:
    """One event."""

    id: str
    came: datetime
    at: datetime
    application: str
    told: Mapping[str, Any]

    @property
    def version(self) -> str:
        """What was deployed."""
        version: str = self.told["categoryAndTypeData"]["categoryFields"]["deployment"]["version"]
        return version


@dataclass
class Changes:
    """The account.

    Attributes:
        applications: Their names; two of one name are two.
        indexed: After which an event is counted.
        lost: Events that are made, and whose answers do not arrive.
        slow: Queries that take too long.
        asked: What was asked for.
    """

    world: World
    applications: list[str] = field(default_factory=lambda: ["checkout", "cart", "twice", "twice"])
    log: list[Change] = field(default_factory=list)
    indexed: timedelta = timedelta(0)
    lost: int = 0
    slow: int = 0
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("API-Key") != KEY:
            return web.json_response({"errors": [{"message": "API key is missing or invalid"}]}, status=401)
        asked = json.loads(await request.read())
        query, given = asked["query"].replace(" ", ""), asked["variables"]
        if query.startswith("mutation($event:ChangeTrackingCreateEventInput!)"):
            self.asked.append("create")
            answer = self._created(given["event"])
        else:
            assert query.startswith("query($id:Int!,$nrql:Nrql!){actor{account(id:$id)")
            self.asked.append("count")
            answer = self._counted(given["id"], given["nrql"])
        if answer.content_type == "application/json":
            content = (answer.text or "").encode()
            hear("newrelic", Exchange("POST /graphql", body=await request.read(), answer=content))
        return answer

    def _counted(self, account: int, nrql: str) -> web.Response:
        if account != NUMBER:
            return web.json_response({"data": {"actor": {"account": None}}})
        if self.slow:
            self.slow -= 1
            return failed(
                "NRDB query duration exceeded the set timeout",
                "TIMEOUT",
                {"actor": {"account": {"nrql": None}}},
            )
        found = _COUNT.fullmatch(nrql)
        if found is None:
            return failed("NRQL Syntax Error", "BAD_USER_INPUT", {"actor": {"account": {"nrql": None}}})
        here = [
            each
            for each in self.log
            if each.came + self.indexed <= self.world.now
            and (found[1] is None or each.told.get("groupId") == found[1])
            and (found[1] is None or int(found[2]) <= each.at.timestamp() * 1000 < int(found[3]))
        ]
        return web.json_response(
            {"data": {"actor": {"account": {"nrql": {"results": [{"count": len(here)}]}}}}}
        )

    def _created(self, event: Mapping[str, Any]) -> web.Response:
        found = _SEARCH.fullmatch(event["entitySearch"]["query"])
        entities = self.applications.count(found[1]) if found and int(found[2]) == NUMBER else 0
        if found is None or entities != 1:
            return failed(f"entitySearch must return exactly one entity, found {entities}", "BAD_USER_INPUT")
        at = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
        if abs(self.world.now - at) > DAY:
            return failed("timestamp must be within 24 hours", "BAD_USER_INPUT")
        change = Change(f"c{len(self.log)}", self.world.now, at, found[1], event)
        self.log.append(change)
        if self.lost:
            self.lost -= 1
            return web.Response(status=504, text="<html>timeout</html>", content_type="text/html")
        told = {"changeTrackingEvent": {"changeTrackingId": change.id}, "messages": []}
        return web.json_response({"data": {"changeTrackingCreateEvent": told}})


def failed(message: str, kind: str, data: Any = None) -> web.Response:
    """It says 200, and that it is none."""
    error = {"message": message, "extensions": {"errorClass": kind}}
    return web.json_response({"data": data, "errors": [error]})


def app(changes: Changes) -> web.Application:
    """NerdGraph, to be served."""
    application = web.Application()
    application.router.add_post("/graphql", changes.answer)
    return application
