"""ECS: services, and how their deployments go on with the clock. Over HTTP, with unmodified boto3."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.aws import Behaviour
from tests.fakes.aws.fixtures import NOON

YESTERDAY = NOON - timedelta(days=1)
SOON: dict[str, Any] = {"starts_in": timedelta(seconds=20), "stops_in": timedelta(seconds=10)}


@pytest.fixture
def ecs(aws_world, boto):
    """A shop with three releases, of which the first is live with four tasks."""
    for patch in range(3):
        aws_world.ecs.register(
            "web", f"shop:1.4.{patch}", at=YESTERDAY, container={"healthCheck": {"command": ["x"]}}
        )
    aws_world.ecs.create_service("web", "web:1", at=YESTERDAY, desired=4, tags={"team": "shop"})
    return boto("ecs")


def described(ecs, name="web"):
    return ecs.describe_services(cluster="prod", services=[name], include=["TAGS"])["services"][0]


def deployments(ecs):
    return [
        (each["status"], each["taskDefinition"].rsplit("/")[-1], each["runningCount"], each["rolloutState"])
        for each in described(ecs)["deployments"]
    ]


def newest(ecs, name="web"):
    listed = ecs.list_service_deployments(cluster="prod", service=name)["serviceDeployments"]
    return ecs.describe_service_deployments(serviceDeploymentArns=[listed[0]["serviceDeploymentArn"]])[
        "serviceDeployments"
    ][0]


def tasks(ecs, status="RUNNING"):
    arns = ecs.list_tasks(cluster="prod", serviceName="web", desiredStatus=status)["taskArns"]
    return ecs.describe_tasks(cluster="prod", tasks=arns)["tasks"] if arns else []


def code_of(refused):
    return refused.value.response["Error"]["Code"]


# ------------------------------------------------------------------------------------------------------ a rolling deployment


def test_a_steady_service_has_one_completed_deployment(ecs):
    service = described(ecs)

    assert deployments(ecs) == [("PRIMARY", "web:1", 4, "COMPLETED")]
    assert "currentServiceDeployment" not in service
    assert service["tags"] == [{"key": "team", "value": "shop"}]
    assert newest(ecs)["status"] == "SUCCESSFUL"


def test_new_tasks_start_beside_the_old_ones_which_stop_when_those_run(ecs, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    seen = []
    for _ in range(5):
        seen.append((deployments(ecs), newest(ecs)["status"]))
        aws_clock.go_on(seconds=10)

    assert seen == [
        ([("PRIMARY", "web:2", 0, "IN_PROGRESS"), ("ACTIVE", "web:1", 4, "COMPLETED")], "PENDING"),
        ([("PRIMARY", "web:2", 0, "IN_PROGRESS"), ("ACTIVE", "web:1", 4, "COMPLETED")], "IN_PROGRESS"),
        ([("PRIMARY", "web:2", 0, "IN_PROGRESS"), ("ACTIVE", "web:1", 4, "COMPLETED")], "IN_PROGRESS"),
        ([("PRIMARY", "web:2", 4, "IN_PROGRESS"), ("ACTIVE", "web:1", 0, "COMPLETED")], "IN_PROGRESS"),
        ([("PRIMARY", "web:2", 4, "COMPLETED")], "SUCCESSFUL"),
    ]


def test_during_a_deployment_both_revisions_are_current(ecs, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_clock.go_on(seconds=5)

    service = described(ecs)

    assert service["currentServiceDeployment"] == newest(ecs)["serviceDeploymentArn"]
    assert [each["runningTaskCount"] for each in service["currentServiceRevisions"]] == [0, 4]


def test_with_no_room_beside_them_old_tasks_go_first_down_to_the_least(ecs, aws_world, aws_clock):
    ecs.update_service(
        cluster="prod",
        service="web",
        taskDefinition="web:2",
        deploymentConfiguration={"maximumPercent": 100, "minimumHealthyPercent": 50},
    )
    running = []
    for _ in range(70):
        aws_clock.go_on(seconds=1)
        running.append(described(ecs)["runningCount"])

    assert min(running) == 2
    assert max(running) == 4
    assert deployments(ecs) == [("PRIMARY", "web:2", 4, "COMPLETED")]


def test_a_bake_begins_when_the_old_tasks_are_gone(ecs, aws_clock):
    ecs.update_service(
        cluster="prod",
        service="web",
        taskDefinition="web:2",
        deploymentConfiguration={"bakeTimeInMinutes": 5},
    )
    aws_clock.go_on(minutes=2)
    baking = newest(ecs)
    aws_clock.go_on(minutes=5)

    assert (baking["status"], baking["lifecycleStage"]) == ("IN_PROGRESS", "BAKE_TIME")
    assert newest(ecs)["status"] == "SUCCESSFUL"


@pytest.mark.parametrize(("cleanup", "left"), [("DEFERRED", 4), ("BLOCKING", 0)])
def test_with_early_success_it_may_be_successful_while_old_tasks_run(
    ecs, aws_world, aws_clock, cleanup, left
):
    aws_world.ecs.behave("web:1", Behaviour(stops_in=timedelta(seconds=100)))
    early = {"enable": True, "healthyPercent": 100, "sourceServiceRevisionCleanup": cleanup}
    ecs.update_service(
        cluster="prod",
        service="web",
        taskDefinition="web:2",
        deploymentConfiguration={"earlySuccessCriteria": early},
    )
    aws_clock.go_on(seconds=20)
    while newest(ecs)["status"] != "SUCCESSFUL":
        aws_clock.go_on(seconds=1)

    old = [each for each in aws_world.ecs.find("web").tasks if each.task_definition.endswith("web:1")]
    assert sum(each.status != "STOPPED" for each in old) == left
    aws_clock.go_on(minutes=2)
    assert deployments(ecs) == [("PRIMARY", "web:2", 4, "COMPLETED")]


def test_the_same_task_definition_begins_no_deployment_unless_forced(ecs):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:1")
    before = len(ecs.list_service_deployments(cluster="prod", service="web")["serviceDeployments"])
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:1", forceNewDeployment=True)

    assert before == 1
    assert newest(ecs)["status"] == "PENDING"


def test_another_count_begins_no_deployment_and_is_followed(ecs, aws_clock):
    ecs.update_service(cluster="prod", service="web", desiredCount=6)
    aws_clock.go_on(minutes=1)

    assert deployments(ecs) == [("PRIMARY", "web:1", 6, "COMPLETED")]
    assert newest(ecs)["finishedAt"] < NOON


def test_a_newer_deployment_stops_the_one_in_flight(ecs, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_clock.go_on(seconds=25)
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:3")
    aws_clock.go_on(minutes=2)

    listed = ecs.list_service_deployments(cluster="prod", service="web")["serviceDeployments"]
    assert [each["status"] for each in listed] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    assert deployments(ecs) == [("PRIMARY", "web:3", 4, "COMPLETED")]


# --------------------------------------------------------------------------------------------------------- going back


def test_a_deployment_in_flight_goes_back_to_the_last_completed_one(ecs, aws_clock):
    before = described(ecs)["deployments"][0]["id"]
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_clock.go_on(seconds=10)
    arn = newest(ecs)["serviceDeploymentArn"]

    ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")
    seen = [newest(ecs)["status"]]
    for _ in range(2):
        aws_clock.go_on(seconds=6)
        seen.append(newest(ecs)["status"])

    assert seen == ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL"]
    assert deployments(ecs) == [("PRIMARY", "web:1", 4, "COMPLETED")]
    assert described(ecs)["deployments"][0]["id"] == before
    assert len(ecs.list_service_deployments(cluster="prod", service="web")["serviceDeployments"]) == 2


def test_a_native_rollback_makes_no_new_revision(ecs, aws_clock):
    first = newest(ecs)["targetServiceRevision"]["arn"]
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_clock.go_on(seconds=25)
    ecs.stop_service_deployment(serviceDeploymentArn=newest(ecs)["serviceDeploymentArn"])
    aws_clock.go_on(minutes=2)

    assert newest(ecs)["rollback"]["serviceRevisionArn"] == first
    assert newest(ecs)["status"] == "ROLLBACK_SUCCESSFUL"


def test_a_rollback_has_succeeded_when_what_it_started_is_healthy(ecs, aws_world, aws_clock):
    aws_world.ecs.behave("web:1", Behaviour(healthy_in=timedelta(seconds=60), **SOON))
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_clock.go_on(seconds=25)
    ecs.stop_service_deployment(serviceDeploymentArn=newest(ecs)["serviceDeploymentArn"])

    aws_clock.go_on(seconds=60)
    running = newest(ecs)["status"]
    aws_clock.go_on(seconds=60)

    assert (running, newest(ecs)["status"]) == ("ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL")


def test_stopping_again_goes_on_stopping(ecs, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_clock.go_on(seconds=10)
    arn = newest(ecs)["serviceDeploymentArn"]

    seen = []
    for _ in range(3):
        ecs.stop_service_deployment(serviceDeploymentArn=arn)
        seen.append(newest(ecs)["status"])
        aws_clock.go_on(seconds=1)

    assert seen == ["ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"]


def test_it_goes_back_over_a_deployment_that_never_was_completed(ecs, aws_clock):
    for definition in ("web:2", "web:3"):
        ecs.update_service(cluster="prod", service="web", taskDefinition=definition)
        aws_clock.go_on(seconds=25)

    ecs.stop_service_deployment(serviceDeploymentArn=newest(ecs)["serviceDeploymentArn"])
    aws_clock.go_on(minutes=2)

    assert deployments(ecs) == [("PRIMARY", "web:1", 4, "COMPLETED")]


def test_a_deployment_that_has_ended_cannot_be_stopped(ecs):
    with pytest.raises(ClientError, match="SUCCESSFUL") as refused:
        ecs.stop_service_deployment(serviceDeploymentArn=newest(ecs)["serviceDeploymentArn"])
    with pytest.raises(ClientError) as unknown:
        ecs.stop_service_deployment(serviceDeploymentArn="arn:of-nothing")

    assert code_of(refused) == "ConflictException"
    assert code_of(unknown) == "ServiceDeploymentNotFoundException"


def test_to_abort_is_refused(ecs):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")

    with pytest.raises(ClientError, match="ROLLBACK") as refused:
        ecs.stop_service_deployment(
            serviceDeploymentArn=newest(ecs)["serviceDeploymentArn"], stopType="ABORT"
        )

    assert code_of(refused) == "InvalidParameterException"


@pytest.mark.parametrize(("rollback", "ends"), [(True, "ROLLBACK_SUCCESSFUL"), (False, "STOPPED")])
def test_the_circuit_breaker_trips_after_half_of_the_tasks_and_at_least_three(
    ecs, aws_world, aws_clock, rollback, ends
):
    aws_world.ecs.behave("web:2", Behaviour(fails_to_start="CannotPullContainerError: no such image", **SOON))
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": rollback}}
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2", deploymentConfiguration=breaker)

    aws_clock.go_on(minutes=2)

    found = newest(ecs)
    assert found["status"] == ends
    assert found["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
    assert described(ecs)["runningCount"] == 4
    assert tasks(ecs, "STOPPED")[0]["stopCode"] == "TaskFailedToStart"


def test_after_a_failed_deployment_nothing_more_is_started(ecs, aws_world, aws_clock):
    aws_world.ecs.behave("web:2", Behaviour(fails_to_start="CannotPullContainerError", **SOON))
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2", deploymentConfiguration=breaker)

    aws_clock.go_on(hours=1)

    assert deployments(ecs) == [("PRIMARY", "web:2", 0, "FAILED"), ("ACTIVE", "web:1", 4, "COMPLETED")]
    assert described(ecs)["pendingCount"] == 0
    assert described(ecs)["deployments"][0]["failedTasks"] == 4


@pytest.mark.parametrize(
    ("lives", "setting", "breaker"),
    [
        (5, {}, "TRIGGERED"),
        (50, {}, "MONITORING"),
        (50, {"resetOnHealthyTask": False}, "TRIGGERED"),
    ],
)
def test_a_task_that_lives_a_while_makes_the_circuit_breaker_forget_unless_told_otherwise(
    ecs, aws_world, aws_clock, lives, setting, breaker
):
    aws_world.ecs.behave("web:2", Behaviour(crashes_after=timedelta(seconds=lives), **SOON))
    aws_world.ecs.behave("web:1", Behaviour(stops_in=timedelta(seconds=300)))
    told = {"deploymentCircuitBreaker": {"enable": True, "rollback": True, **setting}, "maximumPercent": 125}
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2", deploymentConfiguration=told)

    aws_clock.go_on(minutes=5)

    assert newest(ecs)["deploymentCircuitBreaker"]["status"] == breaker


@pytest.mark.parametrize(
    ("kind", "value", "threshold"),
    [("COUNT", 1, 1), ("BOUNDED_PERCENT", 25, 3), ("UNBOUNDED_PERCENT", 25, 1)],
)
def test_the_threshold_of_the_circuit_breaker_can_be_set(ecs, kind, value, threshold):
    told = {"enable": True, "rollback": True, "thresholdConfiguration": {"type": kind, "value": value}}
    ecs.update_service(
        *(),
        cluster="prod",
        service="web",
        taskDefinition="web:2",
        deploymentConfiguration={"deploymentCircuitBreaker": told},
    )

    assert newest(ecs)["deploymentCircuitBreaker"]["threshold"] == threshold


def test_old_tasks_wait_until_new_ones_are_healthy(ecs, aws_world, aws_clock):
    aws_world.ecs.behave("web:2", Behaviour(healthy_in=timedelta(seconds=40), **SOON))
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")

    aws_clock.go_on(seconds=50)
    running = described(ecs)["runningCount"], {each["healthStatus"] for each in tasks(ecs)}
    aws_clock.go_on(seconds=30)

    assert running == (8, {"UNKNOWN", "HEALTHY"})
    assert newest(ecs)["status"] == "SUCCESSFUL"


def test_without_a_circuit_breaker_a_bad_deployment_never_ends(ecs, aws_world, aws_clock):
    aws_world.ecs.behave("web:2", Behaviour(fails_to_start="ResourceInitializationError", **SOON))
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")

    aws_clock.go_on(hours=2)

    assert newest(ecs)["status"] == "IN_PROGRESS"
    assert described(ecs)["deployments"][0]["failedTasks"] > 100


def test_a_release_that_crashes_a_little_later_has_been_successful_all_the_same(ecs, aws_world, aws_clock):
    aws_world.ecs.behave("web:2", Behaviour(crashes_after=timedelta(seconds=15), **SOON))
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")

    aws_clock.go_on(minutes=2)

    assert newest(ecs)["status"] == "SUCCESSFUL"
    assert described(ecs)["deployments"][0]["failedTasks"] == 12


# ------------------------------------------------------------------------------------------------- hooks, blue and green

PAUSE = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}


def paused(ecs, aws_clock, **hook):
    ecs.update_service(
        cluster="prod",
        service="web",
        taskDefinition="web:2",
        deploymentConfiguration={"strategy": "BLUE_GREEN", "lifecycleHooks": [{**PAUSE, **hook}]},
    )
    aws_clock.go_on(minutes=1)
    return newest(ecs)


def test_a_pause_hook_holds_the_deployment_and_is_told(ecs, aws_world, aws_clock):
    found = paused(ecs, aws_clock)

    hook = found["lifecycleHookDetails"][0]
    event = next(each for each in aws_world.advance() if each["detail-type"] == "ECS Hook State Change")
    assert (found["status"], found["lifecycleStage"]) == ("IN_PROGRESS", "POST_SCALE_UP")
    assert hook["status"] == "AWAITING_ACTION"
    assert event["detail"]["eventName"] == "HOOK_AWAITING_ACTION"
    assert event["detail"]["hookId"] == hook["hookId"]
    assert event["resources"] == [found["serviceDeploymentArn"]]
    assert event["detail"].keys() == {
        *("eventType", "eventName", "hookId", "hookType", "expiresAt", "lifecycleStage", "updatedAt"),
        *("clusterArn", "serviceArn", "serviceDeploymentArn"),
    }
    assert deployments(ecs) == [("PRIMARY", "web:2", 4, "IN_PROGRESS"), ("ACTIVE", "web:1", 4, "COMPLETED")]


@pytest.mark.parametrize(
    ("action", "status", "live"),
    [("CONTINUE", "SUCCESSFUL", "web:2"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL", "web:1")],
)
def test_a_pause_hook_is_answered(ecs, aws_clock, action, status, live):
    found = paused(ecs, aws_clock)
    hook = found["lifecycleHookDetails"][0]["hookId"]

    ecs.continue_service_deployment(
        serviceDeploymentArn=found["serviceDeploymentArn"], hookId=hook, action=action
    )
    aws_clock.go_on(minutes=1)

    assert newest(ecs)["status"] == status
    assert deployments(ecs) == [("PRIMARY", live, 4, "COMPLETED")]
    with pytest.raises(ClientError) as refused:
        ecs.continue_service_deployment(serviceDeploymentArn=found["serviceDeploymentArn"], hookId=hook)
    assert code_of(refused) == "InvalidParameterException"


@pytest.mark.parametrize(
    ("on_timeout", "status"), [("CONTINUE", "SUCCESSFUL"), ("ROLLBACK", "ROLLBACK_SUCCESSFUL")]
)
def test_a_pause_hook_that_nobody_answers_ends_as_it_says(ecs, aws_clock, on_timeout, status):
    found = paused(ecs, aws_clock, timeoutConfiguration={"timeoutInMinutes": 10, "action": on_timeout})

    aws_clock.go_on(minutes=11)

    assert newest(ecs)["status"] == status
    assert newest(ecs)["lifecycleHookDetails"][0]["status"] == "TIMED_OUT"
    assert found["lifecycleHookDetails"][0]["timeoutAction"] == on_timeout


def test_unless_told_otherwise_a_hook_waits_a_day_and_goes_back(ecs, aws_clock):
    paused(ecs, aws_clock)

    aws_clock.go_on(hours=23)
    waiting = newest(ecs)["status"]
    aws_clock.go_on(hours=1)

    assert (waiting, newest(ecs)["status"]) == ("IN_PROGRESS", "ROLLBACK_SUCCESSFUL")


@pytest.mark.parametrize(
    ("strategy", "steps"),
    [
        ({"strategy": "BLUE_GREEN"}, [0, 100]),
        ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.0}}, [0, 10, 100]),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0}}, [0, 40, 80, 100]),
    ],
)
def test_a_hook_before_the_traffic_is_met_before_each_step_under_a_new_id(ecs, aws_clock, strategy, steps):
    hooks = [{"targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"]}]
    ecs.update_service(
        cluster="prod",
        service="web",
        taskDefinition="web:2",
        deploymentConfiguration={**strategy, "lifecycleHooks": hooks, "bakeTimeInMinutes": 5},
    )
    aws_clock.go_on(minutes=1)
    weights, met = [], []
    while (found := newest(ecs))["status"] == "IN_PROGRESS":
        weights.append(found["targetServiceRevision"]["requestedProductionTrafficWeight"])
        for each in found["lifecycleHookDetails"]:
            if each["status"] == "AWAITING_ACTION":
                met.append(each["hookId"])
                ecs.continue_service_deployment(
                    serviceDeploymentArn=found["serviceDeploymentArn"], hookId=each["hookId"]
                )
        aws_clock.go_on(minutes=1)

    assert list(dict.fromkeys(weights)) == steps
    assert len(set(met)) == len(steps) - 1
    assert newest(ecs)["status"] == "SUCCESSFUL"


def test_a_step_stays_for_its_time_and_the_old_tasks_until_the_bake_time_is_over(ecs, aws_world, aws_clock):
    canary = {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5}
    ecs.update_service(
        cluster="prod",
        service="web",
        taskDefinition="web:2",
        deploymentConfiguration={"strategy": "CANARY", "canaryConfiguration": canary, "bakeTimeInMinutes": 5},
    )
    shares = []
    for _ in range(12):
        aws_clock.go_on(minutes=1)
        aws_world.advance()
        shares.append(aws_world.ecs.find("web").traffic.get("web:2"))

    assert shares == [0.1] * 5 + [1.0] * 7
    assert newest(ecs)["status"] == "SUCCESSFUL"


# -------------------------------------------------------------------------------------------------- refusals and limits


def test_a_service_that_codedeploy_deploys_takes_no_task_definition(ecs, aws_world):
    aws_world.ecs.create_service("api", "web:1", at=YESTERDAY, controller="CODE_DEPLOY")

    with pytest.raises(ClientError, match="Use AWS CodeDeploy to trigger a new deployment") as refused:
        ecs.update_service(cluster="prod", service="api", taskDefinition="web:2")
    with pytest.raises(ClientError) as unsupported:
        ecs.list_service_deployments(cluster="prod", service="api")

    assert code_of(refused) == "InvalidParameterException"
    assert code_of(unsupported) == "UnsupportedFeatureException"
    assert "rolloutState" not in described(ecs, "api")["deployments"][0]


@pytest.mark.parametrize(
    ("call", "arguments", "code"),
    [
        ("describe_services", {"services": [f"s{n}" for n in range(11)]}, "InvalidParameterException"),
        ("describe_services", {"services": []}, "InvalidParameterException"),
        ("describe_services", {"cluster": "none", "services": ["web"]}, "ClusterNotFoundException"),
        ("describe_tasks", {"tasks": [f"t{n}" for n in range(101)]}, "InvalidParameterException"),
        ("list_tasks", {"serviceName": "none"}, "ServiceNotFoundException"),
        ("list_tasks", {"maxResults": 101}, "InvalidParameterException"),
        ("list_tasks", {"nextToken": "x"}, "InvalidParameterException"),
        ("update_service", {"service": "none"}, "ServiceNotFoundException"),
        ("update_service", {"service": "web", "taskDefinition": "web:9"}, "ClientException"),
    ],
)
def test_what_ecs_refuses(ecs, call, arguments, code):
    with pytest.raises(ClientError) as refused:
        getattr(ecs, call)(**{"cluster": "prod", **arguments})

    assert code_of(refused) == code


def test_more_than_twenty_revisions_or_deployments_are_refused(ecs):
    with pytest.raises(ClientError, match="more than 20"):
        ecs.describe_service_revisions(serviceRevisionArns=["a"] * 21)
    with pytest.raises(ClientError, match="more than 20"):
        ecs.describe_service_deployments(serviceDeploymentArns=["a"] * 21)


def test_what_there_is_not_is_a_failure_in_the_answer(ecs):
    answer = ecs.describe_services(cluster="prod", services=["web", "gone"])

    assert [each["serviceName"] for each in answer["services"]] == ["web"]
    assert [each["reason"] for each in answer["failures"]] == ["MISSING"]


def test_an_inactive_task_definition_takes_no_new_service_but_goes_on_where_it_runs(ecs, aws_world):
    ecs.deregister_task_definition(taskDefinition="web:2")

    with pytest.raises(ClientError, match="inactive") as refused:
        ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")

    assert code_of(refused) == "ClientException"
    assert ecs.describe_task_definition(taskDefinition="web:2")["taskDefinition"]["status"] == "INACTIVE"


def test_a_service_that_was_deleted_is_not_active(ecs, aws_world, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_world.ecs.delete_service("web", at=NOON)
    aws_clock.go_on(minutes=1)

    with pytest.raises(ClientError) as refused:
        ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")

    assert code_of(refused) == "ServiceNotActiveException"
    assert described(ecs)["status"] == "INACTIVE"


def test_lists_come_in_pages(ecs):
    pages = [
        page["taskArns"]
        for page in ecs.get_paginator("list_tasks").paginate(
            cluster="prod", serviceName="web", PaginationConfig={"PageSize": 3}
        )
    ]

    assert [len(page) for page in pages] == [3, 1]


def test_history_reaches_back_ninety_days(ecs, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_clock.go_on(days=89, hours=12)

    listed = ecs.list_service_deployments(cluster="prod", service="web")["serviceDeployments"]

    assert len(listed) == 1


def test_deployments_are_listed_by_status_and_time(ecs, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")

    in_flight = ecs.list_service_deployments(cluster="prod", service="web", status=["PENDING", "IN_PROGRESS"])
    since = ecs.list_service_deployments(cluster="prod", service="web", createdAt={"before": YESTERDAY})

    assert [each["status"] for each in in_flight["serviceDeployments"]] == ["PENDING"]
    assert [each["status"] for each in since["serviceDeployments"]] == ["SUCCESSFUL"]


# ---------------------------------------------------------------------------------------------------- tasks and images


def test_tasks_are_spread_over_zones_and_have_addresses(ecs):
    found = tasks(ecs)

    assert {each["availabilityZone"] for each in found} == {"eu-central-1a", "eu-central-1b", "eu-central-1c"}
    addresses = {each["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for each in found}
    assert len(addresses) == 4
    assert {each["startedBy"] for each in found} == {described(ecs)["deployments"][0]["id"]}


@pytest.mark.parametrize(
    ("behaviour", "code", "exit_code", "reason"),
    [
        (Behaviour(crashes_after=timedelta(seconds=5), exit_code=3), "EssentialContainerExited", 3, None),
        (
            Behaviour(crashes_after=timedelta(seconds=5), out_of_memory=True),
            *("EssentialContainerExited", 137, "OutOfMemoryError: Container killed due to memory usage"),
        ),
        (Behaviour(unhealthy_after=timedelta(seconds=5)), "ServiceSchedulerInitiated", 137, None),
    ],
)
def test_a_bad_release_says_how_its_tasks_end(ecs, aws_world, aws_clock, behaviour, code, exit_code, reason):
    aws_world.ecs.behave("web:2", behaviour)
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")

    aws_clock.go_on(seconds=40)

    ended = [each for each in tasks(ecs, "STOPPED") if each["taskDefinitionArn"].endswith("web:2")]
    assert len(ended) == 4
    assert {each["stopCode"] for each in ended} == {code}
    assert {each["containers"][0]["exitCode"] for each in ended} == {exit_code}
    assert {each["containers"][0].get("reason") for each in ended} == {reason}
    assert described(ecs)["deployments"][0]["failedTasks"] == 4


def test_a_stopped_task_is_told_for_an_hour(ecs, aws_world, aws_clock):
    killed = tasks(ecs)[0]["taskArn"]
    aws_world.ecs.kill(killed, at=aws_clock())

    aws_clock.go_on(minutes=59)
    known = ecs.describe_tasks(cluster="prod", tasks=[killed])
    aws_clock.go_on(minutes=1)
    forgotten = ecs.describe_tasks(cluster="prod", tasks=[killed])

    assert known["tasks"][0]["stopCode"] == "SpotInterruption"
    assert forgotten["failures"][0]["reason"] == "MISSING"
    assert described(ecs)["runningCount"] == 4


def test_the_first_task_decides_what_a_tag_means_for_all_of_its_revision(ecs, aws_world, aws_clock):
    image = aws_world.ecr.image("shop", "live")
    first = aws_world.ecr.push("shop", "live", "one", at=YESTERDAY)
    aws_world.ecs.register("web", image, at=YESTERDAY)
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:4")
    arn = newest(ecs)["targetServiceRevision"]["arn"]

    def images():
        return ecs.describe_service_revisions(serviceRevisionArns=[arn])["serviceRevisions"][0][
            "containerImages"
        ]

    before = images()
    aws_clock.go_on(minutes=1)
    second = aws_world.ecr.push("shop", "live", "two", at=aws_clock())
    aws_world.ecs.scale("web", 6, at=aws_clock())
    aws_clock.go_on(minutes=1)

    assert before == [{"containerName": "web", "image": image}]
    assert images() == [{"containerName": "web", "image": image, "imageDigest": first}]
    assert {each["containers"][0]["imageDigest"] for each in tasks(ecs)} == {first}
    ecs.update_service(cluster="prod", service="web", forceNewDeployment=True)
    aws_clock.go_on(minutes=1)
    assert {each["containers"][0]["imageDigest"] for each in tasks(ecs)} == {second}


def test_what_was_registered_is_described_with_what_ecs_fills_in(ecs):
    ecs.register_task_definition(
        family="api",
        containerDefinitions=[{"name": "app", "image": "api:1"}],
        tags=[{"key": "git", "value": "abc"}],
    )

    answer = ecs.describe_task_definition(taskDefinition="api", include=["TAGS"])

    assert answer["taskDefinition"]["revision"] == 1
    assert answer["taskDefinition"]["containerDefinitions"][0]["essential"] is True
    assert answer["tags"] == [{"key": "git", "value": "abc"}]
    assert ecs.list_task_definitions(familyPrefix="web", sort="DESC")["taskDefinitionArns"][0].endswith(
        "web:3"
    )


def test_tags_are_put_found_and_taken_away(ecs, boto):
    arn = ecs.describe_task_definition(taskDefinition="web:1")["taskDefinition"]["taskDefinitionArn"]
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "rollbackd:known-good", "value": "yes"}])
    found = boto("resourcegroupstaggingapi").get_resources(
        TagFilters=[{"Key": "rollbackd:known-good"}], ResourceTypeFilters=["ecs:task-definition"]
    )["ResourceTagMappingList"]
    ecs.untag_resource(resourceArn=arn, tagKeys=["rollbackd:known-good"])

    assert [each["ResourceARN"] for each in found] == [arn]
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == []
    with pytest.raises(ClientError) as refused:
        ecs.tag_resource(resourceArn=arn, tags=[{"key": f"k{n}", "value": ""} for n in range(51)])
    assert code_of(refused) == "InvalidParameterException"


# ------------------------------------------------------------------------------------------------------------ events


def test_a_deployment_tells_its_beginning_and_its_end_by_the_id_of_its_tasks(ecs, aws_world, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_clock.go_on(minutes=1)

    told = [
        each
        for each in aws_world.advance()
        if each["detail-type"] == "ECS Deployment State Change" and each["time"] >= "2026-11-24T12:00:00Z"
    ]
    assert [each["detail"]["eventName"] for each in told] == [
        *("SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED"),
    ]
    assert told[0].keys() == {
        *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"),
    }
    assert told[0]["detail"].keys() == {"eventType", "eventName", "deploymentId", "updatedAt", "reason"}
    assert told[0]["detail"]["deploymentId"] == described(ecs)["deployments"][0]["id"]
    assert told[0]["resources"] == [described(ecs)["serviceArn"]]


def test_every_change_of_a_task_is_told(ecs, aws_world, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    aws_clock.go_on(minutes=1)

    states = [
        each["detail"]["lastStatus"]
        for each in aws_world.advance()
        if each["detail-type"] == "ECS Task State Change" and each["time"] >= "2026-11-24T12:00:00Z"
    ]
    assert sorted(set(states)) == ["DEACTIVATING", "PENDING", "RUNNING", "STOPPED"]
    assert len(states) == 16


def test_a_rollback_is_told_as_a_deployment_that_begins(ecs, aws_world, aws_clock):
    ecs.update_service(cluster="prod", service="web", taskDefinition="web:2")
    ecs.stop_service_deployment(serviceDeploymentArn=newest(ecs)["serviceDeploymentArn"])
    aws_clock.go_on(minutes=1)

    reasons = [
        each["detail"]["reason"]
        for each in aws_world.advance()
        if each["detail"].get("eventName") == "SERVICE_DEPLOYMENT_IN_PROGRESS"
    ]
    assert "rolling back to deploymentId" in reasons[-1]
