"""A sidecar's own: who it is, read where its platform says it, and the loop that tells the central daemon.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-response.html
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import version
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.model import TAG
from deploy.targets.ecs.definition import Definition, Image, only_a_tag
from rules.sample import Who
from watcher.app.made import Made
from watcher.app.ports import Ports
from watcher.config.relaying import FromEnvironment, RelayModel, Said
from watcher.http import Http, HttpRefused, Request
from watcher.http.guard import OnlyTo
from watcher.runtime.central import Central, Identity, Unnamed
from watcher.runtime.relay import Relay, Relaying
from watcher.runtime.rounds import Boundary, Loop, Runs
from watcher.telemetry.metrics import Metrics

METADATA = "ECS_CONTAINER_METADATA_URI_V4"  # ECS sets it in every container
TIMEOUT = timedelta(seconds=2)
MOST_ANSWER = 256 * 1024  # bytes; a task has ten containers at most
PACE = 1.0  # seconds between two rounds
Identify = Callable[[], Awaitable[Identity | Unnamed]]


def loops(relay: RelayModel, made: Made, http: Http, environ: Mapping[str, str]) -> tuple[Runs, ...]:
    """What a sidecar does: it reads and tells. It hears of no deployment, opens no watch, and moves nothing."""
    ports = made.ports
    who = Naming(relay, ports, made.metrics, environ, ports.new_id("r", ports.now()))
    relaying = Relay(
        services=lambda: made.current.services,
        inquiry=made.inquiry,
        central=Central(relay.to, relay.token, http),
        identify=who.identify,
        metrics=made.metrics,
        boundary=Boundary("relay", made.failed),
        now=ports.now,
        monotonic=ports.monotonic,
    )
    return (Relaying(Loop("relay", relaying.go_round, PACE, None, made.failed), relaying),)


@dataclass(frozen=True, slots=True)
class Naming:
    """Finds out who this sidecar is, by what is configured. *run* is of this process."""

    relay: RelayModel
    ports: Ports
    metrics: Metrics
    environ: Mapping[str, str] = field(repr=False)
    run: str

    async def identify(self) -> Identity | Unnamed:
        """Who it is, or why nobody knows: asked again then."""
        try:
            task = await self._task() if self.relay.ecs is not None else _Known("", {})
            instance = self._said(self.relay.instance) if self.relay.instance is not None else task.instance
            names = {system: self._said(said) for system, said in self.relay.names.items()}
        except _Unsaid as unsaid:
            return Unnamed(str(unsaid))
        return Identity(instance, self.run, {**task.names, **names})

    def _said(self, said: Said) -> str:
        if not isinstance(said, FromEnvironment):
            return said
        value = self.environ.get(said.env, "")
        if not re.fullmatch(TAG, value):
            raise _Unsaid(f"the variable {said.env} holds no name: letters, digits and . _ : / @ + - alone")
        return value

    async def _task(self) -> "_Known":
        """What ECS says of the task that this container is in. No other address is asked, and this one for nothing else."""
        base = self.environ.get(METADATA, "")
        host = _address(base)
        request = Request("ecs-metadata", f"{base}/task", timeout=TIMEOUT, most=MOST_ANSWER, far=Who.PROVIDER)
        try:
            async with Http.open(OnlyTo(host), self.metrics, self.ports.now, version("rollbackd")) as http:
                answer = await http.fetch(request)
        except HttpRefused as refused:
            raise _Unsaid(refused.words) from refused
        return _known(answer.body, self.relay.ecs.container if self.relay.ecs else "")


_ARN = r"^arn:aws[a-z-]*:ecs:[a-z0-9-]{1,40}:[0-9]{12}:task/(?:[A-Za-z0-9_-]{1,255}/)?[A-Za-z0-9-]{1,64}$"


class _Unsaid(Exception):
    """It is not known who this is. The message says why."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What ECS says: the task's id, and what its release is called, as the target calls it."""

    instance: str
    names: Mapping[str, str]


class _Container(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str = Field(alias="Name")
    image: str = Field(alias="Image")


class _Task(BaseModel):
    """The answer of ``/task``, as far as it matters here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    arn: str = Field(alias="TaskARN", pattern=_ARN)
    family: str = Field(alias="Family", pattern=r"^[A-Za-z0-9_-]{1,255}$")
    revision: str = Field(alias="Revision", pattern=r"^[0-9]{1,10}$")
    containers: list[_Container] = Field(alias="Containers")


def _address(base: str) -> str:
    """The address in what ECS has put into the environment."""
    host = urlsplit(base).hostname or ""
    try:
        return str(ip_address(host))
    except ValueError:
        raise _Unsaid(
            f"{METADATA} is not set: this is no container of ECS, or its agent is older than 1.39"
        ) from None


def _known(body: bytes, container: str) -> _Known:
    """Who the task is, by the names that the target ``ecs`` gives the same release.

    A digest is one of them only where the image is pinned to it: what ECS tells beside it is, on EC2, the id of another thing.
    """
    try:
        task = _Task.model_validate_json(body)
    except ValidationError:
        raise _Unsaid("what ECS says of this task is not what it documents") from None
    image = next((each.image for each in task.containers if each.name == container), None)
    if image is None:
        there = ", ".join(sorted(each.name[:80] for each in task.containers)[:10])
        raise _Unsaid(f"the task has no container {container}; it has {there}: correct `relay.ecs.container`")
    definition = Definition("", f"{task.family}:{task.revision}", "", (Image(container, image),))
    return _Known(task.arn.rpartition("/")[2], only_a_tag(definition, container).names)
