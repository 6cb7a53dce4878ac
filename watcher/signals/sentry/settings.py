"""What a connection of the kind ``sentry`` needs: which Sentry, which organisation, and who asks."""

import ssl
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from rules.errors import Malformed

API = "/api/0"


def _url(value: str) -> str:
    plain = value.rstrip("/")
    if plain.endswith(API):
        raise Malformed("the address without its /api/0", remedy=f"write {plain.removesuffix(API)}")
    return plain


def _token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise Malformed("a token with signs that no header can carry", remedy="give the token alone")
    return value


class Settings(BaseModel):
    """``connections: {errors: {sentry: {organization: …, token: …}}}``.

    Attributes:
        url: Of the region (``https://de.sentry.io``) or of your own Sentry, up to where ``/api/0`` begins.
        organization: Its slug: what stands in the addresses of its pages.
        token: Of an internal integration, with `org:read`, `event:read` and `project:releases`.
        authority: A PEM file with the authority that signed your own Sentry's certificate, instead of the system's.
        requests_in: Where requests are counted: `spans`, or `transactions` for a Sentry that has no spans yet.

    Source:
        https://docs.sentry.io/api/auth/; https://docs.sentry.io/api/permissions/
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[
        str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=2048), AfterValidator(_url)
    ] = "https://sentry.io"
    organization: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]
    token: Annotated[SecretStr, AfterValidator(_token)]
    authority: str | None = None
    requests_in: Literal["spans", "transactions"] = "spans"

    def at(self, path: str) -> str:
        """The address of *path* in the organisation. The slash at its end is needed: Sentry redirects without it."""
        return f"{self.url}{API}/organizations/{self.organization}/{path}"

    def tls(self) -> ssl.SSLContext | None:
        """How the server's certificate is checked, if not by the system's authorities.

        Raises:
            OSError: The file cannot be read, or is none (`ssl.SSLError` is one).
        """
        if self.authority is None:
            return None
        return ssl.create_default_context(cadata=Path(self.authority).read_text(encoding="ascii"))
