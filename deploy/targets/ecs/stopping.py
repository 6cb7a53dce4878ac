"""Whether tasks are let end what they have begun: the time that a container has to stop, against that in which its balancer lets go of it. Pure.

Where a deployment ends a task, ECS waits until its target is unused, and stops it then. A task that ends otherwise is stopped at once.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html (``stopTimeout``)
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html (deregistration delay)
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from deploy.model import About, Finding, Level
from deploy.targets.ecs.definition import Definition
from deploy.targets.ecs.service import Service

USUAL = timedelta(seconds=30)  # of a container that says nothing
DRAINS, USUALLY_DRAINS = "deregistration_delay.timeout_seconds", timedelta(minutes=5)


def cut_off(
    service: Service, definition: Definition, attributes: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    """What may be killed while its target group still lets requests end on it. *attributes*: of target groups, by ARN."""
    for each in service.behind:
        if each.group not in attributes:
            continue
        stops, drains = definition.stops.get(each.container, USUAL), delay(attributes[each.group])
        if drains > stops:
            name = each.group.rpartition("targetgroup/")[2].partition("/")[0]
            yield Finding(
                Level.WARN,
                f"a task that ends has {_seconds(stops)} to stop ({each.container}), and its target group {name} lets requests end on it for"
                f" {_seconds(drains)}: where ECS does not wait for the target group first (StopTask, Spot, a machine that goes), a request"
                f" that takes longer than {_seconds(stops)} is cut off, and counts as an error of the release",
                f"set {DRAINS} of {name} to less than {stops.total_seconds():.0f}, or stopTimeout of {each.container} to more than"
                f" {drains.total_seconds():.0f} (Fargate: 120 at most)",
                about=About.WAITS,
            )


def delay(attributes: Mapping[str, str]) -> timedelta:
    """For how long a target group lets requests end."""
    told = attributes.get(DRAINS, "")
    return timedelta(seconds=int(told)) if told.isascii() and told.isdigit() else USUALLY_DRAINS


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"
