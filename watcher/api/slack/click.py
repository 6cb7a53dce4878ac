"""What Slack sends when a button is pressed. The payload is signed, and still nothing in it is believed but ids.

Source:
    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FORM = "application/x-www-form-urlencoded"
ACTION = "rollbackd."  # how the actions of our buttons begin
VALUE = re.compile(r"([!-~]{1,180})/([0-9]{1,2})")
_LONG = 200

_Id = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{2,20}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Team(_Part):
    id: _Id


class _User(_Part):
    id: _Id
    team_id: _Id | None = None
    username: Annotated[str, Field(max_length=_LONG)] = ""
    name: Annotated[str, Field(max_length=_LONG)] = ""


class _Channel(_Part):
    id: _Id


class _Message(_Part):
    ts: Annotated[str, Field(pattern=r"^[0-9]{1,16}\.[0-9]{1,8}$")]
    text: Annotated[str, Field(max_length=40_000)] = ""
    blocks: Annotated[list[dict[str, Any]], Field(max_length=50)] = []


class _Action(_Part):
    action_id: Annotated[str, Field(max_length=255)]
    value: Annotated[str, Field(max_length=2000)] = ""
    action_ts: Annotated[str, Field(max_length=32)] = ""


class Click(_Part):
    """A button that somebody pressed."""

    team: _Team
    user: _User
    channel: _Channel
    message: _Message
    actions: Annotated[list[_Action], Field(min_length=1, max_length=1)]

    @property
    def pressed(self) -> tuple[str, int] | None:
        """The id of the message and the number of the button; ``None``: it is none of ours."""
        action = self.actions[0]
        found = VALUE.fullmatch(action.value) if action.action_id.startswith(ACTION) else None
        return (found[1], int(found[2])) if found else None

    @property
    def by(self) -> str:
        """For the audit: ``slack:U1 (ada)``."""
        name = "".join(c for c in (self.user.username or self.user.name)[:64] if c.isalnum() or c in "._-")
        return f"slack:{self.user.id} ({name})" if name else f"slack:{self.user.id}"


class Unreadable(Exception):
    """It is not what Slack sends."""


def read_form(content_type: str, raw: bytes) -> Click | None:
    """The click in the body of a request; ``None``: another thing that Slack tells, and nobody waits for.

    Raises:
        Unreadable: It is no form with a payload.
    """
    if content_type.partition(";")[0].strip().lower() != FORM:
        raise Unreadable(f"the content type is not {FORM}")
    try:
        fields = parse_qs(raw.decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=8)
        (payload,) = fields["payload"]
        content = json.loads(payload)
    except (ValueError, KeyError, RecursionError):
        raise Unreadable("it is no form with one payload in JSON") from None
    return read(content)


def read(payload: object) -> Click | None:
    """The click in *payload*.

    Raises:
        Unreadable: It says that it is one, and is none.
    """
    if not isinstance(payload, Mapping):
        raise Unreadable("the payload is no object")
    if payload.get("type") != "block_actions" or "message" not in payload:
        return None
    try:
        return Click.model_validate(payload)
    except ValidationError:
        raise Unreadable("the payload is no click on a message") from None
