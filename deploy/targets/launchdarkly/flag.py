"""A flag in one environment, as the API tells it: what decides whom it gives what, and its version.

Source:
    https://launchdarkly.com/docs/api/feature-flags/get-feature-flag
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

# By what a rollout tells people apart that does not say it.
USUAL = (("bucketBy", "key"), ("contextKind", "user"))
_MOST = 200  # variations, rules, kinds of targets: LaunchDarkly allows fewer


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Weighted(_Told):
    variation: Annotated[int, Field(ge=0, le=_MOST)]
    weight: Annotated[int, Field(ge=0, le=100_000)]


class _Rollout(_Told):
    variations: Annotated[list[_Weighted], Field(max_length=_MOST)]
    experiment: Mapping[str, Any] | None = Field(default=None, alias="experimentAllocation")
    seed: int | None = None
    bucket_by: str | None = Field(default=None, alias="bucketBy")
    context_kind: str | None = Field(default=None, alias="contextKind")


class _Served(_Told):
    variation: Annotated[int, Field(ge=0, le=_MOST)] | None = None
    rollout: _Rollout | None = None


class _Configuration(_Told):
    on: bool
    archived: bool = False
    version: int
    modified: int = Field(alias="lastModified")
    off: int | None = Field(default=None, alias="offVariation")
    fallthrough: _Served = Field(default_factory=_Served)
    rules: Annotated[list[Mapping[str, Any]], Field(max_length=_MOST)] = Field(default_factory=list)
    targets: Annotated[list[Mapping[str, Any]], Field(max_length=_MOST)] = Field(default_factory=list)
    context_targets: Annotated[list[Mapping[str, Any]], Field(max_length=_MOST)] = Field(
        default_factory=list, alias="contextTargets"
    )
    prerequisites: Annotated[list[Mapping[str, Any]], Field(max_length=_MOST)] = Field(default_factory=list)


class _Variation(_Told):
    value: Any = None


class _Answer(_Told):
    archived: bool = False
    variations: Annotated[list[_Variation], Field(max_length=_MOST)]
    environments: Mapping[str, _Configuration] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Served:
    """What those get whom no rule and no target concerns.

    Attributes:
        weights: Variations with their weights, in thousandths of a percent; the others get nothing. One alone has all.
        how: By what a rollout tells people apart, as the API has it, but for what is `USUAL`.
    """

    weights: tuple[tuple[int, int], ...] = ()
    how: tuple[tuple[str, Any], ...] = ()
    is_experiment: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag in one environment.

    Attributes:
        version: Of the environment's configuration; it changes with every change of it.
        off: What everybody gets while it is off; ``None``: what the code says.
        rest: Rules, targets and prerequisites, with what is of no concern left out.
        variations: Their values.
    """

    version: int
    modified: datetime
    on: bool
    archived: bool
    off: int | None
    fallthrough: Served
    rest: Mapping[str, Any]
    variations: tuple[Any, ...]


def flag_of(body: bytes, environment: str) -> Flag | str:
    """The answer of *Get feature flag*; or what is wrong with it."""
    try:
        told = _Answer.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        return f"not an answer of LaunchDarkly: {where[:80]}: {first['msg'][:120]}"
    found = told.environments.get(environment)
    if found is None:
        return f"the project has no environment {environment}"
    return Flag(
        version=found.version,
        modified=_time(found.modified),
        on=found.on,
        archived=told.archived or found.archived,
        off=found.off,
        fallthrough=_served(found.fallthrough),
        rest=_rest(found),
        variations=tuple(each.value for each in told.variations),
    )


def _served(told: _Served) -> Served:
    if told.rollout is None:
        return Served(() if told.variation is None else ((told.variation, 100_000),))
    weights = tuple((each.variation, each.weight) for each in told.rollout.variations if each.weight > 0)
    named = (
        ("bucketBy", told.rollout.bucket_by),
        ("contextKind", told.rollout.context_kind),
        ("seed", told.rollout.seed),
    )
    how = tuple(each for each in named if each[1] is not None and each not in USUAL)
    return Served(weights, how if len(weights) > 1 else (), told.rollout.experiment is not None)


def _rest(told: _Configuration) -> Mapping[str, Any]:
    """What else decides, by its content: ids and remarks are none, and neither is what has nobody in it."""
    targets = [each for each in (*told.targets, *told.context_targets) if each.get("values")]
    found = {
        "rules": [_plain(each) for each in told.rules if each.get("disabled") is not True],
        "targets": sorted((_plain(each) for each in targets), key=repr),
        "prerequisites": [_plain(each) for each in told.prerequisites],
    }
    return {name: each for name, each in found.items() if each}


_REMARKS = frozenset({"_id", "ref", "description", "trackEvents", "_untracked"})


def _plain(told: Any) -> Any:
    if isinstance(told, Mapping):
        return {str(name): _plain(each) for name, each in told.items() if name not in _REMARKS}
    return [_plain(each) for each in told] if isinstance(told, list) else told


def _time(milliseconds: int) -> datetime:
    """Of the API: milliseconds since the epoch; what cannot be a time is the epoch."""
    seconds = milliseconds / 1000
    return datetime.fromtimestamp(seconds if 0 <= seconds < 2**36 else 0, UTC)
