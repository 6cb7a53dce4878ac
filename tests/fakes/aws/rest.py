"""Services that are spoken with by method, path and query: Lambda (REST with JSON), and whatever else has such a model.

Which operation is meant, botocore's models say: the method, the path, and what has to stand in the query.
"""

import functools
import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moto.core.parse import RestJSONParser, RestXMLParser
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.datastructures import Headers, MultiDict

from tests.fakes.aws.trouble import AwsError

PROTOCOLS = frozenset({"rest-json", "rest-xml"})
_PARSERS = {"rest-json": RestJSONParser, "rest-xml": RestXMLParser}
_COPIES, _COPIED = (
    frozenset({"CopyObject"}),
    "x-amz-copy-source",
)  # by which S3 tells a copy from what is put there
_PLACE = re.compile(r"\{(\w+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was sent, before anybody knows what it means.

    Attributes:
        path: As it was sent, still quoted; without the query.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Route:
    operation: str
    method: str
    path: re.Pattern[str]
    query: Mapping[str, str]  # what has to stand there; an empty value: the name alone
    literal: int  # characters of the path that are no place for a name


def parsed(service: str, protocol: str, asked: Asked) -> tuple[str, Mapping[str, Any]] | None:
    """The operation that is meant, and its parameters; ``None``: the service has none such."""
    values = MultiDict(urllib.parse.parse_qsl(asked.query, keep_blank_values=True))
    for route in _routes(service):
        found = route.path.fullmatch(asked.path)
        if found is None or route.method != asked.method or not _stands(route.query, values):
            continue
        if (
            (route.operation in _COPIES) != (_COPIED in asked.headers)
            and asked.method == "PUT"
            and service == "s3"
        ):
            continue
        model = get_service_model(service).operation_model(route.operation)
        places = {name: urllib.parse.unquote(value) for name, value in found.groupdict().items()}
        request: Any = {
            "body": asked.body,
            "headers": Headers(list(asked.headers.items())),
            "method": asked.method,
            "url_params": places,
            "url_path": asked.path,
            "values": values,
        }
        return route.operation, _PARSERS[protocol](model).parse(request)
    return None


def written(
    service: str, protocol: str, operation: str, content: Mapping[str, Any]
) -> tuple[int, Mapping[str, str], bytes]:
    """An answer: status, headers, body."""
    model = get_service_model(service).operation_model(operation)
    told = get_serializer_class(service, protocol)(model).serialize(dict(content))
    body = told["body"]
    headers = {
        name: str(value) for name, value in told["headers"].items() if name.lower() != "content-length"
    }
    return int(told["status_code"]), headers, body.encode() if isinstance(body, str) else body


def refusal_in_json(kind: str, error: AwsError) -> tuple[Mapping[str, str], bytes]:
    """A no of REST with JSON: headers, body. *kind*: the error's class."""
    body = {"Type": "Server" if error.status >= 500 else "User", "Message": error.message}
    return {"Content-Type": "application/json", "x-amzn-ErrorType": kind}, json.dumps(body).encode()


def _stands(wanted: Mapping[str, str], values: MultiDict[str, str]) -> bool:
    return all(name in values and value in {"", values[name]} for name, value in wanted.items())


@functools.cache
def _routes(service: str) -> tuple[_Route, ...]:
    """The narrowest first."""
    model = get_service_model(service)
    every = [model.operation_model(name) for name in model.operation_names]
    found = [
        _route(each.name, each.http) for each in every if not each.deprecated
    ]  # S3 has old ones at the same path
    return tuple(sorted(found, key=lambda route: (-len(route.query), -route.literal)))


def _route(operation: str, http: Mapping[str, Any]) -> _Route:
    path, _, query = str(http["requestUri"]).partition("?")
    pieces, at, literal = [], 0, 0
    for place in _PLACE.finditer(path):
        pieces += [re.escape(path[at : place.start()]), f"(?P<{place[1]}>{'.+' if place[2] else '[^/]+'})"]
        literal += place.start() - at
        at = place.end()
    pieces.append(re.escape(path[at:].rstrip("/")))
    wanted = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
    return _Route(
        operation, str(http["method"]), re.compile(f"{''.join(pieces)}/?"), wanted, literal + len(path) - at
    )
