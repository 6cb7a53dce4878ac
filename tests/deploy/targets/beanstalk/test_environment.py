"""What Beanstalk tells, read: pure."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from deploy.model import Release
from deploy.targets.beanstalk.environment import Environment, environment_of, instance_of, labels_of
from deploy.targets.beanstalk.looking import which
from deploy.targets.beanstalk.policy import policy_of
from deploy.targets.beanstalk.reading import Reader
from deploy.targets.beanstalk.sharing import shares_of
from deploy.targets.beanstalk.trace import Trace, tag_key, trace_of
from deploy.targets.beanstalk.version import Bundle, became_of, release_of, version_of
from tests.fakes.aws.fixtures import NOON


def an_environment(label: str = "v1", status: str = "Ready"):
    return environment_of({"VersionLabel": label, "Status": status, "HealthStatus": "Ok"})


def instances(*each: tuple[str, int]):
    return [
        instance_of({"Deployment": {"VersionLabel": label, "DeploymentId": number, "Status": "Deployed"}})
        for label, number in each
    ]


def test_what_is_left_out_is_nothing_and_no_error():
    environment, instance = environment_of({}), instance_of({})

    assert (environment.label, environment.status, environment.is_enhanced) == ("", "", False)
    assert (instance.label, instance.deployment, instance.at) == ("", 0, None)


def test_times_are_utc_whatever_zone_this_machine_is_in():
    there = NOON.astimezone(timezone(timedelta(hours=9)))

    assert environment_of({"DateUpdated": there}).updated.tzinfo is UTC


def test_labels_are_ordered_by_the_newest_deployment_and_what_says_none_is_left_out():
    assert labels_of(instances(("v2", 3), ("v1", 9), ("v2", 1), ("", 0))) == ("v2", "v1")


@pytest.mark.parametrize(
    ("label", "status", "runs", "serving", "coming"),
    [
        ("v1", "Ready", [("v1", 1)], "v1", None),
        ("v1", "Ready", [], "v1", None),
        ("", "Ready", [], None, None),
        ("v2", "Ready", [("v1", 1), ("v1", 1)], "v1", None),  # it was taken back, and the label was not
        ("v2", "Ready", [("v1", 1), ("v2", 2)], "v1", "v2"),
        ("v1", "Ready", [("v1", 1), ("v2", 2)], "v1", "v2"),
        ("v1", "Ready", [("v1", 3), ("v2", 2)], "v2", "v1"),  # the way back, half done
        ("v2", "Updating", [("v1", 1)], "v1", "v2"),
        ("v2", "Updating", [("v1", 1), ("v2", 2), ("v2", 2)], "v1", "v2"),
        ("v2", "Updating", [("v2", 2)], "v2", None),
        ("v1", "Updating", [("v1", 1), ("v2", 2), ("v2", 2)], "v2", "v1"),  # the way back, not begun
        ("v3", "Updating", [("v1", 1), ("v2", 2), ("v2", 2)], "v2", "v3"),
        ("v2", "Aborting", [("v1", 1), ("v2", 2)], "v1", "v2"),
        ("v2", "Terminated", [("v2", 2)], None, None),
    ],
)
def test_what_serves_and_what_is_coming(label, status, runs, serving, coming):
    assert which(an_environment(label, status), instances(*runs)) == (serving, coming)


@pytest.mark.parametrize(("late", "is_of"), [(0, True), (60, True), (61, False)])
def test_a_bundle_that_was_written_after_its_version_is_another(late, is_of):
    version = version_of({"VersionLabel": "v1", "DateCreated": NOON})

    assert Bundle("abc", NOON + timedelta(seconds=late)).is_of(version) is is_of


def test_an_etag_that_cannot_stand_in_a_fingerprint_is_none():
    version = version_of({"VersionLabel": "v1", "DateCreated": NOON})

    assert release_of("v1", version, Bundle("a b", NOON)).is_only_a_tag


def test_a_bundle_that_may_not_be_looked_at_stands_in_nobodys_way():
    version = version_of({"VersionLabel": "v1", "DateCreated": NOON, "Status": "Unprocessed"})

    assert became_of(version, Bundle(hidden=True), "v1") == ""


@pytest.mark.parametrize("written", ["many", "", "-5", "²"])
def test_a_share_that_is_no_number_is_the_one_that_aws_takes(written):
    option = {
        "Namespace": "aws:elasticbeanstalk:trafficsplitting",
        "OptionName": "NewVersionPercent",
        "Value": written,
    }

    assert policy_of([option]).share == 0.1


def test_a_trace_is_read_as_it_was_written():
    trace = Trace("w_1.3.0", datetime(2026, 11, 24, 12, tzinfo=UTC), "v2")
    written = trace.written()
    assert written is not None

    assert trace_of({tag_key("shop-prod"): written}, "shop-prod") == trace
    assert trace_of({tag_key("shop-prod"): written}, "shop-test") is None


def test_what_was_undone_is_left_out_of_a_trace_that_would_be_too_long():
    trace = Trace("k" * 128, NOON, "v" * 120)
    written = trace.written()
    assert written is not None

    assert len(written) <= 256
    assert trace_of({tag_key("e"): written}, "e") == Trace("k" * 128, NOON, None)


def test_a_key_that_fits_in_no_tag_leaves_no_trace():
    assert Trace("käse", NOON, "v2").written() is None


# ------------------------------------------------------------------------------------------------------------- shares


def shares(
    *each: tuple[str, str], policy: str = "Rolling", status: str = "Updating", coming: str | None = "v2"
):
    """Of instances with a label and a status, by label."""
    seen = [
        instance_of({"Deployment": {"VersionLabel": label, "DeploymentId": 1, "Status": status}})
        for label, status in each
    ]
    option = {"Namespace": "aws:elasticbeanstalk:command", "OptionName": "DeploymentPolicy", "Value": policy}
    releases = {label: Release.of_tag(label) for label in ("v0", "v1", "v2")}
    found = shares_of(an_environment("v2", status), seen, releases, coming, policy_of([option]))
    return {fingerprint.removeprefix("tag:"): share for fingerprint, share in found.items()}


def test_an_instance_that_is_worked_on_serves_nobody_in_place():
    assert shares(("v1", "Deployed"), ("v2", "In Progress")) == {"v1": 1.0, "v2": 0.0}


def test_one_on_which_it_failed_runs_it_all_the_same():
    assert shares(("v1", "Deployed"), ("v2", "Failed")) == {"v1": 0.5, "v2": 0.5}


@pytest.mark.parametrize("policy", ["Immutable", "TrafficSplitting"])
def test_of_new_instances_beside_the_old_ones_nobody_knows_when_they_begin_to_serve(policy):
    assert shares(("v1", "Deployed"), ("v2", "In Progress"), policy=policy) == {"v1": 1.0}
    assert shares(("v1", "Deployed"), policy=policy) == {"v1": 1.0, "v2": 0.0}


def test_split_traffic_is_split_by_its_setting_until_it_is_over():
    running = [("v0", "Deployed"), ("v1", "Deployed"), ("v2", "Deployed")]

    assert shares(*running, policy="TrafficSplitting") == pytest.approx({"v0": 0.45, "v1": 0.45, "v2": 0.1})
    assert shares(*running, policy="TrafficSplitting", status="Ready")["v2"] == pytest.approx(1 / 3)
    assert shares(("v2", "Deployed"), policy="TrafficSplitting") == {"v2": 1.0}


def test_where_nothing_is_on_its_way_or_told_there_is_nothing_to_add():
    assert shares(("v1", "Deployed"), coming=None) == {"v1": 1.0}
    assert shares() == {}


# ------------------------------------------------------------------------------------------------------------ reading


@pytest.mark.parametrize(
    ("status", "health", "labels", "asked"),
    [
        ("Ready", "Ok", ["v1", "v1"], 1),
        ("Ready", "Ok", ["v1", "v2"], 2),  # its health is told late
        ("Ready", "Warning", ["v1", "v1"], 2),
        ("Updating", "Info", ["v1", "v1"], 2),
        ("Ready", "", ["v1"], 0),
    ],
)
def test_instances_are_asked_once_where_nothing_is_done_to_them_and_nothing_is_wrong(
    status, health, labels, asked
):
    calls = []

    async def call(_scope, _service, operation, /, **_parameters):
        calls.append(operation)
        return {"InstanceHealthList": [{"Deployment": {"VersionLabel": label}} for label in labels]}

    async def twice():
        reader = Reader("shop", call)
        for _ in range(2):
            await reader.instances(Environment("shop-prod", "shop", "v1", status, health=health))

    asyncio.run(twice())

    assert len(calls) == asked
