"""The ways in which AWS's services here are spoken with: JSON with a target header, the query protocol, and REST (``rest``).

moto reads and writes the query protocol and REST; JSON is little enough to be written out.
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

from tests.fakes.aws import models, rest
from tests.fakes.aws.trouble import AwsError

# The name in a signature, and the service that botocore means by it.
_SIGNED_AS = {
    "ecs": "ecs",
    "codedeploy": "codedeploy",
    "ecr": "ecr",
    "sqs": "sqs",
    "sts": "sts",
    "iam": "iam",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
    "lambda": "lambda",
    "s3": "s3",
    "cloudfront": "cloudfront",
    "cloudfront-keyvaluestore": "cloudfront-keyvaluestore",
    "elasticloadbalancing": "elbv2",
    "elasticbeanstalk": "elasticbeanstalk",
    "appconfig": "appconfig",
    "logs": "logs",
    "application-signals": "application-signals",
    "ssm": "ssm",
}
_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")
_BY_KEYS_ALONE = frozenset({"cloudfront-keyvaluestore"})
# [D] Version 4A: for no region, a set of regions in a header.
_OF_KEYS = re.compile(r"AWS4-ECDSA-P256-SHA256 Credential=([^/]+)/\d+/([^/]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Said:
    """A request, read.

    Attributes:
        key_id: The access key that signed it.
        protocol: ``json``, ``query``, or one of `rest.PROTOCOLS`.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    key_id: str
    region: str
    protocol: str


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NotSpoken(Exception):
    """It is none of the requests that can be read here."""


def read(
    headers: Mapping[str, str], body: bytes, method: str = "POST", path: str = "/", query: str = ""
) -> Said:
    """A request. Its signature is not checked; its key and region are believed. Raises `NotSpoken`."""
    key_id, region, service = _signed(headers)
    target = headers.get("X-Amz-Target")
    if target:
        operation = target.rsplit(".", 1)[-1]
        return Said(service, operation, json.loads(body or b"{}"), key_id, region, "json")
    protocol = str(get_service_model(service).metadata["protocol"])
    if protocol in rest.PROTOCOLS:
        meant = rest.parsed(service, protocol, rest.Asked(method, path, query, headers, body))
        if meant is None:
            raise NotSpoken(f"{service} has no operation at {method} {path}")
        return Said(service, *meant, key_id, region, protocol)
    fields = {
        name: values[0]
        for name, values in urllib.parse.parse_qs(body.decode(), keep_blank_values=True).items()
    }
    operation = fields.get("Action", "")
    model = get_service_model(service).operation_model(operation)
    asked: Any = {"values": fields}
    parameters = QueryParser(model).parse(asked)
    return Said(service, operation, parameters, key_id, region, "query")


def _signed(headers: Mapping[str, str]) -> tuple[str, str, str]:
    """The access key, the region, and the service as botocore calls it."""
    told = headers.get("Authorization", "")
    by_key, found = _OF_KEYS.search(told), _CREDENTIAL.search(told)
    if by_key and by_key[2] in _SIGNED_AS and "X-Amz-Region-Set" in headers:
        return by_key[1], "us-east-1", _SIGNED_AS[by_key[2]]
    if not found or found[3] not in _SIGNED_AS or found[3] in _BY_KEYS_ALONE:
        raise NotSpoken(f"not signed for a service that is faked: {told[:120]}")
    return found[1], found[2], _SIGNED_AS[found[3]]


def answered(said: Said, content: Mapping[str, Any], id: str) -> Response:
    """An answer, written."""
    if said.protocol in rest.PROTOCOLS:
        status, headers, body = rest.written(said.service, said.protocol, said.operation, content)
        return Response(status, {**headers, "x-amzn-RequestId": id}, body)
    if said.protocol == "query":
        model = get_service_model(said.service).operation_model(said.operation)
        written = get_serializer_class(said.service, "query")(model).serialize(dict(content))
        text = written["body"]
        body = text.encode() if isinstance(text, str) else text
        return Response(200, {"Content-Type": "text/xml", "x-amzn-RequestId": id}, body)
    return Response(200, _json_headers(id), json.dumps(content, default=_plain).encode())


def refused(said: Said, error: AwsError, id: str) -> Response:
    """A no, written."""
    if said.protocol == "rest-json":
        kind = models.class_of_error(said.service, said.operation, error.code)
        told, body = rest.refusal_in_json(kind, error)
        return Response(error.status, {**told, "x-amzn-RequestId": id}, body)
    if said.service == "s3":  # [D] no envelope; and of what has no body, nothing but the status
        text = f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message><RequestId>{id}</RequestId></Error>"
        body = b"" if said.operation == "HeadObject" else text.encode()
        return Response(error.status, {"Content-Type": "application/xml", "x-amz-request-id": id}, body)
    if said.protocol in {"query", "rest-xml"}:
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
    said_so = {"__type": kind, "message": error.message}
    return Response(error.status, headers, json.dumps(said_so).encode())


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
