"""What the mirrors on GitHub have in common: by what right they ask, and what its answers mean.

Source:
    https://docs.github.com/en/rest/git/refs; https://docs.github.com/en/rest/releases/releases
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from pydantic import ConfigDict
from pydantic_core import from_json

from deploy.errors import Unanswered
from deploy.github import Access, Repository, host_of, limited, said
from deploy.model import About, Finding, Level, Release
from deploy.ports import Got, Rest, World

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REMEDIES: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "the token or the app's key is not accepted: make a new one, and put it where the mirror points",
    HTTPStatus.FORBIDDEN: "give the token or the app the permission Contents: write on this repository",
    HTTPStatus.MOVED_PERMANENTLY: "the repository was renamed: write its new name in the configuration",
    HTTPStatus.NOT_FOUND: "the repository is not there, or the token does not see it: add the repository to it",
}


class OnGitHub(Access):
    """By what right, and where.

    Attributes:
        repository: As OWNER/NAME.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    repository: Repository


class Refused(Exception):
    """GitHub did not do it. Its words are for people; *remedy*: what to do, which they end with."""

    def __init__(self, words: str, remedy: str = "") -> None:
        super().__init__(f"{words}; {remedy}" if remedy else words)
        self.words = words
        self.remedy = remedy or "look at the repository, and what the token or the app may there"


class Repo:
    """One repository, as a mirror asks it."""

    def __init__(self, settings: OnGitHub, world: World) -> None:
        if world.github is None:
            raise AssertionError("a mirror on GitHub is opened with a way to it")
        self._rest: Rest = world.github(settings)
        self._now: Callable[[], datetime] = world.now
        self._at = f"/repos/{settings.repository}"

    async def get(self, path: str) -> Mapping[str, Any] | None:
        """What stands at *path*; ``None``: there is no such thing.

        Raises:
            Refused: GitHub did not say.
            Unanswered: Nobody answered.
        """
        got = await self._rest("GET", f"{self._at}{path}")
        return None if got.status == HTTPStatus.NOT_FOUND else self._read(got, {})

    async def change(
        self, method: str, path: str, content: Mapping[str, Any], remedies: Mapping[int, str]
    ) -> None:
        """Do it, once. *remedies*: what to do where GitHub refuses, by its status.

        Raises:
            Refused: GitHub did not do it.
            Unanswered: Nobody answered: it may be done.
        """
        self._read(await self._rest(method, f"{self._at}{path}", content), remedies)

    async def examine(self, name: str) -> Sequence[Finding]:
        """Is it there, and may it be written? Nothing is written by asking, and of the token itself GitHub tells nothing."""
        try:
            found = await self.get("")
        except Refused as refused:
            return [Finding(Level.FAIL, f"{name}: {refused.words}", refused.remedy, about=About.MIRROR)]
        except Unanswered as unanswered:
            return [Finding(Level.FAIL, f"{name}: {unanswered}", unanswered.remedy, about=About.MIRROR)]
        if found is None:
            return [
                Finding(Level.FAIL, f"{name}: HTTP 404", _REMEDIES[HTTPStatus.NOT_FOUND], about=About.MIRROR)
            ]
        if found.get("archived"):
            return [
                Finding(
                    Level.FAIL,
                    f"{name}: the repository is archived, and takes nothing",
                    "take the mirror out",
                    about=About.MIRROR,
                )
            ]
        may = found.get("permissions")
        if isinstance(may, dict) and may.get("push") is False:
            words = f"{name}: the repository may be read, and not be written"
            return [Finding(Level.FAIL, words, _REMEDIES[HTTPStatus.FORBIDDEN], about=About.MIRROR)]
        return [
            Finding(
                Level.OK,
                f"{name}: the repository is there; whether the token may write it was not tried",
                about=About.MIRROR,
            )
        ]

    def _read(self, got: Got, remedies: Mapping[int, str]) -> Mapping[str, Any]:
        if limited(got.status, got.headers, got.body, self._now()) is not None:
            raise Refused(said(got.status, got.body), "GitHub's limit of requests, nobody need act")
        if got.status not in {HTTPStatus.OK, HTTPStatus.CREATED}:
            raise Refused(
                said(got.status, got.body), remedies.get(got.status) or _REMEDIES.get(got.status, "")
            )
        try:
            told = from_json(got.body)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise Refused("what was answered is not of GitHub's REST API: is `url` its address?")
        return told


async def told(name: str, following: Awaitable[str]) -> str:
    """What came of *following*, or why nothing did, for people: whatever GitHub says, nothing is raised."""
    try:
        return await following
    except Refused as refused:
        return f"{name}: {refused}"
    except Unanswered as unanswered:
        return f"{name}: {unanswered}; {unanswered.remedy}"


def commit_of(release: Release) -> str | None:
    """The commit that *release* was made of, in full; ``None``: nobody has told it."""
    told = release.names.get("commit", "")
    return told if COMMIT.fullmatch(told) else None


def host(settings: OnGitHub) -> str:
    """Whose repository it is: one of that name is on several servers."""
    return host_of(settings.url)
