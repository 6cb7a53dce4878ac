"""A small PagerDuty: the events that were taken are one log; incidents, and who was woken when, come from that log.

world = PagerDutyWorld(now)
async with serving_app(app(world)) as port:        # the Events API, at http://127.0.0.1:PORT
    ...
world.incidents()                                  # of the service whose key it is
"""

from tests.fakes.pagerduty.line import Line, app
from tests.fakes.pagerduty.world import ROUTING_KEY, Incident, PagerDutyWorld

__all__ = ["ROUTING_KEY", "Incident", "Line", "PagerDutyWorld", "app"]
