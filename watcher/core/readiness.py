"""Whether services could be put back now: when that is looked at, and what people are told of it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from deploy.model import Finding, Level
from watcher.core.watch import Notice, Tone

MOST = 20  # services that are named in one message
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Daily:
    """When it is looked at, each day. *zone*: whose clock."""

    at: time = time(7)
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Readied:
    """What was found of one service."""

    service: str
    environment: str
    findings: tuple[Finding, ...]

    @property
    def key(self) -> tuple[str, str]:
        """(service, environment)."""
        return self.service, self.environment

    @property
    def reds(self) -> tuple[Finding, ...]:
        """Why it could not be put back; empty: it could, for all that is known."""
        return tuple(each for each in self.findings if each.level is Level.FAIL)


def last_moment(daily: Daily, now: datetime) -> datetime:
    """The last moment at which it was to be looked at. On the days on which clocks are changed it may be an hour off."""
    there = now.astimezone(daily.zone)
    at = datetime.combine(there.date(), daily.at, daily.zone)
    return (at if at <= there else at - DAY).astimezone(UTC)


def told(red: Sequence[Readied], green: Sequence[Readied], now: datetime) -> Notice:
    """What a channel is told: services that could not be put back, and those that can again.

    Args:
        red: Of which there is something new to tell.
        green: Which were red when it was last looked, and are not any more.
        now: When it was looked at.
    """
    lines = [
        *(line for each in red[:MOST] for line in _lines(each)),
        *([f"And {len(red) - MOST} more: `rollbackd ready` names all"] if len(red) > MOST else ()),
        *(f"{_name(each)} is ready again" for each in green),
    ]
    return Notice(
        headline=_headline(red, green),
        lines=tuple(lines),
        tone=Tone.NOTE,
        event="service.unready" if red else "service.ready",
        service=red[0].service if len(red) == 1 else "",
        environment=red[0].environment if len(red) == 1 else "",
        at=now,
        facts={"red": str(len(red)), "green": str(len(green))},
    )


def _headline(red: Sequence[Readied], green: Sequence[Readied]) -> str:
    if not red:
        return f"{_these(green)} could be put back again, if that were needed"
    return f"{_these(red)} could not be put back now, if that were needed"


def _these(services: Sequence[Readied]) -> str:
    return _name(services[0]) if len(services) == 1 else f"{len(services)} services"


def _name(each: Readied) -> str:
    return f"{each.service} · {each.environment}"


def _lines(each: Readied) -> Sequence[str]:
    return [f"{_name(each)}: {finding.words} (try: {finding.remedy})" for finding in each.reds]
