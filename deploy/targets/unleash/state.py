"""How a flag is set, as a tag that can be set again, and as content.

    off                      off
    on.100                   on, for everybody: one gradual rollout of 100 %
    on.5                     for 5 %, told apart by the default stickiness, in the group of the flag's own name
    on.5/userId/checkout     the same by another stickiness, or in another group
    on.5@3f9a12bc            the same, with constraints, segments, variants or flags that it depends on; the digits stand for them
    on.100+5@3f9a12bc        two strategies, in their order
    on.default               a strategy without a share goes by its name

What the digits stand for is never written: a tag with them can be set again only while it is the same.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from deploy.model import TAG, Release
from deploy.targets.unleash.flag import ROLLOUT, Flag, Strategy

OFF = "off"
SHARE, STICKINESS, GROUP = "rollout", "stickiness", "groupId"
USUAL = "default"  # stickiness: by the user's id, else by the session's, else at random
_DIGITS = 8
_WORD = r"[A-Za-z0-9_.-]{1,40}"
_PERCENT = re.compile(r"100|[1-9]?[0-9]")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_OTHER = "other"  # what cannot stand in a tag
_ON = re.compile(
    rf"on\.(?P<shares>[A-Za-z0-9_+-]{{1,100}})(?:/(?P<stickiness>{_WORD})/(?P<group>{_WORD}))?(?:@[0-9a-f]{{8}})?"
)


def release_of(flag: Flag, name: str) -> Release:
    """How *flag* is set now. *name*: what it is called."""
    names = {"flag": name, "state": "on" if flag.on else OFF}
    if not flag.on:
        return Release(_hash({"on": False}), OFF, names)
    content = {
        "on": True,
        "strategies": [
            {"name": each.name, "parameters": _in_full(each, name), "rest": each.rest}
            for each in flag.strategies
        ],
        "rest": flag.rest,
    }
    return Release(_hash(content), _tag(flag, name), names)


def _in_full(strategy: Strategy, name: str) -> Mapping[str, str]:
    """Its parameters, with what SDKs take for those of a rollout that are not said."""
    usual = {STICKINESS: USUAL, GROUP: name} if strategy.name == ROLLOUT else {}
    return {**usual, **strategy.parameters}


def set_to(flag: Flag, tag: str, name: str) -> Flag | None:
    """*flag* as *tag* says, with all else as it is; ``None``: it is none of our tags, or its strategies are others."""
    if tag == OFF:
        return replace(flag, on=False)
    found = _ON.fullmatch(tag)
    if found is None:
        return None
    shares = found["shares"].split("+")
    if len(shares) != len(flag.strategies):
        return None
    strategies = [with_share(each, share) for each, share in zip(flag.strategies, shares, strict=True)]
    if any(each is None for each in strategies):
        return None
    changed = {each.id: each for each in strategies if each is not None}
    wanted = replace(flag, on=True, every=tuple(changed.get(each.id, each) for each in flag.every))
    usual = {STICKINESS: USUAL, GROUP: name}
    by = {STICKINESS: found["stickiness"], GROUP: found["group"]} if found["group"] else usual
    return _told_apart(wanted, by, usual) if _says_how(wanted) else wanted


def _tag(flag: Flag, name: str) -> str:
    called = "+".join(_share(each) for each in flag.strategies)
    how = _how(flag, name)
    tag = f"on.{called or 'nothing'}{how}{_digits(_rest(flag))}"
    # What does not fit into a tag is told by its content alone, and never set again.
    fits = re.fullmatch(TAG, tag) and (not called or _ON.fullmatch(tag))
    return tag if fits else f"on.many{_digits([called, how, _rest(flag)])}"


def _share(strategy: Strategy) -> str:
    percent = percent_of(strategy)
    if percent is not None:
        return percent
    return strategy.name if _NAME.fullmatch(strategy.name) else _OTHER


def percent_of(strategy: Strategy) -> str | None:
    """To how many percent it gives the flag, of those whom it concerns; ``None``: it has no share, or none in whole percents."""
    told = strategy.parameters.get(SHARE, "")
    return told if strategy.name == ROLLOUT and _PERCENT.fullmatch(told) else None


def with_share(strategy: Strategy, share: str) -> Strategy | None:
    """*strategy* with that share; ``None``: it is of another kind."""
    if percent_of(strategy) is not None and _PERCENT.fullmatch(share):
        return replace(strategy, parameters={**strategy.parameters, SHARE: share})
    return strategy if _share(strategy) == share else None


def _says_how(flag: Flag) -> bool:
    """Its tag says by what people are told apart: of one rollout it does, of several their content does."""
    return (
        len(flag.strategies) == 1 and percent_of(flag.strategies[0]) is not None and _fits(flag.strategies[0])
    )


def _fits(strategy: Strategy) -> bool:
    return all(re.fullmatch(_WORD, strategy.parameters.get(name, USUAL)) for name in (STICKINESS, GROUP))


def _told_apart(flag: Flag, by: Mapping[str, str], usual: Mapping[str, str]) -> Flag:
    (only,) = flag.strategies
    changed = {name: each for name, each in by.items() if only.parameters.get(name, usual[name]) != each}
    told = replace(only, parameters={**only.parameters, **changed})
    return replace(flag, every=tuple(told if each is only else each for each in flag.every))


def _how(flag: Flag, name: str) -> str:
    if not _says_how(flag):
        return ""
    (only,) = flag.strategies
    stickiness, group = only.parameters.get(STICKINESS, USUAL), only.parameters.get(GROUP, name)
    return "" if (stickiness, group) == (USUAL, name) else f"/{stickiness}/{group}"


def _rest(flag: Flag) -> Any:
    """What a tag does not say by itself."""
    said = {SHARE, STICKINESS, GROUP} if _says_how(flag) else {SHARE}
    strategies = [
        [
            {
                each: told
                for each, told in one.parameters.items()
                if percent_of(one) is None or each not in said
            },
            one.rest,
        ]
        for one in flag.strategies
    ]
    return [strategies, flag.rest] if flag.rest or any(map(any, strategies)) else None


def _digits(content: Any) -> str:
    return "" if content is None else f"@{_hash(content).partition(':')[2][:_DIGITS]}"


def _hash(content: Any) -> str:
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()}"
