"""A shop that one can log in to and order at: it gives a session, a token and a number, and wants each of them back."""

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.world import Happened, World, last


@dataclass
class Till:
    """The shop.

    Attributes:
        password: Who logs in has to say it.
        speaks: What answers, for each request: the last of the world's log, or what a test says.
        orders: Those that were taken.
        asked: Method and path of each request.
    """

    world: World
    password: str = "open sesame"
    speaks: Callable[[], Happened] | None = None
    orders: dict[str, dict[str, object]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)  # the token of each
    _number: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def app(self) -> web.Application:
        """How it answers."""
        app = web.Application()
        app.router.add_get("/", self.front)
        app.router.add_post("/login", self.log_in)
        app.router.add_post("/orders", self.order)
        app.router.add_get("/orders/{id}", self.show)
        app.router.add_get("/away", self.away)
        return app

    async def front(self, request: web.Request) -> web.Response:
        """A session, and what its forms have to say."""
        number = f"{next(self._number):06d}"
        self.sessions[f"session-{number}"] = f"token-{number}"
        text = f'<form><input name="csrf" value="csrf-{number}"></form>'
        answer = self._answer(request, 200, text, "text/html")
        answer.set_cookie("session", f"session-{number}", path="/", httponly=True)
        answer.set_cookie("seen", "once", path="/")
        return answer

    async def log_in(self, request: web.Request) -> web.Response:
        """With the session, its mark and the password: a token."""
        form = await request.post()
        session = request.cookies.get("session", "")
        right = (
            form.get("csrf") == session.replace("session", "csrf") != ""
            and form.get("password") == self.password
        )
        if not right:
            return self._answer(
                request, 403, json.dumps({"error": f"no such password: {form.get('password')!s}"})
            )
        return self._answer(
            request, 200, json.dumps({"auth": {"a/b": [{"token": self.sessions[session]}], "user": 7}})
        )

    async def order(self, request: web.Request) -> web.Response:
        """With the token; the one thing that fails where the release does."""
        session = request.cookies.get("session", "")
        if request.headers.get("Authorization") != f"Bearer {self.sessions.get(session, '?')}":
            return self._answer(request, 401, json.dumps({"error": request.headers.get("Authorization", "")}))
        if self._last().status != 200:
            return self._answer(request, self._last().status, "")
        wanted = await request.json()
        number = str(len(self.orders) + 1)
        self.orders[number] = wanted
        return self._answer(
            request, 201, json.dumps({"id": number}), location=f"/orders/{number}?as=customer 1"
        )

    async def show(self, request: web.Request) -> web.Response:
        found = self.orders.get(request.match_info["id"])
        return self._answer(request, 200 if found else 404, json.dumps(found))

    async def away(self, request: web.Request) -> web.Response:
        return self._answer(request, 302, "", location=request.query["to"])

    def _answer(
        self, request: web.Request, status: int, text: str, kind: str = "application/json", location: str = ""
    ) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        headers = {"X-Release": self._last().version, **({"Location": location} if location else {})}
        return web.Response(status=status, text=text, content_type=kind, headers=headers)

    def _last(self) -> Happened:
        return self.speaks() if self.speaks else last(self.world, self.world.now)


def suite(base: str) -> dict[str, object]:
    """The suite that orders one thing, and looks whether it was taken."""
    release = {"header": "x-release", "equals": "${arm.version}"}
    return {
        "url": base,
        "steps": [
            {"name": "front", "url": "/", "capture": {"csrf": {"regex": 'name="csrf" value="([^"]+)"'}}},
            {
                "name": "login",
                "url": "/login",
                "form": {"csrf": "${step.csrf}", "password": "open sesame"},
                "capture": {"token": {"json": "/auth/a~1b/0/token"}, "user": {"json": "/auth/user"}},
            },
            {
                "name": "order",
                "url": "/orders",
                "json": {"thing": "book", "by": "${step.user}"},
                "headers": {"Authorization": "Bearer ${step.token}"},
                "expect": {"status": 201, "version": release},
                "capture": {"order": {"header": "Location"}},
            },
            {
                "name": "look",
                "url": "${step.order}",
                "expect": {"json": [{"path": "by", "equals": "${step.user}"}], "version": release},
            },
        ],
    }
