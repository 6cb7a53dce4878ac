"""A way to Slack without sockets, for stories in virtual time: slack_sdk's own client, and under it the methods of the same world."""

import asyncio
import json
from typing import Any

from aiohttp import ServerDisconnectedError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack.methods import Methods
from tests.fakes.slack.trouble import How, Trouble
from tests.fakes.slack.world import Asked, SlackWorld


class Line(AsyncWebClient):
    """The client: all but how bytes come and go is slack_sdk's."""

    def __init__(self, world: SlackWorld) -> None:
        super().__init__(world.bot_token, base_url="https://slack.example/api/", retry_handlers=[])
        self._world = world
        self._methods = Methods(world)

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> dict[str, Any]:
        method = api_url.rpartition("/")[2]
        args = req_args.get("json") or req_args.get("params") or {}
        self._world.asked.append(Asked(method, req_args["headers"], json.dumps(args).encode(), args))
        trouble = self._world.due(method)
        if trouble is not None:
            await self._before(trouble)
        if trouble is not None and trouble.how is How.ANSWER:
            return _answered(trouble)
        token = req_args["headers"]["Authorization"].removeprefix("Bearer ")
        reply = self._methods.call(method, token, args)
        if trouble is not None:
            await self._after(trouble)
        return {"data": dict(reply.content), "headers": reply.headers, "status_code": reply.status}

    async def _before(self, trouble: Trouble) -> None:
        if trouble.how is How.HANGS:
            await asyncio.Future()
        if trouble.how is How.SLOW:
            await asyncio.sleep(trouble.seconds)

    async def _after(self, trouble: Trouble) -> None:
        if trouble.how is How.LOST:
            raise ServerDisconnectedError
        if trouble.how is How.SILENT:
            await asyncio.Future()


def _answered(trouble: Trouble) -> dict[str, Any]:
    is_json = trouble.headers.get("Content-Type") == "application/json"
    content = json.loads(trouble.body) if is_json else {}
    return {"data": content, "headers": trouble.headers, "status_code": trouble.status}
