"""What a connection of the kind ``prometheus`` needs: where, as whom, and how often the server scrapes."""

import ssl
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    model_validator,
)

from rules.duration import Duration, duration_text
from rules.errors import Malformed

SHORTEST, LONGEST = timedelta(milliseconds=100), timedelta(minutes=5)
USUAL_SCRAPE = timedelta(seconds=15)
LEAST_SETTLE = timedelta(seconds=30)
LONGEST_SETTLE = timedelta(minutes=15)


def _scrape(value: timedelta) -> timedelta:
    if not SHORTEST <= value <= LONGEST:
        limits = f"{duration_text(SHORTEST)} to {duration_text(LONGEST)}"
        raise Malformed(f"must lie within {limits}", remedy="write the server's scrape_interval: 15s")
    return value


def _settle(value: timedelta) -> timedelta:
    if value > LONGEST_SETTLE:
        raise Malformed(f"longer than {duration_text(LONGEST_SETTLE)}", remedy="30s is usual")
    return value


def _token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise Malformed("a token with signs that no header can carry", remedy="give the token alone")
    return value


Token = Annotated[SecretStr, AfterValidator(_token)]


class _Strictly(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Basic(_Strictly):
    """A user with a password."""

    user: Annotated[str, StringConstraints(pattern=r"^[\x21-\x39\x3b-\x7e]{1,256}$")]
    password: SecretStr


class Tls(_Strictly):
    """Files: an authority of one's own, and what we show the server (both or neither).

    They are read when the connection is opened.
    """

    authority: str | None = None
    certificate: str | None = None
    key: str | None = None

    @model_validator(mode="after")
    def _shows_both(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise Malformed(
                "a certificate needs its key", remedy="write `certificate:` and `key:`, or neither"
            )
        return self

    def context(self) -> ssl.SSLContext:
        """How the server is checked, and what it is shown.

        Raises:
            OSError: A file cannot be read, or is none (`ssl.SSLError` is one).
        """
        context = ssl.create_default_context()
        if self.authority is not None:
            context = ssl.create_default_context(cadata=Path(self.authority).read_text(encoding="ascii"))
        if self.certificate is not None and self.key is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


class SigV4(_Strictly):
    """Amazon Managed Prometheus: requests are signed as *account*, in its region."""

    account: str


class Settings(_Strictly):
    """``connections: {prom: {prometheus: {url: …}}}``.

    Attributes:
        url: Up to where ``/api/v1`` begins: Mimir's ``/prometheus``, a workspace, a proxy of Grafana.
        tenant: Sent as ``X-Scope-OrgID``.
        thanos: Also send ``partial_response=false&dedup=true``: a part of the data is worse than none.
        scrape_interval: The longest of what is asked for here. A bucket must be at least twice as long.
        settle: How long after its end a bucket is final; by default twice the scrape interval, at least 30 s.

    Source:
        https://prometheus.io/docs/prometheus/latest/querying/api/; https://thanos.io/tip/components/query.md/
    """

    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=2048)]
    basic: Basic | None = None
    bearer: Token | None = None
    sigv4: SigV4 | None = None
    tls: Tls | None = None
    tenant: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!_.*'()|-]{1,512}$")] | None = None
    thanos: bool = False
    scrape_interval: Annotated[Duration, AfterValidator(_scrape)] = USUAL_SCRAPE
    settle: Annotated[Duration, AfterValidator(_settle)] | None = None

    @model_validator(mode="after")
    def _shows_one_thing(self) -> Self:
        if sum(each is not None for each in (self.basic, self.bearer, self.sigv4)) > 1:
            raise Malformed("several ways to say who we are", remedy="keep one of basic, bearer and sigv4")
        return self

    @property
    def settles(self) -> timedelta:
        """How long after its end a bucket is final."""
        return self.settle if self.settle is not None else max(2 * self.scrape_interval, LEAST_SETTLE)

    def at(self, path: str) -> str:
        """The address of *path*, which begins with a slash."""
        return f"{self.url.rstrip('/')}{path}"
