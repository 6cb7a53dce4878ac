"""What Slack said, out of an error of slack_sdk: apart from `refusals`, which a webhook needs too, and without slack_sdk."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from slack_sdk.errors import SlackApiError

from watcher.notify.slack.refusals import Said

LONGEST_WAIT = 3600  # seconds that a ``Retry-After`` is believed
WORD = 200  # characters of a word of Slack's; of scopes it names several
_WORD = re.compile(r"[a-z]+(?:[_.:,][a-z]+)*")


def said(error: SlackApiError) -> Said:
    """What *error* holds; slack_sdk keeps the answer in it, or aiohttp's where it was no JSON."""
    answer: Any = error.response
    status = getattr(answer, "status_code", None) or getattr(answer, "status", None) or 0
    data = getattr(answer, "data", None)
    content: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    wait = str((getattr(answer, "headers", None) or {}).get("Retry-After", ""))
    after = timedelta(seconds=min(int(wait[:9]), LONGEST_WAIT)) if wait.isascii() and wait.isdigit() else None
    return Said(int(status), _word(content.get("error")), _word(content.get("needed")), after)


def _word(text: object) -> str:
    """A word of Slack's, such as ``not_in_channel``; nothing of what only looks like one: it may repeat what was sent."""
    said = str(text or "")
    return said if len(said) <= WORD and _WORD.fullmatch(said) else ""
