"""The REST API, as far as deployments go: tokens, permissions, limits, and pages that begin with the newest.

Source:
    https://docs.github.com/en/rest/deployments/statuses
    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from aiohttp import web

from tests.fakes.github import shapes
from tests.fakes.github.actions import Actions
from tests.fakes.github.described import check_taken, check_told, is_described
from tests.fakes.github.routes import ActionsRoutes, conditional
from tests.fakes.github.shelf import Shelf, ShelfRoutes
from tests.fakes.github.world import ID, OTHERS, TOKEN, Deed, GitHubWorld
from tests.schemas.book import book
from tests.schemas.door import served

_PLACES = ("/repos/", "/app/installations/", "/rate_limit")
APP = "4711"
LIMIT = {"limit": 5000, "remaining": 4990, "reset": 1_800_000_000, "used": 10}
LIMITS = {"resources": {"core": LIMIT, "search": LIMIT}, "rate": LIMIT}
STATES = {"error", "failure", "inactive", "in_progress", "queued", "pending", "success"}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def app(
    world: GitHubWorld, public_key: str = "", actions: Actions | None = None, shelf: Shelf | None = None
) -> web.Application:
    """The API of *world*. *public_key*: of the app; *actions*: its workflows; *shelf*: its tags and releases."""
    rest = _Rest(world, public_key)
    application = web.Application(middlewares=[rest.at_the_door])
    statuses = "/repos/{owner}/{name}/deployments/{id}/statuses"
    application.router.add_get(statuses, rest.listed)
    application.router.add_post(statuses, rest.create)
    application.router.add_get("/repos/{owner}/{name}/deployments", rest.deployments)
    application.router.add_get("/repos/{owner}/{name}", rest.repository)
    application.router.add_get("/repos/{owner}/{name}/deployments/{id}", rest.deployment)
    application.router.add_get("/repos/{owner}/{name}/commits/{sha}/statuses", rest.commit_statuses)
    application.router.add_post("/repos/{owner}/{name}/statuses/{sha}", rest.set_commit_status)
    application.router.add_get("/rate_limit", rest.limit)
    application.router.add_post("/app/installations/{id}/access_tokens", rest.install)
    if actions is not None:
        ActionsRoutes(actions).add_to(application)
    if shelf is not None:
        ShelfRoutes(shelf).add_to(application)
    return application


def refusal(status: int, message: str, **headers: str) -> web.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return web.json_response({"message": message, "documentation_url": ""}, status=status, headers=given)


class _Rest:
    def __init__(self, world: GitHubWorld, public_key: str) -> None:
        self.world = world
        self.public_key = public_key

    @property
    def at_the_door(self) -> Any:
        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.world.requests.append(f"{request.method} {request.path}")
            refused = self._refused(request)
            if refused is None:
                check_taken(request, await request.read())
            response = refused or await handler(request)
            if is_described(request):  # workflows: by what is used of them, for whole runs are large
                check_told(request, response)
            else:
                served(book("github"), request, await request.read(), response, below=_PLACES)
            self.world.answers.append(response.status)
            if self.world.scopes is not None:
                response.headers["X-OAuth-Scopes"] = self.world.scopes
            if self.world.left is not None:
                response.headers.update(self._limit())
            return response

        return answer

    def _limit(self) -> dict[str, str]:
        reset = int((self.world.now() + timedelta(minutes=10)).timestamp())
        left = str(max(self.world.left or 0, 0))
        return {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": left, "X-RateLimit-Reset": str(reset)}

    def _refused(self, request: web.Request) -> web.Response | None:
        world = self.world
        if world.down:
            return web.Response(status=502, text="<html>Unicorn!</html>", content_type="text/html")
        if world.secondary > 0:
            world.secondary -= 1
            return refusal(403, "You have exceeded a secondary rate limit", Retry_After="37")
        if world.left is not None:
            if world.left <= 0:
                return refusal(403, "API rate limit exceeded")
            world.left -= 1
        if "access_tokens" in request.path:
            return None
        return None if self._token(request) in self._known() else refusal(401, "Bad credentials")

    def _known(self) -> set[str]:
        now = self.world.now()
        given = enumerate(self.world.installed)
        return {TOKEN, OTHERS} | {f"ghs_{number}" for number, at in given if now < at + self.world.lasting}

    @staticmethod
    def _token(request: web.Request) -> str:
        return request.headers.get("Authorization", "").partition(" ")[2]

    async def listed(self, request: web.Request) -> web.Response:
        made = self._visible(request)
        if made is None:
            return refusal(404, "Not Found")
        most = int(request.query.get("per_page", "30"))
        newest = sorted(self.world.statuses(made.id), key=lambda deed: deed.id, reverse=True)
        return conditional(request, [told(each) for each in newest[:most]])

    async def create(self, request: web.Request) -> web.Response:
        made = self._visible(request)
        if made is None:
            return refusal(404, "Not Found")
        if self._token(request) == OTHERS or self.world.permissions.get("deployments") != "write":
            return refusal(403, "Resource not accessible by personal access token")
        said = await request.json()
        if said.get("state") not in STATES or len(said.get("description", "")) > 140:
            return refusal(422, "Validation Failed")
        more = {key: said[key] for key in ("log_url", "auto_inactive") if key in said}
        deed = self.world.sets(made, said["state"], said.get("description", ""), "rollbackd[bot]", **more)
        return web.json_response(told(deed), status=201)

    async def deployment(self, request: web.Request) -> web.Response:
        made = self._visible(request)
        first = next((deed for deed in self.world.log if deed.made is made), None)
        return refusal(404, "Not Found") if first is None else web.json_response(as_made(first))

    async def commit_statuses(self, request: web.Request) -> web.Response:
        """The newest first."""
        of = [each for each in self.world.commits if each["sha"] == request.match_info["sha"]]
        return web.json_response(of[::-1])

    async def set_commit_status(self, request: web.Request) -> web.Response:
        if self.world.permissions.get("statuses") != "write":
            return refusal(403, "Resource not accessible by personal access token")
        said = await request.json()
        if said["state"] not in {"error", "failure", "pending", "success"} or len(said["description"]) > 140:
            return refusal(422, "Validation Failed")
        told = {"id": next(self.world.ids), "sha": request.match_info["sha"], **said}
        self.world.commits.append(told)
        return web.json_response(told, status=201)

    async def deployments(self, request: web.Request) -> web.Response:
        """Those of the repository, the newest first."""
        if self._name(request) != self.world.repository:
            return refusal(404, "Not Found")
        if self.world.permissions.get("deployments") not in {"read", "write"}:
            return refusal(403, "Resource not accessible by personal access token")
        most = int(request.query.get("per_page", "30"))
        wanted = request.query.get("environment")
        made = [
            deed for deed in self.world.log if deed.state is None and wanted in (None, deed.made.environment)
        ]
        return conditional(request, [as_made(deed) for deed in reversed(made[-most:])])

    async def repository(self, request: web.Request) -> web.Response:
        if self._name(request) != self.world.repository:
            return refusal(404, "Not Found")
        return web.json_response(as_repository(self.world, may_push=self._token(request) != OTHERS))

    async def limit(self, _request: web.Request) -> web.Response:
        return web.json_response(LIMITS)

    async def install(self, request: web.Request) -> web.Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            claims = jwt.decode(token, self.public_key, algorithms=["RS256"], options={"verify_exp": False})
        except jwt.PyJWTError:
            return refusal(401, "A JSON web token could not be decoded")
        if scheme != "bearer" or claims["iss"] != APP:
            return refusal(401, "Integration not found")
        self.world.installed.append(self.world.now())
        ends = (self.world.now() + self.world.lasting).astimezone(UTC)
        name = f"ghs_{len(self.world.installed) - 1}"
        answer = {"token": name, "expires_at": written(ends), "permissions": self.world.permissions}
        return web.json_response(answer, status=201)

    def _visible(self, request: web.Request) -> Any:
        return (
            self.world.made(int(request.match_info["id"]))
            if self._name(request) == self.world.repository
            else None
        )

    @staticmethod
    def _name(request: web.Request) -> str:
        return f"{request.match_info['owner']}/{request.match_info['name']}"


def as_repository(world: GitHubWorld, *, may_push: bool) -> dict[str, Any]:
    """The repository, as the API tells it."""
    return {
        **shapes.repository(world.repository, ID, world.host, archived=world.archived),
        "permissions": {"admin": False, "pull": True, "push": may_push},
        "network_count": 0,
        "subscribers_count": 0,
    }


def as_made(deed: Deed) -> dict[str, Any]:
    """A deployment, as the API and the webhooks tell it; *deed* made it."""
    made = deed.made
    url = _url(deed)
    return {
        "url": url,
        "id": made.id,
        "node_id": f"DE_{made.id}",
        "task": "deploy",
        "environment": made.environment,
        "original_environment": made.environment,
        "description": None,
        "ref": made.ref,
        "sha": made.sha,
        "payload": made.payload,
        "creator": shapes.person(made.by, made.host),
        "performed_via_github_app": shapes.actions(made.host),
        "created_at": written(deed.at),
        "updated_at": written(deed.at),
        "statuses_url": f"{url}/statuses",
        "repository_url": url.partition("/deployments/")[0],
    }


def told(deed: Deed) -> dict[str, Any]:
    """A status, as the API and the webhooks tell it."""
    url = _url(deed)
    return {
        "url": f"{url}/statuses/{deed.id}",
        "id": deed.id,
        "node_id": f"DES_{deed.id}",
        "state": deed.state,
        "description": deed.description,
        "environment": deed.made.environment,
        "target_url": deed.log_url,
        "log_url": deed.log_url,
        "environment_url": "",
        "creator": shapes.person(deed.by, deed.made.host),
        "created_at": written(deed.at),
        "updated_at": written(deed.at),
        "deployment_url": url,
        "repository_url": url.partition("/deployments/")[0],
    }


def _url(deed: Deed) -> str:
    made = deed.made
    return f"{shapes.api(made.host)}/repos/{made.repository}/deployments/{made.id}"


def written(at: datetime) -> str:
    """A time, as GitHub writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
