"""What may stand under ``runs_on: [{unleash: …}]``.

Source:
    https://docs.getunleash.io/reference/api-tokens-and-client-keys#personal-access-tokens
    https://docs.getunleash.io/reference/api/unleash/get-feature-environment
"""

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, StringConstraints, model_validator

# What Unleash lets stand in a name; two dots alone would climb in a path.
Name = Annotated[str, StringConstraints(pattern=r"^(?!\.{1,2}\Z)[A-Za-z0-9._~-]{1,100}\Z")]

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
# Visible letters alone: `urlsplit` drops tabs and line breaks, and would look at another address than is asked.
_ADDRESS = re.compile(r"https?://[!-~]+")
_BELOW = re.compile(r"(?:/(?!\.{1,2}(?:/|\Z))[A-Za-z0-9._~-]+)*")
_EXAMPLE = "https://unleash.example.com"


def _base(url: str) -> str:
    """The address of an instance, below which its API is."""
    wrong = _wrong_with(url)
    if wrong:
        raise ValueError(f"{wrong}: {_EXAMPLE}")
    return url


def _wrong_with(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "this is no address"
    if not _ADDRESS.fullmatch(url) or not host or port == 0 or "@" in parts.netloc:
        return "an address begins with https:// and a name, and holds no user"
    if parts.scheme == "http" and host not in _HERE:
        return "an address begins with https://, since a token that may change flags goes there"
    if "?" in url or "#" in url or not _BELOW.fullmatch(parts.path):
        return "an address ends without a slash, and without `?` and `#`"
    return (
        "the address of an instance is that of its pages, without /api"
        if "api" in parts.path.split("/")
        else ""
    )


class Settings(BaseModel):
    """A flag in one environment of Unleash.

    Attributes:
        url: Of the instance, as people open it: by https, without /api; a hosted one has its name as a path.
        project: The id of the project.
        environment: The name of the environment.
        flag: The name of the flag.
        token: A personal access token, or that of a service account: a reader's is enough in shadow; else its role may toggle
            the flag there and update its strategies.
        percentages: What the percentages of its gradual rollout are: `releases`, each a release of its own; or `shares` that what
            the flag gives has of the traffic, which is the release then: so they are that of stages.
        strategy: With `shares` the id of the gradual rollout whose percentage that is, where the flag has several there; left out: the
            only one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")

    url: Annotated[str, StringConstraints(max_length=255), AfterValidator(_base)]
    project: Name = "default"
    environment: Name
    flag: Name
    token: SecretStr
    percentages: Literal["releases", "shares"] = "releases"
    strategy: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}\Z")] | None = None

    @model_validator(mode="after")
    def _names_what_is_shared(self) -> Self:
        if self.strategy is not None and self.percentages != "shares":
            raise ValueError("`strategy` says whose percentage is a share: write `percentages: shares` too")
        return self

    @property
    def called(self) -> str:
        """For people: project, flag, environment."""
        return f"{self.project}/{self.flag} in {self.environment}"

    @property
    def path(self) -> str:
        """Of the flag, below the address."""
        return f"/api/admin/projects/{self.project}/features/{self.flag}"

    @property
    def here(self) -> str:
        """Of the flag in the environment, below the address."""
        return f"{self.path}/environments/{self.environment}"


def unstaged(settings: Settings) -> tuple[str, str] | None:
    """Why its gradual rollout is not the daemon's to raise: each percentage of it is a release."""
    if settings.percentages == "shares":
        return None
    return (
        f"each percentage of {settings.called} is a release of its own",
        "write `percentages: shares`: what the flag gives is the release then, and the percentage its share",
    )
