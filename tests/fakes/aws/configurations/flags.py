"""A document of feature flags: what AppConfig takes for one, and what a user is given of it. Written without the code that it is to try.

Source:
    https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-type-reference-feature-flags.html [D]
    https://docs.aws.amazon.com/appconfig/latest/userguide/appconfig-creating-multi-variant-feature-flags-rules-operators.html [D]
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

NAME = re.compile(r"[a-z][a-zA-Z\d_-]{0,63}")
STAMPS = {"_createdAt", "_updatedAt"}
USERS = 1_000  # who are asked for a share
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|[a-z]+::|[^\s()"]+')


# ------------------------------------------------------------------------------------------------------------- what it takes


def wrong_with(content: bytes) -> str:
    """Why AppConfig does not take *content*; empty: it does."""
    try:
        told = json.loads(content)
    except ValueError:
        return "the content is not JSON"
    return next(_wrong(told), "")


def _wrong(told: Any) -> Iterator[str]:
    if not isinstance(told, dict) or told.get("version") != "1":
        yield "/version: not one of 1"
        return
    yield from (f"/{name}: not allowed" for name in told.keys() - {"version", "flags", "values"})
    defined, values = told.get("flags", {}), told.get("values", {})
    for flag, each in defined.items():
        known = STAMPS | {"name", "description", "attributes", "_deprecation"}
        yield from (f"/flags/{flag}/{name}: not allowed" for name in each.keys() - known)
    for flag, value in values.items():
        if not NAME.fullmatch(flag):
            yield f"/values/{flag}: not allowed"
        if flag not in defined:
            yield f"/values/{flag}: there is no such flag"  # [U] how it is told
        yield from _wrong_with_value(f"/values/{flag}", value)


def _wrong_with_value(at: str, value: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(value.get("enabled", True), bool):
        yield f"{at}/enabled: not a boolean"
    for name in value.keys() - STAMPS - {"enabled", "_variants"}:
        if not NAME.fullmatch(name):
            yield f"{at}/{name}: not allowed"
    for number, variant in enumerate(value.get("_variants", ())):
        known = {"enabled", "name", "rule", "attributeValues"}
        yield from (f"{at}/_variants/{number}/{name}: not allowed" for name in variant.keys() - known)
        if not isinstance(variant.get("enabled"), bool) or not isinstance(variant.get("name"), str):
            yield f"{at}/_variants/{number}: name and enabled are required"
        rule = variant.get("rule", "")
        if len(rule) > 16_384 or (rule and not _is_rule(rule)):
            yield f"{at}/_variants/{number}/rule: not valid"


def _is_rule(rule: str) -> bool:
    try:
        _parsed(rule)
    except ValueError:
        return False
    return True


def stamped(content: bytes, before: bytes | None, at: datetime) -> bytes:
    """*content* with when each flag was made, and changed last, as AppConfig itself writes it [D]."""
    told, old = json.loads(content), json.loads(before or b"{}")
    for part in ("flags", "values"):
        for name, value in told.get(part, {}).items():
            was = old.get(part, {}).get(name, {})
            plain, plain_was = (
                {key: each for key, each in one.items() if key not in STAMPS} for one in (value, was)
            )
            now = at.isoformat()
            value["_createdAt"] = was.get("_createdAt", now)
            value["_updatedAt"] = was.get("_updatedAt", now) if plain == plain_was else now
    return json.dumps(told).encode()


# --------------------------------------------------------------------------------------------------------- who is given what


def given(content: bytes, flag: str, user: str) -> str:
    """What *user* gets of *flag*: the name of a variant; ``on`` or ``off`` of one without; and ``off`` of one that is not enabled."""
    value = json.loads(content)["values"][flag]
    for variant in value.get("_variants", ()):
        if not variant.get("rule") or _holds(_parsed(variant["rule"]), flag, {"userId": user}):
            return str(variant["name"]) if variant["enabled"] else "off"
    return "on" if value.get("enabled") else "off"


def shares(content: bytes, flag: str) -> Mapping[str, float]:
    """What share of all users gets what."""
    found: dict[str, float] = {}
    for number in range(USERS):
        each = given(content, flag, f"user-{number}")
        found[each] = found.get(each, 0.0) + 1 / USERS
    return found


def _parsed(rule: str) -> list[Any]:
    """As lists: ``["split", "pct::", "5", "by::", "$userId"]``."""
    tokens = _TOKENS.findall(rule)
    stack: list[list[Any]] = [[]]
    for token in tokens:
        if token == "(":
            stack.append([])
        elif token == ")":
            if len(stack) < 2:
                raise ValueError("a bracket too many")
            stack[-2].append(stack.pop())
        else:
            stack[-1].append(token)
    if len(stack) != 1 or len(stack[0]) != 1 or not isinstance(stack[0][0], list):
        raise ValueError("not one expression")
    (found,) = stack[0]
    return list(found)


def _holds(rule: list[Any], flag: str, context: Mapping[str, str]) -> bool:
    match rule:
        case ["and", *parts]:
            return all(_holds(each, flag, context) for each in parts)
        case ["or", *parts]:
            return any(_holds(each, flag, context) for each in parts)
        case ["eq", name, value]:
            return bool(context.get(name.lstrip("$")) == value.strip('"'))
        case ["split", *parts]:
            told = dict(zip(parts[::2], parts[1::2], strict=True))
            by = context.get(told["by::"].lstrip("$"))
            seed = told.get("seed::", f'"{flag}"').strip('"')
            return by is not None and _bucket(f"{by}{seed}") < float(told["pct::"]) * 1_000
        case _:
            raise ValueError(f"not played: {rule}")


def _bucket(text: str) -> int:
    """FNV-1a of 32 bits, in 100,000 parts. [U] AppConfig calls its own a consistent hash, and no more."""
    found = 0x811C9DC5
    for byte in text.encode():
        found = ((found ^ byte) * 0x01000193) & 0xFFFFFFFF
    return found % 100_000
