"""What flagd gives, asked as its clients ask it: by OFREP. What is in the bucket is not yet what they get.

One flagd answers; others read the bucket for themselves. A flag with targeting gives by whom it is asked for, and is not compared.

Source:
    https://flagd.dev/reference/openfeature-remote-evaluation-protocol/
    https://openfeature.dev/specification/appendix-c (OFREP)
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from deploy.errors import Unanswered
from deploy.ports import Got, Send
from deploy.targets.aws.wording import plain
from deploy.targets.flagd.document import DISABLED, Document

_HEADERS = {"Content-Type": "application/json"}
_NOBODY = b'{"context":{}}'
_ABSENT = (
    "FLAG_NOT_FOUND",
    "FLAG_DISABLED",
)  # it is not given; any other error says nothing of how it is set
_SHOWN = 3  # flags that are named; the rest are counted


async def differs(send: Send, url: str, document: Document, flag: str | None) -> str:
    """What flagd at *url* gives otherwise than *document* says, of its *flag* or all of them, in words; empty: nothing."""
    below = f"/{quote(flag, safe='')}" if flag is not None else ""
    try:
        got = await send("POST", f"{url}/ofrep/v1/evaluate/flags{below}", _HEADERS, {}, _NOBODY)
    except Unanswered as error:
        return f"flagd cannot be asked: {plain(str(error))}"
    told = _told(got, flag)
    if told is None:
        return f"flagd answers HTTP {got.status}, and nothing that says what it gives"
    names = [flag] if flag is not None else list(document.flags)
    others = [name for name in names if not _agrees(document.flags[name], told.get(name))]
    if not others:
        return ""
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"flagd gives something else for {plain(', '.join(others[:_SHOWN]), 200)}{more}"


def _told(got: Got, flag: str | None) -> Mapping[str, Mapping[str, Any]] | None:
    """What it gives, by flag; one that it does not give is not there. ``None``: it does not say."""
    try:
        said = json.loads(got.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    if flag is None:
        listed = said.get("flags") if got.status == HTTPStatus.OK else None
        if not isinstance(listed, list):
            return None
        return {
            str(each.get("key")): each
            for each in listed
            if isinstance(each, dict) and each.get("errorCode") not in _ABSENT
        }
    if said.get("errorCode") in _ABSENT:
        return {}
    return {flag: said} if got.status == HTTPStatus.OK or "errorCode" in said else None


def _agrees(flag: Mapping[str, Any], given: Mapping[str, Any] | None) -> bool:
    if flag["state"] == DISABLED:
        return given is None or given.get("reason") == DISABLED
    if flag.get("targeting") or flag.get("defaultVariant") is None:
        return True
    return given is not None and "errorCode" not in given and given.get("variant") == flag["defaultVariant"]
