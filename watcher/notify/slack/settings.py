"""What a connection to Slack is configured with."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from rules.duration import Duration
from rules.errors import Malformed

CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,20}")
PERSON, GROUP, TEAM = r"^[UW][A-Z0-9]{2,20}$", r"^S[A-Z0-9]{2,20}$", r"^T[A-Z0-9]{2,20}$"
MOST_NAMES = 1000
LONGEST = timedelta(seconds=10)  # of a call: the courier gives a message 20 s, with a look before it

ChannelId = Annotated[str, Field(pattern=f"^{CHANNEL.pattern}$")]


class Settings(BaseModel):
    """``connections: {slack: {slack: {token: {env}, workspace: T…}}}``, or ``{slack: {webhook: {env}}}``.

    Attributes:
        token: Of the app's bot, ``xoxb-…``.
        workspace: The id of the workspace whose people are heard.
        signing_secret: Clicks come over HTTP, and are signed with it.
        app_token: ``xapp-…``: clicks come over Socket Mode.
        webhook: An incoming webhook instead of all that: one channel, no updates, commands instead of buttons.
        channel: Where a message goes that names none.
        mentions: Who an author is on Slack: e-mail or login → ``U…``. Nobody is guessed.
        on_call: Who is on call for what a channel is told: channel → user group ``S…``.
        history: Look for an own message before a first one is sent: after a crash between sending and writing it down it is
            found again. Needs the scopes ``channels:history`` and ``groups:history``.
        url: Of the API; another one for a proxy, and in tests.
        timeout: Of one call; 10 s at most.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr | None = None
    workspace: Annotated[str, Field(pattern=TEAM)] | None = None
    signing_secret: SecretStr | None = None
    app_token: SecretStr | None = None
    webhook: SecretStr | None = None
    channel: ChannelId | None = None
    mentions: Annotated[
        dict[Annotated[str, Field(max_length=254)], Annotated[str, Field(pattern=PERSON)]],
        Field(max_length=MOST_NAMES),
    ] = {}
    on_call: Annotated[
        dict[ChannelId, Annotated[str, Field(pattern=GROUP)]], Field(max_length=MOST_NAMES)
    ] = {}
    history: bool = False
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?/$", max_length=2048)] = (
        "https://slack.com/api/"
    )
    timeout: Annotated[Duration, Field(gt=timedelta(0), le=LONGEST)] = timedelta(seconds=8)

    @model_validator(mode="after")
    def _one_way(self) -> "Settings":
        if (self.token is None) == (self.webhook is None):
            raise Malformed(
                "Slack is spoken to by a bot's token, or by an incoming webhook",
                remedy="write `token: {env: NAME}`, or `webhook: {env: NAME}`",
            )
        if self.webhook is not None and (self.signing_secret or self.app_token):
            raise Malformed(
                "an incoming webhook has no buttons, so nobody is heard by it",
                remedy="leave `signing_secret` and `app_token` out, or take a bot's token",
            )
        if self.hears and self.workspace is None:
            raise Malformed(
                "who is heard must be of one workspace",
                remedy="write `workspace: T…`, its id (auth.test tells it)",
            )
        return self

    @property
    def hears(self) -> bool:
        """Clicks arrive: buttons make sense."""
        return self.signing_secret is not None or self.app_token is not None
