"""The rule pack ``ecs`` at work: what it finds, how soon and at how many calls, and what it leaves alone.

The daemon is the real one, made of a configuration that names the pack; AWS and time are the story's. Figures are virtual
seconds. A task takes 30 s to start here, as on Fargate.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from tests.builders import minutes, seconds
from tests.fakes.aws import Behaviour
from tests.scenarios.aws.stage import BALANCER, CONFIGURATION, AwsStage, on_aws
from tests.scenarios.stage import EPOCH
from tests.scenarios.story import known
from tests.scenarios.virtual import in_virtual_time
from watcher.core.watch import Doubtful, State, Watch

Story = Callable[[AwsStage], Awaitable[None]]
PACK = (
    "{pack: ecs, with: {cluster: prod, service: web, "
    f"load_balancer: {BALANCER['LoadBalancer']}, target_group: {BALANCER['TargetGroup']}}}}}"
)
WITH_PACK = CONFIGURATION.replace("rules: [{file: web.yaml}]", f"rules: [{PACK}]")
WHOLE_BALANCER = {"LoadBalancer": BALANCER["LoadBalancer"]}
STARTS = seconds(30)
DEPLOYED = minutes(3)
EXITED = ("Essential container in task exited", "EssentialContainerExited", 1)


def told(folder: Path, story: Story, configuration: str = WITH_PACK) -> None:
    """*story*, on a stage where the pack watches ``web``, which has been well for a day."""

    async def staged() -> None:
        async with on_aws(folder, configuration) as stage:
            for minute in range(-24 * 60, 0):
                measured(stage, minute)
            await goes_on(stage, DEPLOYED)
            stage.world.calls.clear()
            await story(stage)

    in_virtual_time(staged())


async def goes_on(stage: AwsStage, until: timedelta, slow: float = 0.01, refused: float = 0.0) -> None:
    """Until *until*; *slow* of the requests take 3 s, and *refused* of them the balancer itself refuses."""
    while stage.time() < until.total_seconds():
        minute = int(stage.time() // 60)
        await stage.goes_on(min(until, minutes(minute + 1)))
        measured(stage, minute, slow, refused)


def measured(stage: AwsStage, minute: int, slow: float = 0.01, refused: float = 0.0) -> None:
    """What the balancer reports of a minute besides the requests to its targets: of all that it took in, and how long it took."""
    at, put = EPOCH + minutes(minute), stage.world.cloudwatch.put
    put("AWS/ApplicationELB", "RequestCount", WHOLE_BALANCER, at, [1.0], counts=[3000.0])
    times = [3000 * (1 - slow), 3000 * slow]
    put("AWS/ApplicationELB", "TargetResponseTime", BALANCER, at, [0.05, 3.0], counts=times)
    if refused:
        put(
            "AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", WHOLE_BALANCER, at, [1.0], counts=[3000 * refused]
        )


async def the_watch(stage: AwsStage) -> Watch:
    (watch,) = await stage.watches()
    return watch


def first_failure(stage: AwsStage) -> datetime:
    """When the first task failed."""
    failures = {"EssentialContainerExited", "TaskFailedToStart"}
    tasks = stage.world.ecs.find("web").tasks
    return min(task.stopped_at for task in tasks if task.stopped_at and task.stop_code in failures)


def asked(stage: AwsStage, until: datetime, *operations: str) -> int:
    """How often AWS was asked for these until then."""
    return sum(call.at <= until for call in stage.calls(*operations))


def a_task(stage: AwsStage) -> str:
    """One that runs."""
    return next(task.arn for task in stage.world.ecs.find("web").tasks if task.status == "RUNNING")


# -------------------------------------------------------------------------------------------------------------- found


def test_a_release_that_crashes_again_and_again_is_found_in_seconds(tmp_path):
    """Two buckets with crashes, the second 40 s after the first, and 15 s until that is final: 64 s after the first crash."""

    async def story(stage: AwsStage) -> None:
        stage.world.ecs.behave("web:2", Behaviour(starts_in=STARTS, crashes_after=seconds(10)))
        stage.deploys("web:2")
        await goes_on(stage, minutes(22))

        watch = await the_watch(stage)
        decided = known(watch.decided_at)
        assert watch.state is State.ROLLED_BACK
        assert known(watch.breach).judgement.breached_by == ("ecs-tasks",)
        assert decided - first_failure(stage) <= seconds(65)
        assert stage.runs == {"web:1"}
        assert asked(stage, decided, "ListTasks", "DescribeTasks") <= 20
        assert asked(stage, decided, "GetMetricData") <= 2

    told(tmp_path, story)


def test_a_release_whose_image_is_missing_is_found_before_it_ever_serves(tmp_path):
    async def story(stage: AwsStage) -> None:
        missing = Behaviour(starts_in=STARTS, fails_to_start="CannotPullContainerError: not found")
        stage.world.ecs.behave("web:2", missing)
        stage.deploys("web:2")
        await goes_on(stage, minutes(22))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert known(watch.decided_at) - EPOCH - DEPLOYED <= minutes(3)
        assert stage.runs == {"web:1"}

    told(tmp_path, story)


def test_a_release_whose_tasks_die_at_once_is_found_before_it_ever_serves(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.ecs.behave("web:2", Behaviour(starts_in=STARTS, crashes_after=seconds(2)))
        stage.deploys("web:2")
        await goes_on(stage, minutes(22))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert known(watch.decided_at) - first_failure(stage) <= seconds(80)
        assert stage.runs == {"web:1"}

    told(tmp_path, story)


def test_a_release_that_runs_out_of_memory_after_a_minute_is_found_at_its_third_round(tmp_path):
    """It completes, and nothing serves beside it any more; four tasks in a round of 90 s."""

    async def story(stage: AwsStage) -> None:
        behaviour = Behaviour(starts_in=STARTS, crashes_after=seconds(60), out_of_memory=True)
        stage.world.ecs.behave("web:2", behaviour)
        stage.deploys("web:2")
        await goes_on(stage, minutes(22))

        watch = await the_watch(stage)
        assert watch.state is State.ROLLED_BACK
        assert known(watch.decided_at) - first_failure(stage) <= seconds(215)

    told(tmp_path, story)


def test_a_release_that_answers_5_per_cent_of_its_requests_with_a_5xx_is_found_in_five_minutes(tmp_path):
    """The floor of CloudWatch: the minute in which it began is mixed, the one after tells, and is final three minutes later."""

    async def story(stage: AwsStage) -> None:
        stage.world.ecs.behave("web:2", Behaviour(starts_in=STARTS))
        stage.deploys("web:2", fails=0.05)
        await goes_on(stage, minutes(22))

        watch = await the_watch(stage)
        decided = known(watch.decided_at) - EPOCH
        assert watch.state is State.ROLLED_BACK
        assert known(watch.breach).judgement.breached_by == ("ecs-failed-requests",)
        assert decided - DEPLOYED <= seconds(305)
        assert asked(stage, EPOCH + decided, "GetMetricData") <= 8

    told(tmp_path, story)


def test_a_release_that_is_slow_is_found_by_how_many_wait_and_not_by_a_mean(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.ecs.behave("web:2", Behaviour(starts_in=STARTS))
        stage.deploys("web:2")
        await goes_on(stage, minutes(15), slow=0.3)

        watch = await the_watch(stage)
        assert known(watch.breach).judgement.breached_by == ("ecs-slow-requests",)
        assert watch.state is State.RECOVERING

    told(tmp_path, story)


def test_what_the_balancer_itself_refuses_is_a_question_for_it_may_be_another_services(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.ecs.behave("web:2", Behaviour(starts_in=STARTS))
        stage.deploys("web:2")
        await goes_on(stage, minutes(12), refused=0.05)

        watch = await the_watch(stage)
        assert watch.state is State.ASKING
        assert known(watch.breach).judgement.breached_by == ("ecs-refused-requests",)

    told(tmp_path, story)


# -------------------------------------------------------------------------------------------------------- left alone


def test_a_good_release_passes_through_a_scale_in_a_spot_interruption_and_one_crash(tmp_path):
    async def story(stage: AwsStage) -> None:
        stage.world.ecs.behave("web:2", Behaviour(starts_in=STARTS))
        stage.deploys("web:2")
        await goes_on(stage, minutes(6))
        stage.world.ecs.scale("web", 6, stage.now())
        await goes_on(stage, minutes(9))
        stage.world.ecs.scale("web", 4, stage.now())
        await goes_on(stage, minutes(11))
        stage.world.ecs.kill(a_task(stage), stage.now())
        await goes_on(stage, minutes(14))
        stage.world.ecs.kill(a_task(stage), stage.now(), *EXITED)
        await goes_on(stage, minutes(40))

        watch = await the_watch(stage)
        assert watch.state is State.PASSED
        assert stage.told == []
        tasks = known(known(watch.judgement).verdict("ecs-tasks"))
        assert known(tasks.seen).bad == 1

    told(tmp_path, story)


def test_a_service_whose_old_tasks_are_stopped_before_the_new_ones_start_passes_too(tmp_path):
    """Nothing serves beside the new release, so nothing is compared."""

    async def story(stage: AwsStage) -> None:
        stop_first = {"maximumPercent": 100, "minimumHealthyPercent": 0}
        stage.by_hand("UpdateService", deploymentConfiguration=stop_first)
        stage.world.ecs.behave("web:2", Behaviour(starts_in=STARTS))
        stage.deploys("web:2")
        await goes_on(stage, minutes(30))

        assert (await the_watch(stage)).state is State.PASSED

    told(tmp_path, story)


def test_what_fells_the_tasks_of_both_releases_is_not_blamed_on_the_new_one(tmp_path):
    """Four tasks are replaced one by one; meanwhile their database is away, and tasks of both releases crash."""

    async def story(stage: AwsStage) -> None:
        one_by_one = {"maximumPercent": 125, "minimumHealthyPercent": 100}
        stage.by_hand("UpdateService", deploymentConfiguration=one_by_one)
        stage.world.calls.clear()
        stage.world.ecs.behave("web:2", Behaviour(starts_in=STARTS))
        stage.deploys("web:2")
        await goes_on(stage, DEPLOYED + seconds(75))
        assert stage.runs == {"web:1", "web:2"}
        for step in range(12):
            alive = [
                task for task in stage.world.ecs.find("web").tasks if task.status in {"RUNNING", "PENDING"}
            ]
            for definition in ("web:1", "web:2"):
                mine = [task for task in alive if task.task_definition.endswith(definition)]
                for task in mine[: 1 + step % 2]:
                    stage.world.ecs.kill(task.arn, stage.now(), *EXITED)
            await goes_on(stage, DEPLOYED + seconds(75 + 15 * (step + 1)))
        await goes_on(stage, minutes(10))

        watch = await the_watch(stage)
        assert watch.state is State.ASKING
        assert known(watch.question).because == (Doubtful.ALIKE,)
        assert stage.calls("UpdateService", "StopServiceDeployment") == []

    told(tmp_path, story)


def test_an_alarm_of_what_it_depends_on_makes_a_question_of_a_rollback(tmp_path):
    alarms = WITH_PACK.replace(PACK, f"{PACK}, {{pack: ecs-alarms, with: {{alarms: [db]}}}}")

    async def story(stage: AwsStage) -> None:
        stage.world.cloudwatch.set_alarm("db", "OK", stage.now())
        await goes_on(stage, minutes(4))
        stage.world.ecs.behave("web:2", Behaviour(starts_in=STARTS, crashes_after=seconds(10)))
        stage.deploys("web:2")
        stage.world.cloudwatch.set_alarm("db", "ALARM", stage.now())
        await goes_on(stage, minutes(12))

        watch = await the_watch(stage)
        assert watch.state is State.ASKING
        assert known(watch.judgement).doubts == ("what the service depends on is well",)

    told(tmp_path, story, alarms)
