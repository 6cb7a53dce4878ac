"""Durations ("1h30m") and shares ("99.9%"): how they are written, and the pydantic types that read them.

A bare number is neither: nobody can tell whether 30 is seconds or minutes, and 99.9 a percentage or a mistake.
"""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from rules.errors import Malformed

_UNITS = {  # in the order in which they are written
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_LONGEST = timedelta(
    days=3650
)  # beyond ten years a duration is a slip of the pen, and a sum of two may overflow
_WHOLE = 100  # per cent
_PIECE = re.compile(r"([0-9]{1,18})(ms|[dhms])")
_DURATION = re.compile(r"(?:[0-9]{1,18}(?:ms|[dhms]))+")
_SHARE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?(%?)")
_DURATION_REMEDY = "write a number with its unit, the largest first: 300ms, 90s, 1h30m, 7d"
_SHARE_REMEDY = "write 99.9% or 0.999"


def parse_duration(text: str) -> timedelta:
    """The duration that *text* ("1h30m", "300ms", "0s") writes; each unit at most once, the largest first.

    Raises:
        Malformed: With the right form.
    """
    if not _DURATION.fullmatch(text):
        raise Malformed("not a duration", remedy=_DURATION_REMEDY)
    pieces = [(int(number), unit) for number, unit in _PIECE.findall(text)]
    ranks = [list(_UNITS).index(unit) for _, unit in pieces]
    if ranks != sorted(set(ranks)):
        raise Malformed("not a duration: each unit stands once, the largest first", remedy=_DURATION_REMEDY)
    milliseconds = sum(number * (_UNITS[unit] // _UNITS["ms"]) for number, unit in pieces)
    if milliseconds > _LONGEST // _UNITS["ms"]:
        raise Malformed("longer than ten years", remedy="write a shorter duration")
    return timedelta(milliseconds=milliseconds)


def duration_text(duration: timedelta) -> str:
    """How *duration* is written; `parse_duration` reads it back. Parts of a millisecond are dropped; never negative."""
    rest, text = duration, ""
    for unit, size in _UNITS.items():
        number, rest = divmod(rest, size)
        text += f"{number}{unit}" if number else ""
    return text or "0s"


def parse_share(text: str) -> float:
    """The share (0..1) that *text* ("99.9%" or "0.999") writes.

    Raises:
        Malformed: For a bare number above 1 (is 5 a slip, or 5 %?), more than 100 %, or anything else.
    """
    match = _SHARE.fullmatch(text)
    if match is None:
        raise Malformed("not a share", remedy=_SHARE_REMEDY)
    number = Decimal(match[1])
    if match[2]:
        number /= 100
    elif number > 1:
        raise Malformed(f"{text} is not a share", remedy=f"write {text}%, or a number from 0 to 1")
    if number > 1:
        raise Malformed(f"{text} is more than the whole", remedy="write a share from 0% to 100%")
    return float(number)


def share_text(share: float) -> str:
    """How *share* (0..1) is written: "99.9%"; `parse_share` reads it back."""
    percent = (Decimal(repr(share)) * 100).normalize()
    return f"{percent:f}%"


def _read_duration(value: Any) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise Malformed("a duration needs its unit", remedy=f"write {value}s, or {value}m")
    raise Malformed("expected a duration", remedy=_DURATION_REMEDY)


def _read_share(value: Any) -> float:
    if isinstance(value, str):
        return parse_share(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _bare_share(value)
    raise Malformed("expected a share", remedy=_SHARE_REMEDY)


def _bare_share(value: float) -> float:
    if 0 <= value <= 1:
        return float(value)
    if 1 < value <= _WHOLE:
        raise Malformed(f"{value} is not a share", remedy=f"write {value}%, or a number from 0 to 1")
    raise Malformed(f"{value} is not a share", remedy=_SHARE_REMEDY)


Duration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    PlainSerializer(duration_text),
    WithJsonSchema({"type": "string", "examples": ["300ms", "90s", "1h30m", "7d"]}),
]
Share = Annotated[
    float,
    BeforeValidator(_read_share),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "examples": ["99.9%"]}, {"type": "number", "minimum": 0, "maximum": 1}]}
    ),
]
