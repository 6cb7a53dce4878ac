"""The two ways in which AWS's services here are spoken with: JSON with a target header, and the query protocol.

moto reads and writes the query protocol; JSON is little enough to be written out.
"""

import json
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from moto.core.parse import QueryParser
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

from tests.fakes.aws import models
from tests.fakes.aws.trouble import AwsError

# The name in a signature, and the service that botocore means by it.
_SIGNED_AS = {
    "ecs": "ecs",
    "ecr": "ecr",
    "sqs": "sqs",
    "sts": "sts",
    "iam": "iam",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
}
_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Said:
    """A request, read.

    Attributes:
        key_id: The access key that signed it.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    key_id: str
    region: str
    query: bool


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotSpoken(Exception):
    """It is none of the requests that can be read here."""


def read(headers: Mapping[str, str], body: bytes) -> Said:
    """A request. Its signature is not checked; its key and region are believed. Raises `NotSpoken`."""
    found = _CREDENTIAL.search(headers.get("Authorization", ""))
    if not found or found[3] not in _SIGNED_AS:
        raise NotSpoken(f"not signed for a service that is faked: {headers.get('Authorization', '')[:120]}")
    key_id, region, service = found[1], found[2], _SIGNED_AS[found[3]]
    target = headers.get("X-Amz-Target")
    if target:
        return Said(
            service, target.rsplit(".", 1)[-1], json.loads(body or b"{}"), key_id, region, query=False
        )
    fields = {
        name: values[0]
        for name, values in urllib.parse.parse_qs(body.decode(), keep_blank_values=True).items()
    }
    operation = fields.get("Action", "")
    model = get_service_model(service).operation_model(operation)
    asked: Any = {"values": fields}
    parameters = QueryParser(model).parse(asked)
    return Said(service, operation, parameters, key_id, region, query=True)


def answered(said: Said, content: Mapping[str, Any], id: str) -> Response:
    """An answer, written."""
    if said.query:
        model = get_service_model(said.service).operation_model(said.operation)
        written = get_serializer_class(said.service, "query")(model).serialize(dict(content))
        text = written["body"]
        body = text.encode() if isinstance(text, str) else text
        return Response(200, {"Content-Type": "text/xml", "x-amzn-RequestId": id}, body)
    return Response(200, _json_headers(id), json.dumps(content, default=_plain).encode())


def refused(said: Said, error: AwsError, id: str) -> Response:
    """A no, written."""
    if said.query:
        text = (
            f"<ErrorResponse><Error><Type>{_blame(error)}</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
        )
        return Response(error.status, {"Content-Type": "text/xml", "x-amzn-RequestId": id}, text.encode())
    headers = _json_headers(id)
    kind = models.class_of_error(said.service, said.operation, error.code)
    if kind != error.code or said.service in {"cloudwatch", "sqs"}:
        headers["x-amzn-query-error"] = (
            f"{error.code};{_blame(error)}"  # [M] awsQueryCompatible: the code of old
        )
    body = {"__type": kind, "message": error.message}
    return Response(error.status, headers, json.dumps(body).encode())


def broken(words: str) -> Response:
    """The fake is wrong: loud, and never retried by botocore."""
    body = json.dumps({"__type": "FakeBug", "message": words}).encode()
    return Response(599, {"Content-Type": "application/x-amz-json-1.1"}, body)


def _blame(error: AwsError) -> str:
    return "Receiver" if error.status >= 500 else "Sender"


def _json_headers(id: str) -> dict[str, str]:
    return {"Content-Type": "application/x-amz-json-1.1", "x-amzn-RequestId": id}


def _plain(value: object) -> float:
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} has no place in an answer")
