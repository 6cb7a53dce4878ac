"""What an event of AppConfig means: a deployment of a configuration, and which version it says."""

from typing import Any

import pytest

from deploy.model import Announcement, Phase
from deploy.source import Aside, Rejected, Whose
from tests.deploy.sources.sqs.said import documented, read, running_at

AT = "appconfig:us-east-1:111122223333:ba8toh7/pgil2o7/ga3tqep"


def an_event(kind: str = "On Deployment Complete", **detail: Any) -> Any:
    event = documented("aws.appconfig/On Deployment Complete") | {"detail-type": kind}
    event["detail"] |= detail
    return event


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        ("On Deployment Start", Phase.STARTED),
        ("On Deployment Complete", Phase.COMPLETE),
    ],
)
def test_a_deployment_is_named_with_the_version_that_it_brings(kind, phase):
    found = read(an_event(kind), running_at(AT))

    assert isinstance(found, Announcement)
    assert (found.service, found.environment, found.phase) == ("checkout", "production", phase)
    assert found.hints == {"deployment": "ba8toh7/pgil2o7/1", "tag": "1"}
    assert found.platform_ids == ("ba8toh7/pgil2o7/1",)


@pytest.mark.parametrize("kind", ["On Deployment Rolled Back", "On Deployment Rollback"])
def test_what_was_taken_back_is_over_and_what_is_live_then_is_read(kind):
    found = read(an_event(kind), running_at(AT))

    assert isinstance(found, Announcement)
    assert found.phase is Phase.COMPLETE
    assert (found.hints, found.platform_ids) == ({}, ())


def test_where_the_account_is_not_known_the_ids_are_enough():
    assert isinstance(read(an_event(), running_at(AT.replace("111122223333", "*"))), Announcement)


def test_a_part_of_a_service_is_named_by_a_hint():
    found = read(an_event(), running_at(AT, whose=(Whose("checkout", "production", "limits"),)))

    assert isinstance(found, Announcement)
    assert found.hints["part"] == "limits"


def test_another_profile_is_nobodys_and_may_be_a_change():
    found = read(an_event(ConfigurationProfile={"Id": "other7"}), running_at(AT))

    assert isinstance(found, Aside)
    assert "appconfig:us-east-1:111122223333:ba8toh7/pgil2o7/other7" in found.why


@pytest.mark.parametrize("profile", [None, {}, {"Id": 7}, {"Id": "../x"}, "ga3tqep"])
def test_what_does_not_say_whose_configuration_it_is_may_be_a_change(profile):
    assert isinstance(read(an_event(ConfigurationProfile=profile), running_at(AT)), Aside)


@pytest.mark.parametrize("number", [None, "1", 0, -1, True, 10**12, 1.5])
def test_what_is_no_number_of_a_deployment_is_rejected_with_its_place(number):
    found = read(an_event(DeploymentNumber=number), running_at(AT))

    assert isinstance(found, Rejected)
    assert found.where == "detail.DeploymentNumber"


def test_a_version_that_may_not_stand_as_a_tag_is_not_hinted_at():
    found = read(an_event(ConfigurationVersion="-x; rm"), running_at(AT))

    assert isinstance(found, Announcement)
    assert "tag" not in found.hints
