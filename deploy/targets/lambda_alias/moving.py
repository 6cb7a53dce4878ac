"""Asking Lambda to serve another version: decided by what the alias says at that moment, and one call.

``UpdateAlias`` carries the revision of the alias that was looked at. If anybody has changed the alias since, Lambda refuses
(412), and what runs is read again: between our look and the call nobody's deployment is undone. The empty map of weights is
sent, for without it the share of the bad version would stay.

Source:
    https://docs.aws.amazon.com/lambda/latest/api/API_UpdateAlias.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import Beginning, Move, Refused, Release, Shift, Unclear
from deploy.ports import AwsAccount
from deploy.targets.aws import split
from deploy.targets.aws.wording import NOT_NOW, command, refusal
from deploy.targets.lambda_alias.alias import Trace, is_published
from deploy.targets.lambda_alias.looking import View, owned, unpublished
from deploy.targets.lambda_alias.reading import GONE
from deploy.targets.lambda_alias.settings import Settings

SOON = timedelta(seconds=5)  # what changes by itself within seconds
LATER = timedelta(seconds=15)  # a throttled caller that comes back at once is throttled again
_OVERTAKEN = frozenset({"PreconditionFailedException", "ResourceConflictException"})


@dataclass(frozen=True, slots=True)
class Order:
    """The call that moves an alias, as it is sent and foretold. *traced*: our trace has room in its description."""

    parameters: Mapping[str, Any]
    traced: bool = True

    def told(self) -> str:
        """In words: the call and what it is given."""
        given = " ".join(
            f"{name}={value}" for name, value in self.parameters.items() if name != "Description"
        )
        return f"lambda:UpdateAlias {given}"


def decide(
    view: View, settings: Settings, account: AwsAccount, move: Move, key: str, now: datetime
) -> Order | Beginning:
    """The call that brings *view* to ``move.to``; or why there is none.

    ======================================== ==========================================
    the alias                                what follows
    ======================================== ==========================================
    calls ``$LATEST``, or is not there         refused
    is being moved by CodeDeploy             refused: it would be undone
    gives all calls to what is wanted        nothing is sent
    gives some to a third release            refused: somebody else has moved it
    calls what is to be undone, or shares    UpdateAlias, with its revision
    ======================================== ==========================================
    """
    if settings.alias is None or (view.alias is not None and not is_published(view.alias.version)):
        return Refused(unpublished(settings))
    if words := owned(settings, view.deployments, account):
        return Refused(words)
    decided = split.decide(view.split, move)
    if decided is not None or view.alias is None:
        return decided or Refused(f"there is no alias {settings.called}")
    described = view.alias.described(Trace(key, now, move.expect.tag, move.to.tag))
    parameters = update(settings, move) | {"RevisionId": view.alias.revision}
    if described is None:
        return Order(parameters, traced=False)
    return Order(parameters | {"Description": described})


def decide_shift(view: View, settings: Settings, account: AwsAccount, shift: Shift) -> Order | Beginning:
    """The call that gives ``shift.after`` its share, with the alias's revision; or why there is none.

    Whose it is, is asked as for a move. No trace of it is left: that of a move says which version was undone.
    """
    if settings.alias is None or (view.alias is not None and not is_published(view.alias.version)):
        return Refused(unpublished(settings))
    if words := owned(settings, view.deployments, account):
        return Refused(words)
    decided = split.decide_shift(view.split, shift)
    if decided is not None or view.alias is None:
        return decided or Refused(f"there is no alias {settings.called}")
    return Order(shared(settings, shift) | {"RevisionId": view.alias.revision})


def shared(settings: Settings, shift: Shift) -> dict[str, Any]:
    """What UpdateAlias is given to share the calls out, but for the revision."""
    whole = shift.share >= 1
    return {
        "FunctionName": settings.function_name,
        "Name": settings.alias or "",
        "FunctionVersion": shift.after.tag if whole else shift.before.tag,
        "RoutingConfig": {"AdditionalVersionWeights": {} if whole else {shift.after.tag: shift.share}},
    }


def update(settings: Settings, move: Move) -> dict[str, Any]:
    """What UpdateAlias is given, but for the revision."""
    return {
        "FunctionName": settings.function_name,
        "Name": settings.alias or "",
        "FunctionVersion": move.to.tag,
        "RoutingConfig": {"AdditionalVersionWeights": {}},
    }


def by_hand(settings: Settings, move: Move, account: AwsAccount) -> str:
    """The same as a line for a person's shell."""
    options = {
        "function-name": settings.function_name,
        "name": settings.alias or "",
        "function-version": move.to.tag,
        "routing-config": json.dumps({"AdditionalVersionWeights": {}}),
        "region": account.region,
    }
    return command("lambda", "update-alias", options.items())


def answered(to: Release, error: AwsRefused) -> Refused | Unclear:
    """What it means that the order was not taken, or that its answer was lost."""
    words = refusal(error)
    if error.may_have_happened:
        return Unclear(words)
    if error.code in _OVERTAKEN:
        return Refused(f"{words}: the alias was changed meanwhile, and is read again", again_in=SOON)
    if error.code in NOT_NOW:
        return Refused(words, again_in=LATER)
    if error.code == GONE:
        return Refused(
            f"{words}; if version {to.tag} was deleted, publish the same content anew, and deploy that"
        )
    return Refused(words)
