"""What Slack refuses, who must act, and what to do. Slack answers 200 with ``ok: false`` and a word for what is wrong.

A refusal that a person can mend (the bot is not in the channel, a scope is missing) is tried again: the message arrives
once that is done, and the log says until then what is to be done. What is wrong with the message itself never gets better.

Source:
    https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from slack_sdk.errors import SlackApiError

from watcher.http import Fault, HttpRefused
from watcher.notify.notifier import Later, Never, Telling

SOON = timedelta(seconds=5)
MENDABLE = timedelta(minutes=1)  # how often it is looked whether somebody has mended it
LONGEST_WAIT = 3600  # seconds that a ``Retry-After`` is believed
WORD = 64  # characters of a word of Slack's

_BOT = (
    "take a new bot token (xoxb-…) from the app's page “OAuth & Permissions”, and put it where `token` points"
)
_CHANNEL = (
    "invite the bot to the channel (/invite @…), and name the channel by its id (C…), never by its name"
)
_REINSTALL = "add the scope on the app's page “OAuth & Permissions”, and install the app again"
_ADMIN = "ask an administrator of the workspace"

MENDED: Mapping[str, str] = {
    "invalid_auth": _BOT,
    "not_authed": _BOT,
    "account_inactive": _BOT,
    "token_revoked": _BOT,
    "token_expired": _BOT,
    "not_allowed_token_type": _BOT,
    "missing_scope": _REINSTALL,
    "not_in_channel": _CHANNEL,
    "channel_not_found": _CHANNEL,
    "is_archived": "unarchive the channel, or name another one under `tell` of the team",
    "restricted_action": f"the workspace restricts who may post there: {_ADMIN}",
    "restricted_action_read_only_channel": f"the channel is read-only: {_ADMIN}",
    "restricted_action_thread_only_channel": f"the channel takes threads only: {_ADMIN}",
    "access_denied": f"the app is not allowed to do this: {_ADMIN}",
    "ekm_access_denied": f"the workspace's keys are withdrawn: {_ADMIN}",
    "enterprise_is_restricted": _ADMIN,
    "team_access_not_granted": _ADMIN,
    "no_permission": _BOT,
    "org_login_required": _ADMIN,
}
# Slack's own trouble.
ILL = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "message_limit_exceeded",
    }
)
# The message as it is cannot be shown; its text alone can.
BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"})
# What was shown cannot be changed any more: a new one takes its place.
LOST = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found", "is_inactive"}
)
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Said:
    """What Slack answered, where it was not ``ok``: its status, its word, and of a scope which one it wants."""

    status: int
    word: str
    needed: str
    retry_after: timedelta | None


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
    """A word of Slack's, as that is safe to repeat."""
    return "".join(c for c in str(text or "")[:WORD] if c.isascii() and (c.isalnum() or c in "_:,.-"))


def telling(origin: str, refused: Said) -> Telling:
    """What follows from a refusal: later, or never."""
    if refused.status != HTTPStatus.OK:
        return _of_status(origin, refused)
    words = f"Slack says {refused.word or 'nothing that can be read'}"
    if refused.word in MENDED:
        needed = f" ({refused.needed})" if refused.needed else ""
        return Later(MENDABLE, f"{words}{needed}: {MENDED[refused.word]}")
    if refused.word in ILL or not refused.word:
        return Later(refused.retry_after or SOON, words)
    return Never(f"{words}: the message is not taken as it is, which is a bug of rollbackd: report it")


def _of_status(origin: str, refused: Said) -> Telling:
    words = f"{origin}: HTTP {refused.status}"
    if refused.status in _LATER or refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Later(refused.retry_after or SOON, words)
    return Never(f"{words}: is `url` that of Slack's API?") if refused.status else Later(SOON, words)


def unanswered(refused: HttpRefused) -> Telling:
    """What follows where there was no answer."""
    if refused.fault in {Fault.BAD_URL, Fault.BLOCKED} or refused.status is not None:
        return Never(refused.words)
    return Later(SOON, refused.words)
