"""The store kind ``postgresql``: its settings."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class PostgresqlSettings(BaseModel):
    """``store: {postgresql: {dsn: {env: DATABASE_URL}}}``.

    Attributes:
        dsn: As libpq reads it, URL or words (https://www.postgresql.org/docs/current/libpq-connect.html).
        pool: Connections at most, beside the one that renews leases.
        search_path: The schema that the tables are in; it has to be there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dsn: SecretStr
    pool: Annotated[int, Field(ge=1, le=50)] = 8
    search_path: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")] = "public"
