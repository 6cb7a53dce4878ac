"""Elastic Beanstalk, as others use it: they make versions and environments, and deploy."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.beanstalk.answering import Answering
from tests.fakes.aws.beanstalk.state import (
    DEPLOYED,
    Environment,
    Event,
    Instance,
    State,
    abort,
    update,
)
from tests.fakes.aws.beanstalk.swaps import Swaps
from tests.fakes.aws.calls import Asked
from tests.fakes.aws.events import Events
from tests.fakes.aws.s3.service import S3
from tests.fakes.aws.tagging import Tagging
from tests.fakes.aws.trouble import FakeBug

BUCKET = "elasticbeanstalk-eu-central-1-123456789012"
_COMMAND, _SPLITTING = "aws:elasticbeanstalk:command", "aws:elasticbeanstalk:trafficsplitting"
KIND = ("aws.elasticbeanstalk", "Elastic Beanstalk resource status change")


class Beanstalk:
    """The applications of one account in one region.

    Attributes:
        lifecycle: By application: its rules, as DescribeApplications tells them.
        swaps: Names that are swapped.
    """

    def __init__(self, account: str, region: str, tagging: Tagging, events: Events, s3: S3) -> None:
        self.lifecycle: dict[str, Mapping[str, Any]] = {}
        self.environments: dict[str, Environment] = {}
        self.terminated: dict[str, Environment] = {}
        self.versions: dict[tuple[str, str], Mapping[str, Any]] = {}
        self.swaps = Swaps()
        self._where = (account, region)
        self._tagging = tagging
        self._events = events
        self._s3 = s3
        self._answering = Answering(self, tagging)

    # ------------------------------------------------------------------------------------------------- what others do

    def create_version(
        self, application: str, label: str, content: str, at: datetime, *, key: str = "", **more: Any
    ) -> str:
        """Upload a bundle, and make a version of it; gives its ARN."""
        self._s3.create_bucket(BUCKET)
        place = key or f"{application}/{label}.zip"
        self._s3.put(BUCKET, place, content, at - timedelta(seconds=5))
        arn = self._arn(f"applicationversion/{application}/{label}")
        self.versions[application, label] = {
            "ApplicationVersionArn": arn,
            "ApplicationName": application,
            "VersionLabel": label,
            "SourceBundle": {"S3Bucket": BUCKET, "S3Key": place},
            "DateCreated": at,
            "DateUpdated": at,
            "Status": "Processed",
            **more,
        }
        return arn

    def delete_version(self, application: str, label: str) -> None:
        """A lifecycle rule, or a person."""
        del self.versions[application, label]

    def create_environment(
        self,
        application: str,
        name: str,
        label: str,
        at: datetime,
        *,
        instances: int = 4,
        cname: str = "",
        **more: Any,
    ) -> Environment:
        """It runs *label*; nothing is done to it."""
        environment = Environment(name, application, self._arn(f"environment/{application}/{name}"), **more)
        self.environments[name] = environment
        ids = environment.new_ids(instances)
        has = tuple(Instance(each, label, 1, DEPLOYED, at) for each in ids) if label else ()
        environment.put(State(label, "Ready", at, has, cname=cname), at)
        return environment

    def deploys_by(self, name: str, policy: str, batch: int = 1, percent: int = 10) -> None:
        """The settings by which a new version is taken."""
        options = self.find(name).options
        options[_COMMAND, "DeploymentPolicy"] = policy
        options[_COMMAND, "BatchSizeType"], options[_COMMAND, "BatchSize"] = "Fixed", str(batch)
        options[_SPLITTING, "NewVersionPercent"] = str(percent)

    def deploy(self, name: str, label: str, at: datetime) -> None:
        """Another hand, or the API; the environment must be Ready."""
        environment = self.find(name)
        update(environment, label, at)
        self._tell(environment, environment.events[-1])

    def abort(self, name: str, at: datetime) -> None:
        """Another hand, or the API; an update must be under way."""
        abort(self.find(name), at)

    def swap(self, source: str, destination: str, at: datetime) -> None:
        """Another hand, or the API; both must be Ready."""
        self.swaps.begin(self.find(source), self.find(destination), at)

    def terminate(self, name: str) -> None:
        """Another hand. [D] What is deleted is left out, unless one asks for it."""
        self.terminated[name] = self.environments.pop(name)

    def hides(self, name: str) -> None:
        """The role that asks may not see it: [D] it is left out of every answer, as if it were not there."""
        del self.environments[name]

    def has_name(self, cname: str) -> str:
        """The environment that has it."""
        (found,) = (each.name for each in self.environments.values() if each.states.latest.cname == cname)
        return found

    def set_status(self, name: str, status: str, at: datetime) -> None:
        """Something else is done to it, and does not end."""
        environment = self.find(name)
        environment.put(replace(environment.states.latest, status=status, updated=at), at)

    def tag(self, application: str, label: str, at: datetime, tags: Mapping[str, str]) -> None:
        """Lay tags on a version."""
        self._tagging.put(self._arn(f"applicationversion/{application}/{label}"), tags, at)

    # ----------------------------------------------------------------------------------------------------- what is so

    def find(self, name: str) -> Environment:
        """The environment. It must be there."""
        try:
            return self.environments[name]
        except KeyError as missing:
            raise FakeBug(f"there is no environment {name}") from missing

    def runs(self, name: str) -> dict[str, int]:
        """How many instances have what."""
        counts: dict[str, int] = {}
        for each in self.find(name).states.latest.instances:
            counts[each.label] = counts.get(each.label, 0) + 1
        return counts

    def tags(self, application: str, label: str, at: datetime) -> Mapping[str, str]:
        """Of a version."""
        return self._tagging.of(self._arn(f"applicationversion/{application}/{label}"), at)

    def advance(self, to: datetime) -> None:
        """Let happen what was to happen until *to*."""
        self.swaps.goes_on(to)
        for environment in self.environments.values():
            for event in environment.goes_on(to):
                self._tell(environment, event)

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What Beanstalk answers to."""
        return self._answering.operations()

    def _arn(self, resource: str) -> str:
        account, region = self._where
        return f"arn:aws:elasticbeanstalk:{region}:{account}:{resource}"

    def _tell(self, environment: Environment, event: Event) -> None:
        detail = {
            "Status": event.told,
            "EventDate": int(event.at.timestamp() * 1000),
            "ApplicationName": environment.application,
            "Message": event.message,
            "EnvironmentName": environment.name,
            "Severity": event.severity,
        }
        self._events.tell(event.at, KIND, self._where, [environment.arn], detail)
