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

from rules.sample import Who
from watcher.http import Fault, HttpRefused
from watcher.notify.notifier import Later, Never

SOON = timedelta(seconds=5)
MENDABLE = timedelta(minutes=1)  # how often it is looked whether somebody has mended it

_BOT = (
    "take a new bot token (xoxb-…) from the app's page “OAuth & Permissions”, and put it where `token` points"
)
_CHANNEL = (
    "invite the bot to the channel (/invite @…), and name the channel by its id (C…), never by its name"
)
_REINSTALL = "add the scope on the app's page “OAuth & Permissions”, and install the app again"
_PAGE = "what that means stands under “Errors” on https://docs.slack.dev/reference/methods/chat.postMessage"
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
BAD_CONTENT = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "metadata_too_large",
        "metadata_must_be_sent_from_app",
    }
)
# Not even its text can: to try again is of no use.
BAD_MESSAGE = BAD_CONTENT | {
    "no_text",
    "invalid_arguments",
    "invalid_arg_name",
    "invalid_array_arg",
    "invalid_json",
    "json_not_object",
    "unknown_method",
    "method_deprecated",
}
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


def what(origin: str, refused: Said) -> str:
    """What Slack says, in its own word."""
    if refused.status != HTTPStatus.OK:
        return f"{origin}: HTTP {refused.status}"
    needed = f" ({refused.needed})" if refused.needed else ""
    return f"Slack says {refused.word or 'nothing that can be read'}{needed}"


def telling(origin: str, refused: Said) -> Later | Never:
    """What follows from a refusal: later, or never."""
    if refused.status != HTTPStatus.OK:
        return _of_status(origin, refused)
    words = what(origin, refused)
    if refused.word in MENDED:
        return Later(MENDABLE, f"{words}: {MENDED[refused.word]}")
    if refused.word in ILL or not refused.word:
        return Later(refused.retry_after or SOON, words)
    if refused.word in BAD_MESSAGE:
        return Never(f"{words}: the message is not taken as it is, which is a bug of rollbackd: report it")
    # Slack has a hundred words more: what cannot be told from trouble is tried again, and not dropped.
    return Later(MENDABLE, f"{words}: {_PAGE}")


def _of_status(origin: str, refused: Said) -> Later | Never:
    words = what(origin, refused)
    if refused.status in _LATER or refused.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Later(refused.retry_after or SOON, words)
    return Never(f"{words}: is `url` that of Slack's API?") if refused.status else Later(SOON, words)


def not_slack(origin: str) -> HttpRefused:
    """It answers well, and not as Slack does."""
    words = f"{origin}: not an answer of Slack's: is a proxy in between, or is `url` another one's?"
    return HttpRefused(Who.PROVIDER, words, Fault.MALFORMED)


def unanswered(refused: HttpRefused) -> Later | Never:
    """What follows where there was no answer."""
    if refused.fault in {Fault.BAD_URL, Fault.BLOCKED} or refused.status is not None:
        return Never(refused.words)
    return Later(SOON, refused.words)
