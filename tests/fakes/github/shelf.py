"""What a repository has on its shelf: commits, tags of git, and releases; and the REST API of them.

Source:
    https://docs.github.com/en/rest/git/refs [D]
    https://docs.github.com/en/rest/releases/releases [D]: a draft or a pre-release cannot be the latest
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import web

from tests.fakes.github import shapes
from tests.fakes.github.routes import conditional
from tests.fakes.github.world import OTHERS, GitHubWorld


@dataclass
class Published:
    """A release."""

    id: int
    tag: str
    draft: bool = False
    prerelease: bool = False
    body: str = "Written by a person"


@dataclass
class Shelf:
    """Of the one repository of *world*.

    Attributes:
        tags: By name: ``commit`` or ``tag`` (an annotated one), and the SHA that it points to.
        kept: Tags that a rule keeps where they are.
        latest: The id of the latest release.
        moved: Each tag that was set, in order, and whether by force.
    """

    world: GitHubWorld
    commits: set[str] = field(default_factory=set)
    tags: dict[str, tuple[str, str]] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    releases: list[Published] = field(default_factory=list)
    latest: int | None = None
    moved: list[tuple[str, bool]] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=lambda: count(501))

    def commit(self, number: int) -> str:
        """A commit that there is, always the same for one number."""
        sha = f"{number:040x}"
        self.commits.add(sha)
        return sha

    def publish(self, tag: str, *, latest: bool = True, **more: Any) -> Published:
        """Somebody publishes a release; it is the latest, unless they say otherwise [D]."""
        made = Published(next(self.ids), tag, **more)
        self.releases.append(made)
        if latest and not (made.draft or made.prerelease):
            self.latest = made.id
        return made


class ShelfRoutes:
    """Handlers; who may ask at all was looked at before."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def add_to(self, application: web.Application) -> None:
        """All of them."""
        repo, add = "/repos/{owner}/{name}", application.router
        add.add_get(f"{repo}/git/ref/{{ref:.+}}", self.ref)
        add.add_post(f"{repo}/git/refs", self.make)
        add.add_patch(f"{repo}/git/refs/{{ref:.+}}", self.move)
        add.add_get(f"{repo}/releases/latest", self.latest)
        add.add_get(f"{repo}/releases/tags/{{tag}}", self.by_tag)
        add.add_patch(f"{repo}/releases/{{id}}", self.change)

    # ---------------------------------------------------------------------------------------------------------------- tags

    async def ref(self, request: web.Request) -> web.Response:
        tag = self._tag(request)
        return _no(404, "Not Found") if tag not in self.shelf.tags else conditional(request, self._told(tag))

    async def make(self, request: web.Request) -> web.Response:
        said = await request.json()
        tag = said["ref"].removeprefix("refs/tags/")
        if tag in self.shelf.tags:
            return self._may_not(request) or _no(422, "Reference already exists")
        return self._may_not(request) or self._set(tag, said["sha"], 201, force=False)

    async def move(self, request: web.Request) -> web.Response:
        said, tag = await request.json(), self._tag(request)
        if tag not in self.shelf.tags:
            return self._may_not(request) or _no(422, "Reference does not exist")
        if not said.get("force"):  # nothing here is a fast-forward of anything
            return self._may_not(request) or _no(422, "Update is not a fast forward")
        return self._may_not(request) or self._set(tag, said["sha"], 200, force=True)

    def _set(self, tag: str, sha: str, status: int, *, force: bool) -> web.Response:
        if tag in self.shelf.kept:
            return _no(422, "Repository rule violations found: Cannot update this protected ref.")
        if sha not in self.shelf.commits:
            return _no(422, "Object does not exist")
        self.shelf.tags[tag] = ("commit", sha)
        self.shelf.moved.append((tag, force))
        return web.json_response(self._told(tag), status=status)

    def _told(self, tag: str) -> dict[str, Any]:
        kind, sha = self.shelf.tags[tag]
        at = f"{shapes.api(self.shelf.world.host)}/repos/{self.shelf.world.repository}/git"
        return {
            "ref": f"refs/tags/{tag}",
            "node_id": f"REF_{tag}",
            "url": f"{at}/refs/tags/{tag}",
            "object": {"type": kind, "sha": sha, "url": f"{at}/{kind}s/{sha}"},
        }

    @staticmethod
    def _tag(request: web.Request) -> str:
        return request.match_info["ref"].removeprefix("tags/")

    # ------------------------------------------------------------------------------------------------------------- releases

    async def latest(self, request: web.Request) -> web.Response:
        return self._one(request, next((e for e in self.shelf.releases if e.id == self.shelf.latest), None))

    async def by_tag(self, request: web.Request) -> web.Response:
        """A published one: drafts are not told by their tag [D]."""
        tag = request.match_info["tag"]
        return self._one(
            request, next((e for e in self.shelf.releases if e.tag == tag and not e.draft), None)
        )

    async def change(self, request: web.Request) -> web.Response:
        said, wanted = await request.json(), int(request.match_info["id"])
        found = next((each for each in self.shelf.releases if each.id == wanted), None)
        if (no := self._may_not(request)) is not None:
            return no
        if found is None:
            return _no(404, "Not Found")
        if said.get("make_latest") == "true":
            if found.draft or found.prerelease:
                return _no(422, "Validation Failed")
            self.shelf.latest = found.id
        found.body = said.get("body", found.body)
        return web.json_response(self._release(found))

    def _one(self, request: web.Request, found: Published | None) -> web.Response:
        return _no(404, "Not Found") if found is None else conditional(request, self._release(found))

    def _release(self, of: Published) -> dict[str, Any]:
        repository, host = self.shelf.world.repository, self.shelf.world.host
        at, page = f"{shapes.api(host)}/repos/{repository}", f"https://{host}/{repository}"
        return {
            "url": f"{at}/releases/{of.id}",
            "html_url": f"{page}/releases/tag/{of.tag}",
            "assets_url": f"{at}/releases/{of.id}/assets",
            "upload_url": f"{at}/releases/{of.id}/assets{{?name,label}}",
            "tarball_url": f"{at}/tarball/{of.tag}",
            "zipball_url": f"{at}/zipball/{of.tag}",
            "id": of.id,
            "node_id": f"RE_{of.id}",
            "tag_name": of.tag,
            "target_commitish": "main",
            "name": of.tag,
            "body": of.body,
            "draft": of.draft,
            "prerelease": of.prerelease,
            "created_at": "2026-11-24T10:00:00Z",
            "published_at": "2026-11-24T10:00:00Z",
            "author": shapes.person("ada", host),
            "assets": [],
        }

    def _may_not(self, request: web.Request) -> web.Response | None:
        token = request.headers.get("Authorization", "").partition(" ")[2]
        if token == OTHERS or self.shelf.world.permissions.get("contents") != "write":
            return _no(403, "Resource not accessible by personal access token")
        return None


def _no(status: int, words: str) -> web.Response:
    return web.json_response({"message": words, "documentation_url": ""}, status=status)
