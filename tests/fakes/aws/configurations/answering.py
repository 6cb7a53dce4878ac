"""What AppConfig answers, and what it refuses."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Protocol

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.configurations.flags import wrong_with
from tests.fakes.aws.configurations.state import REVERTS_WITHIN, Deployment, Environment, Profile, Strategy
from tests.fakes.aws.tagging import Tagging
from tests.fakes.aws.trouble import AwsError

Place = tuple[str, str]
LARGEST = 2 * 1024 * 1024  # [D] bytes of a version
FLAGS = "AWS.AppConfig.FeatureFlags"


class Surroundings(Protocol):
    """What the operations need of the rest of AppConfig."""

    strategies: dict[str, Strategy]
    environments: dict[Place, Environment]
    profiles: dict[Place, Profile]
    lists_profiles: bool

    def deploy(self, place: Place, profile: str, version: str, at: datetime, strategy: str = "") -> int:
        """A deployment begins."""

    def write(
        self,
        application: str,
        profile: str,
        content: str,
        label: str = "",
        *,
        at: datetime | None = None,
        says: str = "",
    ) -> str:
        """A version is written."""

    def take_back(self, place: Place, number: int, at: datetime, by: str = "", words: str = "") -> None:
        """It goes back."""

    def arn(self, place: Place, number: int) -> str:
        """Of a deployment."""


class Answering:
    """The operations of AppConfig."""

    def __init__(self, around: Surroundings, tagging: Tagging) -> None:
        self._around = around
        self._tagging = tagging

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What AppConfig answers to."""
        return {
            "ListDeployments": self.list_deployments,
            "GetDeployment": self.get_deployment,
            "GetEnvironment": self.get_environment,
            "GetConfigurationProfile": self.get_configuration_profile,
            "GetHostedConfigurationVersion": self.get_hosted_configuration_version,
            "ListHostedConfigurationVersions": self.list_hosted_configuration_versions,
            "CreateHostedConfigurationVersion": self.create_hosted_configuration_version,
            "GetDeploymentStrategy": self.get_deployment_strategy,
            "ListTagsForResource": self.list_tags_for_resource,
            "TagResource": self.tag_resource,
            "StartDeployment": self.start_deployment,
            "StopDeployment": self.stop_deployment,
        }

    def list_deployments(self, asked: Asked) -> Mapping[str, Any]:
        """``ListDeployments``, in the descending order of numbers [M]."""
        _, environment = self._environment(asked)
        found = [self._summary(each, asked.seen_at) for each in environment.seen(asked.seen_at)]
        begin, size = int(asked.get("NextToken") or 0), asked.get("MaxResults", 50)
        answer: dict[str, Any] = {"Items": found[begin : begin + size]}
        return answer | ({"NextToken": str(begin + size)} if begin + size < len(found) else {})

    def get_deployment(self, asked: Asked) -> Mapping[str, Any]:
        """``GetDeployment``."""
        place, environment = self._environment(asked)
        return self._told(place, self._deployment(environment, asked, asked.seen_at), asked.seen_at)

    def get_environment(self, asked: Asked) -> Mapping[str, Any]:
        """``GetEnvironment``."""
        (application, named), environment = self._environment(asked)
        busy = environment.under_way(asked.seen_at)
        return {
            "ApplicationId": application,
            "Id": named,
            "Name": f"name of {named}",
            "State": "DEPLOYING" if busy else "READY_FOR_DEPLOYMENT",
            "Monitors": [{"AlarmArn": each} for each in environment.alarms],
        }

    def get_configuration_profile(self, asked: Asked) -> Mapping[str, Any]:
        """``GetConfigurationProfile``."""
        profile = self._profile(asked)
        return {
            "ApplicationId": asked["ApplicationId"],
            "Id": asked["ConfigurationProfileId"],
            "Name": f"name of {asked['ConfigurationProfileId']}",
            "LocationUri": profile.location,
            "Type": profile.kind,
        }

    def get_hosted_configuration_version(self, asked: Asked) -> Mapping[str, Any]:
        """``GetHostedConfigurationVersion``."""
        number = asked["VersionNumber"]
        found = self._profile(asked).versions.get(str(number))
        if found is None:
            raise _missing(f"Configuration version {number}")
        content, label = found
        answer = {
            "ApplicationId": asked["ApplicationId"],
            "ConfigurationProfileId": asked["ConfigurationProfileId"],
            "VersionNumber": number,
            "Content": content,
            "ContentType": "application/json",
        }
        return answer | ({"VersionLabel": label} if label else {})

    def list_hosted_configuration_versions(self, asked: Asked) -> Mapping[str, Any]:
        """``ListHostedConfigurationVersions``. A label ends with an asterisk, or is meant exactly [M]."""
        profile, like = self._profile(asked), asked.get("VersionLabel", "*")
        found = [
            {
                "ApplicationId": asked["ApplicationId"],
                "ConfigurationProfileId": asked["ConfigurationProfileId"],
                "VersionNumber": int(number),
                "ContentType": "application/json",
            }
            | ({"VersionLabel": each[1]} if each[1] else {})
            for number, each in profile.versions.items()
            if each is not None and fnmatchcase(each[1], like)
        ]
        begin, size = int(asked.get("NextToken") or 0), asked.get("MaxResults", 50)
        answer: dict[str, Any] = {"Items": found[begin : begin + size]}
        return answer | ({"NextToken": str(begin + size)} if begin + size < len(found) else {})

    def create_hosted_configuration_version(self, asked: Asked) -> Mapping[str, Any]:
        """``CreateHostedConfigurationVersion``: only after the version that was named as the newest, and flags only as their schema is."""
        profile, content, label = self._profile(asked), asked["Content"], asked.get("VersionLabel", "")
        if profile.location != "hosted":
            raise AwsError("BadRequestException", "The configuration is not hosted by AppConfig", 400)
        if len(content) > LARGEST:
            raise AwsError("PayloadTooLargeException", "The configuration size is too large", 413)
        if not asked.get("Description", "").isascii() or (label and not re.search(r"[^0-9]", label)):
            raise AwsError(
                "BadRequestException", "Description has ASCII alone, and a label no digits alone", 400
            )
        wrong = wrong_with(content) if profile.kind == FLAGS else ""
        if wrong:
            raise AwsError("BadRequestException", f"Invalid feature flags: {wrong}", 400)
        if any(each is not None and each[1] == label for each in profile.versions.values() if label):  # [U]
            raise AwsError("ConflictException", f"A version with the label {label} exists already", 409)
        newest = profile.newest
        if asked.get("LatestVersionNumber", newest) != newest:  # [U] how it is told
            raise AwsError(profile.overtaken, f"The latest version number is {newest}", 409)
        number = self._around.write(
            asked["ApplicationId"],
            asked["ConfigurationProfileId"],
            content.decode(),
            label,
            at=asked.now,
            says=asked.get("Description", ""),
        )
        return {
            "ApplicationId": asked["ApplicationId"],
            "ConfigurationProfileId": asked["ConfigurationProfileId"],
            "VersionNumber": int(number),
            "Description": asked.get("Description", ""),
            "Content": content,
            "ContentType": asked["ContentType"],
        } | ({"VersionLabel": label} if label else {})

    def get_deployment_strategy(self, asked: Asked) -> Mapping[str, Any]:
        """``GetDeploymentStrategy``. Predefined ones keep their names as ids, which the model does not say [C]."""
        strategy = self._strategy(asked["DeploymentStrategyId"])
        return {
            "Name": strategy.id,
            "DeploymentDurationInMinutes": strategy.duration,
            "GrowthType": strategy.growth,
            "GrowthFactor": strategy.factor,
            "FinalBakeTimeInMinutes": strategy.bake,
            "ReplicateTo": "NONE",
        }

    def list_tags_for_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``ListTagsForResource``."""
        return {"Tags": dict(self._tagging.of(asked["ResourceArn"], asked.seen_at))}

    def tag_resource(self, asked: Asked) -> Mapping[str, Any]:
        """``TagResource``."""
        self._tagging.put(asked["ResourceArn"], asked["Tags"], asked.now)
        return {}

    def start_deployment(self, asked: Asked) -> Mapping[str, Any]:
        """``StartDeployment``: one at a time in an environment [D], and only what its validators let pass."""
        place, environment = self._environment(asked)
        profile, version = self._profile(asked), asked["ConfigurationVersion"]
        self._strategy(asked["DeploymentStrategyId"])
        if profile.location == "hosted" and profile.versions.get(version) is None:
            raise _missing(f"Configuration version {version}")
        if version in profile.refuses:
            raise AwsError("BadRequestException", "Configuration validation failed", 400)
        busy = environment.under_way(asked.now)
        if busy is not None:  # [C] the words are those of public bug reports
            raise AwsError("ConflictException", "Cannot start deployment: another one is in progress", 409)
        last = len(environment.deployments)
        if asked.get("LatestDeploymentNumber", last) != last:  # [U] how it is told
            raise AwsError("ConflictException", f"The latest deployment number is {last}", 409)
        number = self._around.deploy(
            place, asked["ConfigurationProfileId"], version, asked.now, asked["DeploymentStrategyId"]
        )
        made = environment.deployments[-1]
        made.description, made.kms = asked.get("Description", ""), asked.get("KmsKeyIdentifier", "")
        if asked.get("Tags"):
            self._tagging.put(self._around.arn(place, number), asked["Tags"], asked.now)
        return self._told(place, made, asked.now)

    def stop_deployment(self, asked: Asked) -> Mapping[str, Any]:
        """``StopDeployment``. [M] What is complete only with ``AllowRevert``, and for 72 hours."""
        place, environment = self._environment(asked)
        found = self._deployment(environment, asked, asked.now)
        state = found.state(asked.now)
        if state in {"ROLLED_BACK", "REVERTED", "ROLLING_BACK"}:
            raise AwsError("BadRequestException", f"Cannot stop a deployment in state {state}", 400)
        if state == "COMPLETE":
            newer = [each for each in environment.deployments if each.profile == found.profile][-1]
            late = asked.now > found.completes + REVERTS_WITHIN
            if not asked.get("AllowRevert") or late or newer is not found:
                raise AwsError("BadRequestException", "The deployment cannot be reverted", 400)
        self._around.take_back(place, found.number, asked.now, by="USER", words=asked.by)
        return self._told(place, found, asked.now)

    # ------------------------------------------------------------------------------------------------------ what is so

    def _summary(self, deployment: Deployment, at: datetime) -> dict[str, Any]:
        strategy = deployment.strategy
        told: dict[str, Any] = {
            "DeploymentNumber": deployment.number,
            "ConfigurationName": f"name of {deployment.profile}",
            "ConfigurationVersion": deployment.version,
            "DeploymentDurationInMinutes": strategy.duration,
            "GrowthType": strategy.growth,
            "GrowthFactor": strategy.factor,
            "FinalBakeTimeInMinutes": strategy.bake,
            "State": deployment.state(at),
            "PercentageComplete": deployment.percent(at),
            "StartedAt": deployment.started,
            "Type": "MANAGED" if deployment.managed else "USER",
        }
        if self._around.lists_profiles:
            told["ConfigurationProfileId"] = deployment.profile
        if deployment.completes <= at and not (
            deployment.undone and deployment.undone[0] < deployment.completes
        ):
            told["CompletedAt"] = deployment.completes
        return told | ({"VersionLabel": deployment.label} if deployment.label else {})

    def _told(self, place: Place, deployment: Deployment, at: datetime) -> dict[str, Any]:
        application, environment = place
        summary = {name: each for name, each in self._summary(deployment, at).items() if name != "Type"}
        told = summary | {
            "ApplicationId": application,
            "EnvironmentId": environment,
            "ConfigurationProfileId": deployment.profile,
            "ConfigurationLocationUri": self._around.profiles[application, deployment.profile].location,
            "Description": deployment.description,
            "EventLog": deployment.log(at),
        }
        return told | ({"KmsKeyIdentifier": deployment.kms} if deployment.kms else {})

    def _environment(self, asked: Asked) -> tuple[Place, Environment]:
        place = (asked["ApplicationId"], asked["EnvironmentId"])
        if place not in self._around.environments:
            raise _missing(f"Environment {place[1]}")
        return place, self._around.environments[place]

    def _deployment(self, environment: Environment, asked: Asked, at: datetime) -> Deployment:
        number = asked["DeploymentNumber"]
        found = next((each for each in environment.seen(at) if each.number == number), None)
        if found is None:
            raise _missing(f"Deployment {number}")
        return found

    def _profile(self, asked: Asked) -> Profile:
        key = (asked["ApplicationId"], asked["ConfigurationProfileId"])
        if key not in self._around.profiles:
            raise _missing(f"Configuration profile {key[1]}")
        return self._around.profiles[key]

    def _strategy(self, id: str) -> Strategy:
        if id not in self._around.strategies:
            raise _missing(f"Deployment strategy {id}")
        return self._around.strategies[id]


def _missing(what: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"{what} could not be found for account 123456789012", 404)
