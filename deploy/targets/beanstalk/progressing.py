"""How far a move is: Ready is not success, for an update that failed ends Ready too.

A move is over when the environment is Ready, is told to run what was wanted, and every instance says that it does.

Source:
    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-updating.html
"""

from datetime import datetime, timedelta

from deploy.errors import AwsRefused
from deploy.model import Drifted, Failed, Move, Moving, Progress, Serving, Unfinished, Unreadable
from deploy.targets.aws.wording import plain, refusal
from deploy.targets.beanstalk.environment import ENDED, READY
from deploy.targets.beanstalk.looking import View
from deploy.targets.beanstalk.moving import Asked, is_lost, moved, third_of
from deploy.targets.beanstalk.reading import Reader

SETTLES = timedelta(
    minutes=1
)  # the health of instances is told every 10 s; what was Ready just now may not have it yet
SAYS = 3  # of its events


async def progress(  # noqa: PLR0911 - a table
    reader: Reader, view: View, move: Move, asked: Asked, by_hand: str
) -> Progress | Unreadable:
    """How far *move* is, by *view*. Where it is not there, it reads what Beanstalk says of it.

    Args:
        reader: For the events.
        view: The environment.
        move: What was ordered.
        asked: Now, and when it was ordered.
        by_hand: What a person can run.
    """
    now, ordered = asked.now, asked.ordered
    third, environment, to = third_of(view, move), view.environment, move.to.tag
    if environment.status in ENDED:
        return Failed(f"the environment {environment.name} is {environment.status}")
    if third is not None:
        return Drifted(moved(view, third, move.to), third.tag)
    if view.is_whole(move.to):
        return Serving()
    if environment.status != READY:
        return Moving(f"{environment.status}: {view.counts()}; {to} was ordered")
    if ordered is None or is_lost(view, ordered, now):
        return Unfinished(f"the environment is Ready: {view.counts()}, and {to} is not on its way")
    if environment.updated < ordered or now < environment.updated + SETTLES:
        return Moving(f"{view.counts()}; {to} was ordered")
    return await _broken(reader, view, to, ordered, by_hand)


async def _broken(
    reader: Reader, view: View, to: str, ordered: datetime, by_hand: str
) -> Failed | Unreadable:
    """It was ordered, the environment is Ready, and not all of it runs what was wanted."""
    try:
        events = await reader.events(view.environment, "WARN", ordered - SETTLES)
    except AwsRefused as refused:
        return Unreadable(refusal(refused))
    said = "; ".join(plain(each.message, 200) for each in events[:SAYS])
    return Failed(
        f"Beanstalk did not bring {to} to all instances: {view.counts()}{f'; {said}' if said else ''}",
        by_hand,
    )
