"""What a deployment waits for, where somebody has to answer. Reads only.

* **Ready**: what is new stands, and the group says that it is to be given the traffic by a call, within some minutes.
* **A lifecycle hook** of ECS and Lambda: a function is asked, and has an hour. CodeDeploy tells which hook that is, and not the id by which it
  is answered: only the function gets that. The one in ``examples/aws/codedeploy-hook`` answers nothing itself: it writes the id into a parameter
  of Systems Manager, and this is where it is read. A hook whose function answers by itself never stands there, and is no matter of ours.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_DeploymentReadyOption.html
    https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from deploy.errors import AwsRefused
from deploy.model import About, Finding, Level
from deploy.target import AtHook, Waits
from deploy.targets.aws.wording import refusal
from deploy.targets.codedeploy.deployment import READY, Deployment, Group
from deploy.targets.codedeploy.onto import Shift
from deploy.targets.codedeploy.reading import Reader
from deploy.targets.codedeploy.settings import Settings

ANSWERS_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Wait:
    """A deployment that waits.

    Attributes:
        hook: The id of this wait: the deployment's; at a lifecycle hook with its name.
        stage: ``Ready``, or the lifecycle event.
        until: When CodeDeploy goes on by itself, as far as it tells since when it waits.
        execution: By which a lifecycle hook is answered; empty where the traffic is waited for, and where it could not be read.
        unread: Why it could not be, in AWS's words.
    """

    hook: str
    stage: str
    until: datetime | None = None
    execution: str = ""
    unread: str = ""

    @property
    def is_for_traffic(self) -> bool:
        """It waits to be given the traffic; else at a lifecycle hook."""
        return self.stage == READY


class _Written(BaseModel):
    """What the function writes."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, regex_engine="python-re")

    deployment: Annotated[str, StringConstraints(pattern=r"^d-[A-Za-z0-9]{1,32}\Z")]
    stage: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{1,64}\Z")]
    execution: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,3500}\Z")]


async def waiting(
    reader: Reader, group: Group, last: Deployment | None, shift: Shift, parameter: str | None
) -> Wait | None:
    """What *last*, the deployment that was tried last, waits for; ``None``: for nobody.

    A parameter that cannot be read hides neither the group nor its way back: it waits then by an id that is not known.

    Args:
        reader: Reads.
        group: The group.
        last: Its last deployment.
        shift: How far that is.
        parameter: Where the function of the hooks writes, as the settings say.
    """
    if last is None or not last.is_in_flight:
        return None
    if last.status == READY and not last.moved:  # once the traffic has moved, the old ones wait for their end
        until = shift.since + group.waits if shift.since is not None and group.waits is not None else None
        return Wait(last.id, READY, until)
    if not shift.hook or parameter is None:
        return None
    until = shift.since + ANSWERS_WITHIN if shift.since is not None else None
    hook = hook_id(last.id, shift.hook)
    try:
        written = _read(await reader.parameter(parameter))
    except AwsRefused as refused:
        return Wait(hook, shift.hook, until, unread=refusal(refused))
    if written is None or (written.deployment, written.stage) != (last.id, shift.hook):
        return None
    return Wait(hook, shift.hook, until, written.execution)


def waits_of(group: Group, settings: Settings) -> Waits:
    """For how long CodeDeploy waits, by what *group* says, and at the hooks that the settings say are answered here."""
    hooks = []
    if group.waits is not None:
        hooks.append(
            AtHook(READY.upper(), group.waits, goes_back=True, otherwise="CodeDeploy stops the deployment")
        )
    if settings.hook_parameter is not None:
        hooks.append(
            AtHook(
                "lifecycle hooks", ANSWERS_WITHIN, goes_back=True, otherwise="CodeDeploy fails the deployment"
            )
        )
    return Waits(tuple(hooks), group.keeps)


async def unread(reader: Reader, settings: Settings) -> list[Finding]:
    """That the parameter of the hooks cannot be read. One that nobody has written yet is as it should be."""
    if settings.hook_parameter is None:
        return []
    try:
        await reader.parameter(settings.hook_parameter)
    except AwsRefused as refused:
        words = f"which of its hooks waits stands in {settings.hook_parameter}, and that cannot be read: {refusal(refused)}"
        return [
            Finding(
                Level.WARN,
                words,
                "allow ssm:GetParameter on it to the role to read: until then no hook is answered",
                untold=True,
                about=About.WAITS,
            )
        ]
    return []


def hook_id(deployment: str, stage: str) -> str:
    """Of the wait of *deployment* at the lifecycle hook *stage*; news of it have the same."""
    return f"{deployment}:{stage}"


def _read(text: str | None) -> _Written | None:
    """What was written. Whoever may write there may write anything: what does not fit is nothing."""
    try:
        return _Written.model_validate_json(text) if text else None
    except ValidationError:
        return None
