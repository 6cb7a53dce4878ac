"""What may stand in the body of what a sidecar tells. As in ``bodies``, nothing else may."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field, WithJsonSchema

from deploy.model import NAME
from rules.rulefile.templates import NAME as INDICATOR
from rules.sample import Who
from watcher.api.bodies import Body
from watcher.api.grammar import SYSTEM, IndicatorName, Instance, Mark, Name, Reason, Run
from watcher.core.relayed import MOST_BOUNDS, MOST_NAMES, MOST_SAMPLES, MOST_TROUBLES, Fault

Many = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]


class CountedSample(Body):
    """How many were bad of how many; of a latency, slower than *bound* seconds."""

    bad: Many
    total: Many
    bound: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] | None = None


class NewSample(Body):
    """One bucket of an indicator. *mark* says what was measured, so that both sides mean the same."""

    indicator: IndicatorName
    mark: Mark
    start: AwareDatetime
    end: AwareDatetime
    counts: Annotated[list[CountedSample], Field(min_length=1, max_length=MOST_BOUNDS)]


class NewTrouble(Body):
    """Why a sidecar has no counts of an indicator, and who must act."""

    fault: Fault
    who: Who
    words: Annotated[Reason, Field(max_length=200)]


def _each(most: int, name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a mapping whose names are like *name*, and whose values are each a *value*; pydantic's own allows others too."""
    return {
        "type": "object",
        "maxProperties": most,
        "propertyNames": {"pattern": name},
        "additionalProperties": dict(value),
    }


def _inlined(model: type[BaseModel]) -> Mapping[str, Any]:
    """The schema of *model*, without references, which would lead nowhere from inside another one."""
    schema = model.model_json_schema()
    defined = schema.pop("$defs", {})
    properties = schema["properties"].items()
    schema["properties"] = {
        name: defined[said["$ref"].rpartition("/")[2]] if "$ref" in said else said
        for name, said in properties
    }
    return schema


class NewSamples(Body):
    """What a sidecar counted of its own instance, oldest first. Telling a bucket again changes nothing.

    *run* is of its process, *sent_at* its clock as it sends, *names* what its release is called, *troubles* why an indicator
    cannot be read just now. *leaves*: it ends in good order.
    """

    service: Name
    environment: Name
    instance: Instance
    run: Run
    sent_at: AwareDatetime
    names: Annotated[
        Mapping[Annotated[str, Field(pattern=SYSTEM)], Annotated[str, Field(pattern=f"^{NAME}$")]],
        Field(max_length=MOST_NAMES),
        WithJsonSchema(_each(MOST_NAMES, SYSTEM, {"type": "string", "pattern": f"^{NAME}$"})),
    ] = Field(default_factory=dict)
    samples: Annotated[list[NewSample], Field(max_length=MOST_SAMPLES)] = Field(default_factory=list)
    troubles: Annotated[
        Mapping[IndicatorName, NewTrouble],
        Field(max_length=MOST_TROUBLES),
        WithJsonSchema(_each(MOST_TROUBLES, f"^{INDICATOR.pattern}$", _inlined(NewTrouble))),
    ] = Field(default_factory=dict)
    leaves: bool = False
