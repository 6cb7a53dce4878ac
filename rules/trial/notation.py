"""Series in a short notation: ``600x5 _ 0x3``. Pure.

Items stand with blanks between them, one bucket after the other, the first at the moment of the deployment:

====================  =================================================================
``600``               one bucket
``600x5``             five buckets of 600
``0+2x5``             five buckets: 0, 2, 4, 6, 8 (``-`` goes down)
``_``, ``_x5``        a bucket, five buckets, that never came: no data, which is not 0
``10%x5``              five buckets with this share of the traffic
``OKx5 ALARM!x3``     states, in the vendor's words; the query counts those with ``!`` as bad
====================  =================================================================

It is like promtool's, but ``x5`` makes five buckets where promtool's makes six: a bucket is a span and not a point.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rules.duration import parse_share
from rules.errors import Malformed

MOST = 50_000  # buckets of a series: five weeks of minutes
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_COUNT = re.compile(rf"({_NUMBER})(?:([+-])({_NUMBER}))?(?:x([0-9]{{1,6}}))?")
_VALUE = re.compile(rf"(-?{_NUMBER})(?:([+-])({_NUMBER}))?(?:x([0-9]{{1,6}}))?")
_DIGITS = re.compile(r"-?[0-9]{16}")
_MISSING = re.compile(r"_(?:x([0-9]{1,6}))?")
_SHARE = re.compile(rf"({_NUMBER}%?)(?:x([0-9]{{1,6}}))?")
_STATE = re.compile(r"([A-Za-z][A-Za-z_]*?)(!?)(?:x([0-9]{1,6}))?")
_NUMBERS_REMEDY = (
    "write numbers such as 600, 600x5 (five times), 0+2x5 (five times, 2 more each), _ for no data"
)
_SHARES_REMEDY = "write the canary's share of the traffic, such as 10%x20"
_STATES_REMEDY = "write states such as OKx5 ALARM!x3: `!` marks those that are bad"


@dataclass(frozen=True, slots=True)
class Named:
    """A state, in the vendor's word, and whether the query counts it as bad."""

    word: str
    bad: bool


def numbers(text: str, *, negative: bool = False) -> tuple[float | None, ...]:
    """The numbers that *text* writes, a bucket each; ``None`` is one that never came.

    Args:
        text: In the notation.
        negative: They may be below 0, as gauges may.

    Raises:
        Malformed: With the item that is wrong, and the right form.
    """
    found: list[float | None] = []
    for item in _items(text, _NUMBERS_REMEDY):
        if missing := _MISSING.fullmatch(item):
            found += [None] * _times(missing[1])
        elif match := (_VALUE if negative else _COUNT).fullmatch(item):
            found += _ramp(match, negative=negative)
        else:
            raise Malformed(f"{item[:20]!r} {_wrong(item)}", remedy=_NUMBERS_REMEDY)
        _bounded(found)
    return tuple(found)


def _wrong(item: str) -> str:
    if _VALUE.fullmatch(item):
        return "is below 0, and a count is 0 or more"
    return "is more than is ever counted" if _DIGITS.match(item) else "is no number of a series"


def shares(text: str) -> tuple[float, ...]:
    """The shares that *text* writes (``10%x5 50%x5``), a bucket each.

    Raises:
        Malformed: With the item that is wrong, and the right form.
    """
    found: list[float] = []
    for item in _items(text, _SHARES_REMEDY):
        match = _SHARE.fullmatch(item)
        if match is None:
            raise Malformed(f"{item[:20]!r} is no share of a series", remedy=_SHARES_REMEDY)
        found += [parse_share(match[1])] * _times(match[2])
        _bounded(found)
    return tuple(found)


def states(text: str) -> tuple[Named | None, ...]:
    """The states that *text* writes, a bucket each.

    Raises:
        Malformed: With the item that is wrong, and the right form.
    """
    found: list[Named | None] = []
    for item in _items(text, _STATES_REMEDY):
        if missing := _MISSING.fullmatch(item):
            found += [None] * _times(missing[1])
        elif match := _STATE.fullmatch(item):
            found += [Named(match[1], bool(match[2]))] * _times(match[3])
        else:
            raise Malformed(f"{item[:20]!r} is no state of a series", remedy=_STATES_REMEDY)
        _bounded(found)
    return tuple(found)


def _items(text: str, remedy: str) -> list[str]:
    items = text.split()
    if not items:
        raise Malformed("a series without a bucket", remedy=remedy)
    return items


def _times(text: str | None) -> int:
    times = 1 if text is None else int(text)
    if not times:
        raise Malformed("x0 makes no bucket", remedy="leave the item out, or write x1 or more")
    return times


def _ramp(match: re.Match[str], *, negative: bool) -> list[float | None]:
    first, step, times = float(match[1]), float(match[3] or 0), _times(match[4])
    if times > MOST:
        return [first] * times  # is refused for its length
    step = -step if match[2] == "-" else step
    ramp: list[float | None] = [first + place * step for place in range(times)]
    if not negative and first + (times - 1) * step < 0:
        raise Malformed(
            f"{match[0]!r} goes below 0", remedy="counts are 0 or more: make the step or the number smaller"
        )
    return ramp


def _bounded(found: Sequence[object]) -> None:
    if len(found) > MOST:
        raise Malformed(f"more than {MOST:,} buckets", remedy="test a shorter time, or longer buckets")
