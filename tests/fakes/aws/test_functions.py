"""The fake Lambda over HTTP, as an unmodified boto3 sees it; where moto emulates it too, both say the same."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.fakes.aws.fixtures import NOON

YESTERDAY = NOON - timedelta(days=1)


@pytest.fixture
def functions(aws_world):
    made = aws_world.functions
    made.create("checkout", "code 0", YESTERDAY)
    for number in (1, 2, 3):
        made.deploy("checkout", f"code {number}", YESTERDAY)
    made.point("checkout", "live", "1", YESTERDAY)
    return made


@pytest.fixture
def client(functions, boto):
    return boto("lambda")


def update(client: Any, **given: Any) -> Any:
    return client.update_alias(FunctionName="checkout", Name="live", **given)


def weights(**given: float) -> dict[str, Any]:
    return {"AdditionalVersionWeights": {name.removeprefix("v"): share for name, share in given.items()}}


def code_of(call: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as refused:
        call()
    answer = refused.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_an_alias_is_as_it_was_put_and_its_revision_changes_with_each_change(client):
    before = client.get_alias(FunctionName="checkout", Name="live")
    after = update(client, RoutingConfig=weights(v2=0.1), RevisionId=before["RevisionId"])

    assert (before["FunctionVersion"], before.get("RoutingConfig")) == ("1", None)
    assert after["RoutingConfig"] == weights(v2=0.1)
    assert after["RevisionId"] != before["RevisionId"]
    assert client.get_alias(FunctionName="checkout", Name="live")["RevisionId"] == after["RevisionId"]


def test_a_stale_revision_is_refused_and_nothing_is_changed(client, functions):
    before = client.get_alias(FunctionName="checkout", Name="live")
    update(client, FunctionVersion="2")

    assert code_of(lambda: update(client, FunctionVersion="3", RevisionId=before["RevisionId"])) == (
        "PreconditionFailedException",
        412,
    )
    assert functions.shares("checkout", "live") == {"2": 1.0}


def test_weights_that_are_left_out_stay_and_the_empty_map_takes_them(client, functions):
    update(client, RoutingConfig=weights(v3=0.1))
    update(client, FunctionVersion="2")
    assert functions.shares("checkout", "live") == {"2": 0.9, "3": 0.1}

    update(client, RoutingConfig=weights())
    assert functions.shares("checkout", "live") == {"2": 1.0}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"FunctionVersion": "9"}, ("ResourceNotFoundException", 404)),
        ({"RoutingConfig": weights(v2=0.1, v3=0.1)}, ("InvalidParameterValueException", 400)),
        ({"RoutingConfig": weights(v1=0.1)}, ("InvalidParameterValueException", 400)),
        ({"RoutingConfig": weights(v9=0.1)}, ("ResourceNotFoundException", 404)),
        (
            {"FunctionVersion": "$LATEST", "RoutingConfig": weights(v1=0.1)},
            ("InvalidParameterValueException", 400),
        ),
    ],
)
def test_what_an_alias_cannot_be_is_refused(client, given, code):
    assert code_of(lambda: update(client, **given)) == code


def test_an_alias_that_keeps_something_warm_takes_no_weights_and_prepares_anew_when_it_is_moved(
    client, functions, aws_clock
):
    functions.keep_warm("checkout", "live", 5, YESTERDAY)
    assert (
        code_of(lambda: update(client, RoutingConfig=weights(v2=0.1)))[0] == "InvalidParameterValueException"
    )

    update(client, FunctionVersion="2")
    told = client.get_provisioned_concurrency_config(FunctionName="checkout", Qualifier="live")
    aws_clock.go_on(minutes=2)
    later = client.get_provisioned_concurrency_config(FunctionName="checkout", Qualifier="live")

    assert (told["Status"], later["Status"]) == ("IN_PROGRESS", "READY")


def test_numbers_are_never_given_twice(functions):
    functions.delete_version("checkout", "3")

    assert functions.publish("checkout", NOON) == "4"


def test_a_version_is_what_was_published_and_latest_what_is(client, functions):
    published = client.get_function_configuration(FunctionName="checkout", Qualifier="3")
    functions.update("checkout", "code 9", NOON)
    latest = client.get_function_configuration(FunctionName="checkout")

    again = client.get_function_configuration(FunctionName="checkout", Qualifier="3")
    assert again["CodeSha256"] == published["CodeSha256"] != latest["CodeSha256"]
    assert (again["Version"], latest["Version"]) == ("3", "$LATEST")


def test_the_trail_tells_of_moves_minutes_later(client, aws_world, aws_clock):
    update(client, FunctionVersion="2", RoutingConfig=weights())
    at_once = [each for each in aws_world.advance() if each["time"] > "2026-11-24T11"]
    aws_clock.go_on(minutes=3)

    (told,) = [each for each in aws_world.advance() if each["time"] > "2026-11-24T11"]
    assert at_once == []
    assert told["detail"]["eventName"] == "UpdateAlias20150331"
    assert told["detail"]["requestParameters"]["functionVersion"] == "2"


# --------------------------------------------------------------------------------------------------- beside moto


@pytest.fixture
def motos() -> Iterator[Any]:
    """The same function at moto: versions 1 and 2, and an alias."""
    keys = {"region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "y"}
    with mock_aws():
        trust = '{"Version": "2012-10-17", "Statement": []}'
        role = boto3.client("iam", **keys).create_role(RoleName="shop", AssumeRolePolicyDocument=trust)
        made = boto3.client("lambda", **keys)
        code = {"ZipFile": b"PK\x05\x06" + b"\0" * 18}
        arguments = {
            "Runtime": "python3.13",
            "Role": role["Role"]["Arn"],
            "Handler": "app.handler",
            "Code": code,
        }
        made.create_function(FunctionName="checkout", Publish=True, **arguments)
        made.create_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
        yield made


def test_both_answer_in_the_same_shape(client, motos):
    for call in (
        lambda each: each.get_alias(FunctionName="checkout", Name="live"),
        lambda each: each.list_tags(Resource="arn:aws:lambda:eu-central-1:123456789012:function:checkout"),
        lambda each: each.list_event_source_mappings(FunctionName="checkout"),
    ):
        ours, theirs = call(client), call(motos)
        assert set(ours) - {"RoutingConfig"} == set(theirs) - {"RoutingConfig", "NextMarker"}


def test_of_a_version_both_tell_what_the_fingerprint_is_made_of(client, motos):
    ours = client.get_function_configuration(FunctionName="checkout", Qualifier="1")
    theirs = motos.get_function_configuration(FunctionName="checkout", Qualifier="1")

    wanted = {
        "CodeSha256",
        "Handler",
        "MemorySize",
        "Role",
        "Runtime",
        "Timeout",
        "Version",
        "LastModified",
        "State",
    }
    assert wanted <= set(ours)
    assert wanted <= set(theirs)
