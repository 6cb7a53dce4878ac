"""Answers are read up to a size, and what goes wrong while they are read is said as botocore says it."""

import asyncio
import io
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.parsers import ResponseParserError
from urllib3 import HTTPResponse

from deploy.errors import AwsRefused
from tests.watcher.aws.far import BreaksOff, a_far_side, hurried, patient
from watcher.aws.bounded import MOST, read_bounded, session_of
from watcher.aws.clients import Clients, look_at_botocore
from watcher.errors import OtherBotocore


def answering(size: int, status: int = 200) -> tuple[AWSResponse, HTTPResponse]:
    raw = HTTPResponse(io.BytesIO(b" " * size), preload_content=False)
    return AWSResponse("https://ecs", status, {}, raw), raw


def a_request(*, stream: bool = False) -> AWSPreparedRequest:
    return AWSPreparedRequest("POST", "https://ecs", {}, b"", stream)


def test_what_is_as_large_as_it_may_be_is_read():
    read = read_bounded(a_request(), lambda _: answering(MOST)[0])

    assert len(read.content) == MOST


def test_what_is_larger_is_refused_and_its_connection_not_used_again():
    response, raw = answering(MOST + 1)

    with pytest.raises(ResponseParserError, match="larger than 16384 KiB"):
        read_bounded(a_request(), lambda _: response)

    assert raw.closed


def test_what_is_streamed_is_left_to_who_reads_it():
    response, raw = answering(MOST + 1)

    read = read_bounded(a_request(stream=True), lambda _: response)

    assert read.raw is raw
    assert raw.tell() == 0


def test_a_refusal_of_what_would_be_streamed_is_bounded_too():
    """What botocore reads of it itself, it reads whole."""
    response, raw = answering(MOST + 1, status=403)

    with pytest.raises(ResponseParserError, match="larger than 16384 KiB"):
        read_bounded(a_request(stream=True), lambda _: response)

    assert raw.closed


def test_a_botocore_that_reads_answers_itself_is_refused():
    response, _ = answering(100)

    with pytest.raises(ResponseParserError, match="none whose answers can be bounded: it reads them itself"):
        read_bounded(a_request(), lambda _: (response.content, response)[1])


@pytest.mark.parametrize("client", [object(), SimpleNamespace(_endpoint=object())])
def test_a_botocore_whose_sending_is_elsewhere_is_refused(client):
    with pytest.raises(OtherBotocore, match=r"no `_endpoint\.http_session`") as refused:
        session_of(client)

    assert "requirements.lock" in refused.value.remedy


def test_that_it_is_another_is_said_before_anything_is_asked():
    def look() -> None:
        session_of(object())

    with pytest.raises(OtherBotocore):
        Clients(lambda *_: None, None, look=look)


@pytest.mark.parametrize("profile", [None, "of-nobody"])
def test_the_one_that_is_installed_is_none_of_those(profile, monkeypatch):
    if profile:
        monkeypatch.setenv("AWS_PROFILE", profile)

    look_at_botocore.__wrapped__()


async def breaks_in_the_middle() -> web.StreamResponse:
    return Half(hangs=False)


async def hangs_in_the_middle() -> web.StreamResponse:
    return Half(hangs=True)


class Half(web.StreamResponse):
    """The beginning of an answer, in pieces."""

    def __init__(self, *, hangs: bool) -> None:
        super().__init__(headers={"Content-Type": "application/x-amz-json-1.1"})
        self._hangs = hangs

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        self.enable_chunked_encoding()
        writer = await super().prepare(request)
        await self.write(b'{"clusters"')
        if not self._hangs:
            assert request.transport is not None
            request.transport.close()
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        if not self._hangs:
            raise BreaksOff
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("answer", "code"), [(breaks_in_the_middle, "Unreachable"), (hangs_in_the_middle, "Timeout")]
)
async def test_what_stops_in_the_middle_is_no_answer(answer, code):
    modes = hurried() if answer is hangs_in_the_middle else patient()
    async with a_far_side(modes=modes, DescribeClusters=answer) as (far, near):
        with pytest.raises(AwsRefused) as refused:
            await near.door.read("shop", "ecs", "describe_clusters")

    assert refused.value.code == code
    assert far.count("DescribeClusters") == 3
