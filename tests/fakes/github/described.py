"""GitHub's own description of its REST API, held against what is asked of the fake, and what the fake tells.

Derived by `scripts/get_github_schemas.sh`. What is taken is checked whole, with what must be there, and nothing that GitHub does not know;
of what is told, that each thing is of the kind that it is at GitHub.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs  # schemathesis brings it
from aiohttp import web

_FILE = Path(__file__).with_name("openapi.json")
_WHOLE = {  # as `tests.schemas` has them
    "GET /repos/{}/{}",
    "GET /repos/{}/{}/deployments",
    "GET /repos/{}/{}/deployments/{}/statuses",
    "POST /repos/{}/{}/deployments/{}/statuses",
    "GET /rate_limit",
    "POST /app/installations/{}/access_tokens",
}
_BEYOND = {"padding", "sha"}  # that the fake tells besides


class Undescribed(AssertionError):
    """Something is not as GitHub describes it."""


@cache
def operations() -> Mapping[str, Any]:
    """By method and path, whatever its placeholders are called."""
    return {_plain(name): each for name, each in json.loads(_FILE.read_text()).items()}


def is_described(request: web.Request) -> bool:
    """It is held against this description, and not against the whole one in `tests.schemas`."""
    return _operation(request) not in _WHOLE


def check_taken(request: web.Request, body: bytes) -> None:
    """*request* asks for what GitHub would take."""
    taken = operations().get(_operation(request), {}).get("takes")
    if taken is None:
        return
    said = json.loads(body)
    _hold(request, said, taken)
    known = {name for each in taken.get("anyOf", [taken]) for name in each["properties"]}
    if unknown := set(said) - known:
        raise Undescribed(f"{_operation(request)}: {sorted(unknown)}")


def check_told(request: web.Request, response: web.StreamResponse) -> None:
    """*response* is of the shape that GitHub's has."""
    told = operations().get(_operation(request), {}).get("tells")
    if told is None or response.status not in {200, 201} or not isinstance(response, web.Response):
        return
    body = response.body
    assert isinstance(body, bytes)
    answer = json.loads(body)
    _hold(request, answer, told)
    one = answer[0] if isinstance(answer, list) and answer else answer
    schema = told.get("items", told)
    if isinstance(one, dict) and (unknown := set(one) - set(schema["properties"]) - _BEYOND):
        raise Undescribed(f"{_operation(request)} tells {sorted(unknown)}")


def _hold(request: web.Request, said: Any, schema: Any) -> None:
    try:
        jsonschema_rs.validate(schema, said)
    except jsonschema_rs.ValidationError as error:
        where = "/".join(str(step) for step in error.instance_path)
        raise Undescribed(f"{_operation(request)}: {where}: {error.message[:200]}") from error


def _operation(request: web.Request) -> str:
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else request.path
    place = next((path.find(each) for each in ("/repos", "/rate_limit", "/app/") if each in path), 0)
    return _plain(f"{request.method} {path[place:]}")


def _plain(name: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", name)
