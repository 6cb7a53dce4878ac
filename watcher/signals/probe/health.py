"""What a health document says: of ASP.NET, of Spring, and ``application/health+json``; read by its form. Pure.

Degraded is not down: ASP.NET serves it with status 200 so that a balancer goes on sending traffic, and a release is not
taken back for what it survives. Who wants it otherwise says so.

Source:
    https://learn.microsoft.com/aspnet/core/host-and-deploy/health-checks (text by default; a writer of one's own gives JSON)
    https://docs.spring.io/spring-boot/reference/actuator/endpoints.html#actuator.endpoints.health
    https://datatracker.ietf.org/doc/html/draft-inadarei-api-health-check-06
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NAMED = 3  # parts that a message names
LONGEST_NAME = 60
LONGEST_PART = 200  # characters of a part's name
# Where the parts stand: the writer of Xabaril and those after the documentation's pattern, Spring, the draft.
_PARTS = ("entries", "results", "components", "checks")


class Standing(StrEnum):
    """How a service, or a part of it, stands."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


# Spring serves UNKNOWN with status 200, as something that nobody found wrong.
_WORDS = {
    **dict.fromkeys(("healthy", "up", "pass", "ok"), Standing.UP),
    **dict.fromkeys(("degraded", "warn", "unknown"), Standing.DEGRADED),
    **dict.fromkeys(("unhealthy", "down", "out_of_service", "fail", "error"), Standing.DOWN),
}
_NUMBERS = {
    0: Standing.DOWN,
    1: Standing.DEGRADED,
    2: Standing.UP,
}  # ASP.NET's enumeration, where it is written as such


class Health(BaseModel):
    """What is expected of a health document.

    Attributes:
        degraded: `good`, or `bad` where a degraded service is reason enough.
        parts: These parts have to be there and well, and the others are let be; by default the document's own status speaks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    degraded: Literal["good", "bad"] = "good"
    parts: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PART)]], Field(max_length=50)
    ] = []


def wrong_health(expect: Health, document: Any) -> str:
    """What is not well in *document*; empty if all is.

    Args:
        expect: What is expected.
        document: The body, as JSON or as text.
    """
    standing, parts = _standing(document), _parts(document)
    if standing is None:
        return "it is no health document"
    if expect.parts:
        found = {name: parts.get(name) for name in expect.parts}
        wrong = [_of(name, each) for name, each in found.items() if each is None or _is_bad(expect, each)]
        return _listed(wrong)
    if not _is_bad(expect, standing):
        return ""
    named = _listed([_of(name, each) for name, each in parts.items() if _is_bad(expect, each)])
    return f"{standing}: {named}" if named else f"it says that it is {standing}"


def _is_bad(expect: Health, standing: Standing) -> bool:
    if standing is Standing.DEGRADED:
        return expect.degraded == "bad"
    return standing is not Standing.UP


def _standing(document: Any) -> Standing | None:
    """Of the whole; ``None`` where it says nothing of the kind."""
    if isinstance(document, Mapping):
        document = document.get("status")
    if isinstance(document, str):
        return _WORDS.get(document.strip().lower(), Standing.UNKNOWN if _is_word(document) else None)
    if isinstance(document, int) and not isinstance(document, bool):
        return _NUMBERS.get(document)
    return None


def _is_word(text: str) -> bool:
    """A status of one's own, and no page."""
    return text.strip().replace("_", "").isalnum() and len(text) <= LONGEST_NAME


def _parts(document: Any) -> dict[str, Standing]:
    """The worst of each part, by its name; parts within parts by ``outer.inner``."""
    return dict(_each(document, "", 0)) if isinstance(document, Mapping) else {}


def _each(document: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Standing]]:
    inside: Mapping[str, Any] = next(
        (document[key] for key in _PARTS if isinstance(document.get(key), Mapping)), {}
    )
    for full, told in inside.items():
        name = full[
            : LONGEST_PART + 1
        ]  # it stands in the name of each part within: one that is made to hurt does not
        # The draft has a list for each part, one entry an instance.
        entries = told if isinstance(told, list) else [told]
        standings = [each for each in map(_standing, entries) if each is not None]
        if standings:
            yield f"{prefix}{name}", max(standings, key=_BADNESS.index)
        if isinstance(told, Mapping) and depth < 3:  # noqa: PLR2004 - deeper than anybody nests
            yield from _each(told, f"{prefix}{name}.", depth + 1)


_BADNESS = [Standing.UP, Standing.DEGRADED, Standing.UNKNOWN, Standing.DOWN]


def _of(name: str, standing: Standing | None) -> str:
    shown = "".join(sign if sign.isprintable() else "?" for sign in name[:LONGEST_NAME])
    return f"{shown} is {'not there' if standing is None else standing}"


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - NAMED} more" if len(words) > NAMED else ""
    return ", ".join(words[:NAMED]) + more
