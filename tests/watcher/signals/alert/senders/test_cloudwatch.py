"""CloudWatch: the events that AWS documents, and what SNS carries."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.source import Aside, Event
from tests.deploy.sources.sqs.said import read as of_queue
from tests.deploy.sources.sqs.said import through_sns
from tests.fakes.alerts import NOON, Turn, at
from tests.fakes.alerts.cloudwatch import arn_of, of_eventbridge, of_sns
from tests.watcher.signals.alert.senders.said import ERRORS, ignored, only, rejected
from watcher.signals.alert.pushed import Mood
from watcher.signals.alert.senders import cloudwatch

FIRED = Turn(NOON, ERRORS, Mood.FIRING)
SOON = at(1)
WAYS = pytest.mark.parametrize("carried", [of_eventbridge, of_sns])


def event_of(said: Any) -> Event:
    """As the queue's parser hands it on."""
    found = of_queue(said)
    assert isinstance(found, Aside), found
    return found.event


def told(said: Any, arrived: datetime = SOON):
    return only(cloudwatch.read(event_of(said), arrived))


def changed(said: dict[str, Any], **detail: Any) -> Event:
    event = event_of(said)
    return replace(event, detail={**event.detail, **detail})


# ---------------------------------------------------------------------------------------------------------- both ways


@WAYS
def test_an_alarm_is_told_with_all_that_is_known_of_it(carried):
    alert = told(carried(FIRED))

    assert alert.key == arn_of(ERRORS)
    assert (alert.name, alert.mood, alert.since, alert.sent_at) == ("checkout-5xx", Mood.FIRING, NOON, NOON)
    assert alert.labels == {
        "service": "checkout",
        "env": "production",
        "alarm": "checkout-5xx",
        "account": "123456789012",
        "region": "eu-central-1",
    }
    assert alert.words == "Threshold Crossed: firing"


@WAYS
@pytest.mark.parametrize("mood", Mood)
def test_each_state_is_a_mood(carried, mood):
    assert told(carried(Turn(NOON, ERRORS, mood))).mood is mood


def test_an_alarm_in_a_notification_is_the_alarm():
    assert told(through_sns(of_sns(FIRED))).key == arn_of(ERRORS)
    assert told(through_sns(of_eventbridge(FIRED))) == told(of_eventbridge(FIRED))


def test_one_event_is_known_again_by_its_id():
    assert told(of_eventbridge(FIRED)).dedup_key == of_eventbridge(FIRED)["id"]
    assert told(of_sns(FIRED)).dedup_key == told(through_sns(of_sns(FIRED))).dedup_key


def test_a_dimension_cannot_pass_for_the_name_of_the_alarm():
    event = changed(of_sns(FIRED), Trigger={"Dimensions": [{"name": "alarm", "value": "another"}]})

    assert only(cloudwatch.read(event, at(1))).labels["alarm"] == "checkout-5xx"


# ------------------------------------------------------------------------------------------------------ what AWS documents

DOCUMENTED = {
    "single": {
        "value": "ALARM",
        "reason": "Threshold Crossed: 1 out of the last 1 datapoints [99.5 (02/10/19 16:59:00)] was greater",
        "timestamp": "2019-10-02T17:04:40.989+0000",
    },
    "suppressed": {
        "actionsSuppressedBy": "WaitPeriod",
        "actionsSuppressedReason": "Actions suppressed by WaitPeriod",
        "value": "ALARM",
        "reason": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:FirstChild transitioned to ALARM",
        "timestamp": "2022-07-22T15:57:45.394+0000",
    },
    "of a part": {"value": "OK", "reason": "not crossed", "evaluationState": "PARTIAL_DATA"},
    "crossed by a part": {"value": "ALARM", "reason": "crossed", "evaluationState": "PARTIAL_DATA"},
}


def with_state(name: str):
    return told({**of_eventbridge(FIRED), "detail": {"alarmName": "checkout-5xx", "state": DOCUMENTED[name]}})


def test_the_time_of_a_transition_is_read_with_its_offset_without_a_colon():
    assert with_state("single").since == datetime(2019, 10, 2, 17, 4, 40, 989000, UTC)


def test_an_alarm_whose_actions_are_suppressed_is_unknown_and_says_so():
    alert = with_state("suppressed")

    assert alert.mood is Mood.UNKNOWN
    assert alert.words.startswith("in ALARM, its actions suppressed by 'WaitPeriod': arn:aws:cloudwatch")


def test_when_the_suppression_ends_it_fires():
    alert = told(of_eventbridge(Turn(at(2), ERRORS, Mood.FIRING)), at(3))

    assert alert.mood is Mood.FIRING


def test_what_is_well_as_far_as_one_can_see_is_unknown():
    alert = with_state("of a part")

    assert (alert.mood, alert.words) == (
        Mood.UNKNOWN,
        "OK, as far as the data go ('PARTIAL_DATA'): not crossed",
    )


def test_what_a_part_of_the_data_shows_to_be_bad_is_bad():
    assert with_state("crossed by a part").mood is Mood.FIRING


def test_a_suppressed_alarm_that_is_well_is_well():
    said = of_eventbridge(Turn(NOON, ERRORS, Mood.WELL), actionsSuppressedBy="ExtensionPeriod")

    assert told(said).mood is Mood.WELL


def test_without_a_time_of_its_own_it_is_that_of_the_event():
    assert told(of_eventbridge(FIRED, timestamp=None)).since == NOON
    assert told({**of_eventbridge(FIRED, timestamp="soon"), "time": "later"}).since is None


def test_an_expression_over_several_metrics_has_no_dimensions():
    one, other = ({"metricStat": {"metric": {"dimensions": {"a": name}}}} for name in "bc")
    metrics = {"metrics": [one, other, {"expression": "SUM(METRICS())"}]}

    alert = only(cloudwatch.read(changed(of_eventbridge(FIRED), configuration=metrics), at(1)))

    assert "a" not in alert.labels


def test_tags_of_an_alarm_are_labels_too():
    alert = only(cloudwatch.read(changed(of_eventbridge(FIRED), alarmTags={"team": "shop"}), at(1)))

    assert alert.labels["team"] == "shop"


@pytest.mark.parametrize("odd", [None, [], "x", 7, [None], [{"metricStat": []}], {"metrics": {}}])
def test_what_is_written_otherwise_some_day_is_passed_over(odd):
    event = changed(of_eventbridge(FIRED), configuration={"metrics": odd}, alarmTags=odd)
    carried = changed(of_sns(FIRED), Trigger={"Dimensions": odd}, AlarmTags=odd)

    assert only(cloudwatch.read(event, at(1))).mood is Mood.FIRING
    assert only(cloudwatch.read(carried, at(1))).mood is Mood.FIRING


@pytest.mark.parametrize(
    "state", [None, {}, {"value": "alarm"}, {"value": ["ALARM"]}, {"value": None}, "ALARM"]
)
def test_what_is_no_state_is_refused(state):
    refused = rejected(cloudwatch.read(changed(of_eventbridge(FIRED), state=state), at(1)))

    assert refused.where == "detail.state.value"


@pytest.mark.parametrize("resources", [[], ["arn:aws:ec2:eu-central-1:123456789012:instance/i-1"], [""]])
def test_an_event_that_names_no_alarm_is_refused(resources):
    event = replace(event_of(of_eventbridge(FIRED)), resources=resources)

    assert rejected(cloudwatch.read(event, at(1))).where == "resources.0"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("aws.cloudwatch", "CloudWatch Alarm Configuration Change"),
        ("aws.ecs", "CloudWatch Alarm State Change"),
    ],
)
def test_what_is_no_turn_of_an_alarm_is_passed_over(source, kind):
    event = replace(event_of(of_eventbridge(FIRED)), source=source, kind=kind)

    assert not cloudwatch.is_alarm(event)
    assert "tells of no alarm" in ignored(cloudwatch.read(event, at(1)))


def test_a_time_to_come_is_not_believed():
    assert told(of_eventbridge(FIRED, timestamp="2030-01-01T00:00:00.000+0000")).sent_at is None
