"""What an event of Elastic Beanstalk means: an update of an environment, and never which version."""

from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.model import Announcement, Phase
from deploy.source import Aside, Ignored, Rejected, Whose
from tests.deploy.sources.sqs.said import UPDATED_AT, documented, read, running_at

OF = "aws.elasticbeanstalk/Elastic Beanstalk resource status change (update)"
CREATED = "aws.elasticbeanstalk/Elastic Beanstalk resource status change"


def an_update(status: str = "Environment update started", **detail: Any) -> Any:
    event = documented(OF)
    event["detail"] |= {"Status": status} | detail
    return event


def test_an_update_that_began_is_a_deployment_of_a_version_that_it_does_not_name():
    found = read(an_update())

    assert isinstance(found, Announcement)
    assert (found.service, found.environment, found.phase) == ("checkout", "production", Phase.STARTED)
    assert found.hints == {}
    assert found.platform_ids == ()
    assert found.at == datetime(2020, 11, 3, 0, 41, 54, tzinfo=UTC)
    assert found.dedup_key == "1234a678-1b23-c123-12fd3f456e79:Environment update started"


@pytest.mark.parametrize("status", ["Environment update successful", "Environment update failed"])
def test_when_it_is_over_the_environment_runs_what_it_will_run_well_or_not(status):
    found = read(an_update(status))

    assert isinstance(found, Announcement)
    assert found.phase is Phase.COMPLETE


def test_where_the_account_is_not_known_the_environments_name_is_enough():
    anywhere = running_at(UPDATED_AT.replace("111122223333", "*"))

    assert isinstance(read(an_update(), anywhere), Announcement)


def test_a_part_of_a_service_is_named_by_a_hint():
    found = read(an_update(), running_at(UPDATED_AT, whose=(Whose("checkout", "production", "web"),)))

    assert isinstance(found, Announcement)
    assert found.hints == {"part": "web"}


@pytest.mark.parametrize(
    "status", ["Environment creation started", "Environment termination started", None, 7]
)
def test_what_is_no_update_is_ignored(status):
    found = read(an_update(status))

    assert isinstance(found, Aside | Ignored)
    assert "is no update of an environment" in found.why


def test_the_documented_creation_of_an_environment_is_no_deployment():
    assert isinstance(read(documented(CREATED)), Aside | Ignored)


def test_another_environment_is_nobodys():
    found = read(an_update(EnvironmentName="other-env"))

    assert isinstance(found, Aside | Ignored)
    assert "beanstalk:us-east-1:111122223333:myApplication/other-env" in found.why


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("ApplicationName", None),
        ("ApplicationName", "a/b"),
        ("ApplicationName", ""),
        ("ApplicationName", "x" * 101),
        ("EnvironmentName", None),
        ("EnvironmentName", "a b c d"),
        ("EnvironmentName", "env\n"),
        ("EnvironmentName", ["myEnvironment"]),
    ],
)
def test_what_beanstalk_would_not_write_is_rejected_with_its_place(name, wrong):
    found = read(an_update(**{name: wrong}))

    assert isinstance(found, Rejected)
    assert found.where == f"detail.{name}"


@pytest.mark.parametrize(
    "kind", ["Managed update status change", "Other resource status change", "Health status change"]
)
def test_platform_updates_and_health_are_known_and_no_release(kind):
    found = read(an_update() | {"detail-type": kind})

    assert isinstance(found, Aside | Ignored)
    assert "no deployment that this version knows" not in found.why


# ------------------------------------------------------------------------------------------ what CloudTrail tells of swaps

BLUE_AT, GREEN_AT = (f"beanstalk_swap:us-east-1:123456789012:shop-{color}" for color in ("blue", "green"))
SWAPPING = running_at(BLUE_AT, GREEN_AT)


def a_swap(called: str = "SwapEnvironmentCNAMEs", **asked: Any) -> Any:
    """As CloudTrail writes any call: the members of the request, the first letter small."""
    event = documented("aws.elasticloadbalancing/AWS API Call via CloudTrail")
    event |= {"source": "aws.elasticbeanstalk"}
    names = {"sourceEnvironmentName": "shop-green", "destinationEnvironmentName": "shop-blue"}
    event["detail"] |= {
        "eventSource": "elasticbeanstalk.amazonaws.com",
        "eventName": called,
        "requestParameters": names | asked,
        "responseElements": None,
    }
    return event


@pytest.mark.parametrize("where", [SWAPPING, running_at(GREEN_AT.replace("123456789012", "*"))])
def test_a_swap_of_names_is_a_hint_of_when_to_look(where):
    found = read(a_swap(), where)

    assert isinstance(found, Announcement)
    assert (found.service, found.environment, found.phase) == ("checkout", "production", Phase.STARTED)
    assert found.hints == {"deployment": found.platform_ids[0]}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (a_swap("UpdateEnvironment"), "moves nothing that is known to this version"),
        (a_swap(sourceEnvironmentName=None), "by their ids alone"),
        (a_swap(sourceEnvironmentName="blog-green"), "no service of the configuration runs at"),
    ],
)
def test_what_is_no_swap_of_ours_is_ignored(event, words):
    found = read(event, SWAPPING)

    assert isinstance(found, Aside)
    assert words in found.why


def test_a_swap_that_was_refused_is_none():
    event = a_swap()
    event["detail"]["errorCode"] = "InsufficientPrivilegesException"

    assert isinstance(read(event, SWAPPING), Aside)


@pytest.mark.parametrize("wrong", ["a b c d", 7, ["shop-green"]])
def test_an_environment_that_cannot_be_one_is_rejected_with_its_place(wrong):
    found = read(a_swap(sourceEnvironmentName=wrong), SWAPPING)

    assert isinstance(found, Rejected)
    assert found.where == "detail.requestParameters.sourceEnvironmentName"
