"""What a move would do, before it is made: the call, how long, what stands in its way. Reads only.

Source:
    https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-creating-deployment-strategy.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deploy.errors import AwsRefused
from deploy.model import Foretold, Move, Refused
from deploy.ports import AwsAccount
from deploy.targets.appconfig.content import release_of, version_of
from deploy.targets.appconfig.looking import View
from deploy.targets.appconfig.moving import Order, by_hand, decide, reverts_to, start, stop, with_key_of
from deploy.targets.appconfig.reading import Means, Reader
from deploy.targets.appconfig.settings import Settings
from deploy.targets.appconfig.trace import TAG_KEY
from deploy.targets.aws.wording import plain, refusal
from deploy.targets.leaving import BEGUN_IS_FINISHED, NONE_AWAY

KEY = "KEY"  # stands for the action's, which is not there yet
POLLS = "clients take it up when they ask next: the agent of AppConfig does so every 45 s, unless it was told otherwise"


async def foretell(
    reader: Reader, view: View, move: Move, settings: Settings, account: AwsAccount, now: datetime
) -> Foretold:
    """What would follow if *move* were made now."""
    decided = decide(view, settings, move, KEY, now)
    anew = with_key_of(start(settings, view, move, KEY, now), await before(reader, view, move, settings))
    order = decided if isinstance(decided, Order) else anew
    # What is stopped on the way to a version that did not serve just before is followed by that version.
    then = (anew,) if order.stops is not None and not _is_enough(view, move) else ()
    said = (decided.words,) if isinstance(decided, Refused) and decided.third_tag is None else ()
    gone, unread = "", False
    try:
        gone, stands, takes = await _stands(reader, settings, move, anew=order.stops is None or bool(then))
    except AwsRefused as refused:
        stands, takes = (f"what stands in the way is not known: {refusal(refused)}",), ""
        unread = True
    return Foretold(
        calls=(
            *_trail(order),
            *(each.told() for each in (order, *then)),
        ),
        takes=f"{takes or 'some seconds: it is taken back at once'}; {POLLS}",
        capacity=NONE_AWAY,
        sessions=BEGUN_IS_FINISHED,
        by_hand=by_hand(order, move, account),
        obstacles=tuple(dict.fromkeys(filter(None, (*said, gone, *stands)))),
        gone=(gone,) if gone else (),
        unread=unread,
    )


def unseen(settings: Settings, move: Move, account: AwsAccount, now: datetime, words: str) -> Foretold:
    """What can be said of *move* while AppConfig cannot be read."""
    order = start(settings, View(), move, KEY, now)
    return Foretold(
        calls=(order.told(),), by_hand=by_hand(order, move, account), obstacles=(words,), unread=True
    )


def line(view: View, move: Move, settings: Settings, account: AwsAccount, now: datetime) -> str:
    """What a person can run who wants *move* to be made now."""
    head = view.head.deployment if view.head else None
    if head is not None and head.can_be_undone(now) and (reverts_to(view, move) or head.is_coming):
        return by_hand(stop(settings, head, move, KEY, now), move, account)
    return by_hand(start(settings, view, move, KEY, now), move, account)


async def before(reader: Reader, view: View, move: Move, settings: Settings) -> Mapping[str, Any] | None:
    """The deployment by which the wanted version served last, as GetDeployment tells it; ``None``: it is not known."""
    version = version_of(move.to.tag)
    found = next((each for each in view.past if each.version == version), None)
    return None if found is None else await reader.deployment(settings, found.number)


async def lost(reader: Reader, settings: Settings, move: Move) -> str:
    """Why the wanted version cannot be deployed any more; empty: it can, or AppConfig does not tell what stands in it."""
    profile = await reader.profile(settings)
    if not profile.is_hosted:
        return ""
    version = version_of(move.to.tag)
    content = await reader.content(settings, version)
    if content is None:
        return (
            f"version {plain(version, 40)} was deleted: create it anew with the same content, and deploy that"
        )
    if release_of(version, "", content, profile.kind).is_same_as(move.to):
        return ""
    return (
        f"version {plain(version, 40)} was deleted, and its number given to another content since: create one with the content that"
        " was well, and deploy that"
    )


def _is_enough(view: View, move: Move) -> bool:
    return view.below is not None and view.below.release.is_same_as(move.to)


def _trail(order: Order) -> tuple[str, ...]:
    if order.stops is None or order.trace is None:
        return ()
    return (f"appconfig:TagResource deployment/{order.stops} {TAG_KEY}",)


async def _stands(
    reader: Reader, settings: Settings, move: Move, *, anew: bool
) -> tuple[str, tuple[str, ...], str]:
    """Of a version that is deployed *anew*: why it is not there any more, what else stands in the way, and how long it takes.

    What is stopped or reverted is AppConfig's to find: it is not asked for.
    """
    if not anew:
        return "", (), ""
    means = await reader.means(settings)
    gone = await lost(reader, settings, move)
    said = strategy_words(settings, means)
    minutes = int((means.strategy or {}).get("DeploymentDurationInMinutes", 0))
    return (
        gone,
        tuple(said),
        f"{minutes} min, by the strategy {settings.strategy}" if minutes else "some seconds",
    )


def strategy_words(settings: Settings, means: Means) -> list[str]:
    """What the strategy by which an old version is deployed would do to a rollback."""
    strategy, alarms = means.strategy, means.alarms
    if strategy is None:
        return [f"there is no deployment strategy {settings.strategy}"]
    said = []
    if minutes := int(strategy.get("DeploymentDurationInMinutes", 0)):
        said.append(
            f"the strategy {settings.strategy} gives an old version to all targets only after {minutes} min"
        )
    bakes = int(strategy.get("FinalBakeTimeInMinutes", 0))
    if (bakes or minutes) and alarms:
        said.append(
            f"AppConfig minds {len(alarms)} alarm{'s' if len(alarms) > 1 else ''} while it deploys, and {bakes} min more: one that rings"
            f" still takes a version that is deployed anew back again"
        )
    return said
