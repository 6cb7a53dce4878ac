"""LaunchDarkly's REST API, as far as a flag in an environment goes: versions, JSON patches with tests, approvals, the audit log.

world    what there is, and what the API answers     speaking  over real HTTP; and in process, for virtual time
"""

from tests.fakes.launchdarkly.speaking import Direct, app
from tests.fakes.launchdarkly.world import ENVIRONMENT, FLAG, PROJECT, READER, WRITER, LaunchDarkly, weighted

__all__ = ["ENVIRONMENT", "FLAG", "PROJECT", "READER", "WRITER", "Direct", "LaunchDarkly", "app", "weighted"]
