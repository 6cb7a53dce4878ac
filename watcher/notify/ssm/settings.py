"""What may stand under ``connections: {name: {ssm: …}}``."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from rules.errors import Malformed

USUAL = "/rollbackd/${service}/${environment}/verdict"
_MOST = 512  # characters, before names are filled in: SSM takes 1,011 with the ARN before them
_WORDS = re.compile(r"(?:[A-Za-z0-9_.-]|\$\{(?:service|environment)\})+")


def _parameter(value: str) -> str:
    steps = value.removeprefix("/").split("/")
    if not value.startswith("/") or not all(_WORDS.fullmatch(step) for step in steps):
        raise Malformed("not the name of a parameter", remedy=f"write {USUAL}")
    if steps[0].lower() in {"aws", "ssm"}:
        raise Malformed("names that begin with /aws or /ssm are Amazon's", remedy=f"write {USUAL}")
    if "${service}" not in value or "${environment}" not in value:
        raise Malformed(
            "every service would write the same parameter", remedy="put ${service} and ${environment} into it"
        )
    return value


class Settings(BaseModel):
    """``{ssm: {account: shop}}``.

    Attributes:
        account: Of `accounts`: its role to read looks at the parameter, its role to act writes it, in its region.
        parameter: Its name, with ``${service}`` and ``${environment}`` in it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: Annotated[str, Field(min_length=1, max_length=64)]
    parameter: Annotated[str, Field(max_length=_MOST), AfterValidator(_parameter)] = USUAL

    def name_of(self, service: str, environment: str) -> str:
        """The parameter of a service."""
        return self.parameter.replace("${service}", service).replace("${environment}", environment)
