"""A site on S3 behind CloudFront, set up as for a single-page application: what it answers, told from what was uploaded.

What is not there is answered with index.html and 200 (custom error pages); index.html has its release in its metadata. The
cache keeps a page until its path is invalidated.

Source:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/creating-custom-error-pages.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RangeGETs.html
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from tests.fakes.world import World

INDEX = "/index.html"
BIG = 2 * 1024 * 1024  # characters of a bundle: more than a probe reads
_RANGE = re.compile(r"bytes=0-([0-9]+)")


@dataclass(frozen=True, slots=True)
class Uploaded:
    """index.html of *release*, which names *bundle*; and that too, if it was not forgotten."""

    at: datetime
    release: str
    bundle: str
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Invalidated:
    """*path* is fetched anew."""

    at: datetime
    path: str


@dataclass(frozen=True, slots=True)
class Denied:
    """The bucket's policy lets CloudFront read nothing any more."""

    at: datetime


@dataclass
class Edge:
    """The site, at the world's time."""

    world: World
    log: list[Uploaded | Invalidated | Denied] = field(default_factory=list)

    def answer(self, path: str, asked: web.Request) -> web.Response:
        """To a browser."""
        past = [each for each in self.log if each.at <= self.world.now]
        if any(isinstance(each, Denied) for each in past):
            return web.Response(
                status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="application/xml"
            )
        if any(isinstance(each, Uploaded) and each.whole and f"/{each.bundle}" == path for each in past):
            return _ranged("import'./chunk.js';".ljust(BIG), "text/javascript", asked)
        page = self._cached("/" if path == "/" else INDEX, past)
        text = f'<!doctype html><html><body><app-root></app-root><script src="{page.bundle}"></script></body></html>'
        return _ranged(text, "text/html", asked, {"x-amz-meta-release": page.release})

    def _cached(self, path: str, past: list[Uploaded | Invalidated | Denied]) -> Uploaded:
        """The page that the cache has: the first, or the newest that was there when *path* was last invalidated."""
        pages = [each for each in past if isinstance(each, Uploaded)]
        fresh = [each.at for each in past if isinstance(each, Invalidated) and each.path == path]
        return [page for page in pages if page is pages[0] or (fresh and page.at <= fresh[-1])][-1]


def _ranged(text: str, kind: str, asked: web.Request, headers: dict[str, str] | None = None) -> web.Response:
    found = _RANGE.fullmatch(asked.headers.get("Range", ""))
    part = text[: int(found[1]) + 1] if found else text
    return web.Response(status=206 if found else 200, text=part, content_type=kind, headers=headers)
