"""All that is read of Beanstalk, for every environment of one account, and never twice what cannot change.

In steady state an environment is its share of one DescribeEnvironments. Beanstalk throttles hard, so instances are asked only while
something is done to an environment, while it is not well, and once after each change. Every function may raise `AwsRefused`; none
changes anything.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeEnvironments.html
    https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_DescribeInstancesHealth.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.ports import AwsCall
from deploy.targets.aws.batching import Batch
from deploy.targets.aws.keeping import Kept
from deploy.targets.aws.wording import refusal
from deploy.targets.beanstalk.environment import (
    ENDED,
    Environment,
    Happened,
    Instance,
    environment_of,
    happened,
    instance_of,
    moment,
)
from deploy.targets.beanstalk.policy import Policy, policy_of
from deploy.targets.beanstalk.version import Bundle, Version, version_of

MOST = 100  # environments a call. AWS names no bound; a request of so many names is some kilobytes
KEPT = 1024  # what is kept: some hundred bytes each
PAGES = 10  # of instances: 1000 at most
EVENTS = 200
REMEMBERS = timedelta(
    days=42
)  # what is terminated: as long as events are. [U]; after that it is as if it could not be seen
# S3 says of an object that it is not there, or that we may not know whether it is.
_GONE = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})
_NEVER = datetime.max.replace(tzinfo=UTC)
_HIDDEN = frozenset({"403", "AccessDenied", "Forbidden"})


@dataclass
class Reader:
    """Reads one account in one region.

    Args:
        call: Reads, in the account *scope*.
    """

    scope: str
    call: AwsCall
    _versions: Kept[tuple[str, str, datetime], tuple[Version | None, Bundle | None]] = field(
        default_factory=lambda: Kept(KEPT)
    )
    _tags: Kept[tuple[str, datetime], Mapping[str, str]] = field(default_factory=lambda: Kept(KEPT))
    _policies: Kept[tuple[str, datetime], Policy] = field(default_factory=lambda: Kept(KEPT))
    _instances: Kept[tuple[str, datetime], Sequence[Instance]] = field(default_factory=lambda: Kept(KEPT))

    def __post_init__(self) -> None:
        self._environments: Batch[str, Environment] = Batch(MOST, self._describe_environments)

    async def environment(self, application: str, name: str) -> Environment | None:
        """The environment, now; ``None``: there is none such, or the role to read may not see it."""
        found = await self._environments.ask(name)
        return found if found is not None and found.application == application else None

    async def was_terminated(self, application: str, name: str, now: datetime) -> bool:
        """Beanstalk says so itself. That it tells of no such environment says nothing: it leaves out what a role may not see."""
        told = await self._beanstalk(
            "describe_environments",
            ApplicationName=application,
            EnvironmentNames=[name],
            IncludeDeleted=True,
            IncludedDeletedBackTo=now - REMEMBERS,
        )
        return any(environment_of(each).status in ENDED for each in told.get("Environments", ()))

    async def instances(self, environment: Environment) -> Sequence[Instance]:
        """What the instances run; none, where health reporting is basic.

        Of an environment that is quiet they are asked once after each change of it: what runs there is then what it says.
        """
        if not environment.is_enhanced:
            return ()
        key = (environment.name, environment.updated)
        kept = self._instances.get(key)
        if (
            environment.is_quiet
            and kept is not None
            and all(each.label == environment.label for each in kept)
        ):
            return kept
        return self._instances.keep(key, await self._describe_instances(environment.name))

    async def versions(self, application: str, labels: Sequence[str]) -> Mapping[str, Version]:
        """Application versions by label, those that there are."""
        told = await self._beanstalk(
            "describe_application_versions", ApplicationName=application, VersionLabels=list(labels)
        )
        found = map(version_of, told.get("ApplicationVersions", ()))
        return {version.label: version for version in found}

    async def newest(self, application: str, most: int) -> Sequence[Version]:
        """The application versions that were made last, the newest first."""
        told = await self._beanstalk(
            "describe_application_versions", ApplicationName=application, MaxRecords=most
        )
        found = map(version_of, told.get("ApplicationVersions", ()))
        return sorted(found, key=lambda version: version.created, reverse=True)[:most]

    async def version_now(self, application: str, label: str) -> tuple[Version | None, Bundle | None]:
        """A version, and what lies where its bundle is."""
        version = (await self.versions(application, [label])).get(label)
        return version, await self.bundle(version) if version is not None else None

    async def version(
        self, application: str, label: str, since: datetime
    ) -> tuple[Version | None, Bundle | None]:
        """The same, read once for what was deployed *since* then."""
        key = (application, label, since)
        kept = self._versions.get(key)
        return kept or self._versions.keep(key, await self.version_now(application, label))

    async def bundle(self, version: Version) -> Bundle | None:
        """What lies where the bundle of *version* is; ``None``: nothing."""
        if not version.bucket or not version.key:
            return Bundle(hidden=True)  # built from an image, or by a build: there is no bundle to look at
        try:
            told = await self.call(self.scope, "s3", "head_object", Bucket=version.bucket, Key=version.key)
        except AwsRefused as refused:
            if refused.code in _GONE:
                return None
            if refused.code in _HIDDEN:
                return Bundle(hidden=True, unread=refusal(refused))
            raise
        return Bundle(str(told.get("ETag", "")).strip('"'), moment(told.get("LastModified")) or _NEVER)

    async def policy(self, environment: Environment) -> Policy:
        """How it takes a new version; read once after each change of it."""
        key = (environment.name, environment.updated)
        kept = self._policies.get(key)
        if kept is not None:
            return kept
        told = await self._beanstalk(
            "describe_configuration_settings",
            ApplicationName=environment.application,
            EnvironmentName=environment.name,
        )
        found = told.get("ConfigurationSettings", ())
        deployed = next((each for each in found if each.get("DeploymentStatus") == "deployed"), None)
        options = (deployed or (found[0] if found else {})).get("OptionSettings", ())
        return self._policies.keep(key, policy_of(options))

    async def events(
        self, environment: Environment, severity: str, since: datetime | None = None
    ) -> Sequence[Happened]:
        """What happened to it, of at least that severity, the newest first."""
        start = {"StartTime": since} if since else {}
        told = await self._beanstalk(
            "describe_events", EnvironmentName=environment.name, Severity=severity, MaxRecords=EVENTS, **start
        )
        found = map(happened, told.get("Events", ()))
        return sorted(found, key=lambda event: event.at, reverse=True)

    async def tags(self, arn: str) -> Mapping[str, str]:
        """Of a version."""
        told = await self.call(self.scope, "elasticbeanstalk", "list_tags_for_resource", ResourceArn=arn)
        return {str(tag["Key"]): str(tag["Value"]) for tag in told.get("ResourceTags", ())}

    async def tags_since(self, arn: str, since: datetime) -> Mapping[str, str]:
        """The same, read once for what was deployed *since* then: a trace is older than its move."""
        kept = self._tags.get((arn, since))
        return kept if kept is not None else self._tags.keep((arn, since), await self.tags(arn))

    async def lifecycle(self, application: str) -> Mapping[str, Any]:
        """The rules by which old versions of *application* are deleted, as Beanstalk tells them."""
        told = await self._beanstalk("describe_applications", ApplicationNames=[application])
        found: Mapping[str, Any] = next(iter(told.get("Applications", ())), {})
        rules: Mapping[str, Any] = found.get("ResourceLifecycleConfig", {}).get("VersionLifecycleConfig", {})
        return rules

    # --------------------------------------------------------------------------------------------------------- calls

    async def _beanstalk(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        return await self.call(self.scope, "elasticbeanstalk", operation, **parameters)

    async def _describe_environments(self, names: Sequence[str]) -> Mapping[str, Environment]:
        told = await self._beanstalk(
            "describe_environments", EnvironmentNames=list(names), IncludeDeleted=False
        )
        found = map(environment_of, told.get("Environments", ()))
        return {environment.name: environment for environment in found}

    async def _describe_instances(self, name: str) -> Sequence[Instance]:
        found: list[Instance] = []
        page: dict[str, Any] = {}
        for _ in range(PAGES):
            told = await self._beanstalk(
                "describe_instances_health", EnvironmentName=name, AttributeNames=["All"], **page
            )
            found += map(instance_of, told.get("InstanceHealthList", ()))
            if not told.get("NextToken"):
                break
            page = {"NextToken": told["NextToken"]}
        return tuple(found)
