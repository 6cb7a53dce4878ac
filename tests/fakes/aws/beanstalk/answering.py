"""What Beanstalk answers, and what it refuses."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from tests.fakes.aws.beanstalk.state import Environment, told
from tests.fakes.aws.calls import Asked
from tests.fakes.aws.tagging import Tagging, in_pascal
from tests.fakes.aws.trouble import AwsError

_SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_PAGE = 20  # of instances [U]


class Surroundings(Protocol):
    """What the operations need of the rest of Beanstalk."""

    environments: dict[str, Environment]
    terminated: dict[str, Environment]
    versions: dict[tuple[str, str], Mapping[str, Any]]
    lifecycle: dict[str, Mapping[str, Any]]

    def deploy(self, name: str, label: str, at: datetime) -> None:
        """The environment is updated."""

    def abort(self, name: str, at: datetime) -> None:
        """Its update is broken off."""

    def swap(self, source: str, destination: str, at: datetime) -> None:
        """Their names lead to the other one."""


class Answering:
    """The operations of Elastic Beanstalk."""

    def __init__(self, around: Surroundings, tagging: Tagging) -> None:
        self._around = around
        self._tagging = tagging

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What Beanstalk answers to."""
        return {
            "DescribeEnvironments": self.describe_environments,
            "DescribeInstancesHealth": self.describe_instances_health,
            "DescribeApplicationVersions": self.describe_application_versions,
            "DescribeApplications": self.describe_applications,
            "DescribeConfigurationSettings": self.describe_configuration_settings,
            "DescribeEvents": self.describe_events,
            "ListTagsForResource": self.list_tags_for_resource,
            "UpdateTagsForResource": self.update_tags_for_resource,
            "UpdateEnvironment": self.update_environment,
            "AbortEnvironmentUpdate": self.abort_environment_update,
            "SwapEnvironmentCNAMEs": self.swap_environment_cnames,
        }

    def describe_environments(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeEnvironments``, by name. What is not there is left out."""
        found = (self._around.environments.get(name) for name in asked["EnvironmentNames"])
        seen = (told(environment, asked.seen_at) for environment in found if environment is not None)
        there = [each for each in seen if each is not None]
        return {"Environments": [*there, *(self._ended(asked) if asked.get("IncludeDeleted") else ())]}

    def _ended(self, asked: Asked) -> Iterator[Mapping[str, Any]]:
        """[D] What was terminated, where it is asked for from some day on."""
        ended = (self._around.terminated.get(name) for name in asked["EnvironmentNames"])
        for environment in ended:
            state = told(environment, asked.seen_at) if environment is not None else None
            if state is not None and asked.get("IncludedDeletedBackTo") is not None:
                yield {name: each for name, each in state.items() if name != "CNAME"} | {
                    "Status": "Terminated"
                }

    def describe_instances_health(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeInstancesHealth``. [D] Only where health reporting is enhanced."""
        environment = self._environment(asked)
        if not environment.enhanced:
            words = "Enhanced health reporting is not enabled for this environment."
            raise AwsError("InvalidRequestException", words)
        state = environment.states.at(asked.seen_at)
        found = [each.told() for each in state.instances] if state else []
        begin = int(asked.get("NextToken") or 0)
        answer: dict[str, Any] = {
            "InstanceHealthList": found[begin : begin + _PAGE],
            "RefreshedAt": asked.seen_at,
        }
        return answer | ({"NextToken": str(begin + _PAGE)} if begin + _PAGE < len(found) else {})

    def describe_application_versions(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeApplicationVersions``, the newest first."""
        wanted = asked.get("VersionLabels")
        found = [
            version
            for (application, label), version in self._around.versions.items()
            if application == asked["ApplicationName"] and (not wanted or label in wanted)
        ]
        found.sort(key=lambda version: version["DateCreated"], reverse=True)
        return {"ApplicationVersions": found[: asked.get("MaxRecords", 1000)]}

    def describe_applications(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeApplications``."""
        names = asked["ApplicationNames"]
        return {
            "Applications": [
                {
                    "ApplicationName": name,
                    "ResourceLifecycleConfig": {
                        "VersionLifecycleConfig": self._around.lifecycle.get(name, {})
                    },
                }
                for name in names
            ]
        }

    def describe_configuration_settings(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeConfigurationSettings``, of an environment."""
        environment = self._environment(asked)
        options = [
            {"Namespace": namespace, "OptionName": name, "Value": value}
            for (namespace, name), value in environment.options.items()
        ]
        settings = {
            "ApplicationName": environment.application,
            "EnvironmentName": environment.name,
            "DeploymentStatus": "deployed",
            "OptionSettings": options,
        }
        return {"ConfigurationSettings": [settings]}

    def describe_events(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeEvents``, of at least that severity, the newest first."""
        environment = self._environment(asked)
        least = _SEVERITIES.index(asked.get("Severity", "TRACE"))
        found = [
            {
                "EventDate": each.at,
                "Message": each.message,
                "ApplicationName": environment.application,
                "EnvironmentName": environment.name,
                "VersionLabel": each.label,
                "Severity": each.severity,
            }
            for each in environment.events
            if _SEVERITIES.index(each.severity) >= least
            and (each.readable or each.at) <= asked.seen_at
            and each.at >= asked.get("StartTime", each.at)
        ]
        return {"Events": found[::-1][: asked.get("MaxRecords", 1000)]}

    def list_tags_for_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``ListTagsForResource``, of a version or of an environment."""
        arn = asked["ResourceArn"]
        if arn not in {each.arn for each in self._around.environments.values()}:
            self._version(arn)
        return {"ResourceArn": arn, "ResourceTags": in_pascal(self._tagging.of(arn, asked.seen_at))}

    def update_tags_for_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``UpdateTagsForResource``, of a version: to tag an environment is an update of it, which nobody here makes."""
        arn = self._version(asked["ResourceArn"])
        self._tagging.put(arn, {tag["Key"]: tag["Value"] for tag in asked.get("TagsToAdd", [])}, asked.now)
        return {}

    def update_environment(self, asked: Asked) -> Mapping[str, Any]:
        """``UpdateEnvironment``, with a version. [C] the words are those of public bug reports."""
        environment, label = self._environment(asked), asked["VersionLabel"]
        if (environment.application, label) not in self._around.versions:
            raise AwsError("InvalidParameterValue", f"No Application Version named '{label}' found.")
        self._in_state(environment, "Ready", "Ready")
        self._around.deploy(environment.name, label, asked.now)
        return {**(told(environment, asked.now) or {})}

    def abort_environment_update(self, asked: Asked) -> Mapping[str, Any]:
        """``AbortEnvironmentUpdate``."""
        environment = self._environment(asked)
        self._in_state(environment, "Updating", "pending deployment")
        self._around.abort(environment.name, asked.now)
        return {}

    def swap_environment_cnames(self, asked: Asked) -> Mapping[str, Any]:
        """``SwapEnvironmentCNAMEs``, by names: whoever has which, and each time anew. [U] Both must be Ready."""
        both = [self._named(asked[f"{end}EnvironmentName"]) for end in ("Source", "Destination")]
        for each in both:
            self._in_state(each, "Ready", "Ready")
        self._around.swap(both[0].name, both[1].name, asked.now)
        return {}

    def _in_state(self, environment: Environment, status: str, words: str) -> None:
        if environment.states.latest.status != status:
            raise AwsError(
                "InvalidParameterValue",
                f"Environment named {environment.name} is in an invalid state for this operation. Must be {words}.",
            )

    def _environment(self, asked: Asked) -> Environment:
        return self._named(asked["EnvironmentName"])

    def _named(self, name: str) -> Environment:
        found = self._around.environments.get(name)
        if found is None:
            raise AwsError("InvalidParameterValue", f"No Environment found for EnvironmentName = '{name}'.")
        return found

    def _version(self, arn: str) -> str:
        if arn not in {str(version["ApplicationVersionArn"]) for version in self._around.versions.values()}:
            raise AwsError("ResourceNotFoundException", f"Resource not found for arn = '{arn}'.")
        return arn
