"""What a query of ``alert`` may say: who tells it, which of its alerts are meant, and what it means where nothing is told."""

import functools
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints

from deploy.model import SERVICE
from rules.duration import Duration, duration_text
from rules.errors import Malformed
from rules.model import Indicator, Kind
from watcher.core.alerts import Alert, is_way
from watcher.signals.arms import names_in

MINUTE = timedelta(minutes=1)
LONGEST = timedelta(days=31)
MOST_LABELS = 20
PROVIDER = "alert"  # as rules call it
NAME = "name"  # what people call an alert; a label of its own that is called so goes before it
# How long a sender that repeats itself is believed: Alertmanager and Grafana repeat every four hours, if nobody says
# otherwise, and no sooner than the next turn of the group.
REPEATS = timedelta(hours=5)


def _span(value: timedelta) -> timedelta:
    if not MINUTE <= value <= LONGEST:
        limits = f"{duration_text(MINUTE)} to {duration_text(LONGEST)}"
        raise Malformed(
            f"must lie within {limits}", remedy="write 5h, or 5m for a sender that beats as a heart"
        )
    return value


Span = Annotated[Duration, AfterValidator(_span)]
Label = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,128}$")]
Wanted = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,512}$")]


class Query(BaseModel):
    """``state: {alert: {source: NAME, match: {alertname: CheckoutErrors}}}``.

    Attributes:
        source: Who tells it: a name under ``alerts:``, or that of a queue under ``sources:``.
        match: Labels that an alert must have, all of them, exactly; may say ``${arm.x}``. ``name`` is what it is called.
        decides: It may roll back by itself. Without it it may doubt, ask and tell, and has its watches looked at, at once.
        silent: Where none of the alerts that are meant was ever told. By default ``well`` for a system that repeats itself,
            which tells of what fires alone, and ``unknown`` for all others.
        heard_within: The system has to be heard so often, whatever it tells; else nothing is known of what does not fire. By
            default 5h for one that repeats itself; for others no bound.
        repeats: So often it tells again of what still fires: what it tells no more, while it is heard, is over. By default 5h
            for one that repeats itself; others are believed until they say otherwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Annotated[str, StringConstraints(pattern=f"^{SERVICE}$")]
    match: Annotated[dict[Label, Wanted], Field(min_length=1, max_length=MOST_LABELS)]
    decides: Annotated[bool, Strict()] = False
    silent: Literal["well", "unknown"] | None = None
    heard_within: Span | None = None
    repeats: Span | None = None


@functools.lru_cache(maxsize=16384)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)


def source_of(indicator: Indicator) -> str:
    """Who tells what *indicator* asks for."""
    return parsed(indicator.query).source


def decides(indicator: Indicator) -> bool:
    """What is told may roll back by itself."""
    return parsed(indicator.query).decides


def placed(indicator: Indicator, repeats: bool) -> Indicator:  # noqa: FBT001 - the one thing that is known of a sender
    """*indicator*, with what is meant by silence written down, once it is known whether its sender repeats itself.

    It is kept with the watch, so that another configuration does not change what was agreed.
    """
    query: dict[str, object] = json.loads(indicator.query)
    query.setdefault("silent", "well" if repeats else "unknown")
    if repeats:
        for key in ("heard_within", "repeats"):
            query.setdefault(key, duration_text(REPEATS))
    return replace(
        indicator, query=json.dumps(query, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    )


def labels_of(name: str, labels: Mapping[str, str]) -> Mapping[str, str]:
    """What ``match:`` looks at, of an alert that is called so and has these *labels*."""
    return {NAME: name, **labels}


def fits(alert: Alert, match: Mapping[str, str]) -> bool:
    """*alert* has all labels that are wanted."""
    if is_way(alert.alert):
        return False
    labels = labels_of(alert.alert.name, alert.alert.labels)
    return all(labels.get(name) == value for name, value in match.items())


def may_mean(query: Query, labels: Mapping[str, str]) -> bool:
    """An alert with these `labels_of` may be meant, by whatever names a release goes: where that is asked for, any will do."""
    return all(
        label in labels and (labels[label] == value or names_in(value))
        for label, value in query.match.items()
    )


def sure_label(query: Query) -> tuple[str, str] | None:
    """A label that an alert must have, whatever names a release goes by; ``None``: there is none."""
    return next(((label, value) for label, value in query.match.items() if not names_in(value)), None)


def bucket(_indicator: Indicator) -> timedelta:
    """How often it is looked at where nothing is told."""
    return MINUTE


FITS = frozenset({Kind.STATE})
