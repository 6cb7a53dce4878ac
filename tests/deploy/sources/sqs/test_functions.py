"""What CloudTrail tells of Lambda: aliases that were moved, and what is called without one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.model import Announcement, Phase
from deploy.source import Aside, Ignored, Rejected, Whose
from tests.deploy.sources.sqs.said import ALIAS_AT, NOON, documented, read, running_at, without

OF = "aws.lambda/AWS API Call via CloudTrail"
ID = "8a5a7e0e-0000-4000-8000-000000000002"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


def a_call(called: str = "UpdateAlias20150331", **asked: Any) -> Any:
    event = documented(OF)
    event["detail"] |= {"eventName": called}
    event["detail"]["requestParameters"] |= asked
    return event


def announced(*args, **more) -> Announcement:
    found = read(*args, **more)
    assert isinstance(found, Announcement), found
    return found


def test_an_alias_that_gives_a_second_version_a_share_is_a_rollout_of_the_newer_one():
    found = announced(a_call())

    assert (found.service, found.environment) == ("checkout", "production")
    assert found.phase is Phase.SHIFTED
    assert found.hints == {"deployment": ID, "tag": "42"}
    assert found.platform_ids == (ID,)
    assert found.dedup_key == f"{ID}:UpdateAlias"
    assert found.at == datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "phase", "tag"),
    [
        ({"functionVersion": "42", "routingConfig": {"additionalVersionWeights": {}}}, Phase.COMPLETE, "42"),
        ({"functionVersion": "42", "routingConfig": None}, Phase.STARTED, "42"),
        (
            {"functionVersion": "42", "routingConfig": {"additionalVersionWeights": {"41": 0.9}}},
            Phase.SHIFTED,
            "42",
        ),
        ({"routingConfig": {"additionalVersionWeights": {"42": 1}}}, Phase.COMPLETE, "42"),
        (
            {"functionVersion": "43", "routingConfig": {"additionalVersionWeights": {"42": 1.0}}},
            Phase.COMPLETE,
            "42",
        ),
        ({"routingConfig": {"additionalVersionWeights": {"42": 0.0}}}, Phase.COMPLETE, "41"),
        (
            {"functionVersion": "99", "routingConfig": {"additionalVersionWeights": {"100": 0.1}}},
            Phase.SHIFTED,
            "100",
        ),
    ],
)
def test_what_has_calls_from_then_on_is_what_was_deployed(asked, phase, tag):
    found = announced(a_call(**asked))

    assert (found.phase, found.hints["tag"]) == (phase, tag)


def test_where_only_weights_were_asked_for_the_answer_tells_the_aliass_own_version():
    event = without(
        a_call(routingConfig={"additionalVersionWeights": {}}),
        "detail",
        "requestParameters",
        "functionVersion",
    )

    assert "tag" not in announced(event).hints
    assert (
        announced(event).phase is Phase.STARTED
    )  # or whatever is on its way by now would be taken for complete
    event["detail"]["responseElements"] = {"functionVersion": "41"}
    assert announced(event).hints["tag"] == "41"
    event["detail"]["requestParameters"]["functionVersion"] = None
    assert announced(event).hints["tag"] == "41"


@pytest.mark.parametrize(
    ("routing", "phase"),
    [({}, Phase.COMPLETE), ({"routingConfig": {"additionalVersionWeights": {"41": 0.9}}}, Phase.SHIFTED)],
)
def test_weights_that_were_not_asked_for_stay_as_the_answer_tells_them(routing, phase):
    event = a_call(functionVersion="42", routingConfig=None)
    event["detail"]["responseElements"] = {"functionVersion": "42", **routing}

    assert (announced(event).phase, announced(event).hints["tag"]) == (phase, "42")


def test_an_alias_that_got_another_description_gives_no_version_more_calls():
    event = a_call(functionVersion=None, routingConfig=None, description="the shop")
    event["detail"]["responseElements"] = {"functionVersion": "41"}

    assert isinstance(read(event), Aside | Ignored)


@pytest.mark.parametrize("written", ["f", "123456789012:function:f", ARN, f"{ARN}:live", "f:live"])
def test_a_function_is_known_by_its_name_and_by_its_arn(written):
    assert announced(a_call(functionName=written)).service == "checkout"


def test_a_function_of_another_account_or_region_is_of_no_concern():
    for elsewhere in (ARN.replace("us-east-1", "eu-west-1"), ARN.replace("123456789012", "999900001111")):
        assert isinstance(read(a_call(functionName=elsewhere)), Aside | Ignored)


def test_where_the_configuration_does_not_tell_the_id_of_an_account_any_is_meant():
    assert announced(a_call(), running_at("lambda:us-east-1:*:f:live")).service == "checkout"


def test_the_part_is_named_where_a_service_has_several():
    where = running_at(ALIAS_AT, whose=(Whose("checkout", "production", "api"),))

    assert announced(a_call(), where).hints["part"] == "api"


def test_two_that_run_at_one_address_are_told_apart_by_nobody():
    where = running_at(ALIAS_AT, whose=(Whose("checkout", "production"), Whose("cart", "production")))

    found = read(a_call(), where)

    assert isinstance(found, Rejected)
    assert "several of the configuration run at lambda:us-east-1:123456789012:f:live" in found.why


@pytest.mark.parametrize("name", ["UpdateFunctionCode20150331v2", "UpdateFunctionConfiguration20150331v2"])
def test_what_is_called_without_an_alias_is_deployed_by_a_change_of_it(name):
    latest = running_at("lambda:us-east-1:123456789012:f:$LATEST")

    found = announced(a_call(name), latest)

    assert found.phase is Phase.COMPLETE
    assert found.hints == {"deployment": ID}
    assert isinstance(read(a_call(name)), Aside | Ignored)


def test_a_call_that_was_refused_has_changed_nothing():
    event = a_call()
    event["detail"]["errorCode"] = "PreconditionFailedException"

    found = read(event)

    assert isinstance(found, Aside | Ignored)
    assert "was refused" in found.why


@pytest.mark.parametrize("name", ["PublishVersion20150331", "CreateFunction20150331", "DeleteAlias20150331"])
def test_what_moves_nothing_is_ignored_by_its_name(name):
    found = read(a_call(name))

    assert isinstance(found, Aside | Ignored)
    assert name.partition("2015")[0] in found.why


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"functionName": 7}, "functionName"),
        ({"functionName": "f;rm"}, "functionName"),
        ({"name": None}, "name"),
        ({"name": "li ve"}, "name"),
    ],
)
def test_what_lambda_would_not_have_taken_is_rejected_with_the_place(asked, where):
    found = read(a_call(**asked))

    assert isinstance(found, Rejected)
    assert found.where == f"detail.requestParameters.{where}"


def test_an_event_without_an_id_of_its_call_or_a_time_is_known_by_its_own():
    event = without(without(without(a_call(), "detail", "eventID"), "detail", "eventTime"), "time")

    found = announced(event)

    assert found.platform_ids == ("8a5a7e0e-0000-4000-8000-000000000001",)
    assert found.at == NOON


def test_a_trail_without_a_name_is_rejected():
    assert isinstance(read(a_call("../UpdateAlias")), Rejected)
