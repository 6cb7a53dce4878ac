"""What a connection of the kind ``datadog`` needs: the site, and two keys of it."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StrictBool, model_validator

from rules.duration import Duration, duration_text
from rules.errors import Malformed

SETTLE, LONGEST_SETTLE = timedelta(seconds=60), timedelta(minutes=15)
FLUSH, SHORTEST_FLUSH, LONGEST_FLUSH = timedelta(seconds=10), timedelta(seconds=1), timedelta(minutes=5)

Site = Literal[
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "datadoghq.eu",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "uk1.datadoghq.com",
    "ddog-gov.com",
    "us2.ddog-gov.com",
]


def _settle(value: timedelta) -> timedelta:
    if value > LONGEST_SETTLE:
        raise Malformed(f"longer than {duration_text(LONGEST_SETTLE)}", remedy="60s is usual")
    return value


def _flush(value: timedelta) -> timedelta:
    if not SHORTEST_FLUSH <= value <= LONGEST_FLUSH:
        limits = f"{duration_text(SHORTEST_FLUSH)} to {duration_text(LONGEST_FLUSH)}"
        raise Malformed(f"must lie within {limits}", remedy="an agent sends every 10s")
    return value


def _key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise Malformed("a key with signs that no header can carry", remedy="give the key alone")
    return value


Key = Annotated[SecretStr, AfterValidator(_key)]


class Settings(BaseModel):
    """``connections: {dog: {datadog: {site: …, api_key: {env: …}, application_key: {env: …}}}}``.

    Attributes:
        site: Where the organisation lives: what stands in its address behind ``app.``. Keys are of one site.
        url: Instead of `site`, for a proxy: up to where ``/api`` begins.
        api_key: Of the organisation.
        application_key: Of a service account; needs the scope ``timeseries_query``; ``monitors_read`` for monitors, ``slos_read`` for
            SLOs.
        flush: How often metrics are sent, the longest of what is asked for here. A bucket must be at least as long.
        settle: How long after its end a bucket is final.
        dora: Deployments, and that a rollback undid one, are told for the DORA metrics, where a team is told by this
            connection; the application key needs the scope ``dora_metrics_write``.

    Source:
        https://docs.datadoghq.com/getting_started/site/; https://docs.datadoghq.com/account_management/api-app-keys/
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: Site | None = None
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=2048)] | None = None
    api_key: Key
    application_key: Key
    flush: Annotated[Duration, AfterValidator(_flush)] = FLUSH
    settle: Annotated[Duration, AfterValidator(_settle)] = SETTLE
    dora: StrictBool = False

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if (self.site is None) == (self.url is None):
            raise Malformed(
                "expected the site of the organisation",
                remedy="write `site: datadoghq.com`, or `url:` of a proxy",
            )
        return self

    @model_validator(mode="after")
    def _has_them(self) -> Self:
        if self.dora and self.site == "ddog-gov.com":
            raise Malformed("the site ddog-gov.com has no DORA metrics", remedy="remove `dora`")
        return self

    @property
    def base(self) -> str:
        """Up to where ``/api`` begins, without a slash at its end."""
        return self.url.rstrip("/") if self.url is not None else f"https://api.{self.site}"

    @property
    def place(self) -> str:
        """Whose keys these have to be, for people: the site, or the host."""
        return self.site or self.base.split("/")[2]
