"""A test of rules, once it is read: series, and what is expected of them. Plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from rules.brief import PassEarly
from rules.document import Place
from rules.sample import Series
from rules.verdict import Outcome

DEPLOYED = datetime(2025, 1, 1, tzinfo=UTC)  # any day: a test counts from the deployment


class End(StrEnum):
    """How a watch ended well."""

    PASSED = "passed"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected, and where it stands.

    Attributes:
        at: At this time after the deployment, exactly; else *by*: then, or earlier; both ``None``: never.
        says: The outcome, or that the watch had passed by then.
        rule: Of this rule, by id; ``None``: of all together.
        then: A breach starts the rollback, or asks a person; ``None``: either.
    """

    place: Place
    says: Outcome | End
    at: timedelta | None = None
    by: timedelta | None = None
    rule: str | None = None
    then: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One test.

    Attributes:
        buckets: Length of a bucket, by indicator.
        settle: After its end a bucket is final so much later.
        early: What has to be proven for the bake to end before *at_least*; ``None``: it never does.
        traffic, complete: When the release takes traffic, and has all of it, after the deployment.
        history: Series that end at the deployment, by indicator.
        series: Series that begin at the deployment, by indicator.
    """

    name: str
    place: Place
    buckets: Mapping[str, timedelta]
    settle: timedelta
    at_least: timedelta
    at_most: timedelta
    early: PassEarly | None
    false_rollback_probability: float
    traffic: timedelta
    complete: timedelta
    history: Mapping[str, tuple[Series, ...]]
    series: Mapping[str, tuple[Series, ...]]
    expectations: tuple[Expectation, ...]
