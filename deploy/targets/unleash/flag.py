"""A flag in one environment, as the Admin API tells it: whether it is on, and the strategies that say for whom.

Source:
    https://docs.getunleash.io/reference/api/unleash/get-feature
    https://docs.getunleash.io/reference/activation-strategies
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

ROLLOUT = "flexibleRollout"
MOST = 200  # strategies, constraints, segments, variants, environments: Unleash allows fewer
_Many = Annotated[list[Mapping[str, Any]], Field(max_length=MOST)]


class Told(BaseModel):
    """What Unleash says; what it adds some day is not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, regex_engine="python-re")


def _text(told: object) -> object:
    """As Unleash itself writes it for SDKs, and for whoever patches it: in an answer about a flag an old one may be a number."""
    if isinstance(told, str) or told is None:
        return told or ""
    if isinstance(told, float) and told.is_integer():
        told = int(told)
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False)


Parameter = Annotated[str, BeforeValidator(_text)]


class ToldStrategy(Told):
    """A strategy, of a flag or of an event."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}\Z")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    disabled: bool | None = None
    sort_order: float | None = Field(default=None, alias="sortOrder")
    parameters: Annotated[dict[str, Parameter], Field(max_length=MOST)] | None = None
    constraints: _Many = Field(default_factory=list)
    segments: Annotated[list[int], Field(max_length=MOST)] | None = None
    variants: _Many | None = None


class _Environment(Told):
    name: str
    enabled: bool
    strategies: Annotated[list[ToldStrategy], Field(max_length=MOST)] = Field(default_factory=list)
    variants: _Many | None = None


class _Answer(Told):
    archived: bool = False
    project: str
    environments: Annotated[list[_Environment], Field(max_length=MOST)]
    variants: _Many | None = None
    dependencies: _Many | None = None


@dataclass(frozen=True, slots=True)
class Strategy:
    """One strategy.

    Attributes:
        place: By it they are in order.
        parameters: Of a rollout ``rollout`` (percent), ``stickiness`` and ``groupId``.
        rest: Its constraints, segments and variants, with what is of no concern left out.
    """

    id: str
    name: str
    active: bool
    place: float
    parameters: Mapping[str, str]
    rest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag in one environment.

    Attributes:
        every: Its strategies, in their order.
        rest: Variants of the flag itself, and the flags that it depends on.
    """

    on: bool
    every: tuple[Strategy, ...] = ()
    rest: Mapping[str, Any] | None = None
    archived: bool = False

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """Those that are active."""
        return tuple(each for each in self.every if each.active)


def flag_of(body: bytes, environment: str) -> Flag | str:
    """The answer of *Get a feature*; or what is wrong with it."""
    try:
        told = _Answer.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        return f"not an answer of Unleash: {where[:80]}: {first['msg'][:120]}"
    found = next((each for each in told.environments if each.name == environment), None)
    if found is None:
        return f"the project has no environment {environment}"
    # Those of the flag are a mixture of all its environments'.
    variants = told.variants if found.variants is None else found.variants
    rest = {"variants": variants, "dependencies": told.dependencies}
    return Flag(
        on=found.enabled,
        every=in_order(map(strategy_of, found.strategies)),
        rest={name: [_plain(one) for one in each] for name, each in rest.items() if each} or None,
        archived=told.archived,
    )


def strategy_of(told: ToldStrategy) -> Strategy:
    """The strategy that *told* says."""
    rest = {
        "constraints": [_plain(each) for each in told.constraints],
        "segments": sorted(told.segments or ()),
        "variants": [_plain(each) for each in told.variants or ()],
    }
    return Strategy(
        id=told.id,
        name=told.name,
        active=not told.disabled,
        place=told.sort_order or 0,
        parameters=told.parameters or {},
        rest={name: each for name, each in rest.items() if each},
    )


def in_order(strategies: Iterable[Strategy]) -> tuple[Strategy, ...]:
    """As they are looked at."""
    return tuple(sorted(strategies, key=lambda each: each.place))


def _plain(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what is absent: Unleash fills in what is not said."""
    return {name: each for name, each in told.items() if each not in (None, False, "", [])}
