"""What a connection of the kind ``loki`` needs: where, as whom, and how late lines come."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from rules.duration import Duration, duration_text
from rules.errors import Malformed
from watcher.signals.prometheus.settings import Basic, Tls, Token

# Agents send what they have once a second; those that failed try again for minutes. A guess.
USUAL_SETTLE = timedelta(seconds=60)
LONGEST_SETTLE = timedelta(
    hours=1
)  # by default Loki takes what is up to an hour older than the newest of its stream
USUAL_SERIES = 500  # `max_query_series`


def _settle(value: timedelta) -> timedelta:
    if value > LONGEST_SETTLE:
        raise Malformed(
            f"longer than {duration_text(LONGEST_SETTLE)}, after which Loki takes no lines",
            remedy="60s is usual",
        )
    return value


class Settings(BaseModel):
    """``connections: {logs: {loki: {url: …}}}``.

    Attributes:
        url: Up to where ``/loki/api/v1`` begins: a gateway, or a proxy of Grafana.
        basic: ``{user, password}``; one of basic and bearer.
        tenant: Sent as ``X-Scope-OrgID``; several with ``|`` between them, where the server allows it.
        tls: ``{authority, certificate, key}``: PEM files, read at the start.
        settle: How long after its end a bucket is final. Lines that come later are not counted.
        most_series: How many rows an answer may have: the server's ``max_query_series``.

    Source:
        https://grafana.com/docs/loki/latest/reference/loki-http-api/
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=2048)]
    basic: Basic | None = None
    bearer: Token | None = None
    tls: Tls | None = None
    tenant: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!_.*'()|-]{1,512}$")] | None = None
    settle: Annotated[Duration, AfterValidator(_settle)] = USUAL_SETTLE
    most_series: Annotated[int, Field(ge=10, le=100_000)] = USUAL_SERIES

    @model_validator(mode="after")
    def _shows_one_thing(self) -> Self:
        if self.basic is not None and self.bearer is not None:
            raise Malformed("two ways to say who we are", remedy="keep one of basic and bearer")
        return self

    def at(self, path: str) -> str:
        """The address of *path*, which begins with a slash."""
        return f"{self.url.rstrip('/')}{path}"
