"""What a move would do, before it is made: the calls, how long, at what capacity, what stands in its way. Reads only."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from statistics import median

from deploy.errors import AwsRefused
from deploy.model import Foretold, Move, Refused
from deploy.ports import AwsAccount
from deploy.targets.aws.wording import refusal
from deploy.targets.codedeploy.deployment import Deployment, Group
from deploy.targets.codedeploy.keeping import ALL_AT_ONCE, became_of, lost
from deploy.targets.codedeploy.looking import View
from deploy.targets.codedeploy.moving import decide, nowhere, source_of
from deploy.targets.codedeploy.observing import obstacles
from deploy.targets.codedeploy.ordering import ANSWER, Order, create
from deploy.targets.codedeploy.reading import Capacity, Reader
from deploy.targets.codedeploy.revision import Revision
from deploy.targets.codedeploy.sending import Moment
from deploy.targets.codedeploy.settings import Settings
from deploy.targets.codedeploy.trace import TAG_KEY
from deploy.targets.codedeploy.wording import command, failures

KEY = "KEY"  # stands for the action's, which is not there yet
BESIDE = (
    "nothing is taken away: in flight traffic goes back to what still stands, afterwards the old release is started beside the"
    " bad one and gets all the traffic at once"
)
NO_CAS = (
    "CodeDeploy has no compare-and-set: while somebody else's deployment is under way it refuses ours, but one that began and ended"
    " between our look and the call would be undone"
)
SESSIONS = {
    "Server": "what an instance keeps of a session in its own memory ends when its application is restarted, or its instance is left",
    "ECS": "a request that is under way ends on its old task; what a task keeps of a session in its own memory ends with it",
    "Lambda": "none is held: a call that is under way ends on the version on which it began",
}
_DEFAULTS = {
    ALL_AT_ONCE: "all instances may be away at once: while it moves the service is down",
    "CodeDeployDefault.HalfAtATime": "up to half of the instances may be away at once",
    "CodeDeployDefault.OneAtATime": "one instance is away at a time",
}


async def foretell(reader: Reader, view: View, move: Move, account: AwsAccount, moment: Moment) -> Foretold:
    """What would follow if *move* were made now."""
    async with asyncio.TaskGroup() as reading:
        decided = reading.create_task(_order(reader, view, move, moment))
        found = reading.create_task(_source(reader, view, move))
        past = reading.create_task(_takes(reader, view.group))
        kept = reading.create_task(_capacity(reader, view))
        files = reading.create_task(_became_of(reader, view, move, became_of))
        missing = reading.create_task(_became_of(reader, view, move, lost))
        failing = reading.create_task(_failing(reader, view.last))
    order, source = decided.result(), found.result()
    words = f"rollbackd by hand: back to {move.to.tag}"
    back = create(view.group, source, words) if isinstance(source, Deployment) else None
    stands = (
        order.words if isinstance(order, Refused) and order.third_tag is None else "",
        *obstacles(view),
        source if isinstance(source, str) else "",
        files.result() or "",
        failing.result(),
    )
    return Foretold(
        calls=_calls(order, view, back),
        takes=in_time(view.group, order, past.result()),
        capacity=kept.result(),
        sessions=SESSIONS.get(view.group.platform, ""),
        by_hand=by_hand(back, move, account),
        obstacles=tuple(dict.fromkeys(each for each in stands if each)),
        gone=() if _stands_still(order, view) else _gone(source, missing.result(), move),
        unread=missing.result() is None or (isinstance(source, str) and source != nowhere(move)),
    )


def _stands_still(order: object, view: View) -> bool:
    """Traffic is given back to what runs beside the bad release: its files are not needed for that."""
    return _breaks_off(order) and view.group.shifts


def _breaks_off(order: object) -> bool:
    """CodeDeploy is told to take back what is in flight."""
    return isinstance(order, Order) and order.moves and order.operation in {"stop_deployment", ANSWER}


def _gone(source: Deployment | str, missing: str | None, move: Move) -> tuple[str, ...]:
    return tuple(words for words in (source if source == nowhere(move) else "", missing) if words)


def unseen(settings: Settings, move: Move, account: AwsAccount, words: str) -> Foretold:
    """What can be said of *move* while the group cannot be read."""
    told = f"codedeploy:CreateDeployment applicationName={settings.application} deploymentGroupName={settings.deployment_group}"
    return Foretold(
        calls=(f"{told} with the revision of {move.to.tag}",),
        by_hand=_look_up(settings.application, settings.deployment_group, account),
        obstacles=(words,),
        unread=True,
    )


def by_hand(order: Order | None, move: Move, account: AwsAccount) -> str:
    """*order* as a line for a person's shell; without one, where to look for the revision."""
    if order is None:
        return f"deploy {move.to.tag} again, from where its bundle is"
    return command(order.operation, order.parameters, account.region)


def _look_up(application: str, group: str, account: AwsAccount) -> str:
    options = {
        "applicationName": application,
        "deploymentGroupName": group,
        "includeOnlyStatuses": "Succeeded",
    }
    return command("list_deployments", options, account.region)


def _calls(order: object, view: View, back: Order | None) -> tuple[str, ...]:
    """In their order: what makes room, the trace, and what moves."""
    told = back.told().replace("rollbackd by hand:", f"rollbackd {KEY}:") if back else ""
    then = (f"{told} ({NO_CAS})",) if told else ()
    if not isinstance(order, Order) or order.operation == "create_deployment":
        return then
    if not order.moves:
        return (order.told(), *then)
    return (f"codedeploy:TagResource {view.group.application}/{view.group.name} {TAG_KEY}", order.told())


async def _order(reader: Reader, view: View, move: Move, moment: Moment) -> object:
    try:
        return await decide(reader, view, move, KEY, moment)
    except AwsRefused as refused:
        return Refused(refusal(refused))


async def _source(reader: Reader, view: View, move: Move) -> Deployment | str:
    try:
        return await source_of(reader, view, move.to) or nowhere(move)
    except AwsRefused as refused:
        return f"where the files of {move.to.tag} are cannot be read: {refusal(refused)}"


async def _became_of(
    reader: Reader, view: View, move: Move, asks: Callable[[Reader, Revision | None], Awaitable[str]]
) -> str | None:
    """What stands against the files; ``None``: they may not be looked at, and nothing is known to."""
    source = await _source(reader, view, move)
    try:
        return await asks(reader, None if isinstance(source, str) else source.revision)
    except AwsRefused:
        return None


async def _failing(reader: Reader, last: Deployment | None) -> str:
    """Which instances the last deployment failed on, and with what words; the way back may fail there too."""
    try:
        found = failures(await reader.troubled(last)) if last is not None else ""
    except AwsRefused:
        return ""
    return (
        f"{last.id} failed on {found}; the way back may fail there too" if last is not None and found else ""
    )


async def _takes(reader: Reader, group: Group) -> str:
    try:
        return lasted(await reader.newest(group, succeeded=True))
    except AwsRefused as refused:
        return f"not known: {refusal(refused)}"


def in_time(group: Group, order: object, lasted: str) -> str:
    """How long *order* takes: by how long the deployments before *lasted*, and by what still stands."""
    if (
        not group.is_beside
        or not isinstance(order, Order)
        or order.operation not in {"stop_deployment", ANSWER}
    ):
        return lasted
    kept = (
        ""
        if group.keeps is None
        else f" (for {_minutes(group.keeps.total_seconds())} after the traffic has moved)"
    )
    if group.shifts:
        return f"seconds, while what served still stands{kept}; afterwards {lasted}"
    return (
        f"minutes at most, while the old instances stand{kept}, if CodeDeploy gives the traffic back to them, which AWS does not promise;"
        f" else new ones are started: {lasted}"
    )


def lasted(past: Sequence[Deployment]) -> str:
    """How long the last deployments took that succeeded."""
    seconds = [(each.completed - each.created).total_seconds() for each in past if each.completed]
    if not seconds:
        return "not known: no deployment of the group has succeeded yet"
    return f"about {_minutes(median(seconds))}, at most {_minutes(max(seconds))}, by the last {len(seconds)} deployments"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 -- two minutes


async def _capacity(reader: Reader, view: View) -> str:
    config = view.group.config
    if view.group.is_beside:
        return BESIDE
    try:
        known = None if config in _DEFAULTS else await reader.capacity(config)
    except AwsRefused as refused:
        return f"by {config}, which cannot be read: {refusal(refused)}"
    return capacity(view.group, known)


def capacity(group: Group, kept: Capacity | None) -> str:
    """How many instances may be away at once, and what visitors notice."""
    said = _DEFAULTS.get(group.config) or _kept(kept)
    users = (
        "each is taken out of its balancer first"
        if group.is_behind
        else "nothing is taken out of a balancer: visitors of an instance meet its restart"
    )
    return f"{said} ({group.config}); {users}"


def _kept(kept: Capacity | None) -> str:
    if kept is None:
        return "how many instances stay is not told"
    return (
        f"at least {kept.value}{' %' if kept.kind == 'FLEET_PERCENT' else ''} of the instances stay healthy"
    )
