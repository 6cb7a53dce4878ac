"""What ECS tells of its services, deployments, revisions and tasks: as of the time at which the caller sees the world."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.ecs import views
from tests.fakes.aws.ecs.state import Service, Task
from tests.fakes.aws.ecs.task_definitions import TaskDefinitions
from tests.fakes.aws.paging import page
from tests.fakes.aws.tagging import Tagging, in_camel
from tests.fakes.aws.timeline import Timeline
from tests.fakes.aws.trouble import AwsError

_STOPPED_FOR = timedelta(
    hours=1
)  # [M] "stopped tasks only appear in the returned results for at least one hour"
_HISTORY = timedelta(days=90)  # [D]


class Reading:
    """The operations of ECS that only read."""

    def __init__(
        self,
        arn: str,
        services: Mapping[str, Timeline[Service]],
        definitions: TaskDefinitions,
        tagging: Tagging,
    ) -> None:
        self._arn = arn
        self._services = services
        self._definitions = definitions
        self._tagging = tagging

    def operations(self) -> Mapping[str, Callable[[Asked], Mapping[str, Any]]]:
        """What ECS answers to, of those."""
        return {
            "DescribeServices": self.describe_services,
            "ListServices": self.list_services,
            "DescribeClusters": self.describe_clusters,
            "ListServiceDeployments": self.list_service_deployments,
            "DescribeServiceDeployments": self.describe_service_deployments,
            "DescribeServiceRevisions": self.describe_service_revisions,
            "ListTasks": self.list_tasks,
            "DescribeTasks": self.describe_tasks,
        }

    def service(self, cluster: str | None, name: str, at: datetime) -> Service | None:
        """A service as it was at *at*. Raises `AwsError` where there is no such cluster."""
        arn = self._cluster(cluster, at)
        wanted = name if name.startswith("arn:") else f"{arn.replace(':cluster/', ':service/')}/{name}"
        found = self._services[wanted].at(at) if wanted in self._services else None
        return found if found and found.cluster == arn else None

    def _cluster(self, name: str | None, at: datetime) -> str:
        wanted = name or "default"
        arn = wanted if wanted.startswith("arn:") else f"{self._arn}:cluster/{wanted}"
        if arn not in self._clusters(at):
            raise AwsError("ClusterNotFoundException", "Cluster not found.")
        return arn

    def _clusters(self, at: datetime) -> set[str]:
        return {service.cluster for service in self._all(at)}

    def _all(self, at: datetime) -> Iterator[Service]:
        for timeline in self._services.values():
            service = timeline.at(at)
            if service is not None:
                yield service

    def _named(self, cluster: str | None, name: str, at: datetime) -> Service:
        found = self.service(cluster, name, at)
        if found is None:
            raise AwsError("ServiceNotFoundException", "Service not found.")
        return found

    def describe_services(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeServices``: at most ten; one that there is not is a failure in the answer, not an error [M]."""
        names = asked["services"]
        if not names:
            raise AwsError("InvalidParameterException", "Services cannot be empty.")
        if len(names) > 10:
            raise AwsError("InvalidParameterException", "Services cannot have more than 10 elements.")
        services, failures = [], []
        for name in names:
            found = self.service(asked.get("cluster"), name, asked.seen_at)
            if found is None:
                cluster = self._cluster(asked.get("cluster"), asked.seen_at)
                arn = (
                    name if name.startswith("arn:") else f"{cluster.replace(':cluster/', ':service/')}/{name}"
                )
                failures.append({"arn": arn, "reason": "MISSING"})
                continue
            view = views.service(found)
            if "TAGS" in asked.get("include", []):
                view["tags"] = in_camel(self._tagging.of(found.arn, asked.seen_at))
            services.append(view)
        return {"services": services, "failures": failures}

    def list_services(self, asked: Asked) -> Mapping[str, Any]:
        """``ListServices`` of a cluster."""
        cluster = self._cluster(asked.get("cluster"), asked.seen_at)
        arns = sorted(
            each.arn
            for each in self._all(asked.seen_at)
            if each.cluster == cluster and each.status == "ACTIVE"
        )
        return page(arns, "serviceArns", asked, most=100)

    def describe_clusters(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeClusters``."""
        clusters, failures = [], []
        for name in asked.get("clusters", ["default"]):
            arn = name if name.startswith("arn:") else f"{self._arn}:cluster/{name}"
            if arn not in self._clusters(asked.seen_at):
                failures.append({"arn": arn, "reason": "MISSING"})
                continue
            services = [each for each in self._all(asked.seen_at) if each.cluster == arn]
            clusters.append(
                {
                    "clusterArn": arn,
                    "clusterName": arn.rsplit("/", 1)[-1],
                    "status": "ACTIVE",
                    "runningTasksCount": sum(each.counted("RUNNING") for each in services),
                    "pendingTasksCount": sum(each.counted("PENDING") for each in services),
                    "activeServicesCount": sum(each.status == "ACTIVE" for each in services),
                }
            )
        return {"clusters": clusters, "failures": failures}

    def list_service_deployments(self, asked: Asked) -> Mapping[str, Any]:
        """``ListServiceDeployments``: newest first, of the last 90 days."""
        service = self._named(asked.get("cluster"), asked["service"], asked.seen_at)
        _native(service)
        span = asked.get("createdAt", {})
        after = max(span.get("after", asked.seen_at - _HISTORY), asked.seen_at - _HISTORY)
        found = [
            views.brief(service, each)
            for each in service.history
            if (not asked.get("status") or each.status in asked["status"])
            and after <= each.created_at
            and ("before" not in span or each.created_at <= span["before"])
        ]
        return page(found, "serviceDeployments", asked, most=100)

    def describe_service_deployments(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeServiceDeployments``: at most twenty [M]."""
        arns = asked["serviceDeploymentArns"]
        _at_most(arns, 20, "serviceDeploymentArns")
        known = {
            each.arn: (service, each)
            for service in self._all(asked.seen_at)
            for each in service.history
            if each.created_at >= asked.seen_at - _HISTORY
        }
        return {
            "serviceDeployments": [views.service_deployment(*known[arn]) for arn in arns if arn in known],
            "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known],
        }

    def describe_service_revisions(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeServiceRevisions``: at most twenty [M]."""
        arns = asked["serviceRevisionArns"]
        _at_most(arns, 20, "serviceRevisionArns")
        known = {
            each.arn: (service, each) for service in self._all(asked.seen_at) for each in service.revisions
        }
        return {
            "serviceRevisions": [
                views.revision(service, each, self._definitions.named(each.task_definition))
                for service, each in (known[arn] for arn in arns if arn in known)
            ],
            "failures": [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known],
        }

    def list_tasks(self, asked: Asked) -> Mapping[str, Any]:
        """``ListTasks``. [M] ``desiredStatus`` is RUNNING unless asked; PENDING gives nothing, as no task desires it."""
        cluster = self._cluster(asked.get("cluster"), asked.seen_at)
        if "serviceName" in asked.parameters:
            services = [self._named(cluster, asked["serviceName"], asked.seen_at)]
        else:
            services = [each for each in self._all(asked.seen_at) if each.cluster == cluster]
        wanted = asked.get("desiredStatus", "RUNNING")
        found = [
            task.arn
            for service in services
            for task in service.tasks
            if _told(task, asked.seen_at)
            and wanted == ("STOPPED" if task.status in {"STOPPING", "STOPPED"} else "RUNNING")
            and task.deployment == asked.get("startedBy", task.deployment)
            and ("family" not in asked.parameters or _family(task) == asked["family"])
        ]
        return page(found, "taskArns", asked, most=100)

    def describe_tasks(self, asked: Asked) -> Mapping[str, Any]:
        """``DescribeTasks``: at most a hundred; stopped ones for an hour [M]."""
        cluster = self._cluster(asked.get("cluster"), asked.seen_at)
        names = asked["tasks"]
        _at_most(names, 100, "tasks")
        wanted = set(names)
        known = {
            name: (service, task)
            for service in self._all(asked.seen_at)
            if service.cluster == cluster
            for task in service.tasks
            for name in (task.arn, task.id)
            if name in wanted and _told(task, asked.seen_at)
        }
        tasks = [known[name] for name in names if name in known]
        return {
            "tasks": [
                views.task(service, task, self._definitions.named(task.task_definition))
                for service, task in tasks
            ],
            "failures": [{"arn": name, "reason": "MISSING"} for name in names if name not in known],
        }


def _told(task: Task, at: datetime) -> bool:
    return task.stopped_at is None or task.stopped_at > at - _STOPPED_FOR


def _family(task: Task) -> str:
    return task.task_definition.rsplit("/", 1)[-1].rsplit(":", 1)[0]


def _native(service: Service) -> None:
    if service.controller not in {None, "ECS"}:
        raise AwsError(
            "UnsupportedFeatureException",
            f"Service deployments are not supported for the {service.controller} deployment controller.",
        )


def _at_most(names: list[str], most: int, what: str) -> None:
    if not names:
        raise AwsError("InvalidParameterException", f"{what} cannot be empty.")
    if len(names) > most:
        raise AwsError("InvalidParameterException", f"{what} cannot have more than {most} elements.")
