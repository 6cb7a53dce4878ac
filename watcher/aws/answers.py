"""What came instead of an answer: a page of something in between, or one that was cut short.

botocore makes an empty answer of JSON that it cannot read, which looks like silence (no tasks, no requests) and like success.

Source:
    https://github.com/boto/botocore/blob/develop/botocore/parsers.py (``_parse_body_as_json``)
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from botocore.model import OperationModel
from botocore.parsers import ResponseParserError

FAILED = 300  # HTTP: from here on botocore reads an error, and none is taken for an empty answer
MOST_KIND = 80
_PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--(?:(?!-->).){0,2000}-->\s*){0,5}<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_BOM = b"\xef\xbb\xbf"
_RAW = frozenset({"blob", "string"})  # payloads that may be anything, a page too
_TEXTS = ("text/html", "text/plain")


def refuse_foreign(
    *, operation_model: OperationModel, response_dict: Mapping[str, Any], **_event: Any
) -> None:
    """For ``before-parse``.

    An empty body may be all that there is to say, unless it calls itself a page; HEAD has none, whatever it calls itself.

    Raises:
        ResponseParserError: It cannot be what AWS answers to this operation.
    """
    output, body = operation_model.output_shape, response_dict["body"]
    if response_dict["status_code"] >= FAILED or operation_model.http.get("method") == "HEAD":
        return
    if output is None or not isinstance(body, bytes):  # what is streamed is an object of somebody's
        return
    payload = output.serialization.get("payload")
    if payload and output.members[payload].type_name in _RAW:
        return
    is_json = "json" in operation_model.service_model.resolved_protocol
    kind = str(response_dict["headers"].get("content-type", "")).lower()
    if _is_page(body) or (is_json and not body and output.members and kind.startswith(_TEXTS)):
        raise ResponseParserError(
            f"an answer of the type {kind[:MOST_KIND]!r} that AWS does not give: a page of something in between"
        )
    if is_json and body and not _is_object(body):
        raise ResponseParserError(
            f"an answer that is cut short, or no JSON: {len(body)} bytes of {kind[:MOST_KIND]!r}"
        )


def _is_page(body: bytes) -> bool:
    return _PAGE.match(body.removeprefix(_BOM)) is not None


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
