"""What a move would do, before it is made: the calls, how long, at what capacity, what stands in its way. Reads only."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from deploy.errors import AwsRefused
from deploy.model import Foretold, Move, Refused
from deploy.ports import AwsAccount
from deploy.targets.aws.wording import refusal
from deploy.targets.ecs.definition import Definition, Image
from deploy.targets.ecs.examining import minutes
from deploy.targets.ecs.expiring import is_list
from deploy.targets.ecs.history import WENT_BACK, WENT_WELL, Attempt
from deploy.targets.ecs.looking import View
from deploy.targets.ecs.moving import decide, same_definition
from deploy.targets.ecs.observing import obstacles
from deploy.targets.ecs.ordering import Order, update
from deploy.targets.ecs.reading import Reader
from deploy.targets.ecs.service import Service
from deploy.targets.ecs.settings import Settings

LAST = 20  # deployments that are looked at
_ECR = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<repository>[a-z0-9._/-]{2,256})"
)
MISSING = frozenset({"ImageNotFoundException", "RepositoryNotFoundException"})
NO_CAS = "ECS has no compare-and-set: it is read right before, and what somebody deploys between our look and the call is replaced"
SESSIONS = (
    "a request that is under way ends on its old task, within the deregistration delay and the task's stop time-out; what a task keeps of"
    " a session in its own memory ends with it"
)
BY_ITS_NAME = "it names the one deployment that it is of: what somebody else deploys is not touched"


@dataclass(frozen=True, slots=True)
class Stands:
    """What stands against a release: it is *gone*, or what became of it could not be read (not all that is *unread* has words)."""

    gone: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    is_unread: bool = False


async def foretell(
    reader: Reader, view: View, move: Move, account: AwsAccount, container: str | None
) -> Foretold:
    """What would follow if *move* were made now."""
    async with asyncio.TaskGroup() as reading:
        decided = reading.create_task(_order(reader, view, move))
        takes = reading.create_task(_takes(reader, view.service))
        stands = reading.create_task(_in_the_way(reader, move, account, container))
    order = decided.result()
    would = order if isinstance(order, Order) else update(view.service, move.to)
    # ECS itself goes back to what it has, whatever became of its name.
    stand = Stands() if would.native else stands.result()
    refused = (order.words,) if isinstance(order, Refused) and order.third_tag is None else ()
    return Foretold(
        calls=(
            f"ecs:TagResource {view.service.arn} rollbackd:move (so that the rollback is recognised as ours)",
            f"{would.told()} ({NO_CAS if would.operation == 'update_service' else BY_ITS_NAME})",
        ),
        takes=in_time(view.service, would, takes.result()),
        capacity=capacity(view.service),
        sessions=SESSIONS,
        by_hand=would.by_hand(account.region),
        obstacles=tuple(dict.fromkeys((*refused, *obstacles(view.service), *stand.unread, *stand.gone))),
        gone=stand.gone,
        unread=stand.is_unread,
    )


def unseen(settings: Settings, move: Move, account: AwsAccount, words: str) -> Foretold:
    """What can be said of *move* while the service cannot be read."""
    service = Service(settings.service_name, "", settings.cluster_name)
    order = update(service, move.to)
    return Foretold(
        calls=(order.told(),), by_hand=order.by_hand(account.region), obstacles=(words,), unread=True
    )


def in_time(service: Service, order: Order, lasted: str) -> str:
    """How long *order* takes: by the time that *lasted* the deployments before, and by what still stands."""
    strategy = service.strategy
    if not strategy.shifts:
        return lasted
    if order.native:
        kept = (
            f"until {minutes(strategy.bake)} after all the traffic has moved"
            if strategy.bake
            else "until it has moved"
        )
        return f"seconds, while the old tasks stand ({kept}): only the traffic goes back; afterwards {lasted}"
    steps = (
        f"; from the first of it to all takes {minutes(strategy.shifts_for)}" if strategy.shifts_for else ""
    )
    hooks = (
        f"; it waits at {', '.join(strategy.pauses)}, and is told to go on there" if strategy.pauses else ""
    )
    return f"{lasted}; by the service's own strategy {strategy.name}: {strategy.told()}{steps}{hooks}"


def capacity(service: Service) -> str:
    """How many tasks may be away at once, and how many there may be, while it moves."""
    if service.strategy.shifts:
        return f"all {service.desired} tasks are kept until the traffic has moved: up to {2 * service.desired} may run"
    least = 100 if service.least is None else service.least
    most = 200 if service.most is None else service.most
    kept, made = -(-service.desired * least // 100), service.desired * most // 100
    gone = service.desired - kept
    may = (
        f"{gone} of {service.desired} tasks may be gone at once"
        if gone > 0
        else f"all {service.desired} tasks are kept"
    )
    return f"{may}, up to {made} may run"


async def _order(reader: Reader, view: View, move: Move) -> object:
    try:
        return await decide(reader, view, move)
    except AwsRefused as refused:
        return Refused(refusal(refused))


async def _takes(reader: Reader, service: Service) -> str:
    try:
        found = await reader.newest(service.cluster, service.name, LAST) if service.is_ours else ()
    except AwsRefused as refused:
        return f"not known: {refusal(refused)}"
    return lasted(found)


def lasted(attempts: Sequence[Attempt]) -> str:
    """How long the last deployments took that came to an end."""
    seconds = [
        (each.finished - each.started).total_seconds()
        for each in attempts
        if each.started and each.finished and each.status in {WENT_WELL, WENT_BACK}
    ]
    if not seconds:
        return "not known: ECS remembers no deployment of it that ended"
    return f"about {_minutes(median(seconds))}, at most {_minutes(max(seconds))}, by the last {len(seconds)} deployments"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 -- two minutes


async def _in_the_way(reader: Reader, move: Move, account: AwsAccount, container: str | None) -> Stands:
    """What became of the wanted release: its definition, its images."""
    try:
        registered = await reader.registered(move.to.tag)
    except AwsRefused as refused:
        return Stands(unread=(f"{move.to.tag} cannot be read: {refusal(refused)}",), is_unread=True)
    said = [] if registered.status == "ACTIVE" else [_deregistered(move, registered.status)]
    if move.expect.tag == move.to.tag:
        said.append(same_definition(move))
    main, is_unread = registered.definition.main(container), False
    for image in registered.definition.images:
        digest = move.to.names.get("digest") if image is main else None
        words = await _image(reader, registered.definition, image, digest, account)
        is_unread = is_unread or words is None
        said.append(words or "")
    return Stands(tuple(words for words in said if words), is_unread=is_unread)


def _deregistered(move: Move, status: str) -> str:
    return f"{move.to.tag} is {status}: ECS deploys only what is ACTIVE; register the same content anew, and deploy that"


async def _image(
    reader: Reader, definition: Definition, image: Image, digest: str | None, account: AwsAccount
) -> str | None:
    """What stands against *image*, which was *digest* when it served; empty if nothing does, for all ECR tells; ``None``: unread."""
    place = place_of(image, account)
    if place is None:
        return ""
    try:
        found = await reader.image(*place, image)
    except AwsRefused as refused:
        gone = refused.code in MISSING
        return f"{definition.tag}: ECR has no image {image.written} any more: push it again" if gone else None
    return became_of(found, definition, image, digest) if found else None


def place_of(image: Image, account: AwsAccount) -> tuple[str, str] | None:
    """The registry and the repository of ECR that *image* is in; ``None``: it is in none of the account's region."""
    found = _ECR.fullmatch(image.repository)
    if found is None or found["region"] != account.region:
        return None
    return found["registry"], found["repository"]


def became_of(found: Mapping[str, object], definition: Definition, image: Image, digest: str | None) -> str:
    """What ECR's ``imageDetails`` say against *image*, which was *digest* when it served; empty: nothing."""
    if found.get("imageStatus") == "ARCHIVED":
        return f"{definition.tag}: ECR has archived the image {image.written}: restore it"
    now = found.get("imageDigest")
    # Images for several platforms: the registry names the digest of their list, ECS that of the one that runs.
    if image.digest or digest is None or now == digest or is_list(found):
        return ""
    return (
        f"{definition.tag}: {image.written} is {now} now, and was {digest} when it served: the tag was moved; pin images to"
        " their digests, or make the repository immutable"
    )
