"""All that is read of CodeDeploy, for every group of one account: in few calls, and never twice what cannot change.

Every function may raise `AwsRefused`; none changes anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import Release
from deploy.ports import AwsAccount, AwsCall
from deploy.targets.aws.batching import Batch, together
from deploy.targets.aws.keeping import Kept
from deploy.targets.codedeploy.deployment import (
    SUCCEEDED,
    Deployment,
    Group,
    deployment_of,
    group_of,
)
from deploy.targets.codedeploy.onto import OnInstance, Shift, shift_of, target_of
from deploy.targets.codedeploy.revision import revision_of

GROUPS = 100  # a call of BatchGetDeploymentGroups
DEPLOYMENTS = 25  # a call of BatchGetDeployments, and of BatchGetDeploymentTargets
KEPT = 4096  # deployments that have ended: about a kilobyte each
KEPT_CONFIGS = 256
_NOT_STARTED = "DeploymentNotStartedException"
_NO_PARAMETER = "ParameterNotFound"
_NO_ID = "InvalidDeploymentIdException"
_NO_OBJECT = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NoSuchBucket"})
_NO_GROUP = frozenset({"ApplicationDoesNotExistException", "DeploymentGroupDoesNotExistException"})


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many instances a deployment keeps healthy: ``HOST_COUNT`` or ``FLEET_PERCENT``, and the number."""

    kind: str
    value: int


@dataclass
class Reader:
    """Reads one account in one region.

    Args:
        call: Reads, in *account*.
    """

    account: AwsAccount
    call: AwsCall
    _groups: dict[str, Batch[str, Group]] = field(default_factory=dict)
    _ended: Kept[str, Deployment] = field(default_factory=lambda: Kept(KEPT))
    _configs: Kept[str, Capacity] = field(default_factory=lambda: Kept(KEPT_CONFIGS))
    _tags: Kept[str, Mapping[str, str]] = field(default_factory=lambda: Kept(KEPT))
    _contents: Kept[str, str] = field(default_factory=lambda: Kept(KEPT_CONFIGS))

    def __post_init__(self) -> None:
        self._asked: Batch[str, Deployment] = Batch(DEPLOYMENTS, self._batch_get_deployments)

    async def group(self, application: str, name: str) -> Group | None:
        """The group, now; ``None``: there is none such."""
        if application not in self._groups:
            self._groups[application] = Batch(GROUPS, partial(self._batch_get_groups, application))
        try:
            return await self._groups[application].ask(name)
        except AwsRefused as refused:
            if refused.code in _NO_GROUP:
                return None
            raise

    async def deployment(self, id: str) -> Deployment | None:
        """A deployment; ``None``: CodeDeploy knows none such. One that has ended, and was not taken back since, is read once."""
        return self._ended.get(id) or await self._asked.ask(id)

    async def newest(
        self, group: Group, most: int = DEPLOYMENTS, *, succeeded: bool = False
    ) -> tuple[Deployment, ...]:
        """The newest deployments of *group*, the newest first; without restarts, and those for instances that came or went.

        CodeDeploy gives the ids of a hundred and no order that it promises; seen is the newest first.
        """
        only = {"includeOnlyStatuses": [SUCCEEDED]} if succeeded else {}
        told = await self._codedeploy(
            "list_deployments", applicationName=group.application, deploymentGroupName=group.name, **only
        )
        ids = [str(each) for each in told.get("deployments", ())][:most]
        told_before = {each: self._ended.get(each) for each in ids}
        known = {each: found for each, found in told_before.items() if found is not None}
        missing = [each for each in ids if each not in known]
        for start in range(0, len(missing), DEPLOYMENTS):
            known |= await self._batch_get_deployments(missing[start : start + DEPLOYMENTS])
        of_the_group = [each for each in known.values() if each.is_of_the_group]
        return tuple(sorted(of_the_group, key=lambda each: each.created, reverse=True))

    async def deployed(self, group: Group, release: Release) -> Deployment | None:
        """The newest deployment that brought *release* to *group* with success: it knows where its files are."""
        for each in await self.newest(group, 4 * DEPLOYMENTS, succeeded=True):
            if each.release is not None and each.release.is_same_as(release):
                return each
        return None

    async def troubled(self, deployment: Deployment) -> tuple[OnInstance, ...]:
        """The instances on which *deployment* failed: at most 25 of them."""
        if not deployment.counts.failed:
            return ()
        return tuple(map(target_of, await self._targets(deployment, {"TargetStatus": ["Failed"]})))

    async def shift(self, deployment: Deployment) -> Shift:
        """How far *deployment*, of ECS or Lambda, is."""
        told = await self._targets(deployment)
        return shift_of(told[0]) if told else Shift()

    async def parameter(self, name: str) -> str | None:
        """A parameter of Systems Manager, now; ``None``: there is none such."""
        try:
            told = await self.call(self.account.name, "ssm", "get_parameter", Name=name)
        except AwsRefused as refused:
            if refused.code == _NO_PARAMETER:
                return None
            raise
        return str(told.get("Parameter", {}).get("Value", ""))

    async def _targets(
        self, deployment: Deployment, filters: Mapping[str, Sequence[str]] | None = None
    ) -> Sequence[Mapping[str, Any]]:
        narrowed = {"targetFilters": filters} if filters else {}
        try:
            listed = await self._codedeploy("list_deployment_targets", deploymentId=deployment.id, **narrowed)
        except AwsRefused as refused:
            if refused.code == _NOT_STARTED:
                return ()
            raise
        ids = list(listed.get("targetIds", ()))[:DEPLOYMENTS]
        if not ids:
            return ()
        told = await self._codedeploy(
            "batch_get_deployment_targets", deploymentId=deployment.id, targetIds=ids
        )
        found: Sequence[Mapping[str, Any]] = told.get("deploymentTargets", ())
        return found

    async def capacity(self, config: str) -> Capacity | None:
        """How many instances stay healthy by the deployment configuration *config*. Read once: it cannot be changed."""
        kept = self._configs.get(config)
        if kept is not None:
            return kept
        told = await self._codedeploy("get_deployment_config", deploymentConfigName=config)
        hosts = told.get("deploymentConfigInfo", {}).get("minimumHealthyHosts", {})
        if "type" not in hosts:
            return None
        return self._configs.keep(config, Capacity(str(hosts["type"]), int(hosts.get("value", 0))))

    async def tags(self, arn: str) -> Mapping[str, str]:
        """The tags of a group, now."""
        found: dict[str, str] = {}
        page: dict[str, str] = {}
        while True:
            told = await self.call(
                self.account.name, "codedeploy", "list_tags_for_resource", ResourceArn=arn, **page
            )
            found |= {str(tag.get("Key", "")): str(tag.get("Value", "")) for tag in told.get("Tags", ())}
            if not told.get("NextToken"):
                return found
            page = {"NextToken": str(told["NextToken"])}

    async def tags_beside(self, arn: str, rollback: Deployment) -> Mapping[str, str]:
        """The tags of a group as they were when CodeDeploy began *rollback*: our trace is there before. Read once."""
        kept = self._tags.get(rollback.id)
        return kept if kept is not None else self._tags.keep(rollback.id, await self.tags(arn))

    async def etag(self, bucket: str, key: str, version: str | None) -> str | None:
        """The eTag of an object in S3 as it is now, or of one *version* of it; ``None``: it is not there."""
        which = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
        try:
            told = await self.call(self.account.name, "s3", "head_object", **which)
        except AwsRefused as refused:
            if refused.code in _NO_OBJECT:
                return None
            raise
        return str(told.get("ETag", "")).strip('"')

    def arn_of(self, group: Group) -> str | None:
        """The ARN of *group*; ``None`` where nobody tells whose account it is in."""
        at, owner = self.account, self.account.id or group.account
        if owner is None:
            return None
        return f"arn:{at.partition}:codedeploy:{at.region}:{owner}:deploymentgroup:{group.application}/{group.name}"

    # --------------------------------------------------------------------------------------------------------- calls

    async def _codedeploy(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        return await self.call(self.account.name, "codedeploy", operation, **parameters)

    async def _batch_get_groups(self, application: str, names: Sequence[str]) -> Mapping[str, Group]:
        told = await self._codedeploy(
            "batch_get_deployment_groups", applicationName=application, deploymentGroupNames=list(names)
        )
        found = map(group_of, told.get("deploymentGroupsInfo", ()))
        return {group.name: group for group in found}

    async def _batch_get_deployments(self, ids: Sequence[str]) -> Mapping[str, Deployment]:
        try:
            told = await self._codedeploy("batch_get_deployments", deploymentIds=list(ids))
        except AwsRefused as refused:
            if refused.code != _NO_ID:
                raise
            # An event names it, and whoever can fill the queue may write one: it is not to hide the others.
            alone = (
                await together(*(self._batch_get_deployments([each]) for each in ids)) if len(ids) > 1 else []
            )
            return {each: found for some in alone for each, found in some.items()}
        told_of = [await self._whole(deployment_of(each)) for each in told.get("deploymentsInfo", ())]
        found = {each.id: each for each in told_of}
        for each in told_of:
            if each.status == SUCCEEDED:
                self._ended.keep(each.id, each)
        return found

    async def _whole(self, deployment: Deployment) -> Deployment:
        """*deployment* with the text of its AppSpec: it tells the hash alone. Read once."""
        revision = deployment.revision
        hash_ = revision.lacks_content if revision else None
        if revision is None or hash_ is None:
            return deployment
        content = self._contents.get(hash_)
        if content is None:
            asked = {"revisionType": revision.kind, "appSpecContent": {"sha256": hash_}}
            told = await self._codedeploy(
                "get_application_revision", applicationName=deployment.application, revision=asked
            )
            spec = told.get("revision", {}).get("appSpecContent", {})
            content = self._contents.keep(hash_, str(spec.get("content", "")))
        whole = {**revision.told, "appSpecContent": {"sha256": hash_, "content": content}}
        return replace(deployment, revision=revision_of(whole))
