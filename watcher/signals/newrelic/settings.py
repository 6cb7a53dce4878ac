"""What a connection of the kind ``newrelic`` needs: which account, where it lies, and whose key."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from rules.errors import Malformed

HOSTS = {"us": "https://api.newrelic.com", "eu": "https://api.eu.newrelic.com"}
PATH = "/graphql"


def _key(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise Malformed("a key with signs that no header can carry", remedy="give the key alone")
    return value


class Settings(BaseModel):
    """``connections: {nr: {newrelic: {account: …, key: …}}}``.

    Attributes:
        account: Its number.
        key: Of a user who may see the account: `NRAK-…`.
        region: Of the account: `us` or `eu`. A key is of one region, too.
        url: Instead of the region's: a proxy of your own, up to where `/graphql` begins.

    Source:
        https://docs.newrelic.com/docs/apis/nerdgraph/get-started/introduction-new-relic-nerdgraph/
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: Annotated[int, Field(ge=1, le=2**53)]
    key: Annotated[SecretStr, AfterValidator(_key)]
    region: Literal["us", "eu"] = "us"
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=2048)] | None = None

    @property
    def address(self) -> str:
        """Where is asked."""
        return f"{(self.url or HOSTS[self.region]).rstrip('/')}{PATH}"
