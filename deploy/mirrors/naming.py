"""Names with ``${service}``, ``${environment}`` and ``${part}`` in them."""

from deploy.errors import BadTemplate
from deploy.target import Place
from deploy.targets.template import WHERE, check, fill

PREFIX = "known-good"  # of tags: whatever else is called so is taken for ours


def checked(template: str) -> str:
    """*template*, if all its names are known. Raises `ValueError`, as pydantic wants it."""
    try:
        return check(template, WHERE)
    except BadTemplate as error:
        raise ValueError(f"{error} ({error.remedy})") from error


def filled(template: str, place: Place) -> str:
    """*template* for *place*."""
    return fill(template, {"service": place.service, "environment": place.environment, "part": place.part})
