"""What a system does not know of what it is asked for: a metric, a tag, a release, as it says itself."""

from dataclasses import dataclass

from deploy.model import About


@dataclass(frozen=True, slots=True)
class Unknown:
    """One name that a system does not know.

    Attributes:
        about: What it is the name of.
        words: That it is not known, and what may have been meant.
    """

    about: About
    words: str


def words_of(unknown: Unknown | None) -> str | None:
    """Of a name that may be wrong, for a reading; ``None``: it is known, or nobody says."""
    return unknown.words if unknown else None
