"""What a version is, apart from its number."""

from typing import Any

import pytest

from deploy.targets.lambda_alias.version import fingerprint, version_of
from tests.fakes.aws.fixtures import NOON
from tests.fakes.aws.functions.state import configuration

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:checkout"
LAYER = "arn:aws:lambda:eu-central-1:123456789012:layer:{}:1"


def told(**content: Any) -> dict[str, Any]:
    return configuration("checkout", ARN, "code", NOON, {"Version": "41", **content})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"VpcConfig": {"SubnetIds": ["a", "b"], "SecurityGroupIds": ["s", "t"]}}, {"VpcConfig": {"SubnetIds": ["b", "a"], "SecurityGroupIds": ["t", "s"]}}),
        ({"VpcConfig": {"SubnetIds": ["a"], "VpcId": "v"}}, {"VpcConfig": {"SubnetIds": ["a"]}}),
        ({"Layers": [{"Arn": LAYER.format("base"), "CodeSize": 1}]}, {"Layers": [{"Arn": LAYER.format("base"), "CodeSize": 2}]}),
        ({"Layers": []}, {}),
        ({"KMSKeyArn": None}, {}),
    ],
    ids=["order of subnets", "what follows from them", "size of a layer", "no layer", "no key"],
)  # fmt: skip
def test_what_makes_no_difference_makes_no_other_release(one, other):
    assert fingerprint(told(**one)) == fingerprint(told(**other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Layers": [{"Arn": LAYER.format("a")}, {"Arn": LAYER.format("b")}]}, {"Layers": [{"Arn": LAYER.format("b")}, {"Arn": LAYER.format("a")}]}),
        ({"Environment": {"Variables": {"A": ""}}}, {"Environment": {"Variables": {}}}),
        ({"Environment": {"Variables": {"A": "1"}}}, {"Environment": {"Variables": {"A": "2"}}}),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, {"SnapStart": {"ApplyOn": "None"}}),
        ({"CodeSha256": "x"}, {"CodeSha256": "y"}),
    ],
    ids=["order of layers", "an empty variable", "a variable", "snap start", "the code"],
)  # fmt: skip
def test_what_makes_a_difference_does(one, other):
    assert fingerprint(told(**one)) != fingerprint(told(**other))


@pytest.mark.parametrize("written", ["", "soon", "2026-11-24"])
def test_a_time_that_is_none_is_not_told(written):
    assert version_of(told(LastModified=written)).published is None


def test_an_answer_that_tells_nothing_is_a_version_of_nothing():
    found = version_of({})

    assert (found.number, found.published, found.state) == ("", None, "Active")


def test_names_that_no_query_could_hold_are_left_out():
    names = version_of(told(Description="with blanks, and $signs", CodeSha256="ab+/cd==")).release.names

    assert "description" not in names
    assert names["code"] == "ab+/cd"
