"""How names, durations and words are written in a request. Each type checks, and tells the OpenAPI document what it checks."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, WithJsonSchema

from deploy.model import FINGERPRINT, NAME, SERVICE, TAG
from deploy.target import HINTS
from rules.duration import Duration
from rules.rulefile.templates import NAME as INDICATOR

_ALL = r"\*"
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_LASTING = (
    r"([0-9]{1,3}d)?([0-9]{1,4}h)?([0-9]{1,5}m)?([0-9]{1,6}s)?([0-9]{1,7}ms)?"  # together under ten years
)
_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]*$"


SYSTEM = r"^[a-z][a-z0-9_]{0,62}$"  # in which a release has a name
NAMES: Mapping[str, Any] = {
    "type": "object",
    "maxProperties": 32,
    "propertyNames": {"pattern": rf"^(?!(?:{'|'.join(sorted(HINTS))})$)[a-z][a-z0-9_]{{0,62}}$"},
    "additionalProperties": {"type": "string", "pattern": f"^{NAME}$"},
    "examples": [{"sentry": "checkout@4.4"}],
}


def _text(pattern: str, example: str) -> tuple[AfterValidator, WithJsonSchema]:
    """Text that is *pattern*, whole."""

    def whole(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must match {pattern}")
        return value

    schema = WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern})$", "examples": [example]})
    return AfterValidator(whole), schema


def _short(value: object) -> object:
    """Durations that fit a deployment; years of milliseconds are a slip."""
    if isinstance(value, str) and not re.fullmatch(_LASTING, value):
        raise ValueError(
            "not a duration: write a number with its unit, the largest first, such as 15m or 1h30m"
        )
    return value


def _written_out(value: object) -> object:
    """A time as it is written, with its zone. Numbers are refused: seconds or milliseconds, nobody can tell."""
    if isinstance(value, str) and not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]", value):
        raise ValueError("not an ISO 8601 time with its zone")
    return value


def _timely(value: datetime) -> datetime:
    """One that can be reckoned with: near the ends of the calendar nothing can be added, nor told in another zone."""
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"its year is not one of {_FIRST_YEAR} to {_LAST_YEAR}")
    return value


def _as_integer(value: object) -> object:
    """JSON knows one kind of number, and to JSON Schema 7.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_service, _service_schema = _text(SERVICE, "checkout")
_or_all, _or_all_schema = _text(rf"{SERVICE}|{_ALL}", "checkout")
_tag, _tag_schema = _text(TAG, "checkout:42")
_fingerprint, _fingerprint_schema = _text(FINGERPRINT, "sha256:9f86d081")
_watch, _watch_schema = _text(r"w_[0-9a-zA-Z_.-]{1,64}", "w_0193a7c5e0f00123456789abcdef0123")
_announcement, _announcement_schema = _text(r"a_[0-9a-zA-Z_.-]{1,64}", "a_0193a7c5e0f00123456789abcdef0123")
_passage, _passage_schema = _text(r"g_[0-9a-zA-Z_.-]{1,64}", "g_0193a7c5e0f00123456789abcdef0123")
_freeze, _freeze_schema = _text(r"f_[0-9a-zA-Z_.-]{1,64}", "f_0193a7c5e0f00123456789abcdef0123")
_commit, _commit_schema = _text(r"[0-9a-fA-F]{7,40}", "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d")
_system, _ = _text(NAMES["propertyNames"]["pattern"], "sentry")
_release_name, _ = _text(NAME, "checkout@4.4")
_key, _key_schema = _text(r"[!-~]{1,200}", "run-4711")
_indicator, _indicator_schema = _text(INDICATOR.pattern, "errors")
_instance, _instance_schema = _text(
    r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}", "5c1a8e0d3f2b4c6d8e9f0a1b2c3d4e5f"
)
_run, _run_schema = _text(r"[A-Za-z0-9_.-]{1,64}", "r_0193a7c5e0f00123456789abcdef0123")
_mark, _mark_schema = _text(r"[0-9a-f]{16}", "9f86d081884c7d65")
_one_line, _ = _text(_ONE_LINE, "")

Name = Annotated[str, _service, _service_schema]
NameOrAll = Annotated[str, _or_all, _or_all_schema]
Tag = Annotated[str, _tag, _tag_schema]
Fingerprint = Annotated[str, _fingerprint, _fingerprint_schema]
WatchId = Annotated[str, _watch, _watch_schema]
AnnouncementId = Annotated[str, _announcement, _announcement_schema]
PassageId = Annotated[str, _passage, _passage_schema]
FreezeId = Annotated[str, _freeze, _freeze_schema]
Commit = Annotated[str, _commit, _commit_schema]
Key = Annotated[str, _key, _key_schema]
IndicatorName = Annotated[str, _indicator, _indicator_schema]
Instance = Annotated[str, _instance, _instance_schema]
Run = Annotated[str, _run, _run_schema]
Mark = Annotated[str, _mark, _mark_schema]
Reason = Annotated[str, Field(max_length=500, json_schema_extra={"pattern": _ONE_LINE}), _one_line]
Lasting = Annotated[
    Duration,
    BeforeValidator(_short),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_LASTING}$",
            "minLength": 2,
            "examples": ["15m", "1h30m"],
        }
    ),
]
Names = Annotated[
    dict[Annotated[str, _system], Annotated[str, _release_name]],
    Field(max_length=NAMES["maxProperties"]),
    WithJsonSchema(NAMES),
]
Timely = Annotated[
    AwareDatetime,
    AfterValidator(_timely),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": r"^(19[7-9]\d|2\d\d\d)-"}),
]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
Revision = Annotated[int, Field(ge=0, le=2**53), BeforeValidator(_as_integer)]
