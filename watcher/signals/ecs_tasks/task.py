"""A task, as far as anything here needs it: which release it is of, when it lived, how it ended, where it can be reached.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from watcher.signals.ecs_tasks.ending import Failure, failure_of

LONGEST = 1024  # characters of AWS's own words: the most that it says itself
STOPPED = "STOPPED"
_OF_SERVICE = "service:"  # what the group of its tasks is called begins so
_Text = Annotated[str, StringConstraints(max_length=4096)]
_Arn = Annotated[str, StringConstraints(pattern=r"^arn:[!-~]{1,1000}$")]
_ADDRESS = "privateIPv4Address"


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Attributes:
        task_definition: ``family:revision``.
        created: When it was created. It lives from then on, so that one that never starts is seen.
        started: When it was running; ``None`` as long as it is not.
        ended: When its end began, if it did: the first of stopping, execution stopped, stopped. On Fargate a task is gone
            only half a minute and more after that, and nobody need wait for it.
        failure: In which manner it failed; ``None`` if it lives, or if its end was normal.
        is_over: It has stopped, and never changes again.
        address: Its own private address (``awsvpc``); ``None`` where it shares its host's, or has none yet.
    """

    arn: str
    task_definition: str
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    failure: Failure | None = None
    is_over: bool = False
    zone: str | None = None
    address: str | None = None

    @property
    def is_running(self) -> bool:
        """It runs, and nobody stops it."""
        return self.started is not None and self.ended is None


class _Answer(BaseModel):
    """A part of AWS's answer, by its own names. What is not known is left out: later versions say more."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Detail(_Answer):
    name: _Text = ""
    value: _Text = ""


class _Attachment(_Answer):
    type: _Text = ""
    details: Annotated[Sequence[_Detail], Field(max_length=100)] = ()


class _Interface(_Answer):
    address: IPv4Address | None = Field(default=None, alias="privateIpv4Address")


class _Container(_Answer):
    exit: int | None = Field(default=None, alias="exitCode")
    reason: _Text = ""
    interfaces: Sequence[_Interface] = Field(default=(), alias="networkInterfaces")


class _Task(_Answer):
    arn: _Arn = Field(alias="taskArn")
    definition: _Arn = Field(alias="taskDefinitionArn")
    created: datetime = Field(alias="createdAt")
    started: datetime | None = Field(default=None, alias="startedAt")
    stopping: datetime | None = Field(default=None, alias="stoppingAt")
    execution_stopped: datetime | None = Field(default=None, alias="executionStoppedAt")
    stopped: datetime | None = Field(default=None, alias="stoppedAt")
    status: _Text = Field(default="", alias="lastStatus")
    code: _Text | None = Field(default=None, alias="stopCode")
    reason: _Text = Field(default="", alias="stoppedReason")
    zone: _Text | None = Field(default=None, alias="availabilityZone")
    containers: Annotated[Sequence[_Container], Field(max_length=100)] = ()
    attachments: Annotated[Sequence[_Attachment], Field(max_length=100)] = ()


def read_task(answer: Mapping[str, Any]) -> Task:
    """A task of ``DescribeTasks``.

    Raises:
        ValidationError: It is not of the shape that AWS documents.
    """
    told = _Task.model_validate(answer)
    ends = [at for at in (told.stopping, told.execution_stopped, told.stopped) if at is not None]
    return Task(
        arn=told.arn,
        task_definition=told.definition.rpartition("/")[2],
        created=told.created,
        started=told.started,
        ended=min(ends, default=None),
        failure=_failure(told) if ends else None,
        is_over=told.status == STOPPED,
        zone=told.zone,
        address=next(_addresses(told), None),
    )


def service_of(answer: Mapping[str, Any]) -> str:
    """The name of the service that a task of ``DescribeTasks`` is of; empty where it is no service's."""
    group = answer.get("group")
    if not isinstance(group, str) or not group.startswith(_OF_SERVICE):
        return ""
    return group.removeprefix(_OF_SERVICE)


def _failure(told: _Task) -> Failure | None:
    return failure_of(
        told.code,
        told.reason[:LONGEST],
        [each.reason[:LONGEST] for each in told.containers if each.reason],
        [each.exit for each in told.containers if each.exit is not None],
        started=told.started is not None,
    )


def _addresses(told: _Task) -> Iterator[str]:
    """Of its network interface. All containers of a task share it."""
    for attachment in told.attachments:
        for detail in attachment.details:
            if attachment.type == "ElasticNetworkInterface" and detail.name == _ADDRESS and detail.value:
                yield str(_Interface.model_validate({"privateIpv4Address": detail.value}).address)
    for container in told.containers:
        for interface in container.interfaces:
            if interface.address is not None:
                yield str(interface.address)
