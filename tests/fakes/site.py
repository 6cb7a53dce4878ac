"""A page that draws itself by scripts, in a bucket behind a CDN: what is not there is answered with the page and 200."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.fakes.world import World, last

INDEX = "/index.html"
TYPES = {"html": "text/html", "js": "text/javascript", "css": "text/css", "json": "application/json"}


@dataclass(frozen=True)
class Object:
    """One object of the bucket."""

    body: bytes
    type: str


@dataclass
class Site:
    """The bucket, and one edge of the CDN before it.

    Attributes:
        stale: A page that the edge has kept, with its age in seconds.
        asked: The paths that were asked for, in order.
        headers: What was sent with each.
    """

    objects: dict[str, Object] = field(default_factory=dict)
    stale: tuple[bytes, int] | None = None
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def put(self, path: str, text: str, type: str | None = None) -> None:
        self.objects[path] = Object(text.encode(), type or TYPES.get(path.rpartition(".")[2], ""))

    def release(self, version: str, *, keeps_old: bool = True) -> None:
        """Put a release into the bucket, as `aws s3 sync` does; with `--delete` the files of the old one go."""
        if not keeps_old:
            self.objects.clear()
        for path, text in files(version).items():
            self.put(path, text)
        self.put(INDEX, page(version))

    def app(self) -> web.Application:
        """How it answers."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        self.headers.append(dict(request.headers))
        path = INDEX if request.path == "/" else request.path
        if path == INDEX and self.stale is not None:
            body, age = self.stale
            headers = {"Age": str(age), "X-Cache": "Hit from cloudfront"}
            return web.Response(body=body, content_type="text/html", headers=headers)
        found = self.objects.get(path)
        if found is None:  # the custom error response of CloudFront: /index.html, 200
            found, headers = self.objects[INDEX], {"X-Cache": "Error from cloudfront"}
        else:
            headers = {"X-Cache": "Miss from cloudfront"}
        kind = {"Content-Type": found.type} if found.type else {}
        return web.Response(body=found.body, headers={**headers, **kind})


def files(version: str) -> dict[str, str]:
    """The files of a release, by path."""
    return {
        f"/app/main.{version}.js": f'window.__RELEASE__="{version}";draw()',
        f"/app/chunk.{version}.js": "export const a=1",
        f"/app/styles.{version}.css": "body{}",
    }


def page(version: str) -> str:
    """The page of a release, as a build writes it."""
    main = files(version)[f"/app/main.{version}.js"]
    hashed = base64.b64encode(hashlib.sha384(main.encode()).digest()).decode()
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><base href="/app/"><meta name="release" content="{version}">'
        f'<link rel="stylesheet" href="styles.{version}.css"><link rel="modulepreload" href="chunk.{version}.js">'
        f'<link rel="icon" href="favicon.ico"></head><body><app-root></app-root>'
        f'<script src="main.{version}.js" type="module" integrity="sha384-{hashed}"></script></body></html>'
    )


def site_in(world: World) -> Callable[[web.Request], web.Response]:
    """Each visitor gets the page of the release that answered last; where that answer was bad, its script is missing."""

    def answer(request: web.Request) -> web.Response:
        now = last(world, world.now)
        path = request.path
        found = files(now.version).get(path) if path != "/" else None
        if found is None or (now.status != 200 and "main" in path):
            return web.Response(text=page(now.version), content_type="text/html")
        return web.Response(text=found, content_type=TYPES[path.rpartition(".")[2]])

    return answer
