"""What a step gives to those after it: taken out of its answer, and put into their requests. Pure.

A value never becomes syntax: in an address it is escaped, in JSON it is a value, in a header it may have no line break.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from watcher.http import Answer
from watcher.signals.probe.query import Scalar
from watcher.signals.steps.linear import compiled

LONGEST = 8192  # characters of a value: a token may be long
SEARCHED = 256 * 1024  # bytes of a body that a pattern looks at
SHORT = 4  # characters below which a carried value is no secret, and would hide half of each message
TEMPLATE = re.compile(r"\$\{(step|secret)\.([a-z][a-z0-9_]{0,63})\}")


class NothingToCarry(Exception):
    """The answer does not have what was to be taken out of it. The message says where it was looked for."""


class CannotStand(Exception):
    """A value has signs that cannot stand where it is to be put. The message names it, and not the value."""


def names_in(data: Any, of: str) -> frozenset[str]:
    """The names that *data* asks for: *of* steps or *of* secrets."""
    if isinstance(data, str):
        return frozenset(name for kind, name in TEMPLATE.findall(data) if kind == of)
    items = data.values() if isinstance(data, Mapping) else data if isinstance(data, list | tuple) else ()
    return frozenset().union(*(names_in(item, of) for item in items))


def filled(text: str, values: Mapping[tuple[str, str], Scalar], put: Callable[[str], str] = str) -> str:
    """*text* with *values* in the place of their names, each through *put*."""
    return TEMPLATE.sub(lambda found: put(as_text(values[found[1], found[2]])), text)


def filled_value(text: str, values: Mapping[tuple[str, str], Scalar]) -> Scalar:
    """The same; where *text* is one name and nothing else, the value stays the number or truth that it is."""
    whole = TEMPLATE.fullmatch(text)
    return values[whole[1], whole[2]] if whole else filled(text, values)


def filled_data(data: Any, values: Mapping[tuple[str, str], Scalar]) -> Any:
    """The same for all texts in *data*, as JSON has it; keys stay."""
    if isinstance(data, str):
        return filled_value(data, values)
    if isinstance(data, Mapping):
        return {key: filled_data(value, values) for key, value in data.items()}
    return [filled_data(item, values) for item in data] if isinstance(data, list | tuple) else data


def escaped(value: str) -> str:
    """*value* as a part of an address.

    Raises:
        CannotStand: It would lead up a folder, however it is written.
    """
    if value and not value.strip("."):
        raise CannotStand("what was carried is dots alone, which in an address lead elsewhere")
    return quote(value, safe="")


def for_a_header(name: str, value: str) -> str:
    """*value*, if a header can carry it.

    Raises:
        CannotStand: It cannot.
    """
    if not fits_a_header(value):
        raise CannotStand(f"what is to be sent as {name} has signs that no header can carry")
    return value


def fits_a_header(value: str) -> bool:
    """A header can carry it."""
    return value.isascii() and value.isprintable()


def as_text(value: Scalar) -> str:
    """A value, as JSON writes it, without quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def from_json(answer: Answer, pointer: str) -> Scalar:
    """What stands at *pointer* in the body.

    Raises:
        NothingToCarry: The body is no JSON, nothing stands there, or it is no single value.

    Source:
        RFC 6901
    """
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise NothingToCarry("the answer is no JSON") from None
    for key in (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]):
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and re.fullmatch(r"0|[1-9][0-9]{0,5}", key) and int(key) < len(found):
            found = found[int(key)]
        else:
            raise NothingToCarry(f"nothing stands at {pointer}")
    if found is None or isinstance(found, dict | list):
        raise NothingToCarry(f"what stands at {pointer} is no single value")
    return _bounded(found)


def from_header(answer: Answer, name: str) -> Scalar:
    """The value of a header.

    Raises:
        NothingToCarry: The answer has none of this name.
    """
    found = answer.headers.get(name.lower())
    if not found:
        raise NothingToCarry(f"the answer has no header {name}")
    return _bounded(found)


def from_pattern(answer: Answer, pattern: str) -> Scalar:
    """What the group of *pattern* finds in the body.

    Raises:
        NothingToCarry: It finds nothing.
    """
    text = answer.body[:SEARCHED].decode("utf-8", "replace")
    found = compiled(pattern).search(text)
    if found is None or not found[1]:
        raise NothingToCarry("the pattern finds nothing in the answer")
    return _bounded(found[1])


def _bounded(value: Any) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        raise NothingToCarry("it is no number that can be sent")
    text = as_text(value)
    if len(text) > LONGEST:
        raise NothingToCarry(f"it is longer than {LONGEST} characters")
    if any("\ud800" <= sign <= "\udfff" for sign in text):  # half a sign, as JSON can write it
        raise NothingToCarry("it is no text that can be sent")
    return value  # type: ignore[no-any-return]


def hushed(text: str, values: Iterable[str]) -> str:
    """*text* without any of *values*, in whichever way they are written."""
    forms = {
        form
        for value in values
        for form in (
            value,
            *(json.dumps(value, ensure_ascii=plain)[1:-1] for plain in (True, False)),
            *(written(value, safe=kept) for written in (quote, quote_plus) for kept in ("", "/")),
        )
    }
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***") if form else text
    return text


def hushed_body(body: bytes, values: Iterable[str]) -> bytes:
    """*body* without any of *values*; in JSON however their letters are written."""
    known = list(values)
    try:
        return json.dumps(_hushed_data(json.loads(body), known)).encode()
    except (ValueError, RecursionError):
        return hushed(body.decode("utf-8", "replace"), known).encode()


def _hushed_data(data: Any, values: Iterable[str]) -> Any:
    if isinstance(data, str):
        return hushed(data, values)
    if isinstance(data, dict):
        return {hushed(key, values): _hushed_data(value, values) for key, value in data.items()}
    return [_hushed_data(item, values) for item in data] if isinstance(data, list) else data
