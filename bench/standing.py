"""Of those that say how something stands: the systems that are asked, which turn when a release begins to fail (`ages`)."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from itertools import pairwise

from aiohttp import web

from rules.model import Kind
from tests.contract.as_usual import Usual
from tests.fakes import datadog
from tests.fakes.aws import AwsWorld
from tests.fakes.aws.cloudwatch.samples import Lateness
from tests.fakes.world import START, Happened, World

SLO, ALARM, MONITOR = "checkout-availability", "checkout-5xx", 7


def _fails(request: Happened) -> bool:
    return request.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _budget(world: World) -> AwsWorld:
    """An SLO of which one failure in a minute is too many; its requests are counted as late as metrics may be."""
    aws = AwsWorld(lambda: world.now)
    aws.slos.late = Lateness().last
    requests = [(each.at, _fails(each)) for each in world.log]
    aws.slos.follow(SLO, 0.999, requests, rolling=timedelta(minutes=1))
    return aws


def _alarm(world: World) -> AwsWorld:
    """One that stands for as long as the release fails."""
    aws = AwsWorld(lambda: world.now)
    aws.cloudwatch.set_alarm(ALARM, "OK", START - timedelta(days=1))
    for before, each in pairwise(world.log):
        if _fails(each) is not _fails(before):
            aws.cloudwatch.set_alarm(ALARM, "ALARM" if _fails(each) else "OK", each.at)
    return aws


def _monitor(world: World) -> web.Application:
    """One that finds one failure in a minute too many."""
    site = datadog.Site(world, datadog.Metrics(world))
    site.monitors[MONITOR] = datadog.Monitor("checkout: errors", above=0.001, multi=False)
    return datadog.app_of(site)


STAND: Mapping[str, Usual] = {
    "application_signals": Usual(
        "application_signals", {"slo": SLO}, timedelta(0), on_aws=_budget, of=Kind.STATE
    ),
    "cloudwatch, an alarm": Usual(
        "cloudwatch", {"alarms": [ALARM]}, timedelta(0), on_aws=_alarm, of=Kind.STATE
    ),
    "datadog, a monitor": Usual(
        "datadog",
        {"monitors": [MONITOR]},
        timedelta(0),
        _monitor,
        {"api_key": datadog.API_KEY, "application_key": datadog.APPLICATION_KEY},
        of=Kind.STATE,
    ),
}
