"""All stacks of ``rollbackd init``: a reader sees them on one screen. A new one is its file, its template, and one line here."""

from collections.abc import Mapping

from watcher.commands._init import appconfig, beanstalk, ecs, flagd, fleet, site, weights, workflow
from watcher.commands._init.stack import Stack

STACKS: Mapping[str, Stack] = {
    "appconfig": appconfig.STACK,
    "beanstalk": beanstalk.STACK,
    "codedeploy": fleet.STACK,
    "ecs": ecs.STACK,
    "flagd": flagd.STACK,
    "github-actions": workflow.STACK,
    "lambda": weights.ALIASES,
    "load-balancer": weights.WEIGHTS,
    "site": site.STACK,
}
