"""Whether the token may change flags, as far as LaunchDarkly tells: by the role that it was made with. Reads only.

A role of the account's own, or a policy of the token's own, says what it may by rules that only LaunchDarkly evaluates: of those it is
not known before it is tried.

Source:
    https://launchdarkly.com/docs/api/other/get-caller-identity
    https://launchdarkly.com/docs/api/access-tokens/get-token
    https://launchdarkly.com/docs/home/account/api ("Reader, Writer, Admin, or Owner if you want to use a base role")
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.model import Unreadable
from deploy.ports import Got
from deploy.targets.aws.wording import plain

_READS_ONLY = frozenset({"reader", "no_access"})
_WRITES = frozenset({"writer", "admin", "owner"})
_MOST = 200  # roles of a token, statements of its policy
Ask = Callable[[str], Awaitable[Got | Unreadable]]


class _Caller(BaseModel):
    """*token* becomes a part of a path: nothing else may be in it."""

    model_config = ConfigDict(extra="ignore", regex_engine="python-re")

    token: Annotated[str, Field(alias="tokenId", pattern=r"^[A-Za-z0-9_-]{1,64}\Z")]


class _Token(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: Annotated[str, Field(max_length=64)] = ""
    own_roles: Annotated[list[Any], Field(alias="customRoleIds", max_length=_MOST)] = Field(
        default_factory=list
    )
    own_policy: Annotated[list[Any], Field(alias="inlineRole", max_length=_MOST)] = Field(
        default_factory=list
    )


async def reads_only(ask: Ask) -> str | Unreadable:
    """The role by which the token may change no flag; empty: it may, by its role. `Unreadable`: LaunchDarkly does not tell.

    *ask* gets a path below the API, such as ``caller-identity``.
    """
    caller = await _told(ask, "caller-identity")
    if isinstance(caller, Unreadable):
        return caller
    try:
        token = await _told(ask, f"tokens/{_Caller.model_validate_json(caller).token}")
        if isinstance(token, Unreadable):
            return token
        found = _Token.model_validate_json(token)
    except ValidationError:
        return Unreadable("not an answer of LaunchDarkly about the token")
    if found.own_roles or found.own_policy:
        return Unreadable("its rights are those of a role or a policy of your own")
    if found.role in _READS_ONLY:
        return found.role
    return "" if found.role in _WRITES else Unreadable(f"its role is {plain(found.role, 64) or 'not told'}")


async def _told(ask: Ask, path: str) -> bytes | Unreadable:
    got = await ask(path)
    if isinstance(got, Unreadable):
        return got
    return (
        got.body
        if got.status == HTTPStatus.OK
        else Unreadable(f"LaunchDarkly does not tell (HTTP {got.status})")
    )
