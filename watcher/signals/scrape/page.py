"""One page of metrics, as text: the samples of the names that somebody asked for.

Pages are large and few names are wanted, so only their lines are read, with regular expressions whose time is linear
(prometheus-client's parser goes character by character, in places in quadratic time; it is the oracle of the tests).
Both formats are understood, the text format 0.0.4 and OpenMetrics 1.0; timestamps and exemplars are passed over.
"""

import functools
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite

Labels = tuple[tuple[str, str], ...]  # sorted by name
MOST_SERIES = 5_000  # of one name on one page
LONGEST_LINE = 16_384  # characters
MOST_LINES = 100_000  # that are looked through for names
MOST_NAMES = 2_000  # that are kept to find the nearest to one that is missing
STARTED = "process_start_time_seconds"

# Possessive throughout (`*+`): no text makes these go back and try again.
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*+[ \t]*+=[ \t]*+"(?:[^"\\]|\\.)*+"[ \t]*+'
_LINE = re.compile(
    r"[ \t]*+(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*+)[ \t]*+"
    rf"(?:\{{[ \t]*+(?P<labels>(?:{_LABEL}(?:,[ \t]*+{_LABEL})*+(?:,[ \t]*+)?+)?+)\}}[ \t]*+)?+"
    r"(?P<value>[0-9a-zA-Z.+-]++)(?:[ \t]++[0-9.eE+-]++)?+[ \t]*+(?:#.*+)?"
)
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*+)[ \t]*+=[ \t]*+"((?:[^"\\]|\\.)*+)"')
_NAMES = re.compile(r"^[ \t]*+([a-zA-Z_:][a-zA-Z0-9_:]*+)", re.MULTILINE)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "\\": "\\", '"': '"'}


@dataclass(frozen=True, slots=True)
class Page:
    """What was found on a page.

    Attributes:
        looked_for: The names that were looked for.
        samples: Finite values by name and labels. NaN and infinite ones are left out: they say nothing.
        broken: Names whose lines cannot be read, or contradict each other, and how.
        names: All names on the page, if one that was looked for is not there.
        started: When the process began, in seconds since 1970 by its own clock.
    """

    looked_for: frozenset[str]
    samples: Mapping[str, Mapping[Labels, float]]
    broken: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    started: float | None = None


class NotAPage(ValueError):
    """The text is no page of metrics, or not a whole one."""


def read_page(text: str, wanted: frozenset[str]) -> Page:
    """The samples of *wanted* names in *text*.

    Raises:
        NotAPage: It is something else, or cut off.
    """
    _refuse_others(text)
    samples: dict[str, dict[Labels, float]] = {}
    broken: dict[str, str] = {}
    for line in _lines_of(wanted | {STARTED}).findall(text):
        _read_line(line, samples, broken)
    starts = list(samples.get(STARTED, {}).values())
    return Page(
        wanted,
        {name: values for name, values in samples.items() if name in wanted and name not in broken},
        broken,
        frozenset() if wanted <= samples.keys() | broken.keys() else _names(text),
        starts[0] if len(starts) == 1 else None,  # of several processes on one page none is the page's
    )


def _names(text: str) -> frozenset[str]:
    lines = itertools.islice(_NAMES.finditer(text), MOST_LINES)
    return frozenset(sorted({line[1] for line in lines})[:MOST_NAMES])


def _refuse_others(text: str) -> None:
    head = text.lstrip()[:1]
    if head in {"<", "{", "["}:
        kind = "a web page" if head == "<" else "JSON"
        raise NotAPage(f"{kind}, not metrics")
    if not text.strip():
        raise NotAPage("an empty page")
    if not text.endswith("\n"):
        raise NotAPage("a page that ends in the middle of a line")


@functools.lru_cache(maxsize=64)
def _lines_of(names: frozenset[str]) -> re.Pattern[str]:
    either = "|".join(sorted(map(re.escape, names)))
    return re.compile(rf"^[ \t]*(?:{either})[ \t{{].*$", re.MULTILINE)


def _read_line(line: str, samples: dict[str, dict[Labels, float]], broken: dict[str, str]) -> None:
    name = _NAMES.match(line)
    at = name[1] if name else ""
    if at in broken:
        return
    found = _LINE.fullmatch(line.rstrip("\r")) if len(line) <= LONGEST_LINE else None
    value = _number(found["value"]) if found else None
    if found is None or value is None:
        broken[at] = f"a line of {at} cannot be read"
        return
    series = samples.setdefault(at, {})
    labels = _labels(found["labels"] or "")
    if labels in series:
        broken[at] = f"a series of {at} stands twice on one page"
    elif len(series) >= MOST_SERIES:
        broken[at] = f"{at} has more than {MOST_SERIES} series on one page"
    elif isfinite(value):
        series[labels] = value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _labels(text: str) -> Labels:
    return tuple(sorted((name, _unescaped(value)) for name, value in _PAIR.findall(text)))


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[0]), value) if "\\" in value else value
