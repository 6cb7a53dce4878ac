"""All events that tell of a change: a reader sees them on one screen. A new one is its function, and its line here."""

from collections.abc import Callable, Mapping

from deploy.source import Event
from deploy.sources.sqs.ecs import DEPLOYMENT
from deploy.sources.sqs.trail import TRAIL
from watcher.changes import databases, flags, platform, scaling, settings, strangers
from watcher.changes.told import Told

Read = Callable[[Event], Told | None]

# By source and type.
READS: Mapping[tuple[str, str], Read] = {
    **{("aws.autoscaling", kind): scaling.instance for kind in scaling.INSTANCES},
    **{("aws.autoscaling", kind): scaling.refresh for kind in scaling.REFRESHES},
    (
        "aws.application-autoscaling",
        "Application Auto Scaling Scaling Activity State Change",
    ): scaling.activity,
    ("aws.ecs", "ECS Service Action"): scaling.service_action,
    ("aws.ecs", DEPLOYMENT): strangers.of_ecs,
    ("aws.codedeploy", "CodeDeploy Deployment State-change Notification"): strangers.of_codedeploy,
    ("aws.elasticbeanstalk", "Elastic Beanstalk resource status change"): strangers.of_beanstalk,
    **{("aws.appconfig", kind): settings.configuration for kind in settings.ROLLOUTS},
    ("aws.ssm", "Parameter Store Change"): settings.parameter,
    ("aws.secretsmanager", "Secret Label Updated"): settings.labelled,
    ("aws.secretsmanager", "AWS Service Event via CloudTrail"): settings.rotation,
    ("aws.rds", "RDS DB Instance Event"): databases.database,
    ("aws.rds", "RDS DB Cluster Event"): databases.database,
    ("aws.health", "AWS Health Event"): platform.health,
    ("launchdarkly", "flag"): flags.launchdarkly,
    ("launchdarkly", "segment"): flags.launchdarkly,
    ("unleash", "flag"): flags.unleash,
    ("unleash", "segment"): flags.unleash,
}


def read(event: Event) -> Told | None:
    """What *event* tells of a change; ``None``: nothing."""
    reads = settings.call if event.kind == TRAIL else READS.get((event.source, event.kind))
    return reads(event) if reads else None
