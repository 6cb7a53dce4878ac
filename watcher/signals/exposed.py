"""What series of metrics are asked for by, wherever they are read: names, patterns of label values, bounds of histograms.

Source:
    https://prometheus.io/docs/concepts/data_model/
"""

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from watcher.signals import pattern


def _text(value: Any) -> Any:
    """A bare 500 is a number in YAML, and every label value is a text."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def listed(value: Any) -> Any:
    """One alone, as a list of it."""
    return value if isinstance(value, list | tuple) else [value]


Pattern = Annotated[str, BeforeValidator(_text), AfterValidator(pattern.check)]
MetricName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:]{0,199}$")]
LabelName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$")]


class Not(BaseModel):
    """Everything but what the pattern matches."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    not_: Pattern = Field(alias="not")


def no_bound(bound: float, bounds: Sequence[float]) -> str:
    """Words for a histogram that does not count at *bound*; its own *bounds* in order, all in seconds."""
    finite = [le for le in bounds if le < inf]
    beside = [
        f"{le:g} s"
        for low, high in pairwise((-inf, *finite, inf))
        if low < bound < high
        for le in (low, high)
        if abs(le) < inf
    ]
    return f"the histogram has no bucket at {bound:g} s, so nobody can say how many are slower; nearest: {' and '.join(beside) or 'none'}"
