"""Which release a page is of, and whether it came out of a cache. Pure."""

import json
import re

from watcher.http import Answer
from watcher.signals.page.document import Document
from watcher.signals.probe.check import LONGEST_VERSION, standing_at

MOST_PLACES = 1000  # at which a name is looked at in a script
_BEFORE = 24  # characters that say how a name is reached: `window.`
_SET = re.compile(r"""\s{0,20}=\s{0,20}(["'`])([A-Za-z0-9._:/@+-]{1,128})\1""")
_REACHED = re.compile(r"(?:^|[^\w$.])(?:(?:window|globalThis|self|global)\s{0,2}\.\s{0,2})?$")
_LONGEST_HINT = 80


def in_meta(document: Document, name: str) -> str | None:
    """The content of the ``<meta>`` of that *name*."""
    return document.metas.get(name.lower(), "").strip()[:LONGEST_VERSION] or None


def in_json(answer: Answer, path: str) -> str | None:
    """What stands at *path* of a JSON file; ``None`` where it is none, or nothing stands there."""
    try:
        found = standing_at(json.loads(answer.body), path)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    return str(found).strip()[:LONGEST_VERSION] or None


def in_script(script: str, name: str) -> str | None:
    """The text that *script* sets the variable *name* to."""
    at = -1
    for _ in range(MOST_PLACES):
        at = script.find(name, at + 1)
        if at < 0:
            return None
        found = _SET.match(script, at + len(name))
        if found is not None and _REACHED.search(script[max(0, at - _BEFORE) : at]):
            return found[2]
    return None


def cached(answer: Answer) -> str:
    """``from a cache: Age 3600 s, Hit from cloudfront``; empty where nothing says so."""
    age = answer.headers.get("age", "").strip()
    hints = [f"Age {int(age[:9])} s"] if age.isascii() and age.isdigit() and int(age[:9]) else []
    for name in ("x-cache", "cf-cache-status", "x-cache-status"):
        said = answer.headers.get(name, "").strip()
        if "hit" in said.lower() or "stale" in said.lower():
            hints.append("".join(c for c in said if c.isprintable())[:_LONGEST_HINT])
    return f"from a cache: {', '.join(hints)}" if hints else ""
