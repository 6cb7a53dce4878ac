"""What CloudTrail tells of load balancing: weights that were changed."""

from typing import Any

import pytest

from deploy.model import Announcement, Phase
from deploy.source import Aside, Ignored, Rejected
from tests.deploy.sources.sqs.said import documented, read, running_at

OF = "aws.elasticloadbalancing/AWS API Call via CloudTrail"
ID = "8a5a7e0e-0000-4000-8000-000000000002"
LISTENER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/lb/1/2"


def a_call(called: str = "ModifyRule", **asked: Any) -> Any:
    event = documented(OF)
    event["detail"] |= {"eventName": called}
    event["detail"]["requestParameters"] |= asked
    return event


def forwarding(*weights: Any) -> list[Any]:
    groups = [{"targetGroupArn": f"arn:{number}", "weight": weight} for number, weight in enumerate(weights)]
    return [{"type": "forward", "forwardConfig": {"targetGroups": groups}}]


def announced(*args, **more) -> Announcement:
    found = read(*args, **more)
    assert isinstance(found, Announcement), found
    return found


def test_other_weights_are_a_deployment_of_which_the_tags_tell_what():
    found = announced(a_call())

    assert (found.service, found.environment) == ("checkout", "production")
    assert found.hints == {"deployment": ID}
    assert found.platform_ids == (ID,)
    assert found.dedup_key == f"{ID}:ModifyRule"


@pytest.mark.parametrize(
    ("actions", "phase"),
    [
        (forwarding(90, 10), Phase.SHIFTED),
        (forwarding(0, 100), Phase.COMPLETE),
        (forwarding(100), Phase.COMPLETE),
        ([{"type": "authenticate-oidc"}, *forwarding(1, 1)], Phase.SHIFTED),
        ([{"type": "forward", "targetGroupArn": "arn:b"}], Phase.COMPLETE),
        (None, Phase.COMPLETE),
        ("forward", Phase.COMPLETE),
        ([7, {"forwardConfig": 7}, {"forwardConfig": {"targetGroups": [7]}}], Phase.COMPLETE),
    ],
)
def test_it_is_complete_once_one_group_has_everything(actions, phase):
    assert announced(a_call(actions=actions)).phase is phase


def test_a_listener_is_heard_of_by_its_own_address():
    event = a_call("ModifyListener", listenerArn=LISTENER, defaultActions=forwarding(90, 10))

    found = announced(event, running_at(f"load_balancer:{LISTENER}"))

    assert found.phase is Phase.SHIFTED
    assert isinstance(read(event), Aside | Ignored)


@pytest.mark.parametrize("arn", [None, 7, "arn:aws:elasticloadbalancing:x", "arn:aws:s3:::bucket"])
def test_what_is_no_rule_is_rejected_with_the_place(arn):
    found = read(a_call(ruleArn=arn))

    assert isinstance(found, Rejected)
    assert found.where == "detail.requestParameters.ruleArn"


@pytest.mark.parametrize("name", ["RegisterTargets", "SetRulePriorities", "AddTags"])
def test_what_changes_no_weight_is_ignored_by_its_name(name):
    found = read(a_call(name))

    assert isinstance(found, Aside | Ignored)
    assert name in found.why


def test_a_call_that_was_refused_has_changed_nothing():
    event = a_call()
    event["detail"]["errorCode"] = "AccessDenied"

    assert isinstance(read(event), Aside | Ignored)
