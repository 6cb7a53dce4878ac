"""What Slack sends when a button is pressed. The payload is signed, and still nothing in it is believed but ids.

Source:
    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

import hashlib
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
_TIME = r"^[0-9]{1,16}\.[0-9]{1,8}$"


def _id(kinds: str) -> Any:
    return Field(pattern=f"^[{kinds}][A-Z0-9]{{2,20}}$")


_App = Annotated[str, _id("A")]
_Workspace = Annotated[str, _id("TE")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Team(_Part):
    id: _Workspace


class _User(_Part):
    """Who pressed it; *team_id* is where they are at home, which in a shared channel may be elsewhere."""

    id: Annotated[str, _id("UW")]
    team_id: _Workspace
    username: Annotated[str, Field(max_length=_LONG)] = ""
    name: Annotated[str, Field(max_length=_LONG)] = ""


class _Channel(_Part):
    id: Annotated[str, _id("CGD")]


class _Message(_Part):
    ts: Annotated[str, Field(pattern=_TIME)]
    text: Annotated[str, Field(max_length=40_000)] = ""
    blocks: Annotated[list[dict[str, Any]], Field(max_length=50)] = []
    app_id: _App | None = None


class _Action(_Part):
    action_id: Annotated[str, Field(max_length=255)]
    value: Annotated[str, Field(max_length=2000)] = ""
    action_ts: Annotated[str, Field(pattern=_TIME)]


class Click(_Part):
    """A button that somebody pressed.

    Attributes:
        response_url: Where whoever pressed it can be answered, for half an hour. A ticket: never logged.
    """

    team: _Team
    api_app_id: _App
    user: _User
    channel: _Channel
    message: _Message
    actions: Annotated[list[_Action], Field(min_length=1, max_length=1)]
    response_url: Annotated[str, Field(max_length=2048)] = ""

    @property
    def is_ours(self) -> bool:
        """It is a button such as ours."""
        return self.actions[0].action_id.startswith(ACTION)

    @property
    def pressed(self) -> tuple[str, int] | None:
        """The id of the message and the number of the button; ``None``: it is none that we made."""
        found = VALUE.fullmatch(self.actions[0].value)
        return (found[1], int(found[2])) if found else None

    @property
    def by(self) -> str:
        """For the audit, behind the connection's name: ``U1 (ada)``. The name is what Slack says, and proves nothing."""
        name = "".join(c for c in (self.user.username or self.user.name)[:64] if c.isalnum() or c in "._-")
        return f"{self.user.id} ({name})" if name else self.user.id

    @property
    def digest(self) -> bytes:
        """Of this one press: it is the same however often and by whichever way it is delivered."""
        action = self.actions[0]
        told = (self.team.id, self.user.id, self.channel.id, self.message.ts, action.value, action.action_ts)
        return hashlib.sha256("\0".join(told).encode()).digest()


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
