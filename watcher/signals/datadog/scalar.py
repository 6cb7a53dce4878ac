"""One number a group for a whole span of time: for whoever looks what there is, and judges nothing by it.

Judges need numbers bucket by bucket, which a timeseries gives in one call; this gives each group once, and no more of them than
are asked for.

Source:
    https://docs.datadoghq.com/api/latest/metrics/#query-scalar-data-across-multiple-products
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PATH = "/api/v2/query/scalar"
MOST = 100  # groups that are asked for; those with the largest numbers come
_NAME = "a"


def body_of(query: str, aggregator: str, start: datetime, end: datetime) -> Mapping[str, Any]:
    """What is sent for *query* over ``[start, end)``.

    Args:
        query: A metric query; may be grouped.
        aggregator: How its points over time become one: ``sum`` of counts, ``avg``.
        start: To the millisecond, as *end*.
        end: After *start*.
    """
    asked = {"data_source": "metrics", "name": _NAME, "aggregator": aggregator, "query": query}
    attributes = {
        "from": round(start.timestamp() * 1000),
        "to": round(end.timestamp() * 1000),
        "formulas": [{"formula": _NAME, "limit": {"count": MOST, "order": "desc"}}],
        "queries": [asked],
    }
    return {"data": {"type": "scalar_request", "attributes": attributes}}


@dataclass(frozen=True, slots=True)
class Group:
    """One row: the values of its tags, and its number."""

    tags: Mapping[str, str]
    number: float


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Tags(_Loose):
    type: Literal["group"]
    name: str
    values: list[list[str]]


class _Numbers(_Loose):
    type: Literal["number"]
    values: list[float | None]


class _Attributes(_Loose):
    columns: list[Annotated[_Tags | _Numbers, Field(discriminator="type")]]


class _Data(_Loose):
    attributes: _Attributes


class Scalar(_Loose):
    """An answer. The same place of all columns is one row; a null is no number."""

    data: _Data

    @property
    def groups(self) -> list[Group]:
        """Its rows that have a number.

        Raises:
            ValueError: Lengths do not fit each other.
        """
        columns = self.data.attributes.columns
        tags = [column for column in columns if isinstance(column, _Tags)]
        (numbers,) = [column for column in columns if isinstance(column, _Numbers)]
        rows = zip(*[column.values for column in tags], numbers.values, strict=True)
        return [
            Group(
                {tag.name: ",".join(value) for tag, value in zip(tags, values, strict=True)},
                number,
            )
            for *values, number in rows
            if number is not None
        ]

    @property
    def is_whole(self) -> bool:
        """No group was left out."""
        return all(len(column.values) < MOST for column in self.data.attributes.columns)
