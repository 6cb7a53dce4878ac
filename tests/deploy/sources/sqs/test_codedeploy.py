"""News of CodeDeploy, from EventBridge and from the triggers of a group, become announcements; or say why they are none."""

import shlex
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model import Announcement, Phase
from deploy.source import Aside, Ignored, Rejected, Whose
from deploy.sources.sqs.codedeploy import OTHERWISE
from tests.deploy.sources.sqs.said import (
    GROUP_AT,
    NOON,
    TRIGGERED_AT,
    documented,
    read,
    running_at,
    through_sns,
)

OF_EVENTBRIDGE = "aws.codedeploy/CodeDeploy Deployment State-change Notification"
OF_A_TRIGGER = "aws.codedeploy/SNS trigger deployment"


def an_event(state: object = "START", **detail: Any) -> Any:
    event = documented(OF_EVENTBRIDGE)
    event["detail"] |= {"state": state} | detail
    return event


def a_trigger(status: object = "Created", **more: Any) -> Any:
    return documented(OF_A_TRIGGER) | {"status": status} | more


def announced(said: Any, **more: Any) -> Announcement:
    found = read(said, **more)
    assert isinstance(found, Announcement), found
    return found


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        ("START", Phase.STARTED),
        ("SUCCESS", Phase.COMPLETE),
        ("FAILURE", Phase.FAILED),
        ("STOP", Phase.FAILED),
        ("READY", Phase.PAUSED),
    ],
)
def test_an_event_says_how_far_a_deployment_is_and_which(state, phase):
    found = announced(an_event(state))

    assert (found.service, found.environment) == ("checkout", "production")
    assert found.phase is phase
    assert found.hints == {"deployment": "d-123456789"}
    assert found.platform_ids == ("d-123456789",)
    assert found.at == datetime(2016, 6, 30, 22, 6, 31, tzinfo=UTC)
    assert found.dedup_key == f"c071bfbf-83c4-49ca-a6ff-3df053957145:d-123456789:{state}"


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("Created", Phase.STARTED),
        ("CREATED", Phase.STARTED),
        ("InProgress", Phase.STARTED),
        ("Succeeded", Phase.COMPLETE),
        ("SUCCEEDED", Phase.COMPLETE),
        ("Failed", Phase.FAILED),
        ("Stopped", Phase.FAILED),
        ("Ready", Phase.PAUSED),
    ],
)
def test_a_trigger_says_the_same_directly_and_through_sns(status, phase):
    found = announced(a_trigger(status))

    assert found.phase is phase
    assert found.hints == {"deployment": "d-75I7MBT7C"}
    assert announced(through_sns(a_trigger(status))) == found


def test_the_times_of_a_trigger_are_seconds_in_strings():
    assert announced(a_trigger("Created")).at == datetime.fromtimestamp(1446744188.595, UTC)
    assert announced(a_trigger("Failed")).at == datetime.fromtimestamp(1446744190.402, UTC)


@pytest.mark.parametrize("time", [None, 1446744188, "yesterday", "1e9", "9" * 40, ""])
def test_a_trigger_without_a_time_that_can_be_read_happened_when_it_arrived(time):
    assert announced(a_trigger("Created", createTime=time)).at == NOON


def test_the_same_news_of_a_trigger_is_known_again_and_other_news_are_not():
    keys = [announced(a_trigger(status)).dedup_key for status in ("Created", "CREATED", "Succeeded")]

    assert keys[0] == keys[1] != keys[2]


def test_one_that_waits_for_the_traffic_says_how_it_is_answered():
    pause = announced(an_event("READY")).pause

    assert pause is not None
    assert pause.otherwise == OTHERWISE
    assert shlex.split(pause.go_on)[:3] == ["aws", "deploy", "continue-deployment"]
    assert "--deployment-id d-123456789" in pause.go_back
    assert pause.go_back.endswith("--auto-rollback-enabled")
    assert announced(an_event("START")).pause is None


def test_where_the_account_is_not_configured_any_will_do():
    anywhere = GROUP_AT.replace("123456789012", "*")

    assert announced(an_event(), where=running_at(anywhere)).service == "checkout"


def test_the_part_of_a_service_is_hinted():
    part = Whose("checkout", "production", "web")

    assert announced(an_event(), where=running_at(GROUP_AT, whose=(part,))).hints["part"] == "web"


def test_a_group_of_nobody_is_ignored_and_named():
    found = read(an_event(), where=running_at())

    assert isinstance(found, Aside | Ignored)
    assert GROUP_AT in found.why


def test_a_group_of_two_services_is_rejected():
    two = (Whose("checkout", "production"), Whose("orders", "production"))

    found = read(a_trigger(), where=running_at(TRIGGERED_AT, whose=two))

    assert isinstance(found, Rejected)


@pytest.mark.parametrize(
    "said", [an_event("LATER"), an_event(state=7), a_trigger("Later"), a_trigger(status=None)]
)
def test_a_state_that_nobody_knows_is_ignored(said):
    found = read(said)

    assert isinstance(found, Aside | Ignored)
    assert "not known to this version" in found.why


def test_news_of_single_instances_change_nothing():
    for of in (
        "aws.codedeploy/CodeDeploy Instance State-change Notification",
        "aws.codedeploy/SNS trigger instance",
    ):
        found = read(documented(of))
        assert isinstance(found, Aside | Ignored)
        assert "instance" in found.why


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("application", None),
        ("application", "a/b"),
        ("deploymentGroup", ["x"]),
        ("deploymentGroup", "x" * 101),
        ("deploymentId", "d-1; rm -rf /"),
        ("deploymentId", "123"),
    ],
)
def test_an_event_that_codedeploy_did_not_write_is_rejected_with_the_place(key, value):
    found = read(an_event(**{key: value}))

    assert isinstance(found, Rejected)
    assert found.where == f"detail.{key}"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("region", None),
        ("region", "us west"),
        ("accountId", "12"),
        ("accountId", 111222333444),
        ("applicationName", None),
        ("deploymentGroupName", "a b"),
        ("deploymentId", None),
    ],
)
def test_a_trigger_that_codedeploy_did_not_write_is_rejected_with_the_place(key, value):
    found = read(a_trigger(**{key: value}))

    assert isinstance(found, Rejected)
    assert found.where == key


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(documented(OF_A_TRIGGER))), _ANYTHING))
def test_whatever_stands_in_a_trigger_nothing_is_raised(said):
    assert isinstance(read({**documented(OF_A_TRIGGER), **said}), Announcement | Ignored | Rejected)
