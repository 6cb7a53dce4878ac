"""What a move would do, before it is made: the calls, how long, at what capacity, what stands in its way."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from deploy.errors import AwsRefused
from deploy.model import Foretold, Move, Refused
from deploy.ports import AwsAccount
from deploy.targets.aws.wording import refusal
from deploy.targets.beanstalk.environment import READY, Environment, Happened
from deploy.targets.beanstalk.looking import View, obstacles
from deploy.targets.beanstalk.moving import Asked, Order, by_hand, decide, update
from deploy.targets.beanstalk.policy import Policy
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.settings import Settings
from deploy.targets.beanstalk.trace import tag_key
from deploy.targets.beanstalk.version import became_of

SESSIONS = (
    "what an instance keeps of a session in its own memory ends when the old version is started on it, or the instance is replaced; a"
    " balancer that drains lets requests end first"
)
# [C] As Beanstalk words the events of an update.
_BEGINS, _ENDS = "environment update is starting", "environment update completed successfully"


async def foretell(
    reader: Reader, view: View, move: Move, settings: Settings, account: AwsAccount, at: datetime
) -> Foretold:
    """What would follow if *move* were made now."""
    environment = view.environment
    try:
        policy = await reader.policy(environment)
        takes = await _takes(reader, environment)
        version, bundle = await reader.version_now(settings.application, move.to.tag)
        now = became_of(version, bundle, move.to.tag)
        is_hidden = version is None and not await _sees(reader, settings, move.expect.tag)
        order = await decide(reader, view, settings, move, Asked(at))
    except AwsRefused as refused:
        return unseen(settings, move, account, refusal(refused))
    sets = update(settings, move.to)
    refused_words = order.words if isinstance(order, Refused) and order.third_tag is None else ""
    said = (refused_words, *obstacles(view), now)
    return Foretold(
        calls=_calls(order, sets, settings, policy),
        takes=takes,
        capacity=policy.capacity(),
        sessions=SESSIONS,
        by_hand=by_hand(sets, account),
        obstacles=tuple(words for words in dict.fromkeys(said) if words),
        gone=(now,) if now and not is_hidden else (),
        unread=is_hidden or (bundle is not None and bundle.hidden),
    )


async def _sees(reader: Reader, settings: Settings, label: str) -> bool:
    """A version that is deployed cannot be deleted: where not even that is to be seen, it is the role that may not see it."""
    return bool(await reader.versions(settings.application, [label]))


def unseen(settings: Settings, move: Move, account: AwsAccount, words: str) -> Foretold:
    """What can be said of *move* while the environment cannot be read."""
    order = update(settings, move.to)
    return Foretold(calls=(order.told(),), by_hand=by_hand(order, account), obstacles=(words,), unread=True)


def _calls(order: object, sets: Order, settings: Settings, policy: Policy) -> tuple[str, ...]:
    mark = (
        f"elasticbeanstalk:UpdateTagsForResource {sets.parameters['VersionLabel']} {tag_key(settings.moved)}"
        " (so that the rollback is recognised as ours)"
    )
    no_cas = (
        f"{sets.told()} (Beanstalk has no compare-and-set: while somebody else's update is under way it refuses ours, but one that"
        " began and ended between our look and the call would be undone)"
    )
    if not isinstance(order, Order) or order.moves:
        return (mark, no_cas)
    first = f"{order.told()} (Beanstalk has no compare-and-set: it breaks off whatever is under way in that moment)"
    then = (
        "once it is Ready; not if that alone has put everything back, as this policy does"
        if policy.is_beside
        else "once it is Ready, for batches that were done keep the new version"
    )
    return (first, mark, f"{no_cas}: {then}")


async def _takes(reader: Reader, environment: Environment) -> str:
    waits = (
        "" if environment.status == READY else f"it is {environment.status}, and must be Ready first; then "
    )
    return f"{waits}{lasted(await reader.events(environment, 'INFO'))}"


def lasted(events: Sequence[Happened]) -> str:
    """How long the last updates took that ended well, by what Beanstalk remembers, the newest first."""
    spans: list[timedelta] = []
    began = None
    for event in reversed(events):
        said = event.message.lower()
        if said.startswith(_BEGINS):
            began = event.at
        elif said.startswith(_ENDS) and began is not None:
            spans.append(event.at - began)
            began = None
    if not spans:
        return "how long is not known: Beanstalk remembers no update of it that ended well"
    seconds = [span.total_seconds() for span in spans]
    return f"about {_minutes(median(seconds))}, at most {_minutes(max(seconds))}, by the last {len(seconds)} updates"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - two minutes
