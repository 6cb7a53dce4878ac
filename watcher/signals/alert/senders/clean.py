"""What somebody else wrote → what may stand in our values: bounded, printable, and no time that cannot be.

Nothing here raises for what it is given.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote_plus, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic_core import from_json

from deploy.source import Rejected
from watcher.signals.alert.pushed import (
    LONGEST_LABEL,
    LONGEST_LINK,
    LONGEST_WORDS,
    MOST_ALERTS,
    MOST_LABELS,
    Mood,
    Pushed,
    Told,
)
from watcher.telemetry.redaction import is_telling

MOST_BYTES = 256 * 1024  # of one message
LONGEST_LABEL_NAME = 128
SHOWN = 80  # characters of somebody else's text that are repeated in words of ours
AHEAD = timedelta(minutes=5)  # that a sender's clock may be ahead of ours
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)  # before it no alert was told: Go writes the year 1 for "no time"

M = TypeVar("M", bound=BaseModel)
Text = Annotated[str, StringConstraints(max_length=MOST_BYTES)]


class Written(BaseModel):
    """What stands in a body, as far as it is looked at. What else the sender writes is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, regex_engine="python-re")


def said(body: bytes, model: type[M], what: str, remedy: str) -> M | Rejected:
    """The JSON in *body*, as *model* has it.

    Args:
        body: As it came. The reader of JSON refuses by itself what is nested deeper than some 200 levels.
        model: Of what is looked at.
        what: What it should be, for the words of a refusal.
        remedy: What to send instead.
    """
    if len(body) > MOST_BYTES:
        return Rejected(f"{len(body)} bytes are too many", f"at most {MOST_BYTES}: {remedy}")
    try:
        found = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        return Rejected(f"not JSON: {str(error)[:SHOWN]}", remedy)
    try:
        return model.model_validate(found)
    except ValidationError as error:
        mistake = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(step)[:SHOWN] for step in mistake["loc"])
        return Rejected(f"not {what}: {where}: {mistake['msg'][:SHOWN]}", remedy, where)


def line(text: object, most: int = LONGEST_WORDS) -> str:
    """*text* on one line, printable, at most *most* characters; what is no text is empty."""
    if not isinstance(text, str):
        return ""
    head = text[: 4 * most]  # what is cut off anyway is not looked through
    return " ".join("".join(sign if sign.isprintable() else " " for sign in head).split())[:most].rstrip()


def short(text: str, most: int) -> str:
    """*text* on one line; a longer one by its beginning and its digest, so that two long ones stay two."""
    if len(text) <= most:
        return line(text, most)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{line(text, most - _DIGEST - 1)}~{digest}"


_DIGEST = 32  # characters; two that are alike are not to be found


def labels(*told: Mapping[str, Any]) -> dict[str, str]:
    """Labels by name; of several mappings the last one prevails. What has no name or no value is left out.

    Of more than `MOST_LABELS` those whose names sort first stay, so that it is the same ones every time.
    """
    found: dict[str, str] = {}
    for each in told:
        for name, value in each.items():
            clean, content = line(name, LONGEST_LABEL_NAME), line(_scalar(value), LONGEST_LABEL)
            if clean and content:
                found[clean] = content
    return {name: found[name] for name in sorted(found)[:MOST_LABELS]}


def _scalar(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and abs(value) < 2**63:
        return str(value)
    return value


def link(text: object) -> str:
    """An address that people may follow, or nothing: ``https`` alone, and no name or password in it.

    Parameters that are a secret, or look like one, are taken out; what is too long loses its parameters.
    """
    if not isinstance(text, str) or len(text) > LONGEST_READ or not text.isprintable() or " " in text:
        return ""
    try:
        parts = urlsplit(text)
        good = parts.scheme == "https" and bool(parts.hostname) and parts.username is None
    except ValueError:
        return ""
    if not good or is_telling("", parts.path):
        return ""
    told = urlunsplit(
        parts._replace(query=_without_secrets(parts.query), fragment=_without_secrets(parts.fragment))
    )
    short = told if len(told) <= LONGEST_LINK else urlunsplit(parts._replace(query="", fragment=""))
    return short if len(short) <= LONGEST_LINK else ""


LONGEST_READ = 16 * 1024  # characters of an address that is looked into


def _without_secrets(query: str) -> str:
    """*query* without what must not be shown; all else stays as it is written."""
    return "&".join(each for each in query.split("&") if not _is_telling(each))


def _is_telling(pair: str) -> bool:
    name, _, value = pair.partition("=")
    return is_telling(unquote_plus(name), unquote_plus(value))


def first_link(*texts: object) -> str:
    """The first of them that is one."""
    return next((found for each in texts if (found := link(each))), "")


def believed(at: datetime | None, arrived: datetime) -> datetime | None:
    """*at*, if something that arrived then can have happened then.

    A time of the future would be the newest for ever: nothing that is told later could change the mood again.
    """
    return at if at is not None and _FIRST <= at <= arrived + AHEAD else None


def of_milliseconds(written: object) -> datetime | None:
    """The time that so many milliseconds since 1970 mean, written as a number or as its digits."""
    if isinstance(written, str):
        written = (
            int(written) if written.isascii() and written.isdigit() and len(written) <= _DIGITS else None
        )
    if not isinstance(written, int) or isinstance(written, bool) or not 0 < written < 10**_DIGITS:
        return None
    return datetime.fromtimestamp(written / 1000, UTC)


_DIGITS = 13  # of milliseconds: until the year 2286


def told(alerts: Sequence[Pushed], *, incomplete: bool = False) -> Told:
    """*alerts*, each once: of two with one key the one that is worse. Beyond `MOST_ALERTS` those that fire stay."""
    found: dict[str, Pushed] = {}
    for each in alerts:
        known = found.get(each.key)
        if known is None or _WORSE.index(each.mood) < _WORSE.index(known.mood):
            found[each.key] = each
    kept = tuple(found.values())
    if len(kept) > MOST_ALERTS:
        kept = tuple(sorted(kept, key=lambda each: _WORSE.index(each.mood)))[:MOST_ALERTS]
    return Told(kept, incomplete=incomplete or len(kept) < len(found))


_WORSE = (Mood.FIRING, Mood.UNKNOWN, Mood.WELL)
