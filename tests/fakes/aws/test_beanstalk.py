"""The simulated Elastic Beanstalk behaves as AWS's pages say: also for an unmodified boto3, over HTTP (the query protocol)."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws import AwsWorld
from tests.fakes.aws.beanstalk.service import KIND
from tests.fakes.aws.fixtures import NOON, Clock, aws_clock, aws_url, aws_world, boto

__all__ = ["aws_clock", "aws_url", "aws_world", "boto"]  # fixtures

NAME = "shop-prod"


@pytest.fixture
def world(aws_world: AwsWorld) -> AwsWorld:
    """``v1`` is on four instances, and is deployed to one after another."""
    for number in (1, 2):
        aws_world.beanstalk.create_version("shop", f"v{number}", f"code {number}", NOON)
    aws_world.beanstalk.create_environment("shop", NAME, "v1", NOON)
    aws_world.beanstalk.deploys_by(NAME, "Rolling")
    return aws_world


def goes_on(world: AwsWorld, clock: Clock, **span: float) -> None:
    clock.go_on(**span)
    world.advance()


def told(boto):
    (environment,) = boto("elasticbeanstalk").describe_environments(EnvironmentNames=[NAME])["Environments"]
    return environment


def words(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_update_has_its_label_when_it_begins_and_goes_from_instance_to_instance(world, aws_clock, boto):
    client = boto("elasticbeanstalk")
    answer = client.update_environment(EnvironmentName=NAME, VersionLabel="v2")
    goes_on(world, aws_clock, seconds=80)
    seen = client.describe_instances_health(EnvironmentName=NAME, AttributeNames=["All"])
    half = [each["Deployment"] for each in seen["InstanceHealthList"]]
    goes_on(world, aws_clock, minutes=5)
    after = told(boto)

    assert (answer["VersionLabel"], answer["Status"]) == ("v2", "Updating")
    assert [(each["VersionLabel"], each["DeploymentId"], each["Status"]) for each in half] == [
        ("v2", 2, "Deployed"),
        ("v2", 2, "In Progress"),
        ("v1", 1, "Deployed"),
        ("v1", 1, "Deployed"),
    ]
    assert (after["VersionLabel"], after["Status"], after["HealthStatus"]) == ("v2", "Ready", "Ok")
    assert world.beanstalk.runs(NAME) == {"v2": 4}


def test_while_it_is_busy_it_takes_no_update_and_ready_no_abort(world, boto):
    client = boto("elasticbeanstalk")
    with pytest.raises(ClientError) as idle:
        client.abort_environment_update(EnvironmentName=NAME)
    client.update_environment(EnvironmentName=NAME, VersionLabel="v2")
    with pytest.raises(ClientError) as busy:
        client.update_environment(EnvironmentName=NAME, VersionLabel="v1")

    assert words(idle)[0] == "InvalidParameterValue"
    assert words(busy) == (
        "InvalidParameterValue",
        f"Environment named {NAME} is in an invalid state for this operation. Must be Ready.",
    )


def test_an_update_that_is_broken_off_leaves_what_was_done(world, aws_clock, boto):
    client = boto("elasticbeanstalk")
    client.update_environment(EnvironmentName=NAME, VersionLabel="v2")
    goes_on(world, aws_clock, seconds=80)
    client.abort_environment_update(EnvironmentName=NAME)
    aborting = told(boto)["Status"]
    goes_on(world, aws_clock, minutes=1)

    assert aborting == "Aborting"
    assert told(boto)["Status"] == "Ready"
    assert told(boto)["HealthStatus"] == "Degraded"
    assert world.beanstalk.runs(NAME) == {"v1": 2, "v2": 2}


@pytest.mark.parametrize("fails", [True, False])
def test_immutable_instances_take_over_together_or_are_gone(world, aws_clock, fails):
    world.beanstalk.deploys_by(NAME, "Immutable")
    if fails:
        world.beanstalk.find(NAME).bad.add("v2")
    world.beanstalk.deploy(NAME, "v2", aws_clock.time)
    goes_on(world, aws_clock, seconds=90)
    beside = world.beanstalk.runs(NAME)
    goes_on(world, aws_clock, minutes=2)

    assert beside == {"v1": 4, "v2": 4}
    assert world.beanstalk.runs(NAME) == ({"v1": 4} if fails else {"v2": 4})


def test_a_version_that_is_not_there_and_health_that_is_basic_are_refused(world, boto):
    client = boto("elasticbeanstalk")
    world.beanstalk.find(NAME).enhanced = False
    with pytest.raises(ClientError) as missing:
        client.update_environment(EnvironmentName=NAME, VersionLabel="v9")
    with pytest.raises(client.exceptions.InvalidRequestException):
        client.describe_instances_health(EnvironmentName=NAME, AttributeNames=["All"])

    assert words(missing) == ("InvalidParameterValue", "No Application Version named 'v9' found.")
    assert "HealthStatus" not in told(boto)


def test_eventbridge_hears_of_its_beginning_and_its_end_and_never_of_the_version(world, aws_clock):
    world.beanstalk.deploy(NAME, "v2", aws_clock.time)
    goes_on(world, aws_clock, minutes=10)
    events = [event for event in world.advance() if event["source"] == KIND[0]]

    assert [event["detail"]["Status"] for event in events] == [
        "Environment update started",
        "Environment update successful",
    ]
    assert "VersionLabel" not in str(events)


def test_what_it_remembers_of_an_update_is_told_by_severity_and_time(world, aws_clock, boto):
    client = boto("elasticbeanstalk")
    world.beanstalk.find(NAME).bad.add("v2")
    world.beanstalk.deploy(NAME, "v2", aws_clock.time)
    goes_on(world, aws_clock, minutes=10)
    all_of_it = client.describe_events(EnvironmentName=NAME)["Events"]
    errors = client.describe_events(EnvironmentName=NAME, Severity="ERROR")["Events"]
    later = client.describe_events(EnvironmentName=NAME, StartTime=NOON + timedelta(minutes=9))["Events"]

    assert [each["Message"] for each in all_of_it] == [
        "Failed to deploy application.",
        "Environment update is starting.",
    ]
    assert [each["Severity"] for each in errors] == ["ERROR"]
    assert later == []


def test_versions_are_tagged_and_tags_of_environments_are_only_read_here(world, boto):
    client = boto("elasticbeanstalk")
    (version,) = client.describe_application_versions(ApplicationName="shop", VersionLabels=["v1"])[
        "ApplicationVersions"
    ]
    arn = version["ApplicationVersionArn"]
    client.update_tags_for_resource(ResourceArn=arn, TagsToAdd=[{"Key": "a", "Value": "b"}])
    environment = told(boto)["EnvironmentArn"]
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.update_tags_for_resource(ResourceArn=environment, TagsToAdd=[{"Key": "a", "Value": "b"}])
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_tags_for_resource(ResourceArn=f"{environment}-gone")

    assert client.list_tags_for_resource(ResourceArn=environment)["ResourceTags"] == []
    assert client.list_tags_for_resource(ResourceArn=arn)["ResourceTags"] == [{"Key": "a", "Value": "b"}]


# ---------------------------------------------------------------------------------------------------------------- names


@pytest.fixture
def pair(world: AwsWorld) -> AwsWorld:
    for name in ("shop-blue", "shop-green"):
        world.beanstalk.create_environment("shop", name, "v1", NOON, cname=f"{name}.elasticbeanstalk.com")
    return world


def swap(boto, **names: str) -> None:
    both = {"SourceEnvironmentName": "shop-blue", "DestinationEnvironmentName": "shop-green"}
    boto("elasticbeanstalk").swap_environment_cnames(**(both | names))


def names(boto) -> list[tuple[str, str]]:
    asked = boto("elasticbeanstalk").describe_environments(EnvironmentNames=["shop-blue", "shop-green"])
    return [(each["CNAME"].partition(".")[0], each["Status"]) for each in asked["Environments"]]


def test_names_are_swapped_a_moment_after_the_call_with_events_of_both_and_none_on_the_bridge(
    pair, aws_clock, boto
):
    before = len(pair.advance())
    swap(boto)
    at_once = names(boto)
    goes_on(pair, aws_clock, seconds=3)
    after = names(boto)
    said = boto("elasticbeanstalk").describe_events(EnvironmentName="shop-green")["Events"]

    assert at_once == [("shop-blue", "Updating"), ("shop-green", "Updating")]
    assert after == [("shop-green", "Ready"), ("shop-blue", "Ready")]
    assert [each["Message"] for each in said] == [
        "Completed swapping CNAMEs for environments 'shop-blue' and 'shop-green'.",
        "swapEnvironmentCNAMEs is starting.",
    ]
    assert len(pair.advance()) == before


def test_a_second_swap_undoes_the_first(pair, aws_clock, boto):
    for _ in range(2):
        swap(boto)
        goes_on(pair, aws_clock, seconds=3)

    assert names(boto) == [("shop-blue", "Ready"), ("shop-green", "Ready")]


def test_what_is_updated_swaps_nothing(pair, boto):
    boto("elasticbeanstalk").update_environment(EnvironmentName="shop-green", VersionLabel="v2")
    with pytest.raises(ClientError) as busy:
        swap(boto)

    assert words(busy)[1].endswith("Must be Ready.")


def test_an_environment_that_is_not_there_swaps_nothing(pair, boto):
    pair.beanstalk.terminate("shop-green")
    with pytest.raises(ClientError) as gone:
        swap(boto)

    assert words(gone)[1].startswith("No Environment found")
