"""Datadog as its answers were recorded and are documented; all numbers come from the one log of a world."""

from tests.fakes.datadog.metrics import Metrics
from tests.fakes.datadog.monitors import Monitor
from tests.fakes.datadog.site import API_KEY, APPLICATION_KEY, Site, app_of, errors
from tests.fakes.datadog.slos import Slo

__all__ = ["API_KEY", "APPLICATION_KEY", "Metrics", "Monitor", "Site", "Slo", "app_of", "errors"]
