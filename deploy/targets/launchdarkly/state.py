"""How a flag is set, as a tag that can be set again, and as content.

    off                               off
    on.true                           on; everybody whom no rule or target concerns gets the variation `true`
    on.true:5+false:95                on; 5 % get `true`, and 95 % `false`
    on.true:5+false:95/device/id      the same, told apart by another kind of context than user, and by another attribute than key
    on.true@3f9a12bc                  the same, with rules, targets or prerequisites, whose content the digits stand for

A variation goes by its value where that is true or false, else by its place: ``on.0`` is the first. What the digits stand for is
never written: a tag with them can be set again only while they are the same.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deploy.model import TAG, Release
from deploy.targets.launchdarkly.flag import USUAL, Flag, Served

OFF = "off"
ALL = 100_000  # thousandths of a percent
_DIGITS = 8
LONGEST = 100  # characters of who gets what: a tag has 128
_ON = re.compile(
    r"on\.(?P<serves>[a-z0-9.:+]{1,100})(?:/(?P<kind>[A-Za-z0-9_-]{1,40})/(?P<by>[A-Za-z0-9_-]{1,40}))?(?:@[0-9a-f]{8})?"
)
_WEIGHT = re.compile(r"(?P<variation>[0-9]{1,3}|true|false)(?::(?P<percent>[0-9]{1,3}(?:\.[0-9]{1,3})?))?")


def release_of(flag: Flag, name: str) -> Release:
    """How *flag* is set now. *name*: its key."""
    names = {"flag": name, "state": "on" if flag.on else OFF}
    content: dict[str, Any] = {"on": flag.on}
    if not flag.on:
        content["gives"] = value_of(flag, flag.off)
        return Release(hash_of(content), OFF, names)
    content["gives"] = [[value_of(flag, each), weight] for each, weight in flag.fallthrough.weights]
    content["how"] = dict(flag.fallthrough.how)
    content["rest"] = flag.rest
    if flag.rest:
        content["variations"] = list(flag.variations)
    return Release(hash_of(content), tag_of(flag), names)


def set_to(flag: Flag, tag: str) -> Flag | None:
    """*flag* as *tag* says, with all else as it is; ``None``: it is none of our tags."""
    if tag == OFF:
        return replace(flag, on=False)
    found = _ON.fullmatch(tag)
    weights = _weights(flag, found["serves"]) if found else None
    if weights is None:
        return None
    named = (("bucketBy", found["by"]), ("contextKind", found["kind"])) if found and found["kind"] else ()
    how = tuple(each for each in named if each not in USUAL)
    return replace(flag, on=True, fallthrough=Served(weights, how))


def fallthrough_of(flag: Flag) -> Mapping[str, Any]:
    """What *flag* gives whom nothing else concerns, as the API takes it: a rollout names all variations."""
    served = flag.fallthrough
    if len(served.weights) == 1:
        return {"variation": served.weights[0][0]}
    # In their own order: by it LaunchDarkly tells who belongs to which share.
    others = [(each, 0) for each in range(len(flag.variations)) if each not in dict(served.weights)]
    variations = [{"variation": each, "weight": weight} for each, weight in (*served.weights, *others)]
    return {"rollout": {"variations": variations, **dict(served.how)}}


def tag_of(flag: Flag) -> str:
    """How *flag* is set while it is on."""
    weights = flag.fallthrough.weights
    called = called_of(flag)
    shares = [(called.get(variation, str(variation)), weight) for variation, weight in weights]
    serves = (
        shares[0][0] if len(shares) == 1 else "+".join(f"{name}:{weight / 1000:g}" for name, weight in shares)
    )
    how = dict(USUAL) | dict(flag.fallthrough.how)
    told_apart = f"/{how['contextKind']}/{how['bucketBy']}" if flag.fallthrough.how else ""
    tag = f"on.{serves or 'nothing'}{told_apart}{_digits(flag.rest) if flag.rest else ''}"
    # What does not fit into a tag is told by its content alone, and never set again.
    return (
        tag
        if re.fullmatch(TAG, tag) and len(serves) <= LONGEST
        else f"on.many{_digits([serves, how, flag.rest])}"
    )


def _digits(content: Any) -> str:
    return f"@{hash_of(content).partition(':')[2][:_DIGITS]}"


def called_of(flag: Flag) -> Mapping[int, str]:
    """What the variations are called in tags, which are shown: other values than true and false may be secrets."""
    values = flag.variations
    return {
        place: str(value).lower() if isinstance(value, bool) and values.count(value) == 1 else str(place)
        for place, value in enumerate(values)
    }


def _weights(flag: Flag, written: str) -> tuple[tuple[int, int], ...] | None:
    """``true`` or ``true:95+false:5``, which are together all of them; ``None``: it names a variation that is not there."""
    places = {str(place): place for place in range(len(flag.variations))}
    places |= {name: place for place, name in called_of(flag).items()}
    found = [_WEIGHT.fullmatch(each) for each in written.split("+")]
    weights: list[tuple[int, int]] = []
    for each in found:
        if each is None or each["variation"] not in places or (each["percent"] is None and len(found) > 1):
            return None
        weight = ALL if each["percent"] is None else round(float(each["percent"]) * 1000)
        weights.append((places[each["variation"]], weight))
    return tuple(weights) if sum(weight for _, weight in weights) == ALL else None


def value_of(flag: Flag, variation: int | None) -> Any:
    """What a variation gives; ``null`` where the code decides."""
    if variation is None or not 0 <= variation < len(flag.variations):
        return None
    return {"variation": variation, "value": flag.variations[variation]}


def hash_of(content: Any) -> str:
    """The fingerprint of *content*."""
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()}"
