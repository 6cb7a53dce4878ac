"""A document of JSON that somebody else owns, read so that it can be written again with one thing changed: strictly, or not at all.

What Python's reader would let pass and not write again as it was (a name that stands twice, a number beyond its range, NaN) is no
document here.
"""

import json
import math
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

DEEPEST = 100  # objects and lists in one another: what is read is gone through, hashed and written again


def finite(written: str) -> float:
    """A number that there is."""
    found = float(written)
    if math.isinf(found):
        raise ValueError(f"{written[:40]} is too large a number")
    return found


def precise(written: str) -> float:
    """A number that is the same once it is written again."""
    found = finite(written)
    try:
        is_same = Decimal(repr(found)) == Decimal(written)
    except InvalidOperation:  # its exponent is beyond what even that reckons with
        is_same = False
    if not is_same:
        raise ValueError(f"{written[:40]} has more digits than can be written again")
    return found


def read(body: bytes, most: int, number: Callable[[str], float] = finite) -> Any:
    """What stands in *body*, of at most *most* bytes. Raises `ValueError` with words: "it is not JSON: ...", "it is nested too deep"."""
    if len(body) > most:
        raise ValueError(f"it has more than {most} bytes")
    try:
        # Decoded here: `json` would take UTF-16 too.
        said = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_refused, parse_float=number)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except ValueError as error:  # of its encoding too
        raise ValueError(f"it is not JSON: {str(error)[:120]}") from error
    if _is_deep(said):
        raise ValueError("it is nested too deep")
    return said


def written(said: Any, *, densely: bool = False) -> bytes:
    """*said* as bytes, in the order of its names; a line for each, or *densely*, for what may not grow."""
    separators = (",", ":") if densely else None
    text = json.dumps(said, indent=None if densely else 2, separators=separators, ensure_ascii=False)
    # Half of a letter (`\ud800`) is no UTF-8: it stays the escape that it was.
    return text.encode(errors="backslashreplace") + (b"" if densely else b"\n")


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")


def _is_deep(said: Any) -> bool:
    level = [said]
    for _ in range(DEEPEST):
        within = [
            each.values() if isinstance(each, dict) else each
            for each in level
            if isinstance(each, dict | list)
        ]
        level = [each for some in within for each in some]
    return bool(level)
