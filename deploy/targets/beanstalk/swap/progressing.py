"""How far a swap is: the name leads to the wanted release, and has done so for as long as answers of DNS are kept."""

from deploy.model import Drifted, Failed, Move, Moving, Progress, Serving, Unfinished
from deploy.targets.beanstalk.environment import ENDED, READY
from deploy.targets.beanstalk.looking import View
from deploy.targets.beanstalk.moving import LOST_AFTER, Asked, moved, third_of
from deploy.targets.beanstalk.settings import Settings
from deploy.targets.beanstalk.swap.pairing import TTL
from deploy.targets.beanstalk.swap.swapping import is_lost, is_ready


def progress(view: View, settings: Settings, move: Move, asked: Asked, by_hand: str) -> Progress:  # noqa: PLR0911 - a table
    """How far *move* is, by *view*.

    Args:
        view: Both environments.
        settings: Whose they are.
        move: What was ordered.
        asked: Now, and when it was ordered.
        by_hand: What a person can run.
    """
    third, environment, ahead, to = third_of(view, move), view.environment, view.ahead, move.to.tag
    if environment.status in ENDED:
        return Failed(f"the environment {environment.name} is {environment.status}")
    if third is not None:
        return Drifted(moved(view, third, move.to), third.tag)
    if view.is_whole(move.to):
        return Serving()
    if ahead is not None and ahead.is_same_as(move.to):
        if environment.status != READY:
            return Moving(f"{settings.cname} leads to {environment.name}, which is {environment.status}")
        return Moving(
            f"{settings.cname} leads to {environment.name} and {to}; for {TTL.total_seconds():.0f} s who has asked before"
            f" goes to {move.expect.tag} still"
        )
    ordered = asked.ordered
    if ordered is None or is_lost(view, asked):
        return Unfinished(
            f"{settings.cname} leads to {environment.name} and {move.expect.tag}, and no swap is on its way"
        )
    if asked.now < ordered + LOST_AFTER or (view.beside is not None and not is_ready(view)):
        return Moving(f"the swap to {to} was ordered; {settings.cname} leads to {environment.name} still")
    return Failed(
        f"{settings.cname} leads to {environment.name} and {move.expect.tag}, though the swap to {to} was ordered at"
        f" {ordered:%H:%M:%S} UTC and {_since(view)} since: another hand may have moved it, so it is not swapped again",
        by_hand,
    )


def _since(view: View) -> str:
    if view.beside is None:
        return "the other environment is not there any more"
    if view.named is None:
        return "an environment was changed"
    return f"an environment was changed, or the name was swapped (last at {view.named:%H:%M:%S} UTC)"
