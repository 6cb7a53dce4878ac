"""Slack over a port: the Web API, incoming webhooks, uploads, answers to a press, and Socket Mode.

Source:
    https://docs.slack.dev/apis/web-api
    https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp import web

from tests.fakes.serve import serving_app
from tests.fakes.slack import limits
from tests.fakes.slack.methods import Methods
from tests.fakes.slack.socket import Sockets
from tests.fakes.slack.trouble import How, Trouble
from tests.fakes.slack.world import BOT_USER, Asked, SlackWorld, Whispered

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ARGS = web.RequestKey("args", Mapping)
RESPONSES, RESPONSE_LASTS = 5, timedelta(minutes=30)


@contextlib.asynccontextmanager
async def serving_slack(world: SlackWorld) -> AsyncIterator[Sockets]:
    """Serve *world* at ``world.base``: the API under ``/api/``, a webhook at ``world.base + HOOK``."""
    sockets = Sockets(world)
    async with serving_app(app(world, sockets)) as port:
        world.base = f"http://127.0.0.1:{port}"
        try:
            yield sockets
        finally:
            await sockets.close()


def app(world: SlackWorld, sockets: Sockets) -> web.Application:
    """All of Slack."""
    rest = _Rest(world)
    application = web.Application(middlewares=[rest.at_the_door])
    application.router.add_route("*", "/api/{method}", rest.api)
    application.router.add_post("/services/{team}/{bot}/{secret}", rest.webhook)
    application.router.add_post("/upload/v1/{file}", rest.upload)
    application.router.add_post("/actions/{team}/{id}/{secret}", rest.response)
    application.router.add_get("/link/", sockets.connect)
    return application


class _Rest:
    def __init__(self, world: SlackWorld) -> None:
        self.world = world
        self.methods = Methods(world)

    @property
    def at_the_door(self) -> Any:
        @web.middleware
        async def pass_by(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path == "/link/":
                return await handler(request)
            method = _method(request)
            body = await request.read()
            args = await _args(request, body)
            request[ARGS] = args
            self.world.asked.append(Asked(method, dict(request.headers), body, args))
            trouble = self.world.due(method)
            return await (handler(request) if trouble is None else _troubled(trouble, request, handler))

        return pass_by

    async def api(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        reply = self.methods.call(request.match_info["method"], token, request[ARGS])
        return web.json_response(reply.content, status=reply.status, headers=reply.headers)

    async def webhook(self, request: web.Request) -> web.StreamResponse:
        channel = self.world.channels.get(self.world.hooks.get(request.path, ""))
        args = request[ARGS]
        text, blocks = str(args.get("text") or ""), args.get("blocks")
        closed = [
            (request.path not in self.world.hooks, 404, "no_service"),
            (channel is None, 404, "channel_not_found"),
            (channel is not None and channel.archived, 410, "channel_is_archived"),
            (channel is not None and channel.read_only, 403, "action_prohibited"),
            (not args, 400, "invalid_payload"),
        ]
        refused = next(((status, word) for holds, status, word in closed if holds), None)
        word = limits.refusal(text, blocks, args.get("metadata"))
        if refused or word or channel is None:
            return _says(*(refused or (400, word or "")))
        self.world.posts(channel.id, BOT_USER, text, blocks=blocks or (), by_hook=True)
        return _says(200, "ok")

    async def upload(self, request: web.Request) -> web.StreamResponse:
        share = self.world.uploads.get(request.match_info["file"])
        content = await request.read()
        if share is None or share.file.content or len(content) != share.length:
            return _says(400, "Bad upload")
        file = replace(share.file, content=content)
        self.world.uploads[file.id] = replace(share, file=file)
        return _says(200, f"OK - {len(content)}")

    async def response(self, request: web.Request) -> web.StreamResponse:
        """An answer to a press: to whoever pressed, or in place of the message."""
        url = self.world.response_urls.get(request.path)
        if url is None or self.world.now() - url.made_at > RESPONSE_LASTS or url.used >= RESPONSES:
            return web.json_response({"ok": False, "error": "expired_url"}, status=404)
        url.used += 1
        args = request[ARGS]
        text, blocks = str(args.get("text") or ""), args.get("blocks")
        message = self.world.message(url.channel, url.ts)
        if args.get("delete_original") and message is not None:
            self.world.deletes(message)
            return _says(200, "ok")
        word = limits.refusal(text, blocks, None)
        if word is not None:
            return web.json_response({"ok": False, "error": word}, status=400)
        if args.get("replace_original") and message is not None:
            self.world.changes(message, text=text, blocks=blocks or [])
        elif args.get("response_type") == "in_channel":
            self.world.posts(url.channel, BOT_USER, text, blocks=blocks or ())
        else:
            self.world.log.append(Whispered(url.channel, url.user, self.world.now(), text, blocks or ()))
        return _says(200, "ok")


def _method(request: web.Request) -> str:
    first, _, rest = request.path.strip("/").partition("/")
    return {"services": "webhook", "upload": "upload", "actions": "response"}.get(first, rest)


async def _args(request: web.Request, body: bytes) -> Mapping[str, Any]:
    """From wherever Slack takes them: the query, a form, or JSON."""
    args: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        with contextlib.suppress(ValueError):
            content = json.loads(body)
            args |= content if isinstance(content, dict) else {}
    elif request.content_type == "application/x-www-form-urlencoded":
        args |= dict(await request.post())
    return args


async def _troubled(trouble: Trouble, request: web.Request, handler: Handler) -> web.StreamResponse:
    match trouble.how:
        case How.ANSWER:
            return web.Response(status=trouble.status, headers=trouble.headers, body=trouble.body.encode())
        case How.SLOW:
            await asyncio.sleep(trouble.seconds)
            return await handler(request)
        case How.HANGS:
            await asyncio.Future()
        case How.LOST:
            await handler(request)
            if request.transport is not None:
                request.transport.abort()
        case How.SILENT:
            await handler(request)
            await asyncio.Future()
    return web.Response()


def _says(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/plain")
