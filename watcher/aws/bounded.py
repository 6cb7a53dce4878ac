"""Answers are read up to a size: botocore takes whatever comes into memory, and a page of blanks after JSON is JSON to it.

Its session is asked not to read, and what it does not read is read here; so proxies, certificates and time-outs stay botocore's own.

Source:
    https://github.com/boto/botocore/blob/develop/botocore/endpoint.py (``_do_get_response``: what ``before-send`` gives is the answer)
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import botocore
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, HTTPClientError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.exceptions import ReadTimeoutError as NoMoreInTime

from watcher.aws.answers import FAILED
from watcher.errors import OtherBotocore

MOST = 16 * 1024 * 1024  # bytes: a page of GetMetricData has 100,800 data points, which is half of it
_PIECE = 64 * 1024
_OTHER = f"botocore {botocore.__version__} is none whose answers can be bounded"

Send = Callable[[AWSPreparedRequest], AWSResponse]


@dataclass(frozen=True, slots=True)
class _Whole:
    """What was read, in the place of what it is read from."""

    body: bytes

    def stream(self, **_how: Any) -> Iterator[bytes]:
        """All of it."""
        yield self.body


def session_of(client: Any) -> Send:
    """How *client* sends. Nothing public gives it, so another botocore may not have it.

    Raises:
        OtherBotocore: It has not: better no answer than one of any size.
    """
    send: Send | None = getattr(
        getattr(getattr(client, "_endpoint", None), "http_session", None), "send", None
    )
    if send is None:
        raise OtherBotocore(f"{_OTHER}: its clients have no `_endpoint.http_session`")
    return send


def read_bounded(request: AWSPreparedRequest, send: Send) -> AWSResponse:
    """Send *request*, and read its answer; of what is streamed only a refusal: whoever reads the rest in pieces bounds it there.

    Raises:
        ResponseParserError: The answer is larger than `MOST`; or botocore has read it itself, though it was asked not to.
        HTTPClientError: As botocore says it of what it reads itself.
    """
    is_streamed = request.stream_output
    request.stream_output = True
    response = send(request)
    if is_streamed and response.status_code < FAILED:
        return response
    body = _body(response, request)
    response.raw = _Whole(body)
    if len(response.content) != len(body):
        raise ResponseParserError(f"{_OTHER}: it reads them itself")  # it was sent, so it may have happened
    return response


def _body(response: AWSResponse, request: AWSPreparedRequest) -> bytes:
    pieces, size = list[bytes](), 0
    try:
        for piece in response.raw.stream(_PIECE):
            size += len(piece)
            if size > MOST:
                response.raw.close()
                raise ResponseParserError(f"an answer larger than {MOST // 1024} KiB")
            pieces.append(piece)
    except NoMoreInTime as error:
        raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
    except ProtocolError as error:
        raise ConnectionClosedError(error=error, request=request, endpoint_url=request.url) from error
    except HTTPError as error:
        raise HTTPClientError(error=error) from error
    return b"".join(pieces)
