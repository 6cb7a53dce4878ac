"""What a query of `cloudwatch_logs` may say: log groups, whose lines are of a release, and which of them are bad.

Source:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

import functools
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from rules.duration import Duration, duration_text
from rules.errors import Malformed
from rules.model import Indicator, Kind
from watcher.signals.exposed import Not, Pattern, listed

MINUTE = timedelta(minutes=1)
SHORTEST, LONGEST = timedelta(seconds=30), timedelta(hours=1)
# Lines are found some seconds after they were sent, and agents send them in batches. A guess, on the safe side.
SETTLE = timedelta(seconds=120)
MOST_GROUPS = 50  # in one question, says AWS
MOST_TOLD_BY = 6  # fields and texts of one question: each multiplies the rows


def _bucket(value: timedelta) -> timedelta:
    seconds = int(value.total_seconds())
    if not SHORTEST <= value <= LONGEST or (value >= MINUTE and seconds % 60) or 3600 % max(seconds, 1):
        raise Malformed(
            f"{duration_text(value)} is no bucket here",
            remedy="write 1m, 5m, 15m or 1h; each one scans the log anew",
        )
    return value


Group = Annotated[str, StringConstraints(pattern=r"^[.\-_/#A-Za-z0-9]{1,512}$")]
Groups = Annotated[list[Group], BeforeValidator(listed), Field(min_length=1, max_length=MOST_GROUPS)]
# What stands in a query without back quotes; `@` and dots lead to what is nested, and to what CloudWatch itself knows.
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_@][A-Za-z0-9_.@]{0,127}$")]
Text = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,256}$")]
Texts = Annotated[list[Text], BeforeValidator(listed), Field(max_length=MOST_TOLD_BY)]
Patterns = Annotated[Mapping[FieldName, Pattern | Not], Field(max_length=MOST_TOLD_BY)]


class Lines(BaseModel):
    """Which lines.

    Attributes:
        contains: Texts, each of which is in the line, in these letters.
        lacks: Texts of which none is in it.
        fields: Patterns of the values of fields, each for a whole value; one that is not there is empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    contains: Texts = Field(default_factory=list)
    lacks: Texts = Field(default_factory=list)
    fields: Patterns = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.contains or self.lacks or self.fields):
            raise Malformed("no line is told from another", remedy="write contains, lacks or fields")
        return self


class Query(BaseModel):
    """``{cloudwatch_logs: {groups, total, bad}}``.

    Attributes:
        groups: Names of log groups, in which the lines are.
        total: Which of their lines count, in which a field says the release (``${arm.x}``); by default all.
        bad: Which of these are bad.
        bucket: Its length. The shorter, the more often the log is scanned, though no line twice.
        account: Where to ask, if not in the account of the service.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    groups: Groups
    total: Lines | None = None
    bad: Lines | None = None
    bucket: Annotated[Duration, AfterValidator(_bucket)] = MINUTE
    account: str | None = None

    @model_validator(mode="after")
    def _is_told_by_few(self) -> Self:
        told_by = {*self.names, *self.texts}
        if len(told_by) > MOST_TOLD_BY:
            raise Malformed(
                f"lines are told apart by {len(told_by)} fields and texts, which are rows without end",
                remedy=f"write at most {MOST_TOLD_BY} of them",
            )
        return self

    @property
    def parts(self) -> tuple[Lines, ...]:
        """What is said of lines."""
        return tuple(each for each in (self.total, self.bad) if each is not None)

    @property
    def names(self) -> frozenset[str]:
        """Of all fields that are looked at."""
        return frozenset(name for each in self.parts for name in each.fields)

    @property
    def texts(self) -> frozenset[str]:
        """All that are looked for."""
        return frozenset(text for each in self.parts for text in (*each.contains, *each.lacks))


@functools.lru_cache(maxsize=16384)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


FITS = frozenset({Kind.RATIO, Kind.EVENTS, Kind.REQUESTS})


def mistake(indicator: Indicator) -> tuple[str, str] | None:
    """What the query lacks for the kind of its indicator, and the remedy; ``None`` if it fits."""
    if (parsed(indicator.query).bad is None) is (indicator.kind is Kind.REQUESTS):
        return None
    needs = "groups without bad" if indicator.kind is Kind.REQUESTS else "groups and bad"
    return f"{indicator.kind} cannot be read with this query", f"it needs {needs}"


def bucket(indicator: Indicator) -> timedelta:
    """Length of a bucket."""
    return parsed(indicator.query).bucket
