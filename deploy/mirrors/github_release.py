"""Which release of GitHub's is the *latest*: the known-good one, so that ``releases/latest`` leads there and not to the newest.

Nothing of a release is written but that: neither its text, which people edit and GitHub cannot compare and set, nor its files. A
repository has one latest release, so it follows one service in one environment. Drafts and pre-releases cannot be the latest.

Whoever publishes a release makes it the latest, unless they say otherwise (``gh release create --latest=false``); until the
known-good release changes, that stays so.

Source:
    https://docs.github.com/en/rest/releases/releases#update-a-release, ``make_latest``
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from pydantic import StringConstraints

from deploy.mirrors.github import OnGitHub, Repo, host, told
from deploy.mirrors.mirror import Kind
from deploy.model import Finding, Release, Standing
from deploy.ports import World
from deploy.target import Place

_REMEDIES: Mapping[int, str] = {
    HTTPStatus.UNPROCESSABLE_ENTITY: "look at the release: a draft or a pre-release cannot be the latest"
}


class Settings(OnGitHub):
    """``github_release``."""

    # What the tag of a release is called by on GitHub: our tag, or a name of the release that was announced with it.
    by: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}\Z")] = "tag"


class LatestRelease:
    """See `Mirror`."""

    def __init__(self, settings: Settings, place: Place, world: World) -> None:
        self._repo = Repo(settings, world)
        self._settings = settings
        self._place = place

    @property
    def name(self) -> str:
        """The repository."""
        return f"github_release {self._settings.repository}"

    async def examine(self) -> Sequence[Finding]:
        """See `deploy.target.Examined`."""
        return await self._repo.examine(self.name)

    async def write(self, known_good: Standing) -> str:
        """See `Mirror`."""
        tag = self._called(known_good.release)
        if tag is None:
            return f"{self.name}: {known_good.release.tag} has no name {self._settings.by}: announce it with the deployment"
        return await told(self.name, self._follow(tag))

    def _called(self, release: Release) -> str | None:
        return release.tag if self._settings.by == "tag" else release.names.get(self._settings.by)

    async def _follow(self, tag: str) -> str:
        wanted = await self._repo.get(f"/releases/tags/{quote(tag, safe='')}")
        if wanted is None:
            return f"{self.name}: there is no published release of the tag {tag}: publish one, or take the mirror git"
        if wanted.get("draft") or wanted.get("prerelease"):
            return f"{self.name}: the release of {tag} is a draft or a pre-release, which cannot be the latest: nothing was written"
        latest = await self._repo.get("/releases/latest")
        if latest is None or latest.get("id") != wanted.get("id"):
            await self._repo.change(
                "PATCH", f"/releases/{int(wanted['id'])}", {"make_latest": "true"}, _REMEDIES
            )
        return ""


def _address(settings: Settings, _place: Place) -> str:
    return f"github_release {host(settings)} {settings.repository.lower()}"


KIND = Kind(settings=Settings, open=LatestRelease, address=_address, on_aws=False)
