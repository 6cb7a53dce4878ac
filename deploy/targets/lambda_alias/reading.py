"""All that is read of Lambda, for every alias of one account, and never twice what cannot change.

Lambda has no call that tells of several functions, so an alias is one call of GetAlias each time that it is looked at;
a version is read once. Every function may raise `AwsRefused`; none changes anything.

Source:
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#api-requests: the calls of an account share 15
    a second, so a thousand aliases cannot be read every 30 s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deploy.errors import AwsRefused
from deploy.ports import AwsCall
from deploy.targets.aws.batching import Batch
from deploy.targets.aws.keeping import Kept
from deploy.targets.lambda_alias.alias import Alias, alias_of, is_published
from deploy.targets.lambda_alias.settings import LATEST, CodeDeploy
from deploy.targets.lambda_alias.version import Version, version_of

KEPT = 1024  # versions: some hundred bytes each
PAGES = 5  # of event source mappings: 500
GONE = "ResourceNotFoundException"
_NO_ALIAS = ("cannot find alias", "alias not found")  # of a function that there is; else "function not found"
# What a deployment of CodeDeploy is while it may still move the alias.
UNDER_WAY = ("Created", "Queued", "InProgress", "Baking", "Ready")


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Environments that are kept warm for an alias or a version. *status*: ``READY``, ``IN_PROGRESS``, ``FAILED``."""

    requested: int
    ready: int
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What a queue or a stream calls: *function*, an ARN with or without a qualifier."""

    id: str
    source: str
    function: str


@dataclass
class Reader:
    """Reads one account in one region.

    Args:
        call: Reads, in the account *scope*.
    """

    scope: str
    call: AwsCall
    _versions: Kept[tuple[str, str], Version] = field(default_factory=lambda: Kept(KEPT))

    def __post_init__(self) -> None:
        # One a call, but what several ask for at one time is asked for once.
        self._asked_aliases: Batch[tuple[str, str], Alias] = Batch(1, self._get_alias)
        self._asked_versions: Batch[tuple[str, str], Version] = Batch(1, self._get_version)

    async def alias(self, function: str, name: str) -> Alias | None:
        """The alias, now; ``None``: the function has none such."""
        return await self._asked_aliases.ask((function, name))

    async def version(self, function: str, number: str) -> Version | None:
        """A version; ``None``: there is none such, or no more. Read once, but `LATEST`, which changes."""
        kept = self._versions.get((function, number))
        return kept or await self.version_now(function, number)

    async def version_now(self, function: str, number: str) -> Version | None:
        """The same with its state, which changes even where the version does not."""
        return await self._asked_versions.ask((function, number))

    async def provisioned(self, function: str, qualifier: str) -> Provisioned | None:
        """What is kept warm for an alias or a version; ``None``: nothing."""
        try:
            told = await self._lambda(
                "get_provisioned_concurrency_config", FunctionName=function, Qualifier=qualifier
            )
        except AwsRefused as refused:
            if refused.code in {"ProvisionedConcurrencyConfigNotFoundException", GONE}:
                return None
            raise
        return Provisioned(
            requested=int(told.get("RequestedProvisionedConcurrentExecutions", 0)),
            ready=int(told.get("AvailableProvisionedConcurrentExecutions", 0)),
            status=str(told.get("Status", "")),
            reason=str(told.get("StatusReason", "")),
        )

    async def mappings(self, function: str) -> tuple[Mapped, ...]:
        """What queues and streams call by this name, with a qualifier or without one."""
        found: list[Mapped] = []
        page: dict[str, Any] = {}
        for _ in range(PAGES):
            told = await self._lambda("list_event_source_mappings", FunctionName=function, **page)
            found += map(_mapped, told.get("EventSourceMappings", ()))
            if not told.get("NextMarker"):
                break
            page = {"Marker": told["NextMarker"]}
        return tuple(found)

    async def tags(self, arn: str) -> Mapping[str, str]:
        """Of a function; aliases and versions have none."""
        told = await self._lambda("list_tags", Resource=arn)
        return {str(key): str(value) for key, value in told.get("Tags", {}).items()}

    async def deployments(self, codedeploy: CodeDeploy) -> Sequence[str]:
        """The deployments of CodeDeploy that are under way there."""
        told = await self.call(
            self.scope,
            "codedeploy",
            "list_deployments",
            applicationName=codedeploy.application,
            deploymentGroupName=codedeploy.group,
            includeOnlyStatuses=list(UNDER_WAY),
        )
        return [str(each) for each in told.get("deployments", ())]

    # --------------------------------------------------------------------------------------------------------- calls

    async def _lambda(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        return await self.call(self.scope, "lambda", operation, **parameters)

    async def _get_alias(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Alias]:
        ((function, name),) = keys
        try:
            told = await self._lambda("get_alias", FunctionName=function, Name=name)
        except AwsRefused as refused:
            if refused.code == GONE and refused.words.lower().startswith(_NO_ALIAS):
                return {}
            raise
        return {(function, name): alias_of(told)}

    async def _get_version(self, keys: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Version]:
        ((function, number),) = keys
        parameters = {"FunctionName": function} | ({} if number == LATEST else {"Qualifier": number})
        try:
            told = await self._lambda("get_function_configuration", **parameters)
        except AwsRefused as refused:
            if refused.code == GONE and number != LATEST:
                return {}
            raise
        version = version_of(told)
        if is_published(version.number):
            self._versions.keep((function, number), version)
        return {(function, number): version}


def _mapped(told: Mapping[str, Any]) -> Mapped:
    return Mapped(
        str(told.get("UUID", "")), str(told.get("EventSourceArn", "")), str(told.get("FunctionArn", ""))
    )
