"""A feature flag of LaunchDarkly in one environment: a part whose tags are its states.

A release is how the flag is set: off, or on with what everybody gets whom no rule or target concerns: one variation, or a rollout by
percentages; or, where those are `shares`, the variation that is rolled out. A rollback sets it back by one JSON patch that tests the environment's version first, and replaces nothing but ``on`` and
``fallthrough``: whatever somebody else has changed meanwhile stays, and is found.

    settings    what is configured                          state       how a flag is set, as a tag and as content
    flag        a flag as the API tells it                   client      the calls, and what their answers mean
    moving      what is sent                                 target      all of it together
    shares      percentages that are shares of a release     sharing     the same, which can be shared out
    rights      what the token may do, as far as is told

Deliberately absent: rules and targets are watched (who changes them makes another release) and never written: what they were before,
LaunchDarkly does not keep where it could be put back from. And marks: the API has no place for them beside a flag.

Source:
    https://launchdarkly.com/docs/api/feature-flags/get-feature-flag
    https://launchdarkly.com/docs/api#updates-using-json-patch
"""

from deploy.ports import World
from deploy.target import Kind, Place
from deploy.targets.launchdarkly.settings import Settings, unstaged
from deploy.targets.launchdarkly.sharing import SharedFlag
from deploy.targets.launchdarkly.target import LaunchDarklyTarget
from deploy.targets.leaving import of_a_flag


def opened(settings: Settings, place: Place, world: World) -> LaunchDarklyTarget:
    """The target; one that can be shared out where percentages are shares."""
    kind = SharedFlag if settings.percentages == "shares" else LaunchDarklyTarget
    return kind(settings, place, world)


KIND = Kind(settings=Settings, open=opened, unstaged=unstaged, not_undone=of_a_flag, stands_by=True)

__all__ = ["KIND", "LaunchDarklyTarget", "Settings", "SharedFlag", "opened"]
