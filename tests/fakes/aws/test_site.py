"""The simulated S3 and CloudFront, asked by unmodified boto3: conditions, tags, versions, invalidations, edges."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws import AwsWorld
from tests.fakes.aws.fixtures import NOON

BUCKET, ID = "shop-site", "E2EXAMPLE1ABC"


@pytest.fixture
def site(aws_world: AwsWorld) -> AwsWorld:
    aws_world.s3.create_bucket(BUCKET)
    aws_world.s3.put(
        BUCKET, "releases/v1/index.html", "one", NOON, metadata={"release": "v1"}, CacheControl="no-cache"
    )
    aws_world.s3.copy(BUCKET, "releases/v1/index.html", "index.html", NOON)
    aws_world.cloudfront.create(ID, BUCKET, NOON)
    return aws_world


def code_of(caught) -> tuple[str, int]:
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_a_copy_keeps_metadata_headers_and_tags_unless_it_is_given_others(site, boto):
    s3 = boto("s3")
    s3.put_object_tagging(
        Bucket=BUCKET, Key="releases/v1/index.html", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    )

    s3.copy_object(Bucket=BUCKET, Key="x.html", CopySource=f"{BUCKET}/releases/v1/index.html")
    s3.copy_object(
        Bucket=BUCKET,
        Key="y.html",
        CopySource=f"{BUCKET}/releases/v1/index.html",
        TaggingDirective="REPLACE",
        Tagging="c=d",
    )

    head = s3.head_object(Bucket=BUCKET, Key="x.html")
    assert (head["Metadata"], head["CacheControl"]) == ({"release": "v1"}, "no-cache")
    assert s3.get_object_tagging(Bucket=BUCKET, Key="x.html")["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert s3.get_object_tagging(Bucket=BUCKET, Key="y.html")["TagSet"] == [{"Key": "c", "Value": "d"}]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"IfMatch": '"nothing"'}, ("PreconditionFailed", 412)),
        ({"CopySourceIfMatch": '"nothing"'}, ("PreconditionFailed", 412)),
        ({"IfNoneMatch": "*"}, ("PreconditionFailed", 412)),
        ({"Key": "missing.html", "IfMatch": '"x"'}, ("NoSuchKey", 404)),
        ({"CopySource": f"{BUCKET}/missing"}, ("NoSuchKey", 404)),
    ],
)
def test_a_condition_that_does_not_hold_changes_nothing(site, boto, more, code):
    before = site.s3.find(BUCKET).now("index.html")

    with pytest.raises(ClientError) as caught:
        boto("s3").copy_object(
            **{
                "Bucket": BUCKET,
                "Key": "index.html",
                "CopySource": f"{BUCKET}/releases/v1/index.html",
                **more,
            }
        )

    assert code_of(caught) == code
    assert site.s3.find(BUCKET).now("index.html") is before


def test_what_has_no_body_has_no_code_but_its_status(site, boto):
    with pytest.raises(ClientError) as caught:
        boto("s3").head_object(Bucket=BUCKET, Key="missing")

    assert code_of(caught) == ("404", 404)


def test_an_object_that_is_put_there_is_told_of(site, boto):
    boto("s3").put_object(Bucket=BUCKET, Key="hello.txt", Body=b"hello")

    event = site.advance()[-1]
    assert (event["source"], event["detail-type"], event["detail"]["reason"]) == (
        "aws.s3",
        "Object Created",
        "PutObject",
    )
    assert event["detail"]["object"]["key"] == "hello.txt"
    assert event["detail"]["object"]["etag"] == "5d41402abc4b2a76b9719d911017c592"


def test_versions_come_newest_first_and_without_those_that_are_deletions(site, boto):
    site.s3.delete(BUCKET, "index.html", NOON + timedelta(minutes=1))
    site.s3.put(BUCKET, "index.html", "two", NOON + timedelta(minutes=2))

    told = boto("s3").list_object_versions(Bucket=BUCKET, Prefix="index.html")["Versions"]

    assert [each["Size"] for each in told] == [3, 3]
    assert told[0]["LastModified"] == NOON + timedelta(minutes=2)
    body = (
        boto("s3").get_object(Bucket=BUCKET, Key="index.html", VersionId=told[1]["VersionId"])["Body"].read()
    )
    assert body == b"one"


def test_who_may_write_nowhere_else_is_denied_elsewhere(site, boto):
    site.identities.grant_own(
        policies=[
            {
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": ["s3:GetObject"],
                        "Resource": [f"arn:aws:s3:::{BUCKET}/releases/*"],
                    },
                    {
                        "Effect": "Allow",
                        "Action": ["s3:PutObject"],
                        "Resource": [f"arn:aws:s3:::{BUCKET}/index.html"],
                    },
                    {"Effect": "Allow", "Action": ["s3:GetObjectTagging"], "Resource": ["*"]},
                ]
            }
        ]
    )
    copy = {"Bucket": BUCKET, "CopySource": f"{BUCKET}/releases/v1/index.html"}

    boto("s3").copy_object(Key="index.html", **copy)
    with pytest.raises(ClientError) as caught:
        boto("s3").copy_object(Key="releases/v1/index.html", **copy)

    assert code_of(caught) == ("AccessDenied", 403)


def test_settings_are_changed_only_by_who_has_read_the_newest(site, boto):
    cloudfront = boto("cloudfront")
    told = cloudfront.get_distribution(Id=ID)
    config = told["Distribution"]["DistributionConfig"]
    config["Origins"]["Items"][0]["OriginPath"] = "/releases/v1"

    cloudfront.update_distribution(Id=ID, IfMatch=told["ETag"], DistributionConfig=config)
    with pytest.raises(ClientError) as caught:
        cloudfront.update_distribution(Id=ID, IfMatch=told["ETag"], DistributionConfig=config)

    assert code_of(caught) == ("PreconditionFailed", 412)


def test_the_same_reference_is_the_same_invalidation_and_with_other_paths_it_is_refused(site, boto):
    cloudfront = boto("cloudfront")

    def create(*paths: str):
        batch = {"CallerReference": "key", "Paths": {"Quantity": len(paths), "Items": list(paths)}}
        return cloudfront.create_invalidation(DistributionId=ID, InvalidationBatch=batch)["Invalidation"][
            "Id"
        ]

    assert create("/") == create("/")
    with pytest.raises(ClientError) as caught:
        create("/index.html")
    assert code_of(caught)[0] == "InvalidArgument"


def test_an_edge_keeps_what_it_has_until_an_invalidation_is_complete(site, aws_clock):
    site.s3.put(BUCKET, "index.html", "two", aws_clock.go_on(minutes=1))
    made = site.cloudfront.clear(ID, aws_clock.go_on(minutes=1), "/*")

    before = site.cloudfront.answer(ID, "/", made.by - timedelta(seconds=1))
    after = site.cloudfront.answer(ID, "/", made.by)

    assert (before.body, after.body) == (b"one", b"two")


def test_a_page_and_the_root_are_two_things_to_an_edge(site, aws_clock):
    site.s3.put(BUCKET, "index.html", "two", aws_clock.go_on(minutes=1))
    at = site.cloudfront.clear(ID, aws_clock(), "/").by

    assert site.cloudfront.answer(ID, "/", at).body == b"two"
    assert site.cloudfront.answer(ID, "/index.html", at).body == b"one"


def test_an_edge_that_clears_before_it_knows_the_new_path_fetches_the_old_page_again(site, aws_clock):
    site.s3.put(BUCKET, "releases/v2/index.html", "two", NOON)
    aws_clock.go_on(hours=1)
    site.cloudfront.point(ID, "/releases/v2", aws_clock())
    early = site.cloudfront.clear(ID, aws_clock(), "/*").by
    late = site.cloudfront.clear(ID, aws_clock.go_on(minutes=10), "/*").by

    assert site.cloudfront.answer(ID, "/", early + timedelta(minutes=5)).body == b"one"
    assert site.cloudfront.answer(ID, "/", late).body == b"two"


def test_what_is_missing_is_answered_by_the_page(site, aws_clock):
    assert site.cloudfront.answer(ID, "/products/7", aws_clock()).body == b"one"


def test_a_store_is_changed_as_a_whole_or_not_at_all(aws_world, aws_clock):
    store = aws_world.cloudfront.stores.create(NOON, release="v1")

    def ask(operation: str, **more):
        own, told = aws_world.identities.own, {"KvsARN": store.arn, **more}
        return aws_world.ask("cloudfront-keyvaluestore", operation, told, own, "us-east-1")

    version = ask("DescribeKeyValueStore").content["ETag"]
    puts = [{"Key": "release", "Value": "v2"}, {"Key": "other", "Value": "x"}]
    first = ask("UpdateKeys", IfMatch=version, Puts=puts)
    second = ask("UpdateKeys", IfMatch=version, Puts=[{"Key": "release", "Value": "v3"}])

    assert first.error is None
    assert second.error is not None
    assert second.error.code == "ConflictException"
    assert ask("GetKey", Key="release").content["Value"] == "v2"
