"""All that is read of ECS and ECR, for every service of one account: in few calls, and never twice what cannot change.

Every function may raise `AwsRefused`; none changes anything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from deploy.errors import AwsRefused
from deploy.ports import AwsCall
from deploy.targets.aws.batching import Batch
from deploy.targets.aws.keeping import Kept
from deploy.targets.ecs.definition import Definition, Image, definition_of
from deploy.targets.ecs.history import Attempt, Revision, attempt_of, revision_of
from deploy.targets.ecs.service import Service, service_of

SERVICES = 10  # a call of DescribeServices
IMAGES, PAGES = 1000, 3  # images a call of DescribeImages, its most; and how many calls: a guess
REVISIONS = 20  # a call of DescribeServiceRevisions and of DescribeServiceDeployments
KEPT = 4096  # task definitions, and service revisions: some hundred bytes each
UNTOLD_AGAIN = timedelta(minutes=10)  # a revision that tells no digest is asked for again; a guess


@dataclass(frozen=True, slots=True)
class Registered:
    """A task definition, with what may change on it.

    Attributes:
        status: ``ACTIVE``, ``INACTIVE`` or ``DELETE_IN_PROGRESS``.
    """

    definition: Definition
    status: str
    tags: Mapping[str, str]


@dataclass
class Reader:
    """Reads one account in one region.

    Args:
        call: Reads, in the account *scope*.
        now: The clock: for how long something is kept that may yet change.
    """

    scope: str
    call: AwsCall
    now: Callable[[], datetime]
    _services: dict[str, Batch[str, Service]] = field(default_factory=dict)
    _definitions: Kept[str, Definition] = field(default_factory=lambda: Kept(KEPT))
    _revisions: Kept[str, Revision] = field(default_factory=lambda: Kept(KEPT))
    _untold: Kept[str, tuple[datetime, Revision | None]] = field(default_factory=lambda: Kept(KEPT))

    def __post_init__(self) -> None:
        self._asked_attempts: Batch[str, Attempt] = Batch(REVISIONS, self._describe_attempts)
        self._asked_revisions: Batch[str, Revision] = Batch(REVISIONS, self._describe_revisions)
        # One a call, but what several ask for at one time is asked for once.
        self._asked_definitions: Batch[str, Registered] = Batch(1, self._describe_definition)

    async def service(self, cluster: str, name: str) -> Service | None:
        """The service, now; ``None``: there is none such."""
        if cluster not in self._services:
            self._services[cluster] = Batch(SERVICES, partial(self._describe_services, cluster))
        return await self._services[cluster].ask(name)

    async def definition(self, name: str) -> Definition:
        """A task definition, by ARN or ``family:revision``. Read once."""
        return self._definitions.get(name) or (await self.registered(name)).definition

    async def registered(self, name: str) -> Registered:
        """A task definition with its status and its tags, now."""
        found = await self._asked_definitions.ask(name)
        if found is None:
            words = f"{name}: an answer without a task definition"
            raise AwsRefused("describe_task_definition", "Unreadable", words, may_have_happened=False)
        return found

    async def revision(self, arn: str, *, patiently: bool = False) -> Revision | None:
        """A service revision; ``None``: ECS knows none such. One that tells all its digests is read once.

        Args:
            arn: Which.
            patiently: It is old: if it tells no digests now, it will hardly tell them in a minute.
        """
        kept, untold = self._revisions.get(arn), self._untold.get(arn)
        if kept is not None:
            return kept
        if patiently and untold is not None and self.now() < untold[0] + UNTOLD_AGAIN:
            return untold[1]
        found = await self._asked_revisions.ask(arn)
        if found is not None and await self._tells_all(found):
            return self._revisions.keep(arn, found)
        self._untold.keep(arn, (self.now(), found))
        return found

    async def attempt(self, arn: str) -> Attempt | None:
        """A service deployment, now; ``None``: ECS does not know it."""
        return await self._asked_attempts.ask(arn)

    async def newest(self, cluster: str, service: str, most: int) -> tuple[Attempt, ...]:
        """The newest service deployments, the newest first: what, when, how it ended; not from where."""
        told = await self._ecs("list_service_deployments", cluster=cluster, service=service, maxResults=most)
        found = map(attempt_of, told.get("serviceDeployments", ()))
        return tuple(sorted(found, key=lambda each: -_seconds(each.created)))[:most]

    async def image(self, registry: str, repository: str, image: Image) -> Mapping[str, Any] | None:
        """What ECR says of an image."""
        asked = {"imageDigest": image.digest} if image.digest else {"imageTag": image.tag or "latest"}
        told = await self.call(
            self.scope,
            "ecr",
            "describe_images",
            registryId=registry,
            repositoryName=repository,
            imageIds=[asked],
        )
        details: Sequence[Mapping[str, Any]] = told.get("imageDetails", ())
        return details[0] if details else None

    async def images(self, registry: str, repository: str) -> Sequence[Mapping[str, Any]]:
        """What ECR says of all images of a repository; of a very large one of a part of them, in no order."""
        found: list[Mapping[str, Any]] = []
        more: Mapping[str, Any] = {}
        for _ in range(PAGES):
            told = await self.call(
                self.scope,
                "ecr",
                "describe_images",
                registryId=registry,
                repositoryName=repository,
                maxResults=IMAGES,
                **more,
            )
            found += told.get("imageDetails", ())
            if "nextToken" not in told:
                break
            more = {"nextToken": told["nextToken"]}
        return found

    async def lifecycle(self, registry: str, repository: str) -> str | None:
        """The rules by which ECR deletes images of a repository, as JSON; ``None``: there are none."""
        try:
            told = await self.call(
                self.scope, "ecr", "get_lifecycle_policy", registryId=registry, repositoryName=repository
            )
        except AwsRefused as refused:
            if refused.code == "LifecyclePolicyNotFoundException":
                return None
            raise
        return str(told.get("lifecyclePolicyText", ""))

    # --------------------------------------------------------------------------------------------------------- calls

    async def _ecs(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        return await self.call(self.scope, "ecs", operation, **parameters)

    async def _describe_services(self, cluster: str, names: Sequence[str]) -> Mapping[str, Service]:
        told = await self._ecs("describe_services", cluster=cluster, services=list(names), include=["TAGS"])
        found = [service_of(each, cluster) for each in told.get("services", ())]
        return {service.name: service for service in found}

    async def _describe_definition(self, names: Sequence[str]) -> Mapping[str, Registered]:
        (name,) = names
        told = await self._ecs("describe_task_definition", taskDefinition=name, include=["TAGS"])
        described: Mapping[str, Any] | None = told.get("taskDefinition")
        if described is None:
            return {}
        definition = definition_of(described)
        self._definitions.keep(definition.arn, definition)
        self._definitions.keep(definition.tag, definition)
        tags = {str(tag.get("key", "")): str(tag.get("value", "")) for tag in told.get("tags", ())}
        return {name: Registered(definition, str(described.get("status", "")), tags)}

    async def _describe_revisions(self, arns: Sequence[str]) -> Mapping[str, Revision]:
        told = await self._ecs("describe_service_revisions", serviceRevisionArns=list(arns))
        found = map(revision_of, told.get("serviceRevisions", ()))
        return {revision.arn: revision for revision in found}

    async def _describe_attempts(self, arns: Sequence[str]) -> Mapping[str, Attempt]:
        told = await self._ecs("describe_service_deployments", serviceDeploymentArns=list(arns))
        found = map(attempt_of, told.get("serviceDeployments", ()))
        return {attempt.arn: attempt for attempt in found}

    async def _tells_all(self, revision: Revision) -> bool:
        """Nothing is to come any more. Of a definition that was deleted, or cannot be read now, that is not known."""
        try:
            definition = await self.definition(revision.definition)
        except AwsRefused:
            return False
        return all(
            image.digest or not image.told or image.container in revision.digests
            for image in definition.images
        )


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
