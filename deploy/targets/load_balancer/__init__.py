"""Weights of target groups behind an application load balancer: of a rule, or of a listener's default action.

What a target group serves, a tag on it says (``rollbackd:release``), which whoever deploys into it writes. Two of them share
the traffic by weights; a rollback gives all of it to the group that still serves the wanted release. The balancer has no
compare-and-set: it is read once more just before, and what remains is a moment.

    settings    what is configured, and by which addresses events are recognised
    needs       the permissions to act
    forward     an action that forwards, as it is told and as it is written back
    group       a target group: what it serves, by its tags
    reading     all calls that read
    looking     which releases have how much of the traffic, and what forbids that the machine moves them
    trace       our last move, on the rule
    moving, foretelling, keeping
                one operation of a target each         target       all of them together

Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html#forward-actions
"""

from deploy.target import Kind
from deploy.targets.leaving import besides
from deploy.targets.load_balancer.needs import needs
from deploy.targets.load_balancer.settings import Settings, addresses, misplaced
from deploy.targets.load_balancer.target import LoadBalancerTarget

_STAYS = "the targets of the bad release run on, and their queues and schedules with them"
KIND = Kind(
    settings=Settings,
    open=LoadBalancerTarget,
    on_aws=True,
    addresses=addresses,
    misplaced=misplaced,
    needs=needs,
    unstaged=lambda _settings: None,
    stands_by=True,
    lingers=lambda settings: settings.sessions == "stay",
    not_undone=besides(_STAYS),
)

__all__ = ["KIND", "LoadBalancerTarget", "Settings", "addresses", "misplaced"]
