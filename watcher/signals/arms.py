"""``${arm.NAME}`` in a query: what stands for the names of one release. Everything else in it is the provider's own.

A value never becomes query syntax: it is of a safe grammar, and whoever fills it in quotes it besides.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from watcher.errors import WatcherError

_TEMPLATE = re.compile(r"\$\{arm\.([a-z][a-z0-9_]{0,63})\}")
_VALUE = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}")
_LISTED = 8  # names that a message lists


class ArmUnnamed(WatcherError):
    """The query asks for a name that the release does not have, or that cannot stand in a query."""


def filled(text: str, arm: Mapping[str, str], quote: Callable[[str], str] = str) -> str:
    """*text* with the names of *arm* filled in, each through *quote*.

    Raises:
        ArmUnnamed: The arm has no such name, or its value has signs that could become part of a query.
    """
    return _TEMPLATE.sub(lambda found: quote(_value(found[1], arm)), text)


def filled_with(text: str, stand_in: str) -> str:
    """*text* with *stand_in* for every name, to look at its form before there is a release."""
    return _TEMPLATE.sub(lambda _: stand_in, text)


def filled_all(data: Any, arm: Mapping[str, str]) -> Any:
    """The same for all texts in *data*, as JSON has it; keys stay."""
    if isinstance(data, str):
        return filled(data, arm)
    if isinstance(data, Mapping):
        return {key: filled_all(value, arm) for key, value in data.items()}
    return [filled_all(item, arm) for item in data] if isinstance(data, list) else data


def names_in(data: Any) -> frozenset[str]:
    """The names of an arm that *data* asks for."""
    if isinstance(data, str):
        return frozenset(_TEMPLATE.findall(data))
    items = data.values() if isinstance(data, Mapping) else data if isinstance(data, list | tuple) else ()
    return frozenset().union(*(names_in(item) for item in items))


def _value(name: str, arm: Mapping[str, str]) -> str:
    value = arm.get(name)
    if value is None:
        known = ", ".join(sorted(arm)[:_LISTED]) or "none"
        raise ArmUnnamed(
            f"the release has no name {name!r}; it has {known}",
            remedy=f"add `{name}` under `names:` of the service, or ask for another",
        )
    if not _VALUE.fullmatch(value):
        raise ArmUnnamed(
            f"the release's {name!r} cannot stand in a query",
            remedy="letters, digits and . _ : / @ + - alone, at most 128",
        )
    return value
