"""Looking at a group: what serves, and what is ahead.

What **serves** is what was deployed with success last. What is **ahead** is what the group is being brought to; and where
that was broken off half done, with some instances on one release and some on another, it is

* what was being deployed, if that went forward: some instances have it, and going back is still to be done;
* what was to be undone, if it was a way back that broke off: that is still there, and must be undone once more.

A deployment that ended before it did anything to any instance changed nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from deploy.errors import AwsRefused
from deploy.model import Release, Unreadable
from deploy.targets.aws.batching import together
from deploy.targets.aws.wording import refusal
from deploy.targets.codedeploy.deployment import (
    BROKEN_OFF,
    BY_ITSELF,
    SUCCEEDED,
    Deployment,
    Group,
)
from deploy.targets.codedeploy.onto import Shift
from deploy.targets.codedeploy.reading import Reader
from deploy.targets.codedeploy.settings import Settings
from deploy.targets.codedeploy.trace import Trace, of_description, of_move
from deploy.targets.codedeploy.waiting import Wait, waiting


@dataclass(frozen=True, slots=True)
class View:
    """A group as it was seen.

    Attributes:
        last: The deployment of the group that was tried last.
        succeeded: The one that succeeded last.
        undone: The one that *last* takes back, where it is a way back.
        tags: Of the group, where they may hold our trace.
        shift: How far *last* is, on ECS and Lambda.
        waits: What *last* waits for, where somebody has to answer.
    """

    group: Group
    last: Deployment | None = None
    succeeded: Deployment | None = None
    undone: Deployment | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    shift: Shift = field(default_factory=Shift)
    waits: Wait | None = None

    @property
    def serving(self) -> Deployment | None:
        """What brought the release that serves."""
        return self.succeeded

    @property
    def coming(self) -> Deployment | None:
        """What the group is being brought to, or was when it was broken off; ``None``: it is whole."""
        last = self.last
        if last is None or last.status == SUCCEEDED:
            return None
        if last.is_in_flight:
            return last
        if self.goes_back:
            # Where what was to be undone was whole, it is what serves.
            return self.undone if self.undone is not None and self._is_left_half(self.undone) else None
        return last if self._is_left_half(last) else None

    @property
    def goes_back(self) -> bool:
        """The last one is a way back."""
        return self.last is not None and (
            self.last.creator == BY_ITSELF or of_description(self.last) is not None
        )

    @property
    def ahead(self) -> Deployment | None:
        """What is coming, else what serves."""
        return self.coming or self.serving

    @property
    def release(self) -> Release | None:
        """What serves."""
        return self.serving.release if self.serving else None

    @property
    def move(self) -> Trace | None:
        """Our own move, if the last deployment is one, or CodeDeploy made it because we said so."""
        return of_move(self.last, self.tags)

    @property
    def is_left_by_codedeploy(self) -> bool:
        """CodeDeploy's own way back has broken off, and what was to be undone is still there: it is left to others."""
        last = self.last
        return (
            last is not None
            and last.creator == BY_ITSELF
            and last.status in BROKEN_OFF
            and self.coming is not None
        )

    def _is_left_half(self, deployment: Deployment) -> bool:
        """It was broken off, and is there still: on instances, or with a share of the traffic."""
        if self.group.replaces:
            return deployment.status in BROKEN_OFF and (deployment.moved or deployment.counts.succeeded > 0)
        if not self.group.shifts:
            return deployment.is_half_done
        gone = deployment is self.last and self.shift.weight == 0
        return deployment.status in BROKEN_OFF and not gone

    def is_of(self, key: str) -> bool:
        """The last deployment is the move with this *key*."""
        return self.move is not None and self.move.key == key


async def look(reader: Reader, settings: Settings) -> View | Unreadable:
    """The group, read just now."""
    try:
        group = await reader.group(settings.application, settings.deployment_group)
        if group is None:
            return Unreadable(
                f"the application {settings.application} has no deployment group {settings.deployment_group}: it was deleted,"
                " or the configuration names another account than it is in"
            )
        return await _view(reader, group, settings.hook_parameter)
    except AwsRefused as refused:
        return Unreadable(refusal(refused))


async def _view(reader: Reader, group: Group, parameter: str | None) -> View:
    succeeded, last = await together(_known(reader, group.succeeded), _known(reader, group.last))
    if last is not None and not last.is_of_the_group:
        last = await _of_the_group(reader, group)
    if succeeded is not None and succeeded.release is None:
        succeeded = await _of_the_group(reader, group, succeeded=True)
    if (
        last is not None
        and last.status == SUCCEEDED
        and (succeeded is None or last.created > succeeded.created)
    ):
        succeeded = last  # of the two, the newer is told
    moves = last is not None and last.status != SUCCEEDED and group.shifts
    shift = await reader.shift(last) if last is not None and moves else Shift()
    waits = await waiting(reader, group, last, shift, parameter)
    undone, tags = await _undone(reader, last), await _tags(reader, group, last)
    return View(group, last, succeeded, undone, tags, shift, waits)


async def _known(reader: Reader, deployment: str | None) -> Deployment | None:
    return await reader.deployment(deployment) if deployment else None


async def _of_the_group(reader: Reader, group: Group, *, succeeded: bool = False) -> Deployment | None:
    """The newest that brought the group a release: restarts, and those for instances that came, hide it."""
    return next(iter(await reader.newest(group, succeeded=succeeded)), None)


async def _undone(reader: Reader, last: Deployment | None) -> Deployment | None:
    if last is None or last.status == SUCCEEDED:
        return None
    trace = of_description(last)
    undoes = last.undoes or (trace.undoes if trace else None)
    return await reader.deployment(undoes) if undoes else None


async def _tags(reader: Reader, group: Group, last: Deployment | None) -> Mapping[str, str]:
    """Read only where CodeDeploy goes back: it may be at our word."""
    arn = reader.arn_of(group)
    if last is None or last.creator != BY_ITSELF or arn is None:
        return {}
    return await reader.tags_beside(arn, last)
