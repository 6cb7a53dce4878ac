"""Asking a balancer to give all traffic to another group: decided by what it says at that moment, and one call that moves.

``ModifyRule`` (``ModifyListener``) sends all actions with other weights. There is **no compare-and-set**: whoever changes the
rule between our last look and our call is overwritten. So the actions are read once more right before the call, and must be
what the decision was made on; what remains is the time of one call.

Stickiness is switched off on the way back, unless the settings let sessions stay: a cookie goes before a weight, and whoever
is bound to the bad group would stay on it. No request that is under way is cut off, and no target is deregistered.

Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyRule.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/sticky-sessions.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html: where no target of
    a group is healthy the balancer sends its share there all the same.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import Beginning, Move, Refused, Release, Shift, Unclear
from deploy.ports import AwsAccount
from deploy.targets.aws import split
from deploy.targets.aws.wording import NOT_NOW, command, plain, refusal
from deploy.targets.load_balancer.forward import Forward, rewritten
from deploy.targets.load_balancer.group import Group
from deploy.targets.load_balancer.looking import View
from deploy.targets.load_balancer.reading import Health
from deploy.targets.load_balancer.settings import Settings

SOON = timedelta(seconds=5)  # what changes by itself within seconds
LATER = timedelta(seconds=15)  # a throttled caller that comes back at once is throttled again


@dataclass(frozen=True, slots=True)
class Order:
    """The call that changes the weights, as it is sent, foretold, and written for a person."""

    operation: str
    parameters: Mapping[str, Any]
    forward: Forward

    def told(self) -> str:
        """In words: the call, and the weights."""
        action = self.operation.title().replace("_", "")
        weights = ", ".join(f"{_short(arn)} {weight}" for arn, weight in self.forward.weights.items())
        sticky = "on" if self.forward.sticky else "off"
        return f"elasticloadbalancing:{action} weights {weights}; stickiness {sticky}"


def decide(view: View, settings: Settings, move: Move) -> Order | Beginning:
    """The call that gives all traffic to ``move.to``, its targets' health aside; or why there is none.

    ======================================== =================================
    the rule                                 what follows
    ======================================== =================================
    forwards nothing                         refused
    gives all to what is wanted              nothing is sent
    gives some to a third release            refused: somebody else has moved it
    has no group that serves what is wanted  refused
    gives some to what is to be undone       all actions, with other weights
    ======================================== =================================
    """
    decided = split.decide(view.split, move)
    if decided is not None:
        return decided
    wanted = view.serving(move.to)
    if view.forward is None or not wanted:
        return Refused(nowhere(view, settings, move.to))
    forward = view.forward.given_to([each.arn for each in wanted], stays=settings.sessions == "stay")
    return order(view, settings, forward)


def decide_shift(view: View, settings: Settings, shift: Shift) -> Order | Beginning:
    """The call that gives ``shift.after`` its share; or why there is none.

    Stickiness stays as it is: going forward, whoever is bound to a group by a cookie comes back to it until that ends, so
    nobody loses a session, and the weights are those of new sessions.
    """
    decided = split.decide_shift(view.split, shift)
    if decided is not None:
        return decided
    after, before = view.serving(shift.after), view.serving(shift.before)
    if view.forward is None or not after:
        return Refused(nowhere(view, settings, shift.after))
    if len(after) > 1 or len(before) > 1:
        several = shift.after.tag if len(after) > 1 else shift.before.tag
        return Refused(f"several target groups serve {several}: between them rollbackd shares nothing out")
    return order(
        view, settings, view.forward.shared(after[0].arn, before[0].arn if before else "", shift.share)
    )


def order(view: View, settings: Settings, forward: Forward) -> Order:
    """To have *view* forward so."""
    actions = rewritten(view.actions, forward)
    if settings.rule:
        return Order("modify_rule", {"RuleArn": settings.rule, "Actions": actions}, forward)
    return Order("modify_listener", {"ListenerArn": settings.arn, "DefaultActions": actions}, forward)


def sick(wanted: Sequence[Group], health: Mapping[str, Health]) -> str:
    """Why no traffic can be given to the groups that serve what is *wanted*; empty where each has a healthy target."""
    for group in wanted:
        found = health[group.arn]
        if found.healthy == 0:
            why = f": {plain(found.why, 120)}" if found.why else ""
            return f"no target of {group.name} is healthy ({found.registered} registered){why}"
    return ""


def ill(wanted: Sequence[Group], health: Mapping[str, Health]) -> str:
    """Why the groups that serve what is *wanted* are not wholly well; empty where every target that is registered is healthy."""
    for group in wanted:
        found = health[group.arn]
        if not 0 < found.healthy == found.registered:
            why = f": {plain(found.why, 120)}" if found.why else ""
            return f"{found.healthy} of {found.registered} targets of {group.name} are healthy{why}"
    return ""


def by_hand(order: Order, move: Move, account: AwsAccount) -> str:
    """*order* as a line for a person's shell, and what it does: an ARN does not say it."""
    arn, actions = order.parameters.values()
    named = "rule-arn" if order.operation == "modify_rule" else "listener-arn"
    given = "actions" if order.operation == "modify_rule" else "default-actions"
    options = ((named, str(arn)), (given, json.dumps(actions)), ("region", account.region))
    return f"{command('elbv2', order.operation.replace('_', '-'), options)}  # all to {move.to.tag}"


def answered(error: AwsRefused) -> Refused | Unclear:
    """What it means that the order was not taken, or that its answer was lost."""
    words = refusal(error)
    if error.may_have_happened:
        return Unclear(words)
    return Refused(words, again_in=LATER if error.code in NOT_NOW else None)


def nowhere(view: View, settings: Settings, wanted: Release) -> str:
    """Why there is nothing to go back to: no group serves what is wanted."""
    serve = ", ".join(
        f"{each.name} serves {each.release.tag if each.release else 'nobody knows what'}"
        for each in view.groups
    )
    return (
        f"no target group of {settings.called} serves {wanted.tag} any more ({serve or 'it forwards nothing'}): deploy it"
        " again"
    )


def _short(arn: str) -> str:
    return arn.split("/")[-2] if arn.count("/") > 1 else arn
