"""What a policy of IAM allows: statements, the resources that a call is about, and conditions.

Source:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html [D]
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_ecs.html [D]
"""

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
ALL = "*"
_FOR_ALL = "ForAllValues:"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be allowed.

    Attributes:
        action: As in ``ecs:UpdateService``.
        resources: ARNs, all of which must be allowed; ``*`` where AWS knows no narrower resource.
        context: The values of condition keys.
    """

    action: str
    resources: tuple[str, ...] = (ALL,)
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def allows(documents: Sequence[Document], request: Request) -> bool:
    """Some statement allows it, for each of its resources, and none denies it."""
    statements = [each for document in documents for each in _many(document["Statement"])]
    return all(
        _speaks(statements, "Allow", request, resource) and not _speaks(statements, "Deny", request, resource)
        for resource in request.resources
    )


def _speaks(statements: Sequence[Document], effect: str, request: Request, resource: str) -> bool:
    return any(
        each["Effect"] == effect
        and any(_like(request.action.lower(), pattern.lower()) for pattern in _many(each["Action"]))
        and any(_like(resource, pattern) for pattern in _many(each["Resource"]))
        and _holds(each.get("Condition", {}), request.context)
        for each in statements
    )


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, tuple[str, ...]]) -> bool:
    """All of its operators hold, for all of their keys. A key that is not there holds only for all of its no values [D]."""
    return all(
        _compared(operator, context.get(key, ()), [str(each) for each in _many(wanted)])
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def _compared(operator: str, values: tuple[str, ...], wanted: Sequence[str]) -> bool:
    compare = _OPERATORS[operator.removeprefix(_FOR_ALL)]
    told = [any(compare(value, each) for each in wanted) for value in values]
    return all(told) if operator.startswith(_FOR_ALL) else bool(told) and all(told)


def _like(value: str, pattern: str) -> bool:
    """``*`` and ``?`` are all that a policy knows; square brackets are themselves."""
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


# An operator that is not here is a KeyError: a condition that is not understood must not be taken to hold.
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _like,
    "ArnEquals": _like,  # [D] behaves as ArnLike
    "ArnLike": _like,
}


def _many(value: Any) -> Sequence[Any]:
    return [value] if isinstance(value, str | Mapping) else value
