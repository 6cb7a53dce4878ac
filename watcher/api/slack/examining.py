"""What ``rollbackd doctor`` says of how a connection hears. A ticket for Socket Mode is asked for, and not used; nobody is told.

Source:
    https://docs.slack.dev/reference/methods/apps.connections.open
    https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import re
from collections.abc import Iterator, Sequence

from pydantic import SecretStr
from slack_sdk.errors import SlackApiError

from deploy.model import About, Finding, Level
from watcher.api.slack.ear import Ear
from watcher.api.slack.socket import MEND
from watcher.api.slack.voice import SlackVoice
from watcher.http import HttpRefused
from watcher.notify.slack.refusals import MENDED
from watcher.notify.slack.said import said

SECRET = re.compile(r"[0-9a-z]{32}")  # as Slack makes them


async def examined(
    ear: Ear, voice: SlackVoice, app_token: SecretStr | None, public_url: str | None
) -> Sequence[Finding]:
    """By which ways clicks come, and whether they can."""
    by_socket = [await _by_socket(voice, app_token)] if app_token is not None else []
    return [*by_socket, *_by_http(ear, public_url)]


async def _by_socket(voice: SlackVoice, app_token: SecretStr) -> Finding:
    try:
        token = app_token.get_secret_value()
        await voice.call(voice.calls.client.apps_connections_open, app_token=token)
    except (SlackApiError, HttpRefused) as error:
        words = f"clicks are not heard by Socket Mode: {voice.calls.words(error)}"
        return Finding(Level.FAIL, words, _remedy(error), about=About.HEARING)
    return Finding(
        Level.OK, "Slack takes the app's token: clicks are heard by Socket Mode", about=About.HEARING
    )


def _remedy(error: SlackApiError | HttpRefused) -> str:
    if isinstance(error, HttpRefused):
        return error.remedy or MEND
    return MEND if said(error).word in MENDED else "try again in a minute"


def _by_http(ear: Ear, public_url: str | None) -> Iterator[Finding]:
    if ear.secret is None:
        return
    path = f"/v1/slack/{ear.name}"
    if not SECRET.fullmatch(ear.secret.get_secret_value()):
        yield Finding(
            Level.WARN,
            "`signing_secret` is not 32 small letters and digits, as Slack's are: no click will be believed",
            "take it from “Basic Information” of the app; it is no token",
            about=About.SECRET,
        )
    if public_url is None:
        yield Finding(
            Level.WARN,
            f"clicks are heard at {path}, and where Slack reaches that is not known",
            "set `daemon.http.public_url`, or hear by Socket Mode (`app_token`), which needs no way in",
            about=About.ADDRESS,
        )
    else:
        yield Finding(
            Level.OK,
            f"the Request URL of the app's interactivity is to be {public_url.rstrip('/')}{path}",
            about=About.ADDRESS,
        )
