"""What a move would do, before it is made: the call, how long, what is cold, what stands in its way. Reads only.

Source:
    https://docs.aws.amazon.com/lambda/latest/dg/provisioned-concurrency.html: an alias's environments are prepared anew when
    it points to another version, up to 6,000 in a minute; until then calls start cold.
"""

from datetime import datetime

from deploy.errors import AwsRefused
from deploy.model import Foretold, Move, Refused, Release
from deploy.ports import AwsAccount
from deploy.targets.aws.batching import together
from deploy.targets.aws.wording import plain, refusal
from deploy.targets.lambda_alias.alias import Alias
from deploy.targets.lambda_alias.looking import View
from deploy.targets.lambda_alias.moving import Order, by_hand, decide, update
from deploy.targets.lambda_alias.reading import Mapped, Provisioned, Reader
from deploy.targets.lambda_alias.settings import Settings
from deploy.targets.lambda_alias.version import Version

_WAYS = "an invocation that is under way ends on the version that it began on"


async def foretell(
    reader: Reader, view: View, move: Move, settings: Settings, account: AwsAccount, now: datetime
) -> Foretold:
    """What would follow if *move* were made now."""
    order = decide(view, settings, account, move, "foretold", now)
    if settings.alias is None or view.alias is None:
        return _without_alias(view, order)
    unread = False
    try:
        warm, in_the_way, gone = await _read(reader, view.alias, move, settings)
    except AwsRefused as refused:
        warm, in_the_way, gone = f"what is kept warm is not known: {refusal(refused)}", (), ()
        unread = True
    refused_words = (order.words,) if isinstance(order, Refused) and order.third_tag is None else ()
    would = order if isinstance(order, Order) else Order(update(settings, move))
    return Foretold(
        calls=(would.told(),),
        takes=f"some seconds: an alias is changed at once. {_under_way(view, move)}",
        capacity=warm,
        sessions="none is held: a call that is under way ends on the version on which it began",
        by_hand=by_hand(settings, move, account),
        obstacles=tuple(dict.fromkeys((*refused_words, *view.obstacles, *in_the_way))),
        gone=gone,
        unread=unread,
    )


def unseen(settings: Settings, move: Move, account: AwsAccount, words: str) -> Foretold:
    """What can be said of *move* while the alias cannot be read."""
    line = by_hand(settings, move, account) if settings.alias else ""
    return Foretold(
        calls=(Order(update(settings, move)).told(),), by_hand=line, obstacles=(words,), unread=True
    )


def _without_alias(view: View, order: object) -> Foretold:
    said = (order.words,) if isinstance(order, Refused) else ()
    return Foretold(calls=(), obstacles=tuple(dict.fromkeys((*said, *view.obstacles))))


def _under_way(view: View, move: Move) -> str:
    bad = next((each for each in view.versions if each.release.is_same_as(move.expect)), None)
    return f"{_WAYS[0].upper()}{_WAYS[1:]}{f', within {bad.timeout} s' if bad else ''}"


async def _read(
    reader: Reader, alias: Alias, move: Move, settings: Settings
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """What is kept warm; what stands in the way; and by which of it the wanted version is there no more."""
    name = settings.function_name
    version = await reader.version_now(name, move.to.tag)
    if version is None:
        words = f"version {move.to.tag} of {name} was deleted: publish the same content anew, and deploy that"
        return "", (words,), (words,)
    of_alias, of_good, of_bad = await together(
        *(reader.provisioned(name, each) for each in (settings.alias or "", move.to.tag, move.expect.tag))
    )
    pinned, plain_calls = await together(
        *(reader.mappings(each) for each in (f"{name}:{move.expect.tag}", name))
    )
    state = _state(version)
    said = (
        state,
        _failed(move, of_good),
        *(_stays(each, settings, move, alias) for each in dict.fromkeys((*pinned, *plain_calls))),
    )
    gone = (state,) if version.state == "Failed" else ()
    return capacity(move, of_alias, of_good, of_bad), tuple(words for words in said if words), gone


async def cold(reader: Reader, settings: Settings, release: Release) -> str:
    """Why a version should not be given its first calls yet; empty where nothing is known to be cold.

    Where no provisioned concurrency is configured *for the version* nothing tells: to call it is its callers' business. What is
    configured for the alias is prepared only once that points to it.

    Raises:
        AwsRefused: Lambda does not tell it.
    """
    name = settings.function_name
    version = await reader.version_now(name, release.tag)
    if version is None:
        return f"{name} has no version {release.tag} any more"
    kept = await reader.provisioned(name, release.tag)
    if kept is not None and kept.status != "READY":
        why = f": {plain(kept.reason)}" if kept.reason else ""
        return f"{kept.ready} of {kept.requested} warm environments of version {release.tag} are ready ({kept.status}){why}"
    return _state(version)


def capacity(
    move: Move, of_alias: Provisioned | None, of_good: Provisioned | None, of_bad: Provisioned | None
) -> str:
    """What is kept warm of the version that is gone back to."""
    good, bad = move.to.tag, move.expect.tag
    if of_good is not None and of_good.status == "READY":
        return f"version {good} has {of_good.ready} environments that are kept warm"
    if of_good is not None:
        return f"version {good}: {of_good.ready} of {of_good.requested} warm environments are ready ({of_good.status})"
    if of_alias is not None:
        return (
            f"cold at first: the {of_alias.requested} warm environments of the alias are prepared anew for version {good},"
            " which takes Lambda a minute or two; until then calls wait for a cold start"
        )
    if of_bad is not None:
        return (
            f"cold: version {bad} has {of_bad.requested} warm environments and version {good} has none; calls wait for a cold"
            f" start until it has run for a while, or has its own (`aws lambda put-provisioned-concurrency-config`)"
        )
    return f"nothing is kept warm, of either version: the first calls of {good} wait for a cold start"


def _state(version: Version) -> str:
    if version.state == "Active":
        return ""
    why = f": {plain(version.reason)}" if version.reason else ""
    if version.state == "Inactive":
        return f"version {version.number} is Inactive{why}: its first calls fail until Lambda has prepared it; call it once"
    return f"version {version.number} is {version.state}{why}"


def _failed(move: Move, of_good: Provisioned | None) -> str:
    if of_good is None or of_good.status != "FAILED":
        return ""
    return f"version {move.to.tag} could not be given its warm environments: {plain(of_good.reason)}"


def _stays(mapped: Mapped, settings: Settings, move: Move, alias: Alias) -> str:
    """What is said of a queue or stream that does not call the alias; empty of one that does, or is of no concern."""
    qualifier = mapped.function.split(":", 7)[7] if mapped.function.count(":") == _QUALIFIED else ""
    if qualifier in {settings.alias, move.to.tag} or (
        qualifier and qualifier not in {alias.version, move.expect.tag}
    ):
        return ""
    what = f"version {qualifier} itself" if qualifier else "$LATEST"
    return (
        f"{plain(mapped.source, 120)} calls {what}, and not the alias (event source mapping {plain(mapped.id, 36)}): a rollback"
        f" does not reach it; let it call {settings.called}"
    )


_QUALIFIED = 7  # colons of a function's ARN that has a qualifier
