"""Pages of a list, as ECS hands them out."""

from collections.abc import Sequence
from typing import Any

from tests.fakes.aws.calls import Asked
from tests.fakes.aws.trouble import AwsError


def page(found: Sequence[Any], name: str, asked: Asked, *, most: int) -> dict[str, Any]:
    """One page of *found* under *name*, and ``nextToken`` where there is more."""
    size = asked.get("maxResults") or most
    if not 1 <= size <= most:
        raise AwsError("InvalidParameterException", f"maxResults must be between 1 and {most}.")
    token = asked.get("nextToken") or "0"
    if not token.isdecimal() or int(token) > len(found):
        raise AwsError("InvalidParameterException", "Invalid token.")
    begin = int(token)
    answer: dict[str, Any] = {name: list(found[begin : begin + size])}
    if begin + size < len(found):
        answer["nextToken"] = str(begin + size)
    return answer
