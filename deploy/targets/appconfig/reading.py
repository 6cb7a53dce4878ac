"""All that is read of AppConfig, for every profile of one account, and never twice what cannot change.

The deployments of an environment are one call for all its profiles; a version is read once for each. Every function may raise
`AwsRefused`; none changes anything.

Source:
    https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_ListDeployments.html
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import Release
from deploy.ports import AwsCall
from deploy.targets.appconfig.content import HOSTED, release_of
from deploy.targets.appconfig.deployment import Deployment, deployment_of
from deploy.targets.appconfig.settings import Settings
from deploy.targets.aws.batching import Batch, together
from deploy.targets.aws.keeping import Kept

KEPT = 512  # versions, and profiles of deployments: some hundred bytes each
PAGE = 50
PAGES = 5  # of deployments: as many as are looked through for one that completed
VERSION_PAGES = (
    20  # of versions: the newest of all is asked for, and in which order they come is not documented
)
GONE = "ResourceNotFoundException"

Environment = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Profile:
    """A configuration profile: its type, and where its configuration lies."""

    kind: str
    location: str

    @property
    def is_hosted(self) -> bool:
        """AppConfig itself tells what stands in a version."""
        return self.location == HOSTED


@dataclass(frozen=True, slots=True)
class Means:
    """By what an old version would be deployed anew.

    Attributes:
        strategy: As GetDeploymentStrategy tells it; ``None``: there is none such.
        alarms: The ARNs of those at which AppConfig takes back what it deploys to the environment.
    """

    profile: Profile
    strategy: Mapping[str, Any] | None
    alarms: Sequence[str]


@dataclass(frozen=True, slots=True)
class Page:
    """Deployments of an environment, newest first; *more*: by what the next are asked for."""

    deployments: tuple[Deployment, ...]
    more: str | None = None


@dataclass
class Reader:
    """Reads one account in one region.

    Args:
        call: Reads, in the account *scope*.
    """

    scope: str
    call: AwsCall
    _releases: Kept[tuple[str, str, int], Release] = field(default_factory=lambda: Kept(KEPT))
    _profiles: Kept[tuple[str, str], Profile] = field(default_factory=lambda: Kept(KEPT))
    _whose: Kept[tuple[Environment, int], str] = field(default_factory=lambda: Kept(KEPT))

    def __post_init__(self) -> None:
        self._newest: Batch[Environment, Page] = Batch(1, self._first_pages)

    async def deployments(self, settings: Settings, enough: Callable[[Sequence[Deployment]], bool]) -> Page:
        """The newest deployments of the environment, until there are *enough* of them; in steady state one page, for all profiles."""
        page = await self._newest.ask(settings.place)
        found, more = (page.deployments, page.more) if page else ((), None)
        for _ in range(PAGES - 1):
            if more is None or enough(found):
                break
            page = await self._page(settings.place, {"NextToken": more})
            found, more = (*found, *page.deployments), page.more
        return Page(found, more)

    async def deployment(self, settings: Settings, number: int) -> Mapping[str, Any] | None:
        """All that is told of one deployment, its log too; ``None``: there is none such."""
        return await self._known(
            "appconfig", "get_deployment", **_at(settings.place), DeploymentNumber=number
        )

    async def release(self, settings: Settings, deployment: Deployment) -> Release:
        """What was deployed; a version that was deleted, or whose configuration lies elsewhere, is known by its number alone.

        It is kept by the deployment: the number of a version may be given again, once the newest was deleted.
        """
        key, version = (*settings.place, deployment.number), deployment.version
        kept = self._releases.get(key)
        if kept is not None:
            return kept
        profile = await self.profile(settings)
        content = await self.content(settings, version) if profile.is_hosted else None
        return self._releases.keep(key, release_of(version, deployment.label, content, profile.kind))

    async def content(self, settings: Settings, version: str) -> bytes | None:
        """What stands in a version that AppConfig hosts; ``None``: it was deleted."""
        if not re.fullmatch(r"\d{1,9}", version):
            return None
        told = await self._known(
            "appconfig", "get_hosted_configuration_version", **_of(settings), VersionNumber=int(version)
        )
        return None if told is None else bytes(told.get("Content", b""))

    async def versions(self, settings: Settings) -> Mapping[int, str] | None:
        """The labels of all versions that AppConfig hosts, by number; ``None``: there are too many to read."""
        found: dict[int, str] = {}
        token: Mapping[str, str] = {}
        for _ in range(VERSION_PAGES):
            told = await self._call(
                "appconfig",
                "list_hosted_configuration_versions",
                **_of(settings),
                MaxResults=PAGE,
                **token,
            )
            found |= {
                int(each["VersionNumber"]): str(each.get("VersionLabel", ""))
                for each in told.get("Items", ())
            }
            if not told.get("NextToken"):
                return found
            token = {"NextToken": str(told["NextToken"])}
        return None

    async def profile(self, settings: Settings) -> Profile:
        """The configuration profile; what is told of it here never changes."""
        key = (settings.application, settings.profile)
        kept = self._profiles.get(key)
        if kept is not None:
            return kept
        told = await self._call("appconfig", "get_configuration_profile", **_of(settings))
        return self._profiles.keep(key, Profile(str(told.get("Type", "")), str(told.get("LocationUri", ""))))

    async def means(self, settings: Settings) -> Means:
        """By what an old version would be deployed anew."""
        environment = await self._call("appconfig", "get_environment", **_at(settings.place))
        strategy = await self._known(
            "appconfig", "get_deployment_strategy", DeploymentStrategyId=settings.strategy
        )
        alarms = [str(each.get("AlarmArn", "")) for each in environment.get("Monitors", ())]
        return Means(await self.profile(settings), strategy, alarms)

    async def tags(self, arn: str) -> Mapping[str, str]:
        """Of a deployment."""
        told = await self._call("appconfig", "list_tags_for_resource", ResourceArn=arn)
        return {str(key): str(value) for key, value in told.get("Tags", {}).items()}

    # --------------------------------------------------------------------------------------------------------- calls

    async def _call(self, service: str, operation: str, **parameters: Any) -> Mapping[str, Any]:
        return await self.call(self.scope, service, operation, **parameters)

    async def _known(self, service: str, operation: str, **parameters: Any) -> Mapping[str, Any] | None:
        try:
            return await self._call(service, operation, **parameters)
        except AwsRefused as refused:
            if refused.code == GONE:
                return None
            raise

    async def _first_pages(self, places: Sequence[Environment]) -> Mapping[Environment, Page]:
        (place,) = places
        return {place: await self._page(place, {})}

    async def _page(self, place: Environment, token: Mapping[str, str]) -> Page:
        told = await self._call("appconfig", "list_deployments", **_at(place), MaxResults=PAGE, **token)
        found = await together(
            *(self._with_profile(place, deployment_of(each)) for each in told.get("Items", ()))
        )
        more = told.get("NextToken")
        # The documented order, and an emulator has another: what is taken for the newest must be it.
        newest_first = sorted(found, key=lambda each: each.number, reverse=True)
        return Page(tuple(newest_first), str(more) if more else None)

    async def _with_profile(self, place: Environment, deployment: Deployment) -> Deployment:
        """AppConfig did not always list whose configuration a deployment is of; it never changes."""
        if deployment.profile:
            return deployment
        key = (place, deployment.number)
        whose = self._whose.get(key)
        if whose is None:
            told = await self._call(
                "appconfig", "get_deployment", **_at(place), DeploymentNumber=deployment.number
            )
            whose = self._whose.keep(key, str(told.get("ConfigurationProfileId", "")))
        return replace(deployment, profile=whose)


def _at(place: Environment) -> Mapping[str, str]:
    application, environment = place
    return {"ApplicationId": application, "EnvironmentId": environment}


def _of(settings: Settings) -> Mapping[str, str]:
    return {"ApplicationId": settings.application, "ConfigurationProfileId": settings.profile}
