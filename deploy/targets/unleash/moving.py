"""Setting a flag back: decided by how it is set at that moment, and one call at a time.

Turning it on or off is a call of its own, and so is each strategy whose parameters are to be others. A strategy is changed by a
JSON patch, whose first operation tests the parameters that were read: Unleash applies it to what it reads then, so that what
somebody changed since is found. Turning on and off has no such test; how the flag is set is read just before and just after.

Source:
    https://docs.getunleash.io/reference/api/unleash/patch-feature-strategy
    https://docs.getunleash.io/reference/api/unleash/toggle-feature-environment-on
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from deploy.model import AlreadyThere, Move, Refused
from deploy.targets.unleash.flag import Flag, Strategy
from deploy.targets.unleash.settings import Settings
from deploy.targets.unleash.state import release_of, set_to

SOON = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Call:
    """One request that changes the flag. *path*: below the address; *patch*: of a strategy, else nothing is sent along."""

    method: str
    path: str
    patch: tuple[Mapping[str, Any], ...] = ()

    @property
    def body(self) -> bytes | None:
        """What is sent."""
        return json.dumps(self.patch).encode() if self.patch else None

    def __str__(self) -> str:
        """The call, and what it is given."""
        return f"{self.method} {self.path} {json.dumps(self.patch) if self.patch else ''}".rstrip()

    def by_hand(self, url: str) -> str:
        """The same as a line for a person's shell, whose token stands in its environment."""
        given = ("-H", "Content-Type: application/json", "-d", json.dumps(self.patch)) if self.patch else ()
        asks = shlex.join(("curl", "-f", "-X", self.method, f"{url}{self.path}", *given))
        return f'{asks} -H "Authorization: $UNLEASH_TOKEN"'


def decide(flag: Flag, settings: Settings, move: Move) -> Call | AlreadyThere | Refused:
    """The next call that brings *flag* to ``move.to``; or why there is none.

    ===================================== =======================================================
    the flag                              what follows
    ===================================== =======================================================
    is archived                           refused
    is set as is wanted                   nothing is sent
    is set in a third way                 refused: somebody else has set it
    is set as is to be undone             a call, if what it leaves alone is what it was, and what
                                          would be between two calls is not given to anybody
    ===================================== =======================================================
    """
    if flag.archived:
        return archived(settings)
    live = release_of(flag, settings.flag)
    if live.is_same_as(move.to):
        return AlreadyThere()
    if not live.is_same_as(move.expect):
        return Refused(f"it is {live.tag}, not {move.expect.tag}: somebody else has set it", live.tag)
    return next_call(flag, wanted_of(flag, settings, move), settings, move)


def next_call(flag: Flag, wanted: Flag | None, settings: Settings, move: Move) -> Call | Refused:
    """The next call that makes *wanted* of *flag*, which is set as is to be undone; ``None``: it cannot be made of it."""
    if wanted is None:
        return Refused(unlike(settings, move))
    ahead = calls(flag, wanted, settings)
    if flag.on and wanted.on and len(ahead) > 1:
        words = (
            f"{len(ahead)} of its strategies were changed, and between two calls it would be as it never was"
        )
        return Refused(
            f"{settings.called} cannot be set back to {move.to.tag}: {words}; turn it off, or set it by hand"
        )
    return ahead[0]


def wanted_of(flag: Flag, settings: Settings, move: Move) -> Flag | None:
    """*flag* as it is to be; ``None``: it cannot be made of what it is now."""
    wanted = set_to(flag, move.to.tag, settings.flag)
    return wanted if wanted is not None and release_of(wanted, settings.flag).is_same_as(move.to) else None


def calls(flag: Flag, wanted: Flag, settings: Settings) -> Sequence[Call]:
    """What makes *wanted* of *flag*, in order: its strategies while nobody gets anything by them, and then it is turned on."""
    pairs = zip(flag.strategies, wanted.strategies, strict=True) if wanted.on else ()
    patches = [
        Call("PATCH", f"{settings.here}/strategies/{now.id}", _patch(now, then))
        for now, then in pairs
        if now.parameters != then.parameters
    ]
    turned = [Call("POST", f"{settings.here}/{'on' if wanted.on else 'off'}")] if wanted.on != flag.on else []
    return [*patches, *turned]


def _patch(now: Strategy, then: Strategy) -> tuple[Mapping[str, Any], ...]:
    changed = {name: each for name, each in then.parameters.items() if now.parameters.get(name) != each}
    return (
        {"op": "test", "path": "/parameters", "value": now.parameters},
        *({"op": "add", "path": f"/parameters/{name}", "value": each} for name, each in changed.items()),
    )


def archived(settings: Settings) -> Refused:
    """Nothing is set there any more."""
    return Refused(f"{settings.called} was archived: revive it first, or remove it from the configuration")


def unlike(settings: Settings, move: Move) -> str:
    """Why a state cannot be set again."""
    return (
        f"{settings.called} cannot be set back to {move.to.tag}: its strategies, or their constraints, segments or variants, were"
        " changed since, and those are not written; set it by hand, or turn it off"
    )


def by_hand(flag: Flag | None, wanted: Flag | None, settings: Settings, move: Move) -> str:
    """What a person runs to make *wanted* of *flag*, or where they do it."""
    if flag is None or wanted is None:
        return f"set {settings.called} to {move.to.tag} at {settings.url}/projects/{settings.project}/features/{settings.flag}"
    lines = " && ".join(each.by_hand(settings.url) for each in calls(flag, wanted, settings))
    return f"{lines}  # {settings.environment} back to {move.to.tag}"
