"""The switch: while it is off, the daemon announces and does not act. It expires by itself, and has a reason.

It stops what the daemon starts by itself and nothing else: a person's order passes with a warning, and a rollback under
way finishes. Whether it is off is decided by the store, in the transaction of the step (the guard `Armed`); what is here
is for people, and for steps that would only be refused.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from watcher.core.watch import Notice, Order, Tone
from watcher.core.wording.figures import moment, said
from watcher.errors import OrderIncomplete

USUAL = timedelta(hours=1)
LONGEST = timedelta(
    days=7
)  # a switch that is off for longer is forgotten: say it in the configuration (`mode`)
ALL = "*"


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
    return said(f"disarmed by {switch.by} until {moment(switch.until, now)}: {switch.reason}")


def announced(switch: Switch, now: datetime) -> Notice:
    """What people are told when the switch is turned off."""
    until = said(moment(switch.until, now))
    return _notice(
        switch,
        f"{_which(switch)}: rollbackd is disarmed until {until}, by {switch.by}: {switch.reason}",
        (
            "It watches and tells, and rolls nothing back by itself. What people order is done",
            "It arms itself again then",
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
