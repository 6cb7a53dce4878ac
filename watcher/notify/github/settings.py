"""What may stand under ``connections: {name: {github: …}}``."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from rules.duration import Duration
from rules.errors import Malformed

GITHUB = "https://api.github.com"


class App(BaseModel):
    """A GitHub App, and one installation of it.

    Attributes:
        private_key: PEM, as GitHub gives it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[int, Field(ge=1, strict=True)]
    installation: Annotated[int, Field(ge=1, strict=True)]
    private_key: SecretStr


class Settings(BaseModel):
    """``{github: {token: {env: NAME}}}``, or ``{github: {app: {id, installation, private_key: {file: PATH}}}}``.

    Attributes:
        url: Of the REST API; of GitHub Enterprise Server ``https://github.acme.example/api/v3``.
        timeout: Of one request.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr | None = None
    app: App | None = None
    url: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=2048)] = GITHUB
    timeout: Duration = timedelta(seconds=5)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.token is None) == (self.app is None):
            raise Malformed(
                "GitHub is spoken to either by a token or as an app",
                remedy="write token: {env: GITHUB_TOKEN}, or app: {id, installation, private_key}, and not both",
            )
        return self
