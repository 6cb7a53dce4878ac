"""What S3 tells of a page that was put there."""

from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.model import Announcement, Phase
from deploy.source import Aside, Ignored, Rejected, Whose
from tests.deploy.sources.sqs.said import read, running_at

AT = "s3:shop-site/index.html"
ETAG = "b1946ac92492d2347c6235b4d2611184"


def an_event(**of_object: Any) -> Any:
    """As the page of AWS has it: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html."""
    put = {
        "key": "index.html",
        "size": 1305107,
        "etag": ETAG,
        "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        "sequencer": "00617F08299329D189",
    }
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2021-11-12T00:00:00Z",
        "region": "ca-central-1",
        "resources": ["arn:aws:s3:::shop-site"],
        "detail": {
            "version": "0",
            "bucket": {"name": "shop-site"},
            "object": {name: value for name, value in {**put, **of_object}.items() if value is not None},
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "123456789012",
            "source-ip-address": "1.2.3.4",
            "reason": "CopyObject",
        },
    }


def test_the_live_page_that_is_put_there_is_a_deployment_that_began():
    found = read(an_event(), running_at(AT))

    assert isinstance(found, Announcement)
    assert (found.service, found.environment, found.phase) == ("checkout", "production", Phase.STARTED)
    assert found.hints == {"deployment": ETAG}
    assert found.platform_ids == ("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",)
    assert found.dedup_key == f"17793124-05d4-b198-2fde-7ededc63b103:{ETAG}"
    assert found.at == datetime(2021, 11, 12, tzinfo=UTC)


def test_of_a_service_with_several_parts_it_says_which():
    found = read(an_event(), running_at(AT, whose=(Whose("shop", "production", "site"),)))

    assert isinstance(found, Announcement)
    assert found.hints["part"] == "site"


@pytest.mark.parametrize("key", ["releases/v2/index.html", "main-v2.js", "index.html.map", "INDEX.html"])
def test_whatever_else_is_put_there_changes_nothing(key):
    assert isinstance(read(an_event(key=key), running_at(AT)), Aside | Ignored)


def test_objects_of_a_site_are_recorded_under_one_name_and_not_each():
    for key in ("main-v2.js", "main-v3.js"):
        found = read(an_event(key=key), running_at(AT))
        assert isinstance(found, Aside)
        assert found.why == "no service of the configuration has this page in the bucket shop-site"


def test_a_bucket_without_versions_has_no_id():
    found = read(an_event(**{"version-id": None}), running_at(AT))

    assert isinstance(found, Announcement)
    assert found.platform_ids == ()


@pytest.mark.parametrize(
    ("name", "value", "where"),
    [
        ("key", 7, "detail.object.key"),
        ("key", "", "detail.object.key"),
        ("key", "x" * 1025, "detail.object.key"),
        ("etag", "not an etag", "detail.object.etag"),
        ("etag", ["b1946ac92492d2347c6235b4d2611184"], "detail.object.etag"),
        ("etag", None, "detail.object.etag"),
    ],
)
def test_what_is_no_event_of_s3_is_rejected_with_its_place(name, value, where):
    anywhere = lambda _address: (Whose("checkout", "production"),)  # noqa: E731
    found = read(an_event(**{name: value}), anywhere)

    assert isinstance(found, Rejected)
    assert found.where == where


@pytest.mark.parametrize("bucket", [None, "Shop Site", {"name": 7}, {"name": "../x"}, []])
def test_a_bucket_that_is_none_is_rejected(bucket):
    event = an_event()
    event["detail"]["bucket"] = bucket

    found = read(event, running_at(AT))

    assert isinstance(found, Rejected)
    assert found.where == "detail.bucket.name"
