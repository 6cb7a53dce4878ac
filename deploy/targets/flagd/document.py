"""A document of flags, as flagd reads it: what may stand in it, what a release of it is, and one flag of another in it.

It is looked at as flagd's schema says, as far as that decides whether flagd takes a flag: rules of targeting are kept as they are.

Source:
    https://flagd.dev/reference/flag-definitions/
    https://flagd.dev/schema/v0/flags.json
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.model import NAME, Release
from deploy.targets import exact_json
from deploy.targets.aws.wording import plain

MOST = 1024 * 1024  # bytes of a document
ENABLED, DISABLED = "ENABLED", "DISABLED"
_DIGITS = 8
_NAMED = re.compile(NAME)
_VARIANT = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_OTHER = "other"  # a variant whose name cannot stand in a tag
_KINDS: Mapping[type, str] = {bool: "boolean", str: "string", int: "number", float: "number", dict: "object"}


@dataclass(frozen=True, slots=True)
class Document:
    """A document that flagd takes. *body*: its bytes; *said*: what stands in them."""

    body: bytes
    said: Mapping[str, Any]

    @property
    def flags(self) -> Mapping[str, Mapping[str, Any]]:
        """All its flags."""
        found: Mapping[str, Mapping[str, Any]] = self.said["flags"]
        return found


def read(body: bytes) -> Document | str:
    """The document; or why flagd would not take it."""
    try:
        said = exact_json.read(body, MOST)
    except ValueError as error:
        return str(error)
    wrong = next(_wrong(said), None)
    return wrong or Document(body, said)


def release_of(document: Document, flag: str | None) -> Release | None:
    """The document as a release, or one flag of it; ``None``: it has no such flag."""
    if flag is None:
        found = _hash(document.said)
        version = document.said.get("metadata", {}).get("version")
        names = {"version": version} if isinstance(version, str) and _NAMED.fullmatch(version) else {}
        return Release(found, found.partition(":")[2][:12], names)
    told = document.flags.get(flag)
    if told is None:
        return None
    if told["state"] == DISABLED:
        return Release(_hash({"state": DISABLED}), "disabled", {"flag": flag})
    gives = told.get("defaultVariant")
    content = {name: each for name, each in told.items() if name != "metadata"}
    content["evaluators"] = _evaluators(document, told)
    called = (
        gives
        if isinstance(gives, str) and _VARIANT.fullmatch(gives)
        else ("code" if gives is None else _OTHER)
    )
    digits = f"@{_hash(content).partition(':')[2][:_DIGITS]}" if told.get("targeting") else ""
    return Release(_hash(content), f"enabled.{called}{digits}", {"flag": flag})


def with_flag(document: Document, flag: str, old: Document | None, to: Release) -> Document | None:
    """*document* with *flag* as it is to be, and all else as it is; ``None``: it cannot be made of it.

    Its state and default variant are set as they were; where that is not enough, all of the flag is, as it stood in *old*.
    """
    now = document.flags.get(flag)
    if now is None:
        return None
    then = old.flags.get(flag) if old is not None else None
    tried: list[Mapping[str, Any]] = []
    if then is not None:
        state = {name: then[name] for name in ("state", "defaultVariant") if name in then}
        tried = [{**now, **state}, then]
    tried.append({**now, "state": DISABLED})
    gives = to.tag.removeprefix("enabled.").partition("@")[0]
    if gives in now["variants"]:  # no version has it, and its tag says what it gave
        tried.append({**now, "state": ENABLED, "defaultVariant": gives})
    for each in tried:
        made = Document(b"", {**document.said, "flags": {**document.flags, flag: each}})
        release = release_of(made, flag)
        if release is not None and release.is_same_as(to):
            return Document(exact_json.written(made.said), made.said)
    return None


def _wrong(said: Any) -> Iterator[str]:
    flags = said.get("flags") if isinstance(said, dict) else None
    if not isinstance(flags, dict):
        yield "it has no object `flags`"
        return
    if not isinstance(said.get("metadata", {}), dict) or not isinstance(said.get("$evaluators", {}), dict):
        yield "`metadata` and `$evaluators` have to be objects"
    for name, flag in flags.items():
        words = _wrong_with(flag)
        if words:
            yield f"flags.{plain(name, 80)}: {words}"


def _wrong_with(flag: Any) -> str:
    if not isinstance(flag, dict):
        return "it is no object"
    if flag.get("state") not in {ENABLED, DISABLED}:
        return f"`state` is {ENABLED} or {DISABLED}"
    variants = flag.get("variants")
    if not isinstance(variants, dict) or not variants:
        return "`variants` has to be an object that has some"
    kinds = {_KINDS.get(type(each)) for each in variants.values()}
    if len(kinds) > 1 or None in kinds:
        return "`variants` have to be of one type: boolean, string, number or object"
    gives = flag.get("defaultVariant")
    if gives is not None and (not isinstance(gives, str) or gives not in variants):
        return "`defaultVariant` is none of its variants"
    return (
        "" if isinstance(flag.get("targeting", {}), dict | type(None)) else "`targeting` has to be an object"
    )


def _evaluators(document: Document, told: Any) -> Mapping[str, Any]:
    """The shared rules that a flag names, and those that these name, by content."""
    known = document.said.get("$evaluators", {})
    found: dict[str, Any] = {}
    named = _references(told)
    while more := {each for each in named if each in known and each not in found}:
        found |= {each: known[each] for each in more}
        named = set().union(*(_references(known[each]) for each in more))
    return found


def _references(told: Any) -> set[str]:
    if isinstance(told, dict):
        found = {each for name, each in told.items() if name == "$ref" and isinstance(each, str)}
        return found.union(*(_references(each) for each in told.values()))
    return set().union(*(_references(each) for each in told)) if isinstance(told, list) else set()


def _hash(content: Any) -> str:
    written = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()}"
