"""Setting a flag back: decided by how it is set at that moment, and one patch that tests its version first.

The patch replaces ``on`` and ``fallthrough`` in this environment, and nothing else. If anybody has changed the flag there since it
was looked at, the test fails and nothing is changed: it is read again.

Source:
    https://launchdarkly.com/docs/api#updates-using-json-patch ("test that certain preconditions are met")
    https://launchdarkly.com/docs/api/feature-flags/patch-feature-flag: 405 where an approval is required
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from deploy.model import AlreadyThere, Beginning, Move, Refused
from deploy.targets.launchdarkly.flag import Flag
from deploy.targets.launchdarkly.settings import Settings
from deploy.targets.launchdarkly.state import fallthrough_of, release_of, set_to

SOON = timedelta(seconds=5)
EXPERIMENT = "an experiment decides who gets what: stop it before the flag is moved by itself"
_COMMENT = re.compile(r"rollbackd (?P<key>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}): back from .{1,300}")


@dataclass(frozen=True, slots=True)
class Order:
    """One patch.

    Attributes:
        version: That it tests for.
    """

    patch: tuple[Mapping[str, Any], ...]
    comment: str
    version: int

    def told(self, settings: Settings) -> str:
        """In words: the call, and what it is given."""
        return f"PATCH /api/v2/flags/{settings.project}/{settings.flag} {json.dumps(self.patch)}"

    def by_hand(self, settings: Settings, move: Move) -> str:
        """The same as a line for a person's shell, whose token stands in its environment."""
        body = json.dumps({"patch": self.patch})
        asks = shlex.join(
            ("curl", "-X", "PATCH", settings.at, "-H", "Content-Type: application/json", "-d", body)
        )
        return (
            f'{asks} -H "Authorization: $LAUNCHDARKLY_TOKEN"  # {settings.environment} back to {move.to.tag}'
        )


def decide(flag: Flag, settings: Settings, move: Move, key: str) -> Order | Beginning:
    """The patch that sets *flag* to ``move.to``; or why there is none.

    ===================================== =======================================================
    the flag                              what follows
    ===================================== =======================================================
    is archived                           refused
    is set as is wanted                   nothing is sent
    is set in a third way                 refused: somebody else has set it
    is set as is to be undone             a patch, if what it leaves alone is what it was
    ===================================== =======================================================
    """
    if flag.archived:
        return archived(settings)
    live = release_of(flag, settings.flag)
    if live.is_same_as(move.to):
        return AlreadyThere()
    if not live.is_same_as(move.expect):
        return Refused(f"it is {live.tag}, not {move.expect.tag}: somebody else has set it", live.tag)
    wanted = set_to(flag, move.to.tag)
    if wanted is None or not release_of(wanted, settings.flag).is_same_as(move.to):
        return Refused(unlike(settings, move))
    return order(flag, wanted, settings, back(move, key))


def order(flag: Flag, wanted: Flag, settings: Settings, comment: str) -> Order:
    """The patch that makes *wanted* of *flag*."""
    at = f"/environments/{settings.environment}"
    patch: list[Mapping[str, Any]] = [{"op": "test", "path": f"{at}/version", "value": flag.version}]
    if wanted.fallthrough != flag.fallthrough:
        patch.append({"op": "replace", "path": f"{at}/fallthrough", "value": fallthrough_of(wanted)})
    if wanted.on != flag.on:
        patch.append({"op": "replace", "path": f"{at}/on", "value": wanted.on})
    return Order(tuple(patch), comment, flag.version)


def back(move: Move, key: str) -> str:
    """What is said to a move: by it the move is recognised as ours."""
    return f"rollbackd {key}: back from {move.expect.tag} to {move.to.tag}"


def archived(settings: Settings) -> Refused:
    """Nothing is set there any more."""
    return Refused(
        f"{settings.called} was archived: bring it back first, or remove it from the configuration"
    )


def unlike(settings: Settings, move: Move) -> str:
    """Why a state cannot be set again."""
    return (
        f"{settings.called} cannot be set back to {move.to.tag}: its rules, targets, variations or how a rollout tells people apart"
        " were changed since, and those are not written; set it by hand, or turn it off"
    )


def key_in(comment: str | None) -> str | None:
    """The key of our move, if a change was made with its comment. Anybody may write one: what does not fit is none."""
    found = _COMMENT.fullmatch(comment or "")
    return found["key"] if found else None
