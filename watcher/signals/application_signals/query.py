"""What a query of `application_signals` may say: SLOs, and which of their states are bad.

Source:
    https://docs.aws.amazon.com/applicationsignals/latest/APIReference/API_ServiceLevelObjectiveBudgetReport.html
"""

import functools
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from rules.model import Indicator, Kind
from watcher.signals.exposed import listed

MINUTE = timedelta(minutes=1)
# An SLO is made of metrics, and those of a minute are whole three minutes after it (see `cloudwatch.query`).
SETTLE = timedelta(seconds=180)
FITS = frozenset({Kind.STATE})

Slo = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z$][-._0-9A-Za-z ${}:/]{0,254}[0-9A-Za-z}]$")]
Status = Literal["OK", "WARNING", "BREACHED", "INSUFFICIENT_DATA"]


class Query(BaseModel):
    """``{application_signals: {slo}}``.

    Attributes:
        slo: Its name or ARN, or several; may say ``${arm.x}``. The worst of them is how it stands.
        bad: States that are bad.
        good: States that are well. One that is neither bad nor good says nothing.
        account: Where to ask, if not in the account of the service.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    slo: Annotated[list[Slo], BeforeValidator(listed), Field(min_length=1, max_length=50)]
    bad: Annotated[tuple[Status, ...], Field(min_length=1)] = ("BREACHED",)
    good: Annotated[tuple[Status, ...], Field(min_length=1)] = ("OK", "WARNING")
    account: str | None = None


@functools.lru_cache(maxsize=16384)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


def bucket(_indicator: Indicator) -> timedelta:
    """A minute: a budget is read no more often."""
    return MINUTE
