"""What a swap would do, before it is made: the calls, how long until people are there, what becomes of sessions, what stands in its way. Pure."""

from deploy.model import Foretold, Move
from deploy.ports import AwsAccount
from deploy.targets.beanstalk.looking import View, obstacles
from deploy.targets.beanstalk.settings import Settings
from deploy.targets.beanstalk.swap.pairing import TTL
from deploy.targets.beanstalk.swap.standing import against
from deploy.targets.beanstalk.swap.swapping import by_hand, swap
from deploy.targets.beanstalk.trace import tag_key

ENOUGH = 0.5  # of the instances that the other environment has: fewer may not bear its traffic. A guess
NO_LOCK = (
    "Beanstalk has no compare-and-set, and a second swap undoes the first: who has the name is read right before and right after, and"
    " an answer that is lost is read, never sent again; whoever swaps in that very moment is swapped back"
)


def foretell(
    view: View, settings: Settings, move: Move, account: AwsAccount, refused: str, *, hidden: bool = False
) -> Foretold:
    """What would follow if *move* were made now.

    Args:
        view: Both environments.
        settings: Whose they are.
        move: What would be ordered.
        account: Where they are.
        refused: Why it would not be made, in that moment.
        hidden: The other environment is not to be seen, and whether it is there nobody says: so nothing is known to be gone.
    """
    stands = against(view, settings, move.to)
    beside = view.beside
    order = swap(view, settings, move.to)
    said = (refused, *obstacles(view), _few(view))
    words = tuple(each for each in dict.fromkeys((stands.words if stands else "", *said)) if each)
    gone = (stands.words,) if stands is not None and stands.gone and not hidden else ()
    if beside is None:
        return Foretold(calls=(), obstacles=words, gone=gone, unread=hidden)
    mark = (
        f"elasticbeanstalk:UpdateTagsForResource {move.to.tag} {tag_key(settings.moved)}"
        " (so that the rollback is recognised as ours)"
    )
    return Foretold(
        calls=(mark, f"{order.told()} ({NO_LOCK})"),
        takes=_takes(settings),
        capacity=f"{_instances(beside)}; {_instances(view)}",
        sessions=_sessions(view, move),
        by_hand=by_hand(order, account),
        obstacles=words,
        gone=gone,
    )


def unseen(words: str) -> Foretold:
    """What can be said while nothing can be read: not even which environment has the name."""
    return Foretold(calls=(), obstacles=(words,), unread=True)


def _takes(settings: Settings) -> str:
    return (
        f"Seconds for Beanstalk, then up to {TTL.total_seconds():.0f} s until resolvers ask for {settings.cname} again: nothing is"
        " deployed. A name of your own that leads there has a time to live of its own, and some clients never ask again."
    )


def _sessions(view: View, move: Move) -> str:
    return (
        f"Connections that are open, and who was told the address before, stay on {move.expect.tag} so long; what {view.environment.name}"
        f" keeps of a session in its own memory, and the sticky cookies of its balancer, are worth nothing on {move.to.tag}."
    )


def _instances(view: View) -> str:
    return f"{view.environment.name}: {view.counts()}"


def _few(view: View) -> str:
    beside = view.beside
    if beside is None or not view.instances or not beside.environment.is_enhanced:
        return ""
    able, busy = len(beside.instances), len(view.instances)
    if able >= busy * ENOUGH:
        return ""
    return (
        f"{beside.environment.name} has {able} instances, and {busy} bear the traffic now: scale it up first"
    )
