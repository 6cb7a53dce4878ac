"""Asking Beanstalk to swap the name: decided by who has it at that moment, and at most one call.

Made twice, a swap is undone. So for one move it is sent once; and once more only where the first is seen to have come to nothing: the name
is where it was, both environments are Ready, no event tells of a swap since, and that for longer than anything Beanstalk tells is late.
"""

from deploy.model import AlreadyThere, Beginning, Begun, Move, Refused, Release
from deploy.ports import AwsAccount
from deploy.targets.aws.wording import command
from deploy.targets.beanstalk.environment import READY
from deploy.targets.beanstalk.looking import View, cannot
from deploy.targets.beanstalk.moving import LATER, LOST_AFTER, Asked, Order, moved, third_of
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.settings import Settings
from deploy.targets.beanstalk.swap.pairing import SKEW
from deploy.targets.beanstalk.swap.standing import against


def swap(view: View, settings: Settings, to: Release, version: str = "") -> Order:
    """The name goes from the environment that has it to the other one, where *to* runs."""
    source = view.environment.name
    destination = next(name for name in settings.names if name != source)
    parameters = {"SourceEnvironmentName": source, "DestinationEnvironmentName": destination}
    return Order("swap_environment_cnames", parameters, moves=True, version=version, brings=to.tag)


async def decide(  # noqa: PLR0911 - a table
    reader: Reader, view: View, settings: Settings, move: Move, asked: Asked
) -> Order | Beginning:
    """The call that brings *view* to ``move.to``; or why there is none. Reads only, and may raise `AwsRefused`.

    ======================================= ================================================
    ahead                                   what follows
    ======================================= ================================================
    what is wanted, for a minute or longer  nothing is sent
    what is wanted, since a moment          nothing is sent: resolvers have yet to ask again
    a third release, or none                refused
    what is to be undone                    swap; for one move once, unless it was lost
    ======================================= ================================================
    """
    if words := cannot(view):
        return Refused(words)
    third, ahead = third_of(view, move), view.ahead
    if third is not None:
        return Refused(moved(view, third, move.expect), third.tag)
    if ahead is None:
        return Refused(f"nothing serves, neither {move.expect.tag} nor anything else")
    if view.is_whole(move.to):
        return AlreadyThere()
    if ahead.is_same_as(move.to):
        return Begun(
            words=f"{settings.cname} leads to {view.environment.name} and so to {move.to.tag} already"
        )
    if asked.ordered is not None and not is_lost(view, asked):
        return Begun(move.to.tag, f"the swap to {move.to.tag} was ordered for this very move")
    return await _swap(reader, view, settings, move)


async def _swap(reader: Reader, view: View, settings: Settings, move: Move) -> Order | Refused:
    environment = view.environment
    if environment.status != READY:
        words = f"the environment {environment.name} is {environment.status}: that it is Ready is awaited"
        return Refused(words, again_in=LATER)
    stands = against(view, settings, move.to)
    if stands is not None:
        return Refused(stands.words, again_in=LATER if stands.passes else None)
    beside = view.beside
    if beside is None:
        raise AssertionError("it stands")
    version, _ = await reader.version(
        settings.application, beside.environment.label, beside.environment.updated
    )
    return swap(view, settings, move.to, version.arn if version is not None else "")


def is_lost(view: View, asked: Asked) -> bool:
    """What was ordered came to nothing: not a trace of it, for longer than anything is late."""
    ordered, beside = asked.ordered, view.beside
    if ordered is None or asked.now < ordered + LOST_AFTER or beside is None:
        return False
    changes = (view.changed, beside.environment.updated)
    return is_ready(view) and all(change < ordered - SKEW for change in changes)


def is_ready(view: View) -> bool:
    """Nothing is done to either."""
    return view.beside is not None and view.environment.status == READY == view.beside.environment.status


def by_hand(order: Order, account: AwsAccount) -> str:
    """*order* as a line for a person's shell."""
    names = {
        "SourceEnvironmentName": "source-environment-name",
        "DestinationEnvironmentName": "destination-environment-name",
    }
    options = [(names[name], str(value)) for name, value in order.parameters.items()]
    line = command("elasticbeanstalk", "swap-environment-cnames", (*options, ("region", account.region)))
    return f"{line}  # once: {order.brings} serves then, and a second time would undo it"
