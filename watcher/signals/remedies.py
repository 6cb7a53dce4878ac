"""What a person can do about a trouble: what whoever asked knows of it, else what is usual for whoever must act."""

from collections.abc import Mapping

from rules.sample import Invalid, Unavailable, Who


def remedy_of(trouble: Unavailable | Invalid, usual: Mapping[Who, str]) -> str:
    """One sentence, for ``rollbackd doctor``. *usual*: by who must act."""
    known = trouble.remedy if isinstance(trouble, Unavailable) else ""
    return known or usual[trouble.who]
