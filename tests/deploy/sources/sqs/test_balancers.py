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


@pytest.mark.parametrize("actions", [forwarding(90, 10), forwarding(0, 100), "forward", [7]])
def test_it_tells_when_and_never_that_the_release_has_everything(actions):
    """It comes late: by then another release may be on its way, and that one would be taken for complete."""
    assert announced(a_call(actions=actions)).phase is Phase.STARTED


@pytest.mark.parametrize("actions", [None, []])
def test_a_rule_whose_conditions_alone_were_changed_has_moved_nothing(actions):
    assert isinstance(read(a_call(actions=actions)), Aside | Ignored)


def test_a_listener_that_got_another_certificate_has_moved_nothing():
    event = a_call("ModifyListener", listenerArn=LISTENER, certificates=[{"certificateArn": "arn:c"}])

    assert isinstance(read(event, running_at(f"load_balancer:{LISTENER}")), Aside | Ignored)


def test_a_listener_is_heard_of_by_its_own_address():
    event = a_call("ModifyListener", listenerArn=LISTENER, defaultActions=forwarding(90, 10))

    found = announced(event, running_at(f"load_balancer:{LISTENER}"))

    assert found.service == "checkout"
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
