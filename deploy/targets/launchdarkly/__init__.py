"""A feature flag of LaunchDarkly in one environment: a part whose tags are its states.

A release is how the flag is set: off, or on with what everybody gets whom no rule or target concerns: one variation, or a rollout by
percentages. A rollback sets it back by one JSON patch that tests the environment's version first, and replaces nothing but ``on`` and
``fallthrough``: whatever somebody else has changed meanwhile stays, and is found.

    settings    what is configured                          state       how a flag is set, as a tag and as content
    flag        a flag as the API tells it                   client      the calls, and what their answers mean
    moving      what is sent                                 target      all of it together

Deliberately absent: rules and targets are watched (who changes them makes another release) and never written: what they were before,
LaunchDarkly does not keep where it could be put back from. And marks: the API has no place for them beside a flag.

Source:
    https://launchdarkly.com/docs/api/feature-flags/get-feature-flag
    https://launchdarkly.com/docs/api#updates-using-json-patch
"""

from deploy.target import Kind
from deploy.targets.launchdarkly.settings import Settings
from deploy.targets.launchdarkly.target import LaunchDarklyTarget

KIND = Kind(settings=Settings, open=LaunchDarklyTarget)

__all__ = ["KIND", "LaunchDarklyTarget", "Settings"]
