"""What may stand under ``runs_on: [{launchdarkly: …}]``.

Source:
    https://launchdarkly.com/docs/api#authentication
    https://launchdarkly.com/docs/home/infrastructure for the addresses of other instances
"""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, StringConstraints

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]


# For trying it out: the token does not leave this machine.
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_VISIBLE = re.compile(r"[!-~]*")  # line breaks and tabs are dropped by `urlsplit`, and would not be looked at


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("this is no address: https://app.launchdarkly.com") from None
    if not _VISIBLE.fullmatch(url) or not parts.hostname or "@" in parts.netloc or port == 0:
        raise ValueError("an address begins with https:// and a name, and holds no user")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _HERE):
        raise ValueError("an address begins with https://: a token that may change flags goes there")
    if parts.path or parts.query or parts.fragment:
        raise ValueError("an address ends with its host: https://app.launchdarkly.com")
    return url


class Settings(BaseModel):
    """A flag in one environment of LaunchDarkly.

    Attributes:
        project: The key of the project.
        environment: The key of the environment.
        flag: The key of the flag.
        token: An access token: a reader's is enough in shadow; else one that may updateOn, updateFallthrough on this flag there.
        url: Of the instance, by https; by default LaunchDarkly's own, https://app.launchdarkly.com.
        percentages: What the percentages of its default rule are: `releases`, each a release of its own; or `shares` that the variation
            that is rolled out has of the traffic, which is the release then: so they are that of stages.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    project: Key
    environment: Key
    flag: Key
    token: SecretStr
    url: Annotated[str, StringConstraints(max_length=255), AfterValidator(_origin)] = (
        "https://app.launchdarkly.com"
    )
    percentages: Literal["releases", "shares"] = "releases"

    @property
    def called(self) -> str:
        """For people: project, flag, environment."""
        return f"{self.project}/{self.flag} in {self.environment}"

    @property
    def at(self) -> str:
        """Where the flag is."""
        return f"{self.url}/api/v2/flags/{self.project}/{self.flag}"


def unstaged(settings: Settings) -> tuple[str, str] | None:
    """Why its percentages are not the daemon's to raise: each of them is a release."""
    if settings.percentages == "shares":
        return None
    return (
        f"each percentage of {settings.called} is a release of its own",
        "write `percentages: shares`: what is rolled out is the release then, and the percentage its share",
    )
