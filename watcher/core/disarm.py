"""The switch: while it is off, the daemon announces and does not act. It expires by itself, and has a reason.

A *lever* is a file or a parameter outside of the daemon that holds it off for as long as it says so (`pulled`).

It stops what the daemon starts by itself and nothing else: a person's order passes with a warning, and a rollback under
way finishes. Whether it is off is decided by the store, in the transaction of the step (the guard `Armed`); what is here
is for people, and for steps that would only be refused.
"""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from deploy.model import SERVICE
from watcher.core.watch import Notice, Order, Tone
from watcher.core.wording.figures import moment, said
from watcher.errors import OrderIncomplete

USUAL = timedelta(hours=1)
LONGEST = timedelta(
    days=7
)  # a switch that is off for longer is forgotten: say it in the configuration (`mode`)
ALL = "*"
LEVERS = ("file:", "ssm:")  # how the name of a lever begins; no caller is called so
HELD = timedelta(
    hours=1
)  # what a lever says is renewed at half of it; it runs out where nobody looks any more
# Before what somebody else disarmed runs out, a lever gives its own word: between both nothing may start.
TAKES_OVER = timedelta(seconds=15)
_WORD = "armed"  # for what has to be there always: it says that nothing is disarmed
_LINE = re.compile(
    rf"(?P<all>\*)(?:/\*)?:?(?P<why>\s.*)?|(?P<service>{SERVICE})/(?P<environment>{SERVICE}):?(?P<reason>\s.*)?"
)
_SHOWN = 200  # characters of a reason


class Switch(Protocol):
    """A switch that is off, as the store keeps it."""

    @property
    def service(self) -> str: ...  # `*`: all  # noqa: D102
    @property
    def environment(self) -> str: ...  # noqa: D102
    @property
    def by(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def since(self) -> datetime: ...  # noqa: D102
    @property
    def until(self) -> datetime: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Off:
    """What a valid order to disarm says."""

    service: str
    environment: str
    by: str
    reason: str
    since: datetime
    until: datetime


def disarming(order: Order, service: str, environment: str, now: datetime) -> Off:
    """What an order to disarm means; service and environment ``*`` for all.

    Raises:
        OrderIncomplete: It has no reason, or lasts no time at all, or too long.
    """
    lasting = USUAL if order.lasting is None else order.lasting
    if not order.reason.strip():
        raise OrderIncomplete("disarming needs a reason", remedy="say why: whoever wonders later reads it")
    if not timedelta(0) < lasting <= LONGEST:
        raise OrderIncomplete(
            "a switch is off for at most 7 days",
            remedy="say for how long (`1h`), or set `mode: shadow` for good",
        )
    return Off(service, environment, order.by, order.reason, now, now + lasting)


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a lever holds off; service and environment ``*``: all."""

    service: str
    environment: str
    reason: str


def pulled(text: str | None, known: Collection[tuple[str, str]]) -> dict[tuple[str, str], Pulled]:
    """What a lever with *text* holds off, by service and environment.

    Args:
        text: A line each: ``checkout/production: reason``, or ``*: reason`` for all. Nothing at all, and what names no
            service, holds off all: whoever pulls a lever is in a hurry, and what is not understood must not let anything
            start. The word ``armed`` holds off nothing. ``None``: the lever is not there.
        known: The services that there are.
    """
    if text is None:
        return {}
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    if [line.lower() for line in lines] == [_WORD]:
        return {}
    found = [_pulled(line, known) for line in lines] or [Pulled(ALL, ALL, "no reason is given")]
    return {(each.service, each.environment): each for each in reversed(found)}


def _pulled(line: str, known: Collection[tuple[str, str]]) -> Pulled:
    match = _LINE.fullmatch(line)
    if match and match["all"]:
        return Pulled(ALL, ALL, _reason(match["why"]))
    if match and (match["service"], match["environment"]) in known:
        return Pulled(match["service"], match["environment"], _reason(match["reason"]))
    if match:
        return Pulled(
            ALL, ALL, f"there is no {match['service']}/{match['environment']}, so all are: {_reason(line)}"
        )
    return Pulled(ALL, ALL, _reason(line))


def _reason(written: str | None) -> str:
    words = "".join(sign if sign.isprintable() else " " for sign in written or "").strip()
    return words[:_SHOWN] or "no reason is given"


def is_lever(by: str) -> bool:
    """It is not a person who disarmed."""
    return by.startswith(LEVERS)


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to be done so that the switches are as a lever says. *renewed*: nobody has to be told."""

    off: tuple[Off, ...] = ()
    renewed: tuple[Off, ...] = ()
    on: tuple[Switch, ...] = ()


def by_lever(name: str, wanted: Iterable[Pulled], switches: Collection[Switch], now: datetime) -> Changes:
    """What the lever *name* changes. What a person has disarmed stays theirs, until it runs out (`TAKES_OVER`)."""
    own = {(each.service, each.environment): each for each in switches if each.by == name}
    others = {
        (each.service, each.environment)
        for each in switches
        if each.by != name and each.until - now > TAKES_OVER
    }
    off, renewed = list[Off](), list[Off]()
    keys = set[tuple[str, str]]()
    for each in wanted:
        keys.add(key := (each.service, each.environment))
        held = Off(*key, name, each.reason, own[key].since if key in own else now, now + HELD)
        if key in own and (own[key].until - now < HELD / 2 or own[key].reason != each.reason):
            renewed.append(held)
        elif key not in own and key not in others:
            off.append(held)
    return Changes(tuple(off), tuple(renewed), tuple(_gone(own, keys)))


def _gone(own: dict[tuple[str, str], Switch], keys: Collection[tuple[str, str]]) -> Iterator[Switch]:
    return (each for key, each in own.items() if key not in keys)


def in_force(switches: Iterable[Switch], service: str, environment: str, now: datetime) -> Switch | None:
    """The switch that keeps a service from acting, the longest if there are several; ``None``: it is armed."""
    off = [switch for switch in switches if switch.until > now and _covers(switch, service, environment)]
    return max(off, key=lambda switch: switch.until, default=None)


def _covers(switch: Switch, service: str, environment: str) -> bool:
    return switch.service in {service, ALL} and switch.environment in {environment, ALL}


def words(switch: Switch | None, now: datetime) -> str:
    """By whom, until when and why, for `Facts.disarmed`; empty if it is armed."""
    if switch is None:
        return ""
    until = "" if is_lever(switch.by) else f" until {moment(switch.until, now)}"
    return said(f"disarmed by {switch.by}{until}: {switch.reason}")


def announced(switch: Switch, now: datetime) -> Notice:
    """What people are told when the switch is turned off."""
    until = said(f" until {moment(switch.until, now)}")
    held = "It is armed again within 10 s, once that no longer says so" if is_lever(switch.by) else ""
    return _notice(
        switch,
        f"{_which(switch)}: rollbackd is disarmed{'' if held else until}, by {switch.by}: {switch.reason}",
        (
            "It watches and tells, and rolls nothing back by itself. What people order is done",
            held or "It arms itself again then",
        ),
        "switch.disarmed",
        now,
    )


def armed_again(switch: Switch, by: str, now: datetime) -> Notice:
    """What people are told when it is turned on again before its time, *by* whom."""
    return _notice(switch, f"{_which(switch)}: rollbackd is armed again, by {by}", (), "switch.armed", now)


def _which(switch: Switch) -> str:
    return "all services" if switch.service == ALL else f"{switch.service} · {switch.environment}"


def _notice(switch: Switch, headline: str, lines: tuple[str, ...], event: str, now: datetime) -> Notice:
    return Notice(
        headline=headline,
        lines=lines,
        tone=Tone.NOTE,
        event=event,
        service=switch.service,
        environment=switch.environment,
        at=now,
        facts={"by": switch.by, "reason": switch.reason, "until": switch.until.isoformat()},
    )
