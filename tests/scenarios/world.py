"""What a story is told of: services and their promises, what is deployed when, and what goes wrong. Only what matters is said.

    world = a_world(release("v2", at=minutes(10), fails=0.05))
    story = in_virtual_time(watched(world, minutes=40))

On a plain day ``checkout`` in ``production`` has served v1 for a month, which passed; 50 requests a second come in, and one
in a thousand fails. A release gets half of the traffic, and the one before it keeps the other half.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from deploy.model import WHOLE, Release
from rules.model import CanaryVsBaseline, Consequence, Indicator, Judge, Kind, Rule, RuleSet, Slo, Threshold
from tests.scenarios.platforms import Mood
from tests.scenarios.signals import Dark, Trouble
from tests.scenarios.stage import CHANNEL, Stage, place
from tests.scenarios.traffic import Fault
from watcher.core.service import Bake, Mode, Policy, Service, Team

USUAL = 0.001  # of the requests fail on a plain day
MINUTE = 60  # seconds, a bucket

# --------------------------------------------------------------------------------------------------- services, promises


def an_indicator(
    id: str, of: str = "checkout", *, compares: bool = True, provider: str = "counts", every: int = MINUTE
) -> Indicator:
    version = {"version": "${arm.version}"} if compares else {}
    query = json.dumps({"of": of, "every": every, **version})
    return Indicator(id, Kind.RATIO, provider, query, compares_arms=compares)


def a_rule(
    judge: Judge, id: str = "errors", on_breach: Consequence = Consequence.ROLLBACK, **changes: Any
) -> Rule:
    return replace(Rule(id, id, on_breach, indicator=id, judge=judge), **changes)


def compared(of: str = "checkout", *, provider: str = "counts", **changes: Any) -> RuleSet:
    """No more errors than the release beside it."""
    return RuleSet((an_indicator("errors", of, provider=provider),), (a_rule(CanaryVsBaseline(), **changes),))


def an_objective(
    share: float = 0.99, of: str = "checkout", *, provider: str = "counts", **changes: Any
) -> RuleSet:
    """An absolute objective, over all that is answered."""
    indicator = an_indicator("objective", of, compares=False, provider=provider)
    return RuleSet((indicator,), (a_rule(Slo(share), "objective", **changes),))


def a_limit(
    above: float = 0.02, of: str = "checkout", *, provider: str = "counts", **changes: Any
) -> RuleSet:
    """A fixed limit, over all that is answered."""
    indicator = an_indicator("limit", of, compares=False, provider=provider)
    return RuleSet((indicator,), (a_rule(Threshold(above=above), "limit", **changes),))


def together(*promises: RuleSet) -> RuleSet:
    return RuleSet(
        tuple(indicator for each in promises for indicator in each.indicators),
        tuple(rule for each in promises for rule in each.rules),
    )


def a_service(
    name: str = "checkout",
    rules: RuleSet | None = None,
    *,
    parts: tuple[str, ...] = (WHOLE,),
    mode: Mode = Mode.AUTO,
    **policy: Any,
) -> Service:
    """Armed, and watched for a quarter of an hour."""
    plain = Policy(rules or compared(name), mode, bake=Bake(timedelta(minutes=15), timedelta(hours=2)))
    return Service(name, "production", replace(plain, **policy), parts, Team("shop", (CHANNEL,)), ("http",))


# ------------------------------------------------------------------------------------------------------- what happens


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens at a time."""

    at: timedelta
    do: Callable[[Stage], Awaitable[None]]


def at(moment: timedelta, do: Callable[[Stage], Awaitable[None]]) -> Act:
    return Act(moment, do)


def content(tag: str, of: str = "checkout", part: str = WHOLE) -> str:
    """The fingerprint of a release."""
    return f"sha256:{of}-{part}-{tag}"


def release(
    tag: str,
    *,
    at: timedelta,
    fails: float = USUAL,
    share: float = 0.5,
    of: str = "checkout",
    parts: Sequence[str] = (),
    takes: float = 0,
    announced: bool = True,
    same_as: str | None = None,
    **said: Any,
) -> Act:
    """*tag* is deployed to all parts of a service, or some; and announced, unless it is done by hand.

    Args:
        tag: Its tag.
        at: When.
        fails: The share of its requests that fail.
        share: Of the traffic, that it gets; what served before keeps the rest.
        of: The service, in production; ``checkout@staging`` elsewhere.
        parts: Those that are deployed; all, if none is named.
        takes: Seconds that the rollout takes.
        announced: By a pipeline, when all is there.
        same_as: Another tag of the same content.
        said: What else the pipeline says.
    """

    async def deploy(stage: Stage) -> None:
        stage.traffic[of].usual[tag] = fails
        for part in parts or next(each for each in stage.services if place(each) == of).parts:
            new = a_release(same_as or tag, tag, of, part)
            stage.platforms[of, part].goes_to(new, share=share, takes=takes)
        if announced:
            name, _, environment = of.partition("@")
            said.setdefault("environment", environment or "production")
            await stage.announce(service=name, tag=tag, **{"id": f"run:{tag}@{at.total_seconds():g}", **said})

    return Act(at, deploy)


def a_release(what: str, tag: str | None = None, of: str = "checkout", part: str = WHOLE) -> Release:
    """*what* says the content; its tag is the same, if none is given."""
    image = f"sha256:image-of-{of.partition('@')[0]}-{part}-{what}"
    return Release(content(what, of, part), tag or what, {"version": tag or what, "digest": image})


def order(moment: timedelta, kind: str, of: str = "checkout", **said: Any) -> Act:
    """A person orders something of the watch; ``lasting`` is its ``for``."""
    body = {("for" if name == "lasting" else name): value for name, value in said.items()}
    return Act(moment, lambda stage: stage.order(of, order=kind, **body))


def disarmed(moment: timedelta, lasting: str, of: str = "*") -> Act:
    where = "*" if of == "*" else "production"
    body = {"order": "disarm", "reason": "the database moves", "for": lasting}
    return Act(moment, lambda stage: stage.order_service(of, where, **body))


def killed(moment: timedelta) -> Act:
    """``kill -9``, and the daemon is started again."""
    return Act(moment, lambda stage: stage.is_killed_and_born_again())


def outage(start: timedelta, end: timedelta, fails: float, version: str | None = None) -> Fault:
    """Something that all versions need is away; or one of them alone breaks."""
    return Fault(start.total_seconds(), end.total_seconds(), fails, version)


def dark(trouble: Trouble, start: timedelta, end: timedelta, of: str | None = None) -> Dark:
    """The signal system has a bad day."""
    return Dark(trouble, start.total_seconds(), end.total_seconds(), of)


@dataclass(frozen=True)
class World:
    """What a story is told of.

    Attributes:
        faults: Of the first service; those of others stand in *faults_of*.
        dark: Of the signal system ``counts``; *dark_others* of the one called ``others``.
        moods: How the platform of the first service takes moves.
        replicas: How many daemons share the store.
    """

    acts: tuple[Act, ...]
    services: tuple[Service, ...] = (a_service(),)
    faults: tuple[Fault, ...] = ()
    dark: tuple[Dark, ...] = ()
    dark_others: tuple[Dark, ...] = ()
    moods: tuple[Mood, ...] = ()
    rate: float = 50.0
    replicas: int = 1
    takes: float = 20.0
    settings: dict[str, Any] = field(default_factory=dict)


def a_world(*happens: Act | Fault | Dark | Service, **settings: Any) -> World:
    """All of it, in any order. Without a service it is `a_service`."""
    services = tuple(each for each in happens if isinstance(each, Service))
    return World(
        acts=tuple(each for each in happens if isinstance(each, Act)),
        services=services or (a_service(),),
        faults=tuple(each for each in happens if isinstance(each, Fault)),
        dark=tuple(each for each in happens if isinstance(each, Dark)),
        **settings,
    )
