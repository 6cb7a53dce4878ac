"""What a move would do, before it is made: the calls, the targets, the sessions, what stands in its way. Reads only.

Source:
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html (deregistration
    delay, slow start)
"""

from collections.abc import Mapping, Sequence

from deploy.errors import AwsRefused
from deploy.model import Foretold, Move, Refused
from deploy.ports import AwsAccount
from deploy.targets.aws.batching import together
from deploy.targets.aws.beside import group_attributes
from deploy.targets.aws.wording import refusal
from deploy.targets.load_balancer.group import Group
from deploy.targets.load_balancer.looking import View
from deploy.targets.load_balancer.moving import Order, by_hand, decide, nowhere, order, sick
from deploy.targets.load_balancer.reading import Health, Reader
from deploy.targets.load_balancer.settings import Settings

SLOW_START, DRAINS = "slow_start.duration_seconds", "deregistration_delay.timeout_seconds"
ENOUGH = 0.5  # of the targets that the other group has: fewer may not bear its traffic. A guess
NO_LOCK = "the balancer has no compare-and-set: whoever changes the rule in that very moment is overwritten"


async def foretell(
    reader: Reader, view: View, move: Move, settings: Settings, account: AwsAccount
) -> Foretold:
    """What would follow if *move* were made now."""
    decided = decide(view, settings, move)
    said = (decided.words,) if isinstance(decided, Refused) and decided.third_tag is None else ()
    wanted, left = view.serving(move.to), view.serving(move.expect)
    if view.forward is None or not wanted:
        gone = () if wanted else (nowhere(view, settings, move.to),)
        return Foretold(calls=(), obstacles=tuple(dict.fromkeys((*said, *view.obstacles))), gone=gone)
    stays = settings.sessions == "stay"
    would = (
        decided
        if isinstance(decided, Order)
        else order(view, settings, view.forward.given_to([each.arn for each in wanted], stays=stays))
    )
    try:
        health = await healths(reader, (*wanted, *left))
        slow, drains = await _delays(reader, wanted, left)
    except AwsRefused as refused:
        return Foretold(
            _calls(would, settings),
            by_hand=by_hand(would, move, account),
            obstacles=(*said, refusal(refused)),
            unread=True,
        )
    dead = sick(wanted, health)
    in_the_way = (dead, _few(wanted, left, health))
    return Foretold(
        calls=_calls(would, settings),
        takes=" ".join(filter(None, (_takes(move, drains), slow))),
        capacity="; ".join(_targets(each, health[each.arn]) for each in (*wanted, *left)),
        sessions=_sessions(view, move, settings),
        by_hand=by_hand(would, move, account),
        obstacles=tuple(dict.fromkeys(filter(None, (*said, *view.obstacles, *in_the_way)))),
        # Targets that are ill may be well when it counts; where there are none somebody has taken them away.
        gone=(dead,) if any(health[each.arn].registered == 0 for each in wanted) else (),
    )


def unseen(words: str) -> Foretold:
    """What can be said while the rule cannot be read: the weights to be sent stand beside what has to stay."""
    return Foretold(calls=(), obstacles=(words,), unread=True)


async def healths(reader: Reader, groups: Sequence[Group]) -> Mapping[str, Health]:
    """By ARN. May raise `AwsRefused`."""
    arns = tuple(dict.fromkeys(each.arn for each in groups))
    return dict(zip(arns, await together(*(reader.health(arn) for arn in arns)), strict=True))


def _calls(would: Order, settings: Settings) -> tuple[str, ...]:
    trace = f"elasticloadbalancing:AddTags {settings.arn} rollbackd:move (so that the rollback is recognised as ours)"
    return trace, f"{would.told()} ({NO_LOCK})"


async def _delays(reader: Reader, wanted: Sequence[Group], left: Sequence[Group]) -> tuple[str, int]:
    """What slow start does, in words; and how many seconds targets that are taken out of the other group may still answer."""
    warm = await together(*(group_attributes(reader.call, reader.scope, each.arn) for each in wanted))
    cold = await together(*(group_attributes(reader.call, reader.scope, each.arn) for each in left))
    slow = max((_seconds(each, SLOW_START) for each in warm), default=0)
    words = f"Slow start ({slow} s) slows only targets that have become healthy since then." if slow else ""
    return words, max((_seconds(each, DRAINS) for each in cold), default=0)


def _takes(move: Move, drains: int) -> str:
    delay = f", and once they are, they have {drains} s to drain" if drains else ""
    return (
        "Seconds: weights hold at once. A request that is under way ends where it is; no target of"
        f" {move.expect.tag} is deregistered{delay}."
    )


def _sessions(view: View, move: Move, settings: Settings) -> str:
    """What becomes of those who are bound to the group that is left."""
    if view.forward is None or not view.forward.sticky:
        return (
            f"None is bound to a group: the next request goes to {move.to.tag}, and what {move.expect.tag} keeps of a session in its own"
            " memory is not there."
        )
    bound = f"Sticky sessions ({view.forward.lasting} s)"
    if settings.sessions == "stay":
        return f"{bound} stay on {move.expect.tag} until their cookie ends: only who comes without one goes to {move.to.tag}."
    return (
        f"{bound} are moved with their next request, and stickiness stays off until somebody switches it on again: what"
        f" {move.expect.tag} keeps of a session in its own memory is not there on {move.to.tag}"
        " (`sessions: stay` would leave them)."
    )


def _targets(group: Group, health: Health) -> str:
    serves = group.release.tag if group.release else "nobody knows what"
    return f"{group.name} ({serves}) has {health.healthy} of {health.registered} targets healthy"


def _few(wanted: Sequence[Group], left: Sequence[Group], health: Mapping[str, Health]) -> str:
    able, busy = (sum(health[each.arn].healthy for each in groups) for groups in (wanted, left))
    if 0 < able < busy * ENOUGH:
        names = ", ".join(each.name for each in wanted)
        return f"{names} has {able} healthy targets, and {busy} bear the traffic now: scale it up first"
    return ""


def _seconds(attributes: Mapping[str, str], key: str) -> int:
    written = attributes.get(key, "")
    return int(written) if written.isdecimal() else 0
