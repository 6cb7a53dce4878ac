"""What ``rollbackd doctor`` says of a connection to Slack: tokens, workspace, scopes, clock, channels. Reads only; nothing is told.

Source:
    https://docs.slack.dev/reference/methods/auth.test
    https://docs.slack.dev/reference/methods/conversations.info
    https://docs.slack.dev/authentication/best-practices-for-security (the header ``X-OAuth-Scopes``)
"""

import email.utils
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import Any

from slack_sdk.errors import SlackApiError

from deploy.model import About, Finding, Level
from watcher.http import HttpRefused
from watcher.notify.slack import refusals
from watcher.notify.slack.calls import Calls
from watcher.notify.slack.said import said
from watcher.notify.slack.settings import CHANNEL, Settings

SCOPES = "x-oauth-scopes"  # of the token, in every answer
SKEW = timedelta(seconds=60)  # signatures of clicks are good for five minutes
_ADD = (
    "add it on the app's page “OAuth & Permissions”, and install the app again: examples/slack/manifest.yaml"
)


async def examined(
    calls: Calls, settings: Settings, channels: Sequence[str], now: Callable[[], datetime]
) -> Sequence[Finding]:
    """Who we are and what we may, then channel by channel."""
    try:
        answer = await calls.make(calls.client.auth_test)
    except (SlackApiError, HttpRefused) as error:
        return [_failed("the bot's token", calls, error)]
    found = [_who(answer.data, settings), *_scopes(answer.headers, settings), *_clock(answer.headers, now())]
    named = sorted({*channels, *([settings.channel] if settings.channel else [])})
    return [*found, *[await _channel(calls, channel) for channel in named]]


def _who(told: Mapping[str, Any], settings: Settings) -> Finding:
    workspace = f"{told.get('team')} ({told.get('team_id')})"
    if settings.workspace not in {None, told.get("team_id")}:
        return Finding(
            Level.FAIL,
            f"the token is of the workspace {workspace}, and people of {settings.workspace} are to be heard",
            "correct `workspace`, or take the token of the other workspace",
            about=About.KEY,
        )
    return Finding(Level.OK, f"we are {told.get('user')} in the workspace {workspace}", about=About.KEY)


def needed(settings: Settings) -> Mapping[str, str]:
    """The scopes of the bot's token, each with what it is for."""
    scopes = {"chat:write": "messages, and answers to a click"}
    if find_spec("matplotlib") is not None:
        scopes["files:write"] = "the picture"
    if settings.hears:
        scopes["usergroups:read"] = "user groups in `may_order`"
    if settings.history:
        scopes |= dict.fromkeys(("channels:history", "groups:history"), "`history: true`")
    return scopes


def _scopes(headers: Mapping[str, str], settings: Settings) -> Iterator[Finding]:
    told = next((value for name, value in headers.items() if name.lower() == SCOPES), None)
    if told is None:
        yield Finding(
            Level.WARN,
            "Slack does not tell the scopes of the token",
            "see them on the app's page",
            about=About.SCOPE,
        )
        return
    granted = {scope.strip() for scope in told.split(",")}
    missing = {scope: why for scope, why in needed(settings).items() if scope not in granted}
    if not missing:
        yield Finding(
            Level.OK, f"the token has the scopes it needs: {', '.join(needed(settings))}", about=About.SCOPE
        )
    for scope, why in missing.items():
        level = Level.FAIL if scope == "chat:write" else Level.WARN
        yield Finding(level, f"the token lacks the scope {scope}, for {why}", _ADD, about=About.SCOPE)


def _clock(headers: Mapping[str, str], now: datetime) -> Iterator[Finding]:
    """Ours against Slack's: a click is believed only near its time."""
    date = next((value for name, value in headers.items() if name.lower() == "date"), "")
    try:
        theirs = email.utils.parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return
    skew = now - theirs
    words = f"our clock is {abs(skew.total_seconds()):.0f} s {'ahead of' if skew > timedelta() else 'behind'} Slack's"
    if abs(skew) > SKEW:
        yield Finding(
            Level.WARN,
            words,
            "set it by NTP: clicks are believed within five minutes only",
            about=About.CLOCK,
        )


async def _channel(calls: Calls, channel: str) -> Finding:
    if not CHANNEL.fullmatch(channel):
        return Finding(
            Level.FAIL,
            f"{channel!r} is no channel's id",
            "a channel's details in Slack end with its id: write {NAME: C…} under `tell`",
            about=About.CHANNEL,
        )
    try:
        answer = await calls.look(calls.client.conversations_info, channel=channel)
    except SlackApiError as error:
        refused = said(error)
        if refused.word != "missing_scope":
            return _failed(channel, calls, error)
        words = f"whether the bot is in {channel} cannot be seen without the scope {refused.needed}"
        return Finding(Level.WARN, words, _ADD, untold=True, about=About.SCOPE)
    except HttpRefused as error:
        return _failed(channel, calls, error)
    return _seen(channel, answer.get("channel") or {})


def _seen(channel: str, told: Mapping[str, Any]) -> Finding:
    name = f"#{told.get('name')} ({channel})"
    if told.get("is_archived"):
        return Finding(Level.FAIL, f"{name} is archived", refusals.MENDED["is_archived"], about=About.CHANNEL)
    if not told.get("is_member"):
        return Finding(
            Level.FAIL, f"the bot is not in {name}", refusals.MENDED["not_in_channel"], about=About.CHANNEL
        )
    return Finding(Level.OK, f"the bot is in {name}", about=About.CHANNEL)


def _failed(what: str, calls: Calls, error: SlackApiError | HttpRefused) -> Finding:
    remedy = error.remedy if isinstance(error, HttpRefused) else refusals.MENDED.get(said(error).word, "")
    return Finding(Level.FAIL, f"{what}: {calls.words(error)}", remedy, about=About.CHANNEL)
