"""What the queries of sampled sources have in common: URLs, and how often they are asked."""

from datetime import timedelta
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rules.duration import Duration, duration_text
from rules.errors import Malformed
from watcher.signals.arms import filled_with
from watcher.signals.discovery import Discover

SHORTEST = timedelta(milliseconds=100)
LONGEST = timedelta(minutes=5)
LONGEST_URL = 2048
MOST_URLS = 100


def _every(value: timedelta) -> timedelta:
    if not SHORTEST <= value <= LONGEST:
        limits = f"{duration_text(SHORTEST)} to {duration_text(LONGEST)}"
        raise Malformed(f"must lie within {limits}", remedy="10s is usual")
    if timedelta(days=1) % value:
        raise Malformed(
            "does not divide a day, so that buckets would not lie on one grid",
            remedy="write 1s, 2s, 5s, 10s, 15s, 30s or 1m",
        )
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(filled_with(value, "v"))
        port = parts.port
    except ValueError:
        raise Malformed("not a URL", remedy="write http://host:port/path") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or len(value) > LONGEST_URL:
        raise Malformed("expected an http(s) URL", remedy="write http://host:port/path")
    if parts.username is not None or parts.fragment or not value.isprintable() or " " in value:
        raise Malformed("a URL with a user, a password, a blank or a #", remedy="write http://host:port/path")
    return value


Every = Annotated[Duration, AfterValidator(_every)]
Url = Annotated[str, AfterValidator(_url)]


class Addressed(BaseModel):
    """What is looked at, and how often.

    Attributes:
        url: One address, or `urls`: one for each instance; or `discover`: those that run are found.
        account: Of AWS, in which they are found; the service's, if none is named.
        every: Length of a bucket.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Url | None = None
    urls: Annotated[list[Url], Field(min_length=1, max_length=MOST_URLS)] | None = None
    discover: Discover | None = None
    account: str | None = None
    every: Every = timedelta(seconds=10)

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if sum(each is not None for each in (self.url, self.urls, self.discover)) != 1:
            raise Malformed(
                "expected one address or several, or how to find them",
                remedy="write `url: …`, `urls: […, …]` or `discover: {ecs_tasks: …}`",
            )
        if self.account is not None and self.discover is None:
            raise Malformed("`account` is for what is found", remedy="leave `account` out")
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        """All of them, each once; none where they are found."""
        return tuple(dict.fromkeys(self.urls or ([self.url] if self.url else [])))
