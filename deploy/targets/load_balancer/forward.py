"""The actions of a rule: the one that forwards, as it is told, and all of them as they are written back.

To change a weight all actions are sent, so the others go back as they came: their order, redirects, logins. The secret of a
login at an OpenID provider is never told, and stays with ``UseExistingClientSecret``.

Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyRule.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST = 999  # the greatest weight
WHOLE = 100  # the weight of what has everything
Actions = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Forward:
    """Where an action forwards to.

    Attributes:
        weights: By the ARN of the target group, in the order in which they stand there.
        sticky: Who has come to a group once comes back to it, by a cookie of the balancer's.
        lasting: Seconds that the cookie is good for.
    """

    weights: Mapping[str, int]
    sticky: bool = False
    lasting: int = 0

    @property
    def shares(self) -> Mapping[str, float]:
        """Of the traffic that no cookie has bound yet, by target group."""
        total = sum(self.weights.values())
        return {arn: weight / total if total else 0.0 for arn, weight in self.weights.items()}

    def given_to(self, wanted: Sequence[str], *, stays: bool) -> "Forward":
        """All of it to the groups in *wanted*, as they shared it before; others keep their place, without any.

        *stays*: who is bound by a cookie stays bound. Otherwise the weight of zero would not reach them: a request that
        carries the cookie goes where the cookie says.
        """
        kept = {arn: self.weights.get(arn, 0) for arn in wanted}
        fair = kept if any(kept.values()) else dict.fromkeys(wanted, WHOLE)
        alone = dict.fromkeys(wanted, WHOLE) if len(wanted) == 1 else fair
        weights = {arn: alone.get(arn, 0) for arn in self.weights}
        return Forward(weights, self.sticky and stays, self.lasting)

    def shared(self, one: str, other: str, share: float) -> "Forward":
        """*share* of it to *one*, the rest to *other*; nothing to any third."""
        mine, rest = weights_of(share)
        weights = {arn: {one: mine, other: rest}.get(arn, 0) for arn in self.weights}
        return Forward(weights, self.sticky, self.lasting)


def weights_of(share: float) -> tuple[int, int]:
    """Two weights of which the first has *share* (0..1) of their sum: of a hundred where that is exact, else of a thousand."""
    hundredths = round(share * WHOLE, 9)
    total = WHOLE if hundredths == int(hundredths) else MOST + 1
    mine = round(share * total)
    return mine, total - mine


def forward_of(actions: Actions) -> Forward | None:
    """The one of *actions* that forwards; ``None``: none does."""
    told = next((each for each in actions if each.get("Type") == "forward"), None)
    if told is None:
        return None
    config = told.get("ForwardConfig", {})
    groups = config.get("TargetGroups", ()) or [{"TargetGroupArn": told.get("TargetGroupArn", "")}]
    sticky = config.get("TargetGroupStickinessConfig", {})
    return Forward(
        weights={str(each["TargetGroupArn"]): int(each.get("Weight", 1)) for each in groups},
        sticky=bool(sticky.get("Enabled", False)),
        lasting=int(sticky.get("DurationSeconds", 0)),
    )


def rewritten(actions: Actions, forward: Forward) -> list[dict[str, Any]]:
    """*actions* as they are sent to have them forward so; all but that as it was."""
    return [_forwarding(each, forward) if each.get("Type") == "forward" else _same(each) for each in actions]


def _forwarding(action: Mapping[str, Any], forward: Forward) -> dict[str, Any]:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in forward.weights.items()]
    sticky: dict[str, Any] = {"Enabled": forward.sticky}
    if forward.sticky and forward.lasting:
        sticky["DurationSeconds"] = forward.lasting
    config = {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky}
    kept = {name: value for name, value in action.items() if name not in {"TargetGroupArn", "ForwardConfig"}}
    return {**kept, "ForwardConfig": config}


def _same(action: Mapping[str, Any]) -> dict[str, Any]:
    login = action.get("AuthenticateOidcConfig")
    if login is None:
        return dict(action)
    kept = {name: value for name, value in login.items() if name != "ClientSecret"}
    return {**action, "AuthenticateOidcConfig": {**kept, "UseExistingClientSecret": True}}
