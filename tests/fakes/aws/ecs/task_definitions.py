"""Task definitions: families, revisions, and what is told of them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.ecs import views
from tests.fakes.aws.ecs.state import TaskDefinition
from tests.fakes.aws.paging import page
from tests.fakes.aws.tagging import Tagging, in_camel
from tests.fakes.aws.trouble import AwsError, FakeBug


class TaskDefinitions:
    """All task definitions of one account and region."""

    def __init__(self, arn: str, tagging: Tagging) -> None:
        self._prefix = f"{arn}:task-definition/"
        self._tagging = tagging
        self._all: dict[str, TaskDefinition] = {}

    def register(self, family: str, content: Mapping[str, Any], tags: Mapping[str, str], at: datetime) -> str:
        """The next revision of *family*. Gives its ARN."""
        revision = 1 + max((each.revision for each in self._all.values() if each.family == family), default=0)
        arn = f"{self._prefix}{family}:{revision}"
        self._all[arn] = TaskDefinition(arn, family, revision, dict(content), at)
        if tags:
            self._tagging.put(arn, tags, at)
        return arn

    def deregister(self, name: str) -> None:
        """It is INACTIVE: it runs where it runs, and nothing new may use it."""
        found = self.named(name)
        self._all[found.arn] = replace(found, status="INACTIVE")

    def find(self, name: str) -> TaskDefinition | None:
        """By ARN, by ``family:revision``, or the newest ACTIVE one of a family."""
        arn = name if name.startswith("arn:") else f"{self._prefix}{name}"
        if arn in self._all:
            return self._all[arn]
        family = arn.removeprefix(self._prefix)
        newest = [each for each in self._all.values() if each.family == family and each.status == "ACTIVE"]
        return max(newest, key=lambda each: each.revision, default=None)

    def named(self, name: str) -> TaskDefinition:
        """The same for a test, which must have registered it."""
        found = self.find(name)
        if found is None:
            raise FakeBug(f"no test has registered the task definition {name}")
        return found

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What ECS answers to about task definitions."""
        return {
            "DescribeTaskDefinition": self.describe,
            "RegisterTaskDefinition": self.register_asked,
            "DeregisterTaskDefinition": self.deregister_asked,
            "ListTaskDefinitions": self.list,
        }

    def describe(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeTaskDefinition``."""
        found = self.find(asked["taskDefinition"])
        if found is None or found.registered_at > asked.seen_at:
            raise AwsError("ClientException", "Unable to describe task definition.")
        answer: dict[str, Any] = {"taskDefinition": views.task_definition(found)}
        if "TAGS" in asked.get("include", []):
            answer["tags"] = in_camel(self._tagging.of(found.arn, asked.seen_at))
        return answer

    def register_asked(self, asked: Asked) -> Mapping[str, Any]:
        """``RegisterTaskDefinition``."""
        content = {name: each for name, each in asked.parameters.items() if name not in {"tags", "family"}}
        tags = {each["key"]: each.get("value", "") for each in asked.get("tags", [])}
        arn = self.register(asked["family"], content, tags, asked.now)
        return {"taskDefinition": views.task_definition(self._all[arn]), "tags": in_camel(tags)}

    def deregister_asked(self, asked: Asked) -> Mapping[str, Any]:
        """``DeregisterTaskDefinition``."""
        found = self.find(asked["taskDefinition"])
        if found is None:
            raise AwsError("ClientException", "The specified task definition does not exist.")
        self.deregister(found.arn)
        return {"taskDefinition": views.task_definition(self._all[found.arn])}

    def list(self, asked: Asked) -> Mapping[str, Any]:
        """``ListTaskDefinitions``: by family and revision."""
        status = asked.get("status", "ACTIVE")
        found = sorted(
            (
                each
                for each in self._all.values()
                if each.status == status and each.family == asked.get("familyPrefix", each.family)
            ),
            key=lambda each: (each.family, each.revision),
            reverse=asked.get("sort", "ASC") == "DESC",
        )
        return page([each.arn for each in found], "taskDefinitionArns", asked, most=100)
