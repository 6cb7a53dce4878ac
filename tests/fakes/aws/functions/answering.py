"""What Lambda answers, and what it refuses."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.functions.state import LATEST, Alias, Function
from tests.fakes.aws.tagging import Tagging
from tests.fakes.aws.trouble import AwsError

_PAGE = 100


class Surroundings(Protocol):
    """What the operations need of the rest of Lambda.

    Attributes:
        lists_qualified: By a plain name mappings with a qualifier are listed too.
    """

    lists_qualified: bool

    def revision(self) -> str:
        """A new one."""

    def put_alias(self, function: Function, name: str, alias: Alias, at: datetime) -> None:
        """The alias is so from now on."""


class Answering:
    """The operations of Lambda."""

    def __init__(self, functions: Mapping[str, Function], tagging: Tagging, around: Surroundings) -> None:
        self._functions = functions
        self._tagging = tagging
        self._around = around

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What Lambda answers to."""
        return {
            "GetAlias": self.get_alias,
            "UpdateAlias": self.update_alias,
            "GetFunctionConfiguration": self.get_function_configuration,
            "GetProvisionedConcurrencyConfig": self.get_provisioned_concurrency_config,
            "ListEventSourceMappings": self.list_event_source_mappings,
            "ListTags": self.list_tags,
            "TagResource": self.tag_resource,
            "UntagResource": self.untag_resource,
        }

    def get_alias(self, asked: Asked) -> Mapping[str, Any]:
        """``GetAlias``."""
        function = self._function(asked["FunctionName"])
        return _told(function, asked["Name"], _alias(function, asked["Name"], asked.seen_at))

    def update_alias(self, asked: Asked) -> Mapping[str, Any]:
        """``UpdateAlias``. What is left out stays as it is, the weights too [U]."""
        function, name = self._function(asked["FunctionName"]), asked["Name"]
        before = _alias(function, name, asked.now)
        if asked.get("RevisionId", before.revision) != before.revision:
            words = "The Revision Id provided does not match the latest Revision Id."
            raise AwsError("PreconditionFailedException", words, 412)
        weights = asked.get("RoutingConfig", {}).get("AdditionalVersionWeights", before.weights)
        after = Alias(
            version=asked.get("FunctionVersion", before.version),
            weights=dict(weights),
            description=asked.get("Description", before.description),
            revision=self._around.revision(),
        )
        _refuse_what_cannot_be(function, name, after)
        self._around.put_alias(function, name, after, asked.now)
        return _told(function, name, after)

    def get_function_configuration(self, asked: Asked) -> Mapping[str, Any]:
        """``GetFunctionConfiguration``, of a version; without a qualifier of `LATEST`."""
        function = self._function(asked["FunctionName"])
        return dict(_version(function, asked.get("Qualifier", LATEST), asked.seen_at))

    def get_provisioned_concurrency_config(self, asked: Asked) -> Mapping[str, Any]:
        """``GetProvisionedConcurrencyConfig``."""
        warm = self._function(asked["FunctionName"]).warm.get(asked["Qualifier"])
        if warm is None:
            words = "No Provisioned Concurrency Config found for this function"
            raise AwsError("ProvisionedConcurrencyConfigNotFoundException", words, 404)
        return warm.told(asked.seen_at)

    def list_event_source_mappings(self, asked: Asked) -> Mapping[str, Any]:
        """``ListEventSourceMappings``. By a qualified name only what calls that; by a plain one what has none, or all [U]."""
        name, _, qualifier = str(asked["FunctionName"]).partition(":")
        function = self._function(name)
        wanted = f"{function.arn}:{qualifier}" if qualifier else function.arn
        all_of_it = self._around.lists_qualified and not qualifier
        found = [each for each in function.mappings if all_of_it or each["FunctionArn"] == wanted]
        begin = int(asked.get("Marker") or 0)
        answer: dict[str, Any] = {"EventSourceMappings": found[begin : begin + _PAGE]}
        return answer | ({"NextMarker": str(begin + _PAGE)} if begin + _PAGE < len(found) else {})

    def list_tags(self, asked: Asked) -> Mapping[str, Any]:
        """``ListTags``, of a function."""
        return {"Tags": dict(self._tagging.of(self._arn(asked), asked.seen_at))}

    def tag_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``TagResource``."""
        self._tagging.put(self._arn(asked), asked["Tags"], asked.now)
        return {}

    def untag_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``UntagResource``."""
        self._tagging.remove(self._arn(asked), asked["TagKeys"], asked.now)
        return {}

    def _arn(self, asked: Asked) -> str:
        return self._function(str(asked["Resource"]).rpartition(":")[2]).arn

    def _function(self, name: str) -> Function:
        found = self._functions.get(name.rpartition(":function:")[2])
        if found is None:
            raise AwsError("ResourceNotFoundException", f"Function not found: {name}", 404)
        return found


def _alias(function: Function, name: str, at: datetime) -> Alias:
    timeline = function.aliases.get(name)
    found = timeline.at(at) if timeline else None
    if found is None:
        # [C] the words are those of public bug reports
        raise AwsError("ResourceNotFoundException", f"Cannot find alias arn: {function.arn}:{name}", 404)
    return found


def _version(function: Function, number: str, at: datetime) -> Mapping[str, Any]:
    timeline = function.versions.get(number)
    found = timeline.at(at) if timeline else None
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Function not found: {function.arn}:{number}", 404)
    return found


def _refuse_what_cannot_be(function: Function, name: str, after: Alias) -> None:
    """[D] One more version at most, both published, with one role; and none where the alias keeps anything warm [C]."""
    wrong = "InvalidParameterValueException"
    numbers = [after.version, *after.weights]
    if len(after.weights) > 1:
        raise AwsError(wrong, "Number of items in AdditionalVersionWeights cannot be greater than 1.")
    if after.weights and LATEST in numbers:
        raise AwsError(wrong, "$LATEST is not supported for an alias pointing to more than 1 version")
    if len(set(numbers)) < len(numbers):
        raise AwsError(
            wrong, f"Function version {after.version} is already included in routing configuration."
        )
    missing = next((number for number in numbers if number not in function.versions), None)
    if missing is not None:
        raise AwsError("ResourceNotFoundException", f"Function not found: {function.arn}:{missing}", 404)
    if len({function.versions[number].latest["Role"] for number in numbers}) > 1:
        raise AwsError(wrong, "The versions that an alias points to must have the same execution role.")
    if after.weights and name in function.warm:
        raise AwsError(wrong, "Invalid alias configuration for Provisioned Concurrency")


def _told(function: Function, name: str, alias: Alias) -> dict[str, Any]:
    told: dict[str, Any] = {
        "AliasArn": f"{function.arn}:{name}",
        "Name": name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision,
    }
    return told | (
        {"RoutingConfig": {"AdditionalVersionWeights": dict(alias.weights)}} if alias.weights else {}
    )
