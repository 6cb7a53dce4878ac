"""The bytes of one message → what they mean. Pure; it raises nothing for what somebody has put into the queue."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from deploy.model import Announcement
from deploy.source import Aside, Event, Ignored, Opening, Received, Rejected
from deploy.sources.http import HttpSource
from deploy.sources.http import Settings as OfHttp
from deploy.sources.sqs import appconfig, balancers, beanstalk, codedeploy, ecs, functions, s3
from deploy.sources.sqs.envelope import Announced, Triggered, moment, opened
from deploy.sources.sqs.others import aside
from deploy.sources.sqs.queue import MESSAGE, SENT, Settings
from deploy.sources.sqs.trail import TRAIL

Meaning = Announcement | Aside | Ignored | Rejected
Read = Callable[[Event, datetime, Opening], Meaning]

READS: Mapping[tuple[str, str], Read] = {
    **{("aws.appconfig", kind): appconfig.deployment for kind in appconfig.PHASES},
    ("aws.ecs", ecs.DEPLOYMENT): ecs.deployment,
    ("aws.ecs", ecs.HOOK): ecs.hook,
    ("aws.codedeploy", codedeploy.DEPLOYMENT): codedeploy.deployment,
    ("rollbackd", codedeploy.HOOK): codedeploy.hook,
    ("aws.elasticbeanstalk", beanstalk.UPDATE): beanstalk.update,
    ("aws.elasticbeanstalk", TRAIL): beanstalk.swapped,
    ("aws.s3", s3.CREATED): s3.created,
    ("aws.lambda", TRAIL): functions.changed,
    ("aws.elasticloadbalancing", TRAIL): balancers.changed,
}


class SqsSource:
    """The parser of what lies in a queue."""

    def __init__(self, _settings: Settings, opening: Opening) -> None:
        self.name = opening.name
        self._opening = opening
        self._announced = HttpSource(OfHttp(), opening)

    def read(self, received: Received) -> Meaning:
        """What one message says."""
        arrived = moment(received.headers.get(SENT)) or received.at
        match opened(received.body):
            case Event() as event:
                read = READS.get((event.source, event.kind))
                said = read(event, arrived, self._opening) if read else aside(event)
                # What is no deployment of ours (of a service that is not configured, above all) may be a change for those that are.
                return Aside(event, said.why) if isinstance(said, Ignored) else said
            case Triggered(said):
                return codedeploy.trigger(said, arrived, self._opening)
            case Announced(body):
                return self._of_a_pipeline(body, received, arrived)
            case Ignored() | Rejected() as meaning:
                return meaning

    def _of_a_pipeline(self, body: bytes, received: Received, arrived: datetime) -> Announcement | Rejected:
        """An announcement as the HTTP door takes it. What has no id of its own is known again by the id of its message."""
        said = self._announced.read(Received(body, {}, arrived, received.principal))
        message = received.headers.get(MESSAGE)
        if isinstance(said, Announcement) and message and said.dedup_key.startswith("sha256:"):
            return replace(said, dedup_key=f"message:{message}")
        return said
