"""Webhooks of what holds feature flags: LaunchDarkly and Unleash. They tell of changes, and never of a deployment.

``settings`` is what both have in common, ``launchdarkly`` and ``unleash`` say who has sent a delivery and what it is about;
what a flip says in words is read by `watcher.changes.flags`. Deliberately absent: any call to those systems, and keeping what
they sent: a delivery carries every value that a flag may have.
"""

from deploy.sources.flags.launchdarkly import KIND as LAUNCHDARKLY
from deploy.sources.flags.unleash import KIND as UNLEASH

__all__ = ["LAUNCHDARKLY", "UNLEASH"]
