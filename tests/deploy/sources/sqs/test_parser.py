"""The bytes of a message → an announcement, or why there is none. It never raises."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.model import NAME, SERVICE, Announcement, Phase
from deploy.source import Aside, Ignored, Rejected, Whose
from deploy.sources.registry import SOURCES
from deploy.sources.sqs import KIND
from deploy.sources.sqs.envelope import ALARM, MOST_BYTES
from tests.deploy.sources.sqs.said import (
    AT,
    LINES,
    NOON,
    PAUSED_AT,
    a_deployment,
    a_hook,
    an_alarm,
    documented,
    read,
    running_at,
    through_sns,
    without,
)

PIPELINE = {"service": "checkout", "environment": "production", "tag": "v43"}


def announced(*args, **more):
    found = read(*args, **more)
    assert isinstance(found, Announcement), found
    return found


def ignored(*args, **more):
    """Why it is no deployment; what comes as an event is offered to whoever may want it all the same."""
    found = read(*args, **more)
    assert isinstance(found, Aside | Ignored), found
    return found.why


def put_aside(*args, **more):
    found = read(*args, **more)
    assert isinstance(found, Aside), found
    return found


def rejected(*args, **more):
    found = read(*args, **more)
    assert isinstance(found, Rejected), found
    assert found.remedy
    return found


def test_it_is_one_of_the_sources():
    assert SOURCES["sqs"] is KIND


# --------------------------------------------------------------------------------------------- deployments of ECS services


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", Phase.STARTED),
        ("SERVICE_DEPLOYMENT_COMPLETED", Phase.COMPLETE),
        ("SERVICE_DEPLOYMENT_FAILED", Phase.FAILED),
    ],
)
def test_a_deployment_is_heard_of_by_its_id_alone_for_events_carry_no_tag(name, phase):
    found = announced(a_deployment(name))

    assert (found.source, found.service, found.environment) == ("events", "checkout", "production")
    assert found.phase is phase
    assert found.hints == {"deployment": "ecs-svc/123"}
    assert found.platform_ids == ("ecs-svc/123",)
    assert found.pause is None


def test_a_message_is_known_by_the_id_of_its_event_and_what_it_says():
    first, second = announced(a_deployment()), announced(a_deployment("SERVICE_DEPLOYMENT_COMPLETED"))

    assert (
        first.dedup_key == "ddca6449-b258-46c0-8653-e0e3a6EXAMPLE:ecs-svc/123:SERVICE_DEPLOYMENT_IN_PROGRESS"
    )
    assert second.dedup_key != first.dedup_key


def test_that_ecs_begins_to_roll_back_is_a_start_and_reading_tells_of_what():
    event = documented("aws.ecs/ECS Deployment State Change", 1)
    assert "rolling back" in event["detail"]["reason"]

    assert announced(event).phase is Phase.STARTED


def test_it_happened_when_ecs_says_so_to_the_microsecond():
    found = announced(a_deployment(updatedAt="2026-11-24T11:59:41.618059641Z"))

    assert found.at == datetime(2026, 11, 24, 11, 59, 41, 618059, UTC)


@pytest.mark.parametrize(
    "written", [None, 17, "yesterday", "2026-11-24T11:59:41", "9999-12-31T23:59:59-12:00"]
)
def test_where_ecs_tells_no_time_it_is_that_of_the_event(written):
    assert announced(a_deployment(updatedAt=written)).at == datetime(2020, 5, 23, 12, 31, 14, tzinfo=UTC)


def test_where_the_event_tells_none_either_it_is_when_the_message_was_sent():
    event = without(without(a_deployment(), "detail", "updatedAt"), "time")

    assert announced(event, sent_at="2026-11-24T11:00:00+00:00").at == NOON - timedelta(hours=1)
    assert announced(event).at == NOON


def test_a_name_that_aws_invents_some_day_is_ignored_by_it():
    assert "'SERVICE_DEPLOYMENT_CANCELLED' is not known" in ignored(
        a_deployment("SERVICE_DEPLOYMENT_CANCELLED")
    )
    assert "'NoneType' is not known" in ignored(a_deployment(eventName=None))


def test_members_that_aws_adds_some_day_are_not_looked_at():
    assert announced(a_deployment(added={"some": "day"}) | {"replay-name": "again"}).service == "checkout"


# ------------------------------------------------------------------------------------------------------------ whose it is


def test_the_part_is_named_where_a_service_has_several():
    where = running_at(AT, whose=(Whose("checkout", "production", "api"),))

    assert announced(a_deployment(), where).hints["part"] == "api"


def test_where_the_configuration_does_not_tell_the_id_of_an_account_any_is_meant():
    anywhere = "ecs:us-west-2:*:default/servicetest"

    assert announced(a_deployment(), running_at(anywhere)).service == "checkout"


def test_the_account_that_is_told_wins():
    def where(address):
        return (Whose("exactly" if address == AT else "anywhere", "production"),)

    assert announced(a_deployment(), where).service == "exactly"


def test_a_deployment_of_a_service_that_nobody_configured_is_put_aside_with_its_address():
    found = put_aside(a_deployment(), running_at())

    assert found.why == f"no service of the configuration runs at {AT}"
    assert found.event.resources == ["arn:aws:ecs:us-west-2:111122223333:service/default/servicetest"]


def test_where_two_run_at_one_address_neither_is_meant():
    two = Whose("checkout", "production"), Whose("cart", "staging", "api")

    assert rejected(a_deployment(), running_at(AT, whose=two)).why.endswith(
        "checkout/production, cart/staging/api"
    )


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:ecs:eu-west-1:111122223333:service/default/servicetest",
        "arn:aws:ecs:us-west-2:999999999999:service/default/servicetest",
    ],
)
def test_an_event_of_one_account_or_region_cannot_be_about_another(arn):
    assert "cannot be about" in rejected(a_deployment() | {"resources": [arn]}).why


@pytest.mark.parametrize(
    "resources",
    [
        [],
        ["arn:aws:ecs:us-west-2:111122223333:cluster/default"],
        ["arn:aws:ecs:us-west-2:111122223333:service/default/service/test"],
        ["arn:aws:ecs:us-west-2:111122223333:service/default/$(reboot)"],
        ["service/default/servicetest"],
    ],
)
def test_what_is_no_service_is_rejected(resources):
    assert rejected(a_deployment() | {"resources": resources}).where == "resources.0"


def test_an_arn_of_the_old_form_names_no_cluster_and_is_ignored():
    event = a_deployment() | {"resources": ["arn:aws:ecs:us-west-2:111122223333:service/servicetest"]}

    assert "does not name its cluster" in ignored(event)


def test_other_partitions_have_services_too():
    event = a_deployment() | {
        "resources": ["arn:aws-us-gov:ecs:us-west-2:111122223333:service/default/servicetest"]
    }

    assert announced(event).service == "checkout"


@pytest.mark.parametrize("id", [None, 7, "", "ecs-svc/1 2", "x" * 129])
def test_a_deployment_without_an_id_is_rejected(id):
    assert rejected(a_deployment(deploymentId=id)).where == "detail.deploymentId"


# ------------------------------------------------------------------------------------------------------------------ hooks

ROLLOUT = "arn:aws:ecs:us-west-2:123456789012:service-deployment/my-cluster/my-service/0EYSiB0qap8xf0N76FsbE"
HOOK = "ecs-pause-e7tK9G_WRJqNF_EOMjztDXfKenlJuEUVjsNStf4WLKw"


def test_a_hook_that_waits_for_a_person_is_a_rollout_that_is_paused():
    found = announced(a_hook())

    assert found.phase is Phase.PAUSED
    assert found.at == datetime(2026, 3, 5, 15, 54, 41, 618059, UTC)
    assert found.hints == {}
    assert found.platform_ids == (ROLLOUT,)
    assert found.pause is not None
    assert (found.pause.hook, found.pause.stage) == (HOOK, "POST_TEST_TRAFFIC_SHIFT")
    assert found.pause.until == datetime(2026, 3, 5, 16, 4, 41, tzinfo=UTC)


def test_what_a_person_can_do_can_be_copied():
    pause = announced(a_hook()).pause

    assert pause is not None
    assert pause.go_on == (
        f"aws ecs continue-service-deployment --region us-west-2 --service-deployment-arn {ROLLOUT}"
        f" --hook-id {HOOK} --action CONTINUE"
    )
    assert pause.go_back == pause.go_on.replace("CONTINUE", "ROLLBACK")
    assert (
        pause.otherwise == "ECS rolls the deployment back, unless the time-out of the hook is set to CONTINUE"
    )


@pytest.mark.parametrize("until", [None, "soon"])
def test_a_hook_without_an_end_or_a_stage_is_told_without(until):
    pause = announced(a_hook(expiresAt=until, lifecycleStage="`reboot`")).pause

    assert pause is not None
    assert (pause.until, pause.stage) == (None, "")


def test_the_same_hook_twice_is_known_by_the_id_of_its_event():
    assert (
        announced(a_hook()).dedup_key == f"3329f79b-3dca-07f8-b1c2-5fe99f0b5e87:{HOOK}:HOOK_AWAITING_ACTION"
    )


@pytest.mark.parametrize(
    "detail",
    [
        {"hookType": "AWS_LAMBDA"},
        {"hookType": None},
        {"eventName": "HOOK_SUCCEEDED"},
        {"eventName": "HOOK_TIMED_OUT"},
        {"eventName": ["HOOK_AWAITING_ACTION"]},
    ],
)
def test_a_hook_that_waits_for_no_person_is_ignored(detail):
    assert "waits for nobody" in ignored(a_hook(**detail))


@pytest.mark.parametrize(
    ("detail", "where"),
    [
        ({"hookId": "x; reboot"}, "detail.hookId"),
        ({"hookId": None}, "detail.hookId"),
        ({"serviceDeploymentArn": ROLLOUT + "; reboot"}, "detail.serviceDeploymentArn"),
        ({"serviceDeploymentArn": ROLLOUT.replace("my-service", "another")}, "detail.serviceDeploymentArn"),
        ({"serviceDeploymentArn": None}, "detail.serviceDeploymentArn"),
        ({"serviceArn": None}, "detail.serviceArn"),
    ],
)
def test_nothing_that_is_to_be_copied_is_anything_but_what_it_says(detail, where):
    assert rejected(a_hook(**detail)).where == where


def test_a_hook_of_a_service_that_nobody_configured_is_put_aside():
    assert put_aside(a_hook(), running_at()).why == f"no service of the configuration runs at {PAUSED_AT}"


# ------------------------------------------------------------------------------------------------------- how a message comes


def test_an_event_through_sns_is_the_same_event():
    assert read(through_sns(a_deployment())) == read(a_deployment())


def test_a_notification_within_another_is_rejected():
    assert "within another" in rejected(through_sns(through_sns(a_deployment()))).why


@pytest.mark.parametrize("message", ["Hello world!", "[]", ""])
def test_a_notification_that_carries_no_event_is_rejected(message):
    assert rejected(through_sns(message)).where == "Message"


@pytest.mark.parametrize("kind", [[], {}, 7, None])
def test_a_type_that_is_no_word_is_not_one_of_sns(kind):
    assert "neither an event" in rejected({"Type": kind}).why
    assert "neither an event" in rejected(through_sns({"Type": kind})).why


@pytest.mark.parametrize("message", [None, 7, {"detail-type": "x"}])
def test_a_notification_without_a_message_is_rejected(message):
    assert "without a message" in rejected(through_sns("") | {"Message": message}).why


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_what_sns_says_of_itself_is_ignored_and_no_address_in_it_is_visited(kind):
    assert f"SNS says {kind}" in ignored(through_sns("", Type=kind, SubscribeURL="https://evil.example"))


def test_a_pipeline_may_put_its_own_announcement_into_the_queue():
    for said in (PIPELINE, through_sns(PIPELINE)):
        found = announced(said, message_id="m-1", sent_at="2026-11-24T11:00:00+00:00")

        assert (found.source, found.service, found.hints) == ("events", "checkout", {"tag": "v43"})
        assert found.at == NOON - timedelta(hours=1)
        assert found.dedup_key == "message:m-1"


def test_the_id_that_a_pipeline_gives_is_known_from_any_message():
    keys = {announced(PIPELINE | {"id": "run-7"}, message_id=each).dedup_key for each in ("m-1", "m-2")}

    assert keys == {"id:checkout/production:run-7"}


def test_without_an_id_of_the_message_its_bytes_tell_it():
    assert announced(PIPELINE).dedup_key.startswith("sha256:")


def test_the_mistakes_of_a_pipeline_are_told_as_at_the_door():
    found = rejected({"service": "checkout", "environment": "production"})

    assert found.where == "tag"
    assert found.remedy.startswith("the tag that was deployed")


# ---------------------------------------------------------------------------------------------------------- what is nothing


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"NaN",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"detail-type": "\\ud800"}',
        b"{}",
        b'{"Records": []}',
    ],
)
def test_what_is_no_message_of_ours_is_rejected(body):
    rejected(body)


def test_what_is_too_large_is_not_looked_at():
    assert "bytes are too many" in rejected(b'{"a": "' + b"x" * MOST_BYTES + b'"}').why


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", None),
        ("id", "a b"),
        ("id", "x" * 129),
        ("detail-type", 7),
        ("detail-type", "two\nlines"),
        ("source", ""),
        ("account", "12"),
        ("region", "us west"),
        ("resources", "arn"),
        ("resources", ["x"] * 101),
        ("resources", ["x" * 2049]),
        ("detail", []),
    ],
)
def test_an_event_that_is_not_written_as_one_is_rejected_with_the_place(key, value):
    assert rejected(a_deployment() | {key: value}).where.split(".")[0] == key


# ----------------------------------------------------------------------------------------------------------- every event

MEANT = {
    "aws.ecs/ECS Deployment State Change",
    "aws.ecs/ECS Hook State Change",
    "aws.lambda/AWS API Call via CloudTrail",
    "aws.elasticloadbalancing/AWS API Call via CloudTrail",
    "aws.codedeploy/CodeDeploy Deployment State-change Notification",
    "aws.codedeploy/SNS trigger deployment",
    "aws.elasticbeanstalk/Elastic Beanstalk resource status change (update)",
}
NO_MESSAGES = {  # what AWS hands to programs, and GitHub to its hooks: never to a queue
    "aws.ecs/lambda-lifecycle-hook",
    "aws.codedeploy/lambda hook (ECS|Lambda platform)",
    "github/deployment_protection_rule",
    "sns/envelope",  # which carries "Hello world!"
}


@pytest.mark.parametrize("line", [line for line in LINES if line.of in MEANT], ids=lambda line: line.of)
def test_every_documented_event_of_a_deployment_is_announced(line):
    announced(line.event)
    announced(through_sns(line.event))


@pytest.mark.parametrize("line", [line for line in LINES if line.of in NO_MESSAGES], ids=lambda line: line.of)
def test_what_never_comes_into_a_queue_is_rejected(line):
    rejected(line.event)


TRIGGERS = {
    "aws.codedeploy/SNS trigger instance",
    "aws.codedeploy/SNS trigger deployment",
}  # no events: of SNS


@pytest.mark.parametrize(
    "line",
    [line for line in LINES if line.of not in MEANT | NO_MESSAGES | TRIGGERS],
    ids=lambda line: line.of,
)
def test_every_other_documented_event_is_put_aside_by_its_name_for_whoever_wants_it(line):
    found = put_aside(line.event)

    assert "no deployment that this version knows" not in found.why
    assert line.event["detail-type"] in found.why
    event = found.event
    told = line.event["id"], line.event["detail-type"], line.event["source"], line.event["detail"]
    assert (event.id, event.kind, event.source, event.detail) == told
    assert (event.account, event.region) == (line.event["account"], line.event["region"])
    assert put_aside(through_sns(line.event)) == found


def test_an_event_that_nobody_knows_is_put_aside_by_its_name():
    event = a_deployment() | {"detail-type": "Coffee Ready", "source": "shop.kitchen"}

    assert put_aside(event).why == "'Coffee Ready' of 'shop.kitchen': no deployment that this version knows"


def test_a_deployment_that_another_than_ecs_tells_of_is_none():
    assert "no deployment" in put_aside(a_deployment() | {"source": "shop.kitchen"}).why


def test_a_call_in_the_trail_is_put_aside_by_the_name_of_the_call():
    assert "ECS tells of it itself" in put_aside(documented("aws.ecs/AWS API Call via CloudTrail")).why


# ----------------------------------------------------------------------------------------------------- alarms through SNS


def test_an_alarm_that_cloudwatch_tells_a_topic_is_put_aside_with_all_that_it_says():
    for said in (an_alarm(), through_sns(an_alarm())):
        event = put_aside(said).event

        assert (event.source, event.kind) == ("aws.cloudwatch", ALARM)
        assert (event.account, event.region) == ("123456789012", "us-east-1")
        assert event.at == datetime(2026, 11, 24, 11, 43, 11, 512000, UTC)
        assert event.resources == (an_alarm()["AlarmArn"],)
        assert event.detail == an_alarm()


def test_an_alarm_that_comes_twice_is_one_and_what_it_says_next_is_another():
    first, again = (put_aside(through_sns(an_alarm(), MessageId=each)).event.id for each in ("m-1", "m-2"))
    well = put_aside(through_sns(an_alarm(NewStateValue="OK"))).event.id

    assert first == again != well


def test_an_alarm_without_a_time_is_one_all_the_same():
    assert put_aside(an_alarm(StateChangeTime="now")).event.at is None


@pytest.mark.parametrize(
    "arn", [None, 7, "checkout-5xx", "arn:aws:cloudwatch:us-east-1:1:alarm:checkout-5xx"]
)
def test_an_alarm_that_is_not_called_as_one_is_rejected(arn):
    assert rejected(an_alarm(AlarmArn=arn)).where == "AlarmArn"


# -------------------------------------------------------------------------------------------------------- mutilated events

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def places(value, path=()):
    """Every place in *value*."""
    if path:
        yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from places(inner, (*path, step))


@st.composite
def mutilated(draw):
    """A documented event, in which some places hold something else, or nothing."""
    event = json.loads(json.dumps(draw(st.sampled_from([line.event for line in LINES]))))
    for _ in range(draw(st.integers(1, 3))):
        everywhere = list(places(event))
        if not everywhere:
            break
        *path, last = draw(st.sampled_from(everywhere))
        inner = event
        for step in path:
            inner = inner[step]
        if isinstance(inner, dict) and draw(st.booleans()):
            del inner[last]
        else:
            inner[last] = draw(JSON)
    return through_sns(event) if draw(st.booleans()) else event


def holds(found: Announcement | Aside | Ignored | Rejected) -> None:
    match found:
        case Announcement():
            assert found.at.tzinfo is UTC
            assert re.fullmatch(SERVICE, found.service)
            assert all(re.fullmatch(NAME, each) or len(each) > 128 for each in found.platform_ids)
            assert len(found.dedup_key) <= 512
            for line in (found.pause.go_on, found.pause.go_back) if found.pause else ():
                assert re.fullmatch(r"[A-Za-z0-9_./: -]+", line), "a command that is more than one"
        case Aside(event, why):
            assert 0 < len(why) < 2_000
            assert event.at is None or event.at.tzinfo is UTC
        case Ignored(why) | Rejected(why):
            assert 0 < len(why) < 2_000


@given(mutilated())
def test_no_mutilated_event_is_ever_more_than_it_says(event):
    holds(read(event))


@given(st.binary(max_size=300))
def test_no_bytes_raise(body):
    holds(read(body))


@given(JSON)
def test_no_json_raises(said):
    holds(read(said))


@given(st.data())
def test_an_event_that_is_cut_off_is_rejected(data):
    body = json.dumps(a_deployment()).encode()

    rejected(body[: data.draw(st.integers(0, len(body) - 1))])
