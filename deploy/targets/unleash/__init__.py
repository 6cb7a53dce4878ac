"""A feature flag of Unleash in one environment: a part whose tags are its states.

A release is how the flag is set: off, or on with its strategies. A rollback turns it off or on, or sets the share of a gradual
rollout back, its stickiness and its group; constraints, segments, variants and strategies of other kinds are watched (who changes
them makes another release) and never written.

    settings    what is configured                          state         how a flag is set, as a tag and as content
    flag        a flag as the API tells it                   history       what became of it, by its events
    moving      what is sent                                 progressing   how far that is
    client      the calls, and what their answers mean       examining     whether they would be let through
    target      all of it together

**What somebody changes meanwhile.** A strategy is changed by a JSON patch that tests what was read. To turn a flag on or off Unleash
takes no condition: it is read just before, and just after; what somebody did in the tenth of a second between is found, not
prevented. And each is of the flag's environment alone.

Deliberately absent: marks and keys, for which the API has no place beside a flag; our own move is known by what it set. And change
requests of Unleash Enterprise: to request one is no rollback, and a refusal says so.

Source:
    https://docs.getunleash.io/reference/api/unleash/features
"""

from deploy.target import Kind
from deploy.targets.leaving import of_a_flag
from deploy.targets.unleash.settings import Settings, unstaged
from deploy.targets.unleash.target import UnleashTarget

KIND = Kind(settings=Settings, open=UnleashTarget, unstaged=unstaged, not_undone=of_a_flag)

__all__ = ["KIND", "Settings", "UnleashTarget"]
