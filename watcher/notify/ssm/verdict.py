"""What stands in a parameter: the verdict of the newest watch of a service, as small JSON, for a shell with ``jq``."""

import json
from typing import Any

from watcher.core.watch import FINAL, Notice

VERSION = 1
MOST_WORDS = 500  # characters; a parameter takes 4 KB
_FINAL = frozenset(state.value for state in FINAL)
# As `rollbackd wait` ends (`kept` depends), so that a script may say ``exit``.
_STATUSES = {"passed": 0, "rolled_back": 1, "unproven": 5, "superseded": 6}
_BREACHED, _UNPROVEN = 1, 5


def verdict_of(notice: Notice) -> dict[str, Any] | None:
    """What is told of a watch; ``None``: it is of no watch."""
    state = notice.facts.get("state")
    if not notice.watch or state is None:
        return None
    decided, breached = state in _FINAL, "rule" in notice.facts
    return {
        "v": VERSION,
        "watch": notice.watch,
        "service": notice.service,
        "environment": notice.environment,
        "tag": notice.facts.get("tag", ""),
        "fingerprint": notice.facts.get("fingerprint", ""),
        "state": state,
        "decided": decided,
        "breached": breached,
        "status": _status(state, breached=breached) if decided else None,
        "words": notice.headline[:MOST_WORDS],
        "at": notice.at.isoformat() if notice.at else None,
    }


def _status(state: str, *, breached: bool) -> int:
    if state == "kept":
        return _BREACHED if breached else _UNPROVEN
    return _STATUSES.get(state, _UNPROVEN)


def written(verdict: dict[str, Any]) -> str:
    """As it stands there: ASCII, so that it is as long as it looks. ``{{``, by which SSM means another parameter, is no JSON of ours."""
    return json.dumps(verdict, separators=(",", ":")).replace("{{", "{ {").replace("}}", "} }")


def is_news(verdict: dict[str, Any], there: str | None) -> bool:
    """It says more than what is *there*: nothing is, or it is of an older watch, or is not the same. Ids sort by time."""
    try:
        before = json.loads(there or "null")
    except (ValueError, RecursionError):  # the latter: brackets without end
        return True
    if not isinstance(before, dict) or not isinstance(before.get("watch"), str):
        return True
    if before["watch"] != verdict["watch"]:
        return bool(before["watch"] < verdict["watch"])
    return before != verdict and str(before.get("at") or "") <= str(verdict["at"] or "")
