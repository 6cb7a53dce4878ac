"""How what was found is shown: what concerns every service in one table, then a table a service; what is bad first. Pure.

Of many services only those have a table of which there is something to say. A service's table says of what is wrong with a
connection or an account that it stands above, and not again what.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import click

from deploy.model import About, Finding
from watcher.commands._doctor.checks import Found, Mark
from watcher.commands._sheet import INDENT, Line, Page, filled, sheet

FEW = 5  # services: so many have all their tables
MOST = 20  # tables of services, of many
MOST_LINES = 60  # in a table: of what is well, fewer are looked at, and `--json` has all
LISTED = 8
LEAST = 24  # letters of a cause: of fewer it is chance that they stand elsewhere
ENOUGH = 60  # letters: whoever repeats so many of what AWS says repeats it all, and may have cut it
_REFUSED = re.compile(r"\w+: \w+: (?P<why>.+)", re.DOTALL)  # a call of AWS, and its code
HEADS = ("FOUND", "WHAT", "WHERE", "WHAT WAS FOUND, AND WHAT TO DO")
SHARED = "every service"
SHOWN = {Mark.RED: "RED", Mark.UNTOLD: "?", Mark.WARN: "WARN", Mark.OK: "ok"}
COLOURS = {Mark.RED: "red", Mark.UNTOLD: "magenta", Mark.WARN: "yellow", Mark.OK: "green"}
COUNTED = {Mark.RED: "red", Mark.UNTOLD: "could not be told", Mark.WARN: "warnings", Mark.OK: "ok"}
_WORST = list(Mark)
# Of a check that could not be carried out, so that nothing in it says what it is about; where its name is not plain already.
_WHAT = {
    "answers": About.ACCESS,
    "tells": About.TELLING,
    "hears": About.HEARING,
    "heard": About.HEARD,
    "told": About.TOLD,
    "to read": About.READING,
    "to act": About.ACTING,
    "reads": About.FEED,
    "callers": About.CALLERS,
    "live": About.LIVE,
    "there": About.LIVE,
    "kept": About.KEPT,
    "waits": About.WAITS,
    "owner": About.OWNER,
    "names": About.METRIC,
    "could see": About.SIGHT,
    "costs": About.COST,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is shown: *service* alone (``checkout/production``), or all; *every*: also those of which all is well, however many."""

    service: str | None = None
    every: bool = False


def what(found: Found) -> str:
    """What was looked at, in plain words."""
    if found.finding.about is not None:
        return found.finding.about.value
    if found.subject == "clock":
        return About.CLOCK.value
    name = found.check.partition(" of ")[0]
    if name.startswith("mirror "):
        return About.MIRROR.value
    known = _WHAT.get(name)
    return known.value if known else name


def where(found: Found) -> str:
    """Where: of a service, the part, signal or mirror; else whose."""
    if found.service is not None:
        return found.where or found.check.removeprefix("mirror ")
    if found.subject == "clock":
        return found.check.removeprefix("by ")
    return f"{found.subject} ({found.where})" if found.where else found.subject


def tables(found: Sequence[Found], wanted: Wanted, on: Page) -> Iterator[str]:
    """All tables, line by line. The line that sums up is `summary`."""
    shared = [each for each in found if each.service is None]
    said = _said(shared)
    if shared:
        yield from _table(SHARED, shared, said, wanted, on)
    of_services = _of_services(found)
    shown = [name for name in of_services if _has_a_table(name, of_services, wanted)]
    most = len(shown) if wanted.every else MOST
    for name in shown[:most]:
        yield from _table(name, of_services[name], said, wanted, on)
    yield from _left_out(shown[most:], "Not shown, for there are many", of_services, on)
    well = [name for name in of_services if name not in shown and wanted.service is None]
    yield from _left_out(well, "Not shown, for all is well", of_services, on)


def _of_services(found: Sequence[Found]) -> Mapping[str, Sequence[Found]]:
    """The worst first; else as they were looked at."""
    every: dict[str, list[Found]] = {}
    for each in found:
        if each.service is not None:
            every.setdefault(each.service, []).append(each)
    worst = {name: min(_WORST.index(each.mark) for each in own) for name, own in every.items()}
    return {name: every[name] for name in sorted(every, key=worst.__getitem__)}


def _has_a_table(name: str, of_services: Mapping[str, Sequence[Found]], wanted: Wanted) -> bool:
    if wanted.service is not None:
        return name == wanted.service
    few = len(of_services) <= FEW
    return wanted.every or few or any(each.mark is not Mark.OK for each in of_services[name])


def _said(shared: Sequence[Found]) -> Mapping[str, Sequence[Finding]]:
    """By subject, what stands above of what is not well."""
    said: dict[str, list[Finding]] = {}
    for each in shared:
        if each.mark is not Mark.OK:
            said.setdefault(each.subject, []).append(each.finding)
    return said


def _table(
    title: str, found: Sequence[Found], said: Mapping[str, Sequence[Finding]], wanted: Wanted, on: Page
) -> Iterator[str]:
    ordered = sorted(found, key=lambda each: _WORST.index(each.mark))
    most = len(ordered) if wanted.every or wanted.service else MOST_LINES
    reds = {each.check: each for each in reversed(ordered) if each.mark is Mark.RED}
    lines = [_line(each, said.get(each.by, ()), reds.values()) for each in ordered[:most]]
    yield click.style(on.text(title), bold=True) + f": {counted(found)}"
    yield from sheet(HEADS, lines, on)
    if ordered[most:]:
        yield f"{INDENT}... and {len(ordered) - most} lines: {counted(ordered[most:])}. `--all` shows them"
    yield ""


def _line(found: Found, above: Sequence[Finding], reds: Collection[Found]) -> Line:
    """The row of one finding. *above*: what was said of what it is asked through; *reds*: what is red in its own table."""
    mark, words, remedy = found.mark, found.finding.words, found.finding.remedy
    seen = f"see {found.by}, above"
    causes = [(each.words, seen) for each in above]
    if mark is not Mark.RED:
        causes += [
            (each.finding.words, f"see “{what(each)}”, above") for each in reds if each.check != found.check
        ]
    shown = words if mark is Mark.OK else _without_cause(words, causes)
    if mark is Mark.OK or shown != words:
        remedy = ""
    elif any(remedy == each.remedy for each in above):
        remedy = seen
    return Line((SHOWN[mark], what(found), where(found)), shown, remedy, COLOURS[mark])


def _without_cause(words: str, causes: Sequence[tuple[str, str]]) -> str:
    """*words* up to where they repeat a cause, and where that is to be seen: what follows it is what to do about that."""
    for cause, seen in causes:
        refused = _REFUSED.fullmatch(cause)
        repeated = refused["why"][:ENOUGH] if refused else cause
        at = words.find(repeated)
        if at >= 0 and len(repeated) >= LEAST:
            return words[:at] + seen
    return words


def _left_out(
    names: Sequence[str], why: str, of_services: Mapping[str, Sequence[Found]], on: Page
) -> Iterator[str]:
    if not names:
        return
    listed = ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if names[LISTED:] else "")
    services = "service" if len(names) == 1 else "services"
    count = counted([each for name in names for each in of_services[name]])
    words = f"{why}: {len(names)} {services} ({count}): {listed}. `rollbackd doctor SERVICE ENVIRONMENT` or `--all` shows them"
    first, *rest = filled(on.text(words), on.width - len(INDENT))
    yield from (first, *(INDENT + each for each in rest), "")


def counted(found: Sequence[Found]) -> str:
    """How many of each, the worst first."""
    count = Counter(each.mark for each in found)
    return ", ".join(_many(count, mark) for mark in Mark if count[mark]) or "nothing was looked at"


def _many(count: Mapping[Mark, int], mark: Mark) -> str:
    one = mark is Mark.WARN and count[mark] == 1
    return f"{count[mark]} {'warning' if one else COUNTED[mark]}"


def summary(found: Sequence[Found], status: int) -> str:
    """One line: how many of what, and what the exit status means."""
    count = Counter(each.mark for each in found)
    told = ", ".join(_many(count, mark) for mark in Mark)
    return f"{told}. Exit status {status}: {_meaning(status, count)}"


def _meaning(status: int, count: Mapping[Mark, int]) -> str:
    if status == 0:
        return "nothing is red"
    if status == 1:
        return "something is red" if count[Mark.RED] else "something that is needed did not answer"
    return "no account of AWS could be reached"
