"""The gate of a service: what must be so before it is deployed; and freezes that come again (``freezes:``)."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from deploy.model import SERVICE
from rules.document import Mistakes, Node, quoted, unknown
from rules.errors import Malformed
from watcher.api.auth import covered
from watcher.config.configuration import Key
from watcher.config.models import GateModel, Strictly
from watcher.core.freeze import Weekly, Window
from watcher.core.service import Gating, Service

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_DAYS = 400  # of one window: a year's holidays, and whole summers
_MOMENT = re.compile(rf"({'|'.join(DAYS)})\w* ([01]\d|2[0-3]):([0-5]\d)")
_DATES = re.compile(r"(\d{4}-\d{2}-\d{2})(?: ?\.\. ?(\d{4}-\d{2}-\d{2}))?")


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment of every week, by the clock on the wall."""

    day: int
    clock: time


def _moment(value: object) -> Moment:
    found = _MOMENT.fullmatch(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise Malformed(
            f"{quoted(str(value))} is no moment of a week", remedy="write a day and a time, such as fri 16:00"
        )
    return Moment(DAYS.index(found[1]), time(int(found[2]), int(found[3])))


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Malformed(
            f"{quoted(value)} is no time zone that is known here",
            remedy="write its IANA name, such as Europe/Berlin; where none is known, install the package tzdata",
        ) from None
    return value


def _days(value: object) -> frozenset[date]:
    items = value if isinstance(value, list | tuple) else [value]
    found = frozenset(day for item in items for day in _each(item))
    if len(found) > MOST_DAYS:
        raise Malformed(f"more than {MOST_DAYS} days", remedy="write what comes every week as `weekly`")
    return found


def _each(item: object) -> Iterator[date]:
    match = _DATES.fullmatch(str(item))
    try:
        first = date.fromisoformat(match[1] if match else "")
        last = date.fromisoformat(match[2]) if match and match[2] else first
    except ValueError:
        raise Malformed(
            f"{quoted(str(item))} is no date", remedy="write 2026-12-24, or 2026-12-24..2027-01-01"
        ) from None
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise Malformed(
            f"{quoted(str(item))} ends before it begins, or lasts too long",
            remedy="write the earlier date first",
        )
    return (first + timedelta(days=many) for many in range((last - first).days + 1))


class WeeklyModel(Strictly):
    """``weekly: {from: fri 16:00, to: mon 06:00}``."""

    start: Annotated[Moment, BeforeValidator(_moment), Field(alias="from")]
    end: Annotated[Moment, BeforeValidator(_moment), Field(alias="to")]

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start == self.end:
            raise Malformed("it ends when it begins", remedy="write another time under `to`")
        return self


class WindowModel(Strictly):
    """One of ``freezes``: a freeze that comes again."""

    name: Annotated[str, StringConstraints(pattern=f"^{SERVICE}$")]
    reason: Annotated[str, StringConstraints(min_length=3, max_length=200)]
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    weekly: WeeklyModel | None = None
    dates: Annotated[frozenset[date], BeforeValidator(_days)] = frozenset()
    services: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)

    @model_validator(mode="after")
    def _is_at_some_time(self) -> Self:
        if self.weekly is None and not self.dates:
            raise Malformed(
                "it is at no time",
                remedy="write weekly: {from: fri 16:00, to: mon 06:00}, or dates: [2026-12-24]",
            )
        return self

    def window(self) -> Window:
        """The same, as the gate knows it."""
        weekly = self.weekly
        spans = (
            (Weekly(weekly.start.day, weekly.start.clock, weekly.end.day, weekly.end.clock),)
            if weekly
            else ()
        )
        return Window(self.name, self.reason, ZoneInfo(self.time_zone), spans, self.dates)


def gating(written: GateModel) -> Gating:
    """What ``gate:`` of a service says. Its windows come from elsewhere."""
    return Gating(
        after=tuple(dict.fromkeys(written.after)),
        approval=written.approval,
        quarantined=written.quarantined,
        asking=written.asking,
        seen_within=written.seen_within,
        waits=written.waits,
        passed_by=tuple(dict.fromkeys(written.passed_by)),
    )


def with_windows(
    section: Node | None, services: Mapping[Key, Service], mistakes: Mistakes
) -> dict[Key, Service]:
    """*services*, each with the windows of ``freezes`` that are of it."""
    windows: dict[Key, list[Window]] = {key: [] for key in services}
    names = set[str]()
    for item in section.items() if section else ():
        written = mistakes.read(item, WindowModel)
        if written is None:
            continue
        if written.name in names:
            mistakes.add(
                item.get("name") or item,
                f"there are two called {quoted(written.name)}",
                "give one another name",
            )
        names.add(written.name)
        of = [key for key in services if covered(written.services, *key)]
        if services and not of:
            words = f"no service fits {', '.join(map(quoted, written.services))}"
            mistakes.add(
                item.get("services") or item, words, "write services: [checkout], or ['*/production']"
            )
        for key in of:
            windows[key].append(written.window())
    return {
        key: replace(service, gate=replace(service.gate, windows=tuple(windows[key])))
        if windows[key]
        else service
        for key, service in services.items()
    }


def check_gate(node: Node, key: Key, gate: Gating, known: Collection[Key], mistakes: Mistakes) -> None:
    """What must have passed before can be seen there, and is somewhere else."""
    name, environment = key
    section = node.get("gate")
    where = (section.get("after") if section else None) or section or node
    places = sorted(place for service, place in known if service == name and place != environment)
    for each in gate.after:
        if each == environment:
            mistakes.add(where, f"{environment} comes after itself", "name the environments that come before")
        elif each not in places:
            mistakes.add(where, *unknown(f"environment of {name} before {environment}", each, places))
