"""What may stand in a test file: the doors. Series and expectations are read by the rules that they are of."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rules.document.early import Early
from rules.document.version import Version
from rules.duration import Duration, Share
from rules.errors import Malformed
from rules.trial.values import End
from rules.verdict import Outcome


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BakeModel(_Model):
    """As in the configuration, but for runs."""

    at_least: Duration = timedelta(minutes=30)
    at_most: Duration = timedelta(hours=24)
    pass_early: Early = None

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.at_least > self.at_most:
            raise Malformed(
                "at_least is longer than at_most", remedy="write at_most: 24h, or a shorter at_least"
            )
        return self


class Says(StrEnum):
    """All that may be expected: an outcome, or an end."""

    HEALTHY = Outcome.HEALTHY
    UNDECIDED = Outcome.UNDECIDED
    BLIND = Outcome.BLIND
    BREACHED = Outcome.BREACHED
    PASSED = End.PASSED

    @property
    def meant(self) -> Outcome | End:
        """As what it is."""
        return End.PASSED if self is Says.PASSED else Outcome(self)


class ExpectedModel(_Model):
    """See `Expectation`."""

    at: Duration | None = None
    by: Duration | None = None
    says: Says | None = None
    then: Literal["rollback", "ask"] | None = None
    never: Says | None = None
    rule: str | None = None


class TestModel(_Model):
    """See `Trial`; what depends on the rules is read apart."""

    name: Annotated[str, Field(min_length=1)]
    bucket: Any = None
    settle: Duration = timedelta(0)
    bake: BakeModel = BakeModel()
    false_rollback_probability: Annotated[Share, Field(gt=0, lt=1)] = 0.001
    traffic: Duration = timedelta(0)
    complete: Duration | None = None
    history: dict[str, Any] = {}
    series: Annotated[dict[str, Any], Field(min_length=1)]
    expect: Annotated[list[Any], Field(min_length=1)]


class FileModel(_Model):
    """The keys of the file."""

    version: Version
    rules: str | None = None
    parameters: dict[str, Any] = Field(default={}, alias="with")
    tests: Annotated[list[Any], Field(min_length=1)]
