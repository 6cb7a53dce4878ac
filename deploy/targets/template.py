"""Arguments with ``${names}`` in them: checked when the configuration is read, filled in when a program is run.

A value becomes part of one argument, never more than one, and no shell sees it; its grammar keeps it from being read as
an option or as a path that climbs. A dollar sign is written ``$$``.
"""

import re
from collections.abc import Collection, Mapping

from deploy.errors import BadTemplate, BadValue
from deploy.model import FINGERPRINT, FINGERPRINT_WORDS, SERVICE, SERVICE_WORDS, TAG, TAG_WORDS

_PLACE = re.compile(r"\$(?:(?P<twice>\$)|\{(?P<name>[^{}]*)\}|(?P<stray>))")

WHERE = ("service", "environment", "part")
WHAT = ("tag", "fingerprint", "expect", "expect_fingerprint", "key")

# What each may be: for the machine, and in words.
GRAMMAR: Mapping[str, tuple[str, str]] = {
    "service": (SERVICE, SERVICE_WORDS),
    "environment": (SERVICE, SERVICE_WORDS),
    "part": (SERVICE, SERVICE_WORDS),
    "tag": (TAG, TAG_WORDS),
    "fingerprint": (FINGERPRINT, FINGERPRINT_WORDS),
    "expect": (TAG, TAG_WORDS),
    "expect_fingerprint": (FINGERPRINT, FINGERPRINT_WORDS),
    "key": (
        r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}",
        "letters, digits and _ . -, at most 128, a letter, a digit or _ first",
    ),
}


def check(template: str, known: Collection[str]) -> str:
    """Give *template* back, if all its names are among *known*; raises `BadTemplate`."""
    for place in _PLACE.finditer(template):
        if place["stray"] is not None:
            raise BadTemplate(template, f"a bare dollar sign at {place.start()}", known)
        if place["name"] is not None and place["name"] not in known:
            raise BadTemplate(template, f"${{{place['name']}}}", known)
    return template


def fill(template: str, values: Mapping[str, str]) -> str:
    """*template* with its names replaced. Raises `BadValue` for a value that may not stand in an argument."""
    return _PLACE.sub(
        lambda place: "$" if place["twice"] else _fitting(place["name"], values[place["name"]]), template
    )


def _fitting(name: str, value: str) -> str:
    pattern, words = GRAMMAR[name]
    if not re.fullmatch(pattern, value):
        raise BadValue(name, value, words)
    return value
