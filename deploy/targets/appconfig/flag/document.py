"""A document of feature flags as AppConfig keeps it, and one flag of it: what its releases are, and how it is set. Pure.

Of a basic flag ``enabled`` and its attributes are what is given; one with variants gives the first whose rule fits, else the last. Off
gives nothing but that it is off: so it is one release, whatever stands beside.

    releases of a flag           its state: ``off``, ``on``; with attributes or variants ``on@`` and the first digits of their hash
    with a variant that is       that variant: ``New@…``; and what the flag gives to all others: ``rest@…``. How many get it, the
    rolled out                   percentage of its rule says, and is no content of either

Source:
    https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-type-reference-feature-flags.html
    https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-creating-multi-variant-feature-flags-rules.html
"""

import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.model import NAME, Release
from deploy.targets import exact_json
from deploy.targets.appconfig.content import without_times
from deploy.targets.appconfig.flag.rule import Percentage, percentage_in, splits_in
from deploy.targets.appconfig.settings import Settings
from deploy.targets.aws.split import Split
from deploy.targets.aws.wording import plain

MOST = 2 * 1024 * 1024  # bytes of a version that AppConfig hosts
OFF, ON, REST = "off", "on", "rest"
VARIANTS, ENABLED, RULE = "_variants", "enabled", "rule"
_DIGITS = 8
_TAGGED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}")
_UNTAGGED = "variant"  # one whose name cannot stand in a tag
_SHOWN = 5  # names, where none is near

Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Document:
    """A version, and the value of the flag in it."""

    said: Mapping[str, Any]
    flag: str
    value: Value

    def having(self, value: Value) -> "Document":
        """The same with *value* for the flag, and all else as it is."""
        values = {name: value if name == self.flag else each for name, each in self.said["values"].items()}
        return Document({**self.said, "values": values}, self.flag, value)

    def written(self) -> bytes:
        """As AppConfig takes it: as densely as it is kept there, for its size is bounded."""
        return exact_json.written(self.said, densely=True)


def read(content: bytes, flag: str) -> Document | str:
    """The version with its flag; or why there is none."""
    try:
        said = exact_json.read(content, MOST, exact_json.precise)
    except ValueError as error:
        return f"the version is no document of feature flags: {error}"
    values = said.get("values") if isinstance(said, dict) else None
    if not isinstance(values, dict):
        return "the version is no document of feature flags: it has no object `values`"
    value = values.get(flag)
    if value is None:
        return _unknown("flag", flag, list(values))
    variants = value.get(VARIANTS, []) if isinstance(value, dict) else None
    if not isinstance(variants, list) or not all(_is_variant(each) for each in variants):
        return f"the flag {flag} is not as AppConfig's schema says"
    if not variants and not isinstance(value.get(ENABLED), bool):
        return f"the flag {flag} does not say whether it is enabled"
    return Document(said, flag, value)


def split_of(document: Document, settings: Settings) -> Split | str:
    """Who gets what of the flag in *document*; or why that cannot be told."""
    if settings.variant is None:
        return Split.of([(_state(document), 1.0)])
    found = _rolled_out(document, settings.variant)
    if isinstance(found, str):
        return found
    variant, at = found
    share = at.share
    return Split.of([(_rest(document, variant), 1 - share), (_alone(document, variant, at), share)])


def offered(document: Document, settings: Settings) -> Release | str:
    """The variant that is rolled out, whether anybody gets it or not; or why there is none."""
    found = _rolled_out(document, settings.variant or "")
    return found if isinstance(found, str) else _alone(document, *found)


def sharing(document: Document, settings: Settings, share: float) -> Document | str:
    """*document* with *share* (0..1) for the variant that is rolled out: only the number in its rule is another."""
    found = _rolled_out(document, settings.variant or "")
    if isinstance(found, str):
        return found
    variant, at = found
    changed = [
        {**each, RULE: at.set_to(share)} if each is variant else each for each in document.value[VARIANTS]
    ]
    return document.having({**document.value, VARIANTS: changed})


def giving(document: Document, settings: Settings, to: Release, older: Document | None) -> Document | None:
    """*document* with the flag giving *to* to everybody, and all else as it is; ``None``: it cannot be made of it.

    By its switch (or its percentage) alone where that is enough; else the flag is as it stood in *older*.
    """
    tried: list[Document | str]
    if settings.variant is None:
        tried = [_switched(document, on=False), _switched(document, on=True)]
    else:
        tried = [sharing(document, settings, share) for share in (0.0, 1.0)]
    if older is not None:
        tried.append(document.having(older.value))
    for each in tried:
        if isinstance(each, Document) and gives(each, settings, to):
            return each
    return None


def gives(document: Document, settings: Settings, release: Release) -> bool:
    """In *document* the flag gives *release* to everybody."""
    found = split_of(document, settings)
    return isinstance(found, Split) and found.alone is not None and found.alone.is_same_as(release)


def _switched(document: Document, *, on: bool) -> Document:
    variants = document.value.get(VARIANTS)
    if not variants:
        return document.having({**document.value, ENABLED: on})
    # A variant has a switch of its own, and none of them is over all.
    return document.having({**document.value, VARIANTS: [{**each, ENABLED: on} for each in variants]})


def _state(document: Document) -> Release:
    value = document.value
    variants = value.get(VARIANTS)
    is_on = any(each[ENABLED] for each in variants) if variants else value[ENABLED]
    names = {"flag": document.flag, "state": ON if is_on else OFF}
    if not is_on:
        return Release(_hash({ENABLED: False}), OFF, names)
    content = without_times(value)
    found = _hash(content)
    return Release(found, ON if set(content) == {ENABLED} else _with_digits(ON, found), names)


def _rolled_out(document: Document, name: str) -> tuple[Mapping[str, Any], Percentage] | str:
    variants: Sequence[Mapping[str, Any]] = document.value.get(VARIANTS, [])
    named = [each for each in variants if each["name"] == name]
    if not named:
        return _unknown("variant", name, [each["name"] for each in variants])
    if len(named) > 1:
        return f"{len(named)} variants of {document.flag} are called {plain(name, 64)}"
    if sum(splits_in(each.get(RULE, "")) for each in variants) > splits_in(named[0].get(RULE, "")):
        return (
            f"another variant of {document.flag} shares people out too, and AppConfig gives both to the same ones first: the share"
            f" of {plain(name, 64)} is not its percentage"
        )
    at = percentage_in(named[0].get(RULE, ""))
    return f"the rule of {plain(name, 64)}: {at}" if isinstance(at, str) else (named[0], at)


def _alone(document: Document, variant: Mapping[str, Any], at: Percentage) -> Release:
    found = _hash({"gives": {**variant, RULE: at.frame}})
    return Release(found, _with_digits(_called(variant), found), _names(document.flag, str(variant["name"])))


def _rest(document: Document, variant: Mapping[str, Any]) -> Release:
    others = [each for each in document.value[VARIANTS] if each is not variant]
    found = _hash({"rest": without_times({**document.value, VARIANTS: others})})
    only = str(others[0]["name"]) if len(others) == 1 else ""
    return Release(found, _with_digits(REST, found), _names(document.flag, only))


def _names(flag: str, variant: str) -> dict[str, str]:
    """For queries that tell the variants apart, as AppConfig's agent names them to the service (``_variant``)."""
    return {"flag": flag} | ({"variant": variant} if re.fullmatch(NAME, variant) else {})


def _called(variant: Mapping[str, Any]) -> str:
    name = str(variant["name"])
    return name if _TAGGED.fullmatch(name) else _UNTAGGED


def _with_digits(word: str, found: str) -> str:
    return f"{word}@{found.partition(':')[2][:_DIGITS]}"


def _is_variant(told: Any) -> bool:
    if not isinstance(told, dict) or not isinstance(told.get("name"), str):
        return False
    return isinstance(told.get(ENABLED), bool) and isinstance(told.get(RULE, ""), str)


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"there is no {what} {plain(name, 64)}: is {plain(near[0], 64)} meant?"
    shown = ", ".join(plain(each, 64) for each in sorted(known)[:_SHOWN])
    return f"there is no {what} {plain(name, 64)}: there {'are' if known else 'is'} {shown or 'none'}"


def _hash(content: Any) -> str:
    written = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()}"
