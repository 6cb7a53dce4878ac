"""A tag of git on GitHub that follows the known-good release: ``git checkout known-good/checkout/production``.

It is a lightweight tag at the commit that the release was made of. It is moved by force, for the known-good release may be an
older one than before. What may be moved is told by its name, which begins with ``known-good``, and by its being lightweight: an
annotated tag has an author, and is never moved. There is no compare-and-set: what somebody moves between look and call is written over.

Source:
    https://docs.github.com/en/rest/git/refs
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from pydantic import AfterValidator, StringConstraints

from deploy.mirrors.github import OnGitHub, Repo, commit_of, host, told
from deploy.mirrors.mirror import Kind
from deploy.mirrors.naming import PREFIX, checked, filled
from deploy.model import Finding, Standing
from deploy.ports import World
from deploy.target import Place

_REMEDIES: Mapping[int, str] = {
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        f"the commit is not in this repository, or a rule keeps its tags: let whom the token is of move tags that begin with {PREFIX}"
    )
}


class Settings(OnGitHub):
    """``git``."""

    # What is not called so may be somebody else's, and is never moved.
    tag: Annotated[
        str,
        StringConstraints(
            pattern=rf"^{PREFIX}(?:[/-](?:[A-Za-z0-9_]|\$\{{[a-z]{{1,20}}\}}){{1,100}}){{0,12}}\Z"
        ),
        AfterValidator(checked),
    ] = f"{PREFIX}/${{service}}/${{environment}}"


class GitTag:
    """See `Mirror`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        self._repo = Repo(settings, world)
        self._repository = settings.repository
        self._tag = filled(settings.tag, place)

    @property
    def name(self) -> str:
        """The repository and the tag."""
        return f"git {self._repository} {self._tag}"

    async def examine(self) -> Sequence[Finding]:
        """See `deploy.target.Examined`."""
        return await self._repo.examine(self.name)

    async def write(self, known_good: Standing) -> str:
        """See `Mirror`."""
        release = known_good.release
        commit = commit_of(release)
        if commit is None:
            return (
                f"{self.name}: of {release.tag} no commit is known: announce it with the deployment (`rollbackd deployed … --name"
                " commit=SHA`, all of its digits), or take another mirror"
            )
        return await told(self.name, self._follow(commit))

    async def _follow(self, commit: str) -> str:
        at = f"tags/{quote(self._tag, safe='/')}"
        found = await self._repo.get(f"/git/ref/{at}")
        if found is None:
            made = {"ref": f"refs/tags/{self._tag}", "sha": commit}
            await self._repo.change("POST", "/git/refs", made, _REMEDIES)
            return ""
        there = found.get("object")
        kind, sha = (there.get("type"), there.get("sha")) if isinstance(there, dict) else (None, None)
        if kind != "commit":
            return (
                f"{self.name}: it is an annotated tag, which rollbackd has not made: nothing was moved; give the mirror a `tag` of its"
                " own, or delete that one"
            )
        if sha != commit:
            moved = {"sha": commit, "force": True}
            await self._repo.change("PATCH", f"/git/refs/{at}", moved, _REMEDIES)
        return ""


def _address(settings: Settings, place: Place) -> str:
    return f"git {host(settings)} {settings.repository.lower()} {filled(settings.tag, place)}"


KIND = Kind(settings=Settings, open=GitTag, address=_address, on_aws=False)
