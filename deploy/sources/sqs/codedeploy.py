"""What news of CodeDeploy mean: a deployment that began, is done, was broken off, or waits to be given the traffic.

They come by two ways: from EventBridge, as best it can, or from a trigger of the deployment group by SNS. Neither says what is
deployed: they are hints of *when*, and CodeDeploy is read for *what*. That a deployment takes back another is told apart by reading
too. News of single instances change nothing: what is live is read with their number.

    detail-type                                        state      status of a trigger      means
    CodeDeploy Deployment State-change Notification    START      Created, InProgress      started
                                                       SUCCESS    Succeeded                complete
                                                       FAILURE    Failed                   failed
                                                       STOP       Stopped                  failed
                                                       READY      Ready                    paused: blue-green, before the traffic

A lifecycle hook of ECS and Lambda asks a function. The one in ``examples/aws/codedeploy-hook`` tells of it by the queue, in the shape of an
event (`HOOK`): that a deployment waits for a word. It is a hint too: what it waits for is read.

Source:
    https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-cloudwatch-events.html
    https://docs.aws.amazon.com/codedeploy/latest/userguide/monitoring-sns-event-notifications-json-format.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.model import Announcement, Pause, Phase
from deploy.source import Event, Ignored, Opening, Rejected, Whose
from deploy.sources.sqs.directory import part_of, whose
from deploy.sources.sqs.envelope import shown

DEPLOYMENT = "CodeDeploy Deployment State-change Notification"
HOOK = "CodeDeploy Lifecycle Hook"  # ours: the function writes it
ANSWERS_WITHIN = timedelta(hours=1)  # since the function was asked
PHASES = {
    "START": Phase.STARTED,
    "SUCCESS": Phase.COMPLETE,
    "FAILURE": Phase.FAILED,
    "STOP": Phase.FAILED,
    "READY": Phase.PAUSED,
}
# As a trigger says it; seen in capitals too.
STATES = {
    "CREATED": "START",
    "INPROGRESS": "START",
    "SUCCEEDED": "SUCCESS",
    "FAILED": "FAILURE",
    "STOPPED": "STOP",
    "READY": "READY",
}
OTHERWISE = "CodeDeploy goes on, or stops, as the deployment group says for when its time is over"
WRITTEN = "send the message as CodeDeploy wrote it"

_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]{1,100}")
_ID = re.compile(r"d-[A-Za-z0-9]{1,32}")  # it goes into a command to be copied
_STAGE = re.compile(r"[A-Za-z]{1,64}")
_REGION = re.compile(r"[a-z0-9-]{1,32}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_SECONDS = re.compile(r"[0-9]{9,11}(?:\.[0-9]{1,9})?")  # since the epoch, in a string

Meaning = Announcement | Ignored | Rejected


@dataclass(frozen=True, slots=True)
class _News:
    """What either way says, not checked yet.

    Attributes:
        state: As EventBridge calls it.
        where: The place of each field in the message, for what is wrong with it.
    """

    key: str
    region: str
    account: str
    application: object
    group: object
    deployment: object
    state: str
    at: datetime
    where: Mapping[str, str]


def deployment(event: Event, arrived: datetime, opening: Opening) -> Meaning:
    """What a change of a deployment means.

    Args:
        event: Of the type `DEPLOYMENT`.
        arrived: When the message was sent, for an event that tells no time.
        opening: Whose the group is.
    """
    state = event.detail.get("state")
    if not isinstance(state, str) or state not in PHASES:
        return Ignored(f"{DEPLOYMENT}: {shown(state)} is not known to this version")
    places = {name: f"detail.{name}" for name in ("application", "deploymentGroup", "deploymentId")}
    news = _News(
        key=event.id,
        region=event.region,
        account=event.account,
        application=event.detail.get("application"),
        group=event.detail.get("deploymentGroup"),
        deployment=event.detail.get("deploymentId"),
        state=state,
        at=event.at or arrived,
        where=places,
    )
    return _announced(news, opening)


def hook(event: Event, arrived: datetime, opening: Opening) -> Meaning:
    """What the function of a lifecycle hook tells: that a deployment waits.

    Args:
        event: Of the type `HOOK`.
        arrived: When the message was sent, for an event that tells no time.
        opening: Whose the group is.
    """
    stage = event.detail.get("stage")
    if not isinstance(stage, str) or not _STAGE.fullmatch(stage):
        return Rejected(f"{shown(stage)} is no lifecycle event", WRITTEN, "detail.stage")
    news = _News(
        key=f"{event.id}:{stage}",
        region=event.region,
        account=event.account,
        application=event.detail.get("application"),
        group=event.detail.get("deploymentGroup"),
        deployment=event.detail.get("deploymentId"),
        state="READY",
        at=event.at or arrived,
        where={name: f"detail.{name}" for name in ("application", "deploymentGroup", "deploymentId")},
    )
    said = _announced(news, opening)
    return replace(said, pause=_at_hook(news, stage)) if isinstance(said, Announcement) else said


def _at_hook(news: _News, stage: str) -> Pause:
    """By the id under which the target shows it (`deploy.targets.codedeploy.waiting`)."""
    made = str(news.deployment)
    return Pause(
        hook=f"{made}:{stage}",
        stage=stage,
        until=news.at + ANSWERS_WITHIN,
        otherwise="CodeDeploy fails the deployment",
        go_back=_pause(made, news.region).go_back,
    )


def trigger(said: Mapping[str, Any], arrived: datetime, opening: Opening) -> Meaning:
    """What a trigger of a deployment group means. All its numbers and times are strings."""
    if "instanceId" in said:
        return Ignored("a trigger of CodeDeploy for one instance: what is live is read with all of them")
    status = said.get("status")
    state = STATES.get(status.upper()) if isinstance(status, str) else None
    if state is None:
        return Ignored(f"a trigger of CodeDeploy: the status {shown(status)} is not known to this version")
    region, account = said.get("region"), said.get("accountId")
    if not isinstance(region, str) or not _REGION.fullmatch(region):
        return Rejected(f"{shown(region)} is no region", WRITTEN, "region")
    if not isinstance(account, str) or not _ACCOUNT.fullmatch(account):
        return Rejected(f"{shown(account)} is no account", WRITTEN, "accountId")
    ended = PHASES[state] in {Phase.COMPLETE, Phase.FAILED}
    news = _News(
        key="trigger",
        region=region,
        account=account,
        application=said.get("applicationName"),
        group=said.get("deploymentGroupName"),
        deployment=said.get("deploymentId"),
        state=state,
        at=_moment(said.get("completeTime") if ended else said.get("createTime")) or arrived,
        where={
            "application": "applicationName",
            "deploymentGroup": "deploymentGroupName",
            "deploymentId": "deploymentId",
        },
    )
    return _announced(news, opening)


def _announced(news: _News, opening: Opening) -> Meaning:
    found = _found(news, opening)
    if not isinstance(found, Whose):
        return found
    made = str(news.deployment)
    return Announcement(
        source=opening.name,
        dedup_key=f"{news.key}:{made}:{news.state}",
        service=found.service,
        environment=found.environment,
        phase=PHASES[news.state],
        at=news.at,
        hints={"deployment": made, **part_of(found)},
        platform_ids=(made,),
        pause=_pause(made, news.region) if news.state == "READY" else None,
    )


def _found(news: _News, opening: Opening) -> Whose | Ignored | Rejected:
    """Whose the group is; and that the fields are what they are to be."""
    for name, value, pattern in (
        ("application", news.application, _NAME),
        ("deploymentGroup", news.group, _NAME),
        ("deploymentId", news.deployment, _ID),
    ):
        if not isinstance(value, str) or not pattern.fullmatch(value):
            return Rejected(f"{shown(value)} is no {name} of CodeDeploy", WRITTEN, news.where[name])
    at = f"{news.application}/{news.group}"
    exactly, anywhere = (f"codedeploy:{news.region}:{owner}:{at}" for owner in (news.account, "*"))
    return whose(exactly, anywhere, opening.directory)


def _pause(made: str, region: str) -> Pause:
    of = f"--region {region} --deployment-id {made}"
    return Pause(
        hook=made,
        stage="READY",
        otherwise=OTHERWISE,
        go_on=f"aws deploy continue-deployment {of} --deployment-wait-type READY_WAIT",
        go_back=f"aws deploy stop-deployment {of} --auto-rollback-enabled",
    )


def _moment(written: object) -> datetime | None:
    if not isinstance(written, str) or not _SECONDS.fullmatch(written):
        return None
    return datetime.fromtimestamp(float(written), UTC)
