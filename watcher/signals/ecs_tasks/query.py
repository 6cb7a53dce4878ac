"""What a query of `ecs_tasks` may say, and what says whose tasks are meant."""

import functools
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from rules.errors import Malformed
from watcher.signals.arms import filled_with
from watcher.signals.ecs_tasks.ending import Failure


def _no_arn(value: Any) -> Any:
    """By names tasks are told apart: their group has their service's, and one cluster under two names would be read twice."""
    if isinstance(value, str) and value.startswith("arn:"):
        name = value.rpartition("/")[2][:255]
        raise Malformed("expected a name, found an ARN", remedy=f"write its name alone: {name}")
    return value


# Of a cluster, of a service.
Name = Annotated[str, BeforeValidator(_no_arn), StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,255}$")]
Zone = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]
_DEFINITION = re.compile(r"[A-Za-z0-9_-]{1,255}:[0-9]{1,10}")


def _definition(value: str) -> str:
    if not _DEFINITION.fullmatch(filled_with(value, "v:1")):
        raise Malformed(
            "expected a task definition",
            remedy='write "${arm.task_definition}": both releases, told apart; or family:revision',
        )
    return value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _once(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise Malformed("one of them is there twice", remedy="name each once")
    return values


class TasksOf(BaseModel):
    """Tasks of one service.

    Attributes:
        task_definition: ``${arm.task_definition}`` tells the releases apart; without it all tasks of the service are meant.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cluster: Name
    service: Name
    task_definition: Annotated[str, AfterValidator(_definition)] | None = None


class Query(TasksOf):
    """``{ecs_tasks: {cluster, service, task_definition, bad, zone}}``.

    Attributes:
        bad: Manners of failing that count as bad: one, or a list; by default all.
        zone: Availability zones: tasks of others are not counted.
        account: Of AWS, by its name in the configuration; the service's, if none is named.
    """

    bad: Annotated[list[Failure], BeforeValidator(_listed), AfterValidator(_once), Field(min_length=1)] = (
        list(Failure)
    )
    zone: (
        Annotated[
            list[Zone], BeforeValidator(_listed), AfterValidator(_once), Field(min_length=1, max_length=20)
        ]
        | None
    ) = None
    account: str | None = None


@functools.lru_cache(maxsize=1024)
def parsed(text: str) -> Query:
    """The query in *text*, as an indicator keeps it."""
    return Query.model_validate_json(text)
