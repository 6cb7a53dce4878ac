"""What everybody here knows of GitHub who speaks with it: how its things are called, and by what right it is asked.

Deliberately absent: asking. Who gives the tokens of an installation, and keeps them, is whoever implements the port
(`deploy.ports.Rest`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import from_json

from deploy.model import KEY, TAG

API = "https://api.github.com"
GITHUB_COM = "github.com"
HOST = r"[a-z0-9.-]{1,253}(?::[0-9]{1,5})?"
OURS = "rollbackd: "  # what the description of a status begins with that we have set ourselves
REPOSITORY = r"[A-Za-z0-9_.-]{1,39}/[A-Za-z0-9_.-]{1,100}"
ENVIRONMENT = r"[^\x00-\x1f\x7f]{1,255}"
REPOSITORY_WORDS = "a repository as OWNER/NAME, such as acme/shop"
ENVIRONMENT_WORDS = "the name of an environment, at most 255 characters"


def written(pattern: str, words: str) -> AfterValidator:
    """People are told in words what is expected, and not by a pattern."""

    def check(value: str) -> str:
        if not is_whole(pattern, value):
            raise ValueError(f"expected {words}")
        return value

    return AfterValidator(check)


def is_whole(pattern: str, text: object) -> bool:
    """*text* is text, and *pattern*, whole."""
    return isinstance(text, str) and re.fullmatch(pattern, text) is not None


def host_of(url: str | None) -> str:
    """The server at *url*, be it a page's or that of its REST API; `GITHUB_COM` where nothing that could be one is said.

    ``api.github.com`` is github.com's, and ``api.acme.ghe.com`` that of acme.ghe.com; a server of one's own has one host.
    """
    try:
        host = urlsplit(url or "").netloc.lower().removeprefix("api.")
    except ValueError:
        return GITHUB_COM
    return host if re.fullmatch(HOST, host) else GITHUB_COM


Repository = Annotated[str, written(REPOSITORY, REPOSITORY_WORDS)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=2048)]


class App(BaseModel):
    """A GitHub App, and one installation of it.

    Attributes:
        private_key: PEM, as GitHub gives it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[int, Field(ge=1, strict=True)]
    installation: Annotated[int, Field(ge=1, strict=True)]
    private_key: SecretStr


class Access(BaseModel):
    """By what right GitHub is asked: a token, or as an app; and where.

    Attributes:
        url: Of the REST API; of GitHub Enterprise Server ``https://github.acme.example/api/v3``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr | None = None
    app: App | None = None
    url: Url = API

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.token is None) == (self.app is None):
            raise ValueError(
                "GitHub is spoken to either by a token or as an app: write token: {env: GITHUB_TOKEN}, or"
                " app: {id, installation, private_key}, and not both"
            )
        return self

    @property
    def is_server(self) -> bool:
        """It is a GitHub Enterprise Server, which is behind github.com by months."""
        return self.url.rstrip("/").endswith("/api/v3")


# ---------------------------------------------------------------------------------------------------- our mark on a run


@dataclass(frozen=True, slots=True)
class Trace:
    """Which move of ours a run is: what its input `rollbackd` is given, and its name shows, for GitHub tells nobody a run's inputs.

    run-name: deploy ${{ inputs.tag || github.ref_name }} ${{ inputs.rollbackd }}
    """

    key: str
    tag: str

    @property
    def mark(self) -> str:
        """As the run is given it: ``rollbackd w_1.3.0 to v42``."""
        return f"rollbackd {self.key} to {self.tag}"


TITLE = 1024  # characters of a run's name that are looked at
_MARK = re.compile(rf"(?<![!-~])rollbackd (?P<key>{KEY}) to (?P<tag>{TAG})(?![!-~])")


def trace_in(title: str) -> Trace | None:
    """The mark in the name of a run; ``None``: it is none of ours, or its name does not show it. Anybody may write it there."""
    found = _MARK.search(title[:TITLE])
    return None if found is None else Trace(found["key"], found["tag"])


# -------------------------------------------------------------------------------------------------------- its refusals

SECONDARY = timedelta(minutes=1)  # that GitHub asks to be left alone for, where it does not say how long
LONGEST = timedelta(hours=1)  # that GitHub is believed
WORDS = 200  # characters of GitHub's own words


def limited(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> timedelta | None:
    """How long GitHub wants to be left alone, where it refuses for a limit of requests; ``None``: it is none.

    Source:
        https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    """
    if status not in {HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS}:
        return None
    wait, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if re.fullmatch(r"[0-9]{1,6}", wait):
        return min(timedelta(seconds=int(wait)), LONGEST)
    if headers.get("x-ratelimit-remaining") == "0" and re.fullmatch(r"[0-9]{1,11}", reset):
        until = datetime.fromtimestamp(int(reset), UTC)
        return min(max(until - now, timedelta(seconds=1)), LONGEST)
    is_limit = status == HTTPStatus.TOO_MANY_REQUESTS or b"rate limit" in body.lower()
    return SECONDARY if is_limit else None


def said(status: int, body: bytes) -> str:
    """The status, and GitHub's own words, as they are safe to repeat."""
    try:
        told = from_json(body)
    except ValueError:
        told = None
    message = told.get("message") if isinstance(told, dict) else None
    text = message if isinstance(message, str) else ""
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:WORDS]
    return f"HTTP {status}" + (f" ({words})" if words else "")
