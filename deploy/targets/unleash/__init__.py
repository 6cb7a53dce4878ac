"""A feature flag of Unleash in one environment: a part whose tags are its states.

A release is how the flag is set: off, or on with its strategies; or, where their percentage is a share, what its gradual rollout gives.
A rollback turns it off or on, or sets the share of a gradual rollout back, its stickiness and its group; constraints, segments, variants and strategies of other kinds are watched (who changes
them makes another release) and never written.

    settings    what is configured                          state         how a flag is set, as a tag and as content
    flag        a flag as the API tells it                   history       what became of it, by its events
    moving      what is sent                                 progressing   how far that is
    client      the calls, and what their answers mean       examining     whether they would be let through
    target      all of it together
    shares      a percentage that is the share of a release      sharing    the same, which can be shared out

**What somebody changes meanwhile.** A strategy is changed by a JSON patch that tests what was read. To turn a flag on or off Unleash
takes no condition: it is read just before, and just after; what somebody did in the tenth of a second between is found, not
prevented. And each is of the flag's environment alone.

Deliberately absent: marks and keys, for which the API has no place beside a flag; our own move is known by what it set. And change
requests of Unleash Enterprise: to request one is no rollback, and a refusal says so.

Source:
    https://docs.getunleash.io/reference/api/unleash/features
"""

from deploy.ports import World
from deploy.target import Kind, Place
from deploy.targets.leaving import of_a_flag
from deploy.targets.unleash.settings import Settings, unstaged
from deploy.targets.unleash.shares import WHOLE
from deploy.targets.unleash.sharing import SharedFlag
from deploy.targets.unleash.target import UnleashTarget


def opened(settings: Settings, place: Place, world: World) -> UnleashTarget:
    """The target; one that can be shared out where percentages are shares."""
    kind = SharedFlag if settings.percentages == "shares" else UnleashTarget
    return kind(settings, place, world)


KIND = Kind(
    settings=Settings,
    open=opened,
    unstaged=unstaged,
    not_undone=of_a_flag,
    stands_by=True,
    least_share=1 / WHOLE,
)

__all__ = ["KIND", "Settings", "SharedFlag", "UnleashTarget", "opened"]
