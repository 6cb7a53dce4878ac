"""A deployment of CodeDeploy that waits for a word: to be given the traffic, or at a lifecycle hook."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from deploy.model import (
    AlreadyThere,
    Announcement,
    Begun,
    Finding,
    Level,
    Move,
    Moving,
    Pause,
    Phase,
    Refused,
    RollbackPlan,
    Serving,
    Unclear,
    Unfinished,
    Word,
)
from deploy.rollback import Done, Going, roll_back
from deploy.source import Opening, Received, Whose
from deploy.sources.sqs import Settings as OfQueue
from deploy.sources.sqs import SqsSource
from deploy.target import AtHook, Hooked, Place, Waiting, Waits
from deploy.targets.codedeploy import CodeDeployTarget, Settings
from deploy.targets.codedeploy.looking import look
from deploy.targets.codedeploy.reading import Reader
from deploy.targets.codedeploy.waiting import waiting
from tests.deploy.targets.codedeploy.stage import KEY, MAY_ACT, READS_ONLY, Stage
from tests.deploy.targets.codedeploy.test_shifting import ECS, LAMBDA, MOVE, ONE, appspec, content, hash_of
from tests.fakes.aws import AwsError
from tests.fakes.aws.hooks import PARAMETER, ROLE, install

QUEUE = "deploys"
READY_OPTION = {
    "blueGreenDeploymentConfiguration": {
        "deploymentReadyOption": {"actionOnTimeout": "STOP_DEPLOYMENT", "waitTimeInMinutes": 60},
        "terminateBlueInstancesOnDeploymentSuccess": {
            "action": "TERMINATE",
            "terminationWaitTimeInMinutes": 20,
        },
    }
}


def hooked(number: int, *stages: str) -> Mapping[str, Any]:
    """An AppSpec whose hooks are functions of the example."""
    told = json.loads(content(number)) | {
        "Hooks": [{stage: f"CodeDeployHook_rollbackd_{stage}"} for stage in stages]
    }
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(told)}}


def target(stage: Stage, account=MAY_ACT, parameter: str | None = PARAMETER) -> CodeDeployTarget:
    place = Place("checkout", "production", "service", account)
    settings = Settings(application="shop", deployment_group="prod", hook_parameter=parameter)
    return CodeDeployTarget(settings, place, stage.ports)


def live(stage: Stage, **settings: Any) -> Any:
    return stage.live(target(stage, **settings))


def answer(stage: Stage, pause: Pause, word: Word = Word.GO_ON, **settings: Any) -> Any:
    return stage.run(target(stage, **settings).answer(pause, word, KEY))


def waiting_group() -> Stage:
    """The first serves; from now on a deployment waits to be given the traffic."""
    stage = Stage(ECS, first=appspec(1))
    group = stage.codedeploy.find("shop", "prod")
    stage.codedeploy.put_group(replace(group, more={**group.more, **READY_OPTION}), stage.clock.time)
    return stage


@pytest.fixture
def ready() -> Stage:
    """What is new stands, and waits to be given the traffic."""
    stage = waiting_group()
    stage.deploy(appspec(2))
    stage.goes_on(seconds=70)
    return stage


def finish(stage: Stage) -> None:
    """A person lets the deployment go on, to its end."""
    while stage.last().is_in_flight:
        if stage.last().status == "Ready":
            stage.codedeploy.proceed(stage.last().id, stage.clock.time)
        stage.goes_on(minutes=5)


@pytest.fixture
def asked() -> Stage:
    """The function of ``BeforeAllowTraffic`` was asked, and has told of it."""
    return waits_at("BeforeAllowTraffic")


def waits_at(
    stage_: str, group: Mapping[str, Any] = LAMBDA, before: Callable[[Stage], None] = lambda _stage: None
) -> Stage:
    stage = Stage(group, first=appspec(1))
    before(stage)
    stage.world.sqs.create_queue(QUEUE)
    install(stage.world, QUEUE)
    stage.deploy(hooked(2, stage_))
    stage.goes_on(minutes=7)
    return stage


# ------------------------------------------------------------------------------------------------------- ready: seen


def test_one_that_is_ready_waits_with_what_a_person_runs(ready):
    pause = live(ready).pause

    of = f"--deployment-id {ready.last().id}"
    assert (pause.hook, pause.stage) == (ready.last().id, "READY")
    assert pause.otherwise == "CodeDeploy stops the deployment"
    assert pause.go_on == (
        f"aws deploy continue-deployment {of} --deployment-wait-type READY_WAIT --region eu-central-1"
    )
    assert pause.go_back == f"aws deploy stop-deployment {of} --auto-rollback-enabled --region eu-central-1"


def test_what_waits_has_no_traffic_yet(ready):
    seen = live(ready)

    assert seen.in_flight is not None
    assert seen.shares[seen.in_flight.fingerprint] == 0.0
    assert seen.shares[ONE] == 1.0


def test_a_group_that_waits_for_nobody_has_no_pause():
    stage = Stage(ECS, first=appspec(1))
    stage.deploy(appspec(2))
    stage.goes_on(seconds=70)

    assert live(stage).pause is None


def test_a_hook_that_ended_says_since_when_it_is_ready():
    stage = waiting_group()
    stage.world.sqs.create_queue(QUEUE)
    install(stage.world, QUEUE)
    stage.deploy(hooked(2, "AfterInstall"))
    stage.goes_on(seconds=70)
    answer(stage, live(stage).pause)
    ready_at = stage.clock.time
    stage.goes_on(minutes=1)

    pause = live(stage).pause

    assert pause.stage == "READY"
    assert pause.until == ready_at + timedelta(minutes=60)


# --------------------------------------------------------------------------------------------------- ready: answered


def test_it_is_given_the_traffic_at_our_word(ready):
    said = answer(ready, live(ready).pause)
    ready.goes_on(minutes=40)

    assert isinstance(said, Begun)
    assert ready.changed() == ["ContinueDeployment"]
    assert ready.codedeploy.find("shop", "prod").traffic == {hash_of(2): 1.0}


def test_it_is_stopped_and_goes_back_at_our_word_and_that_is_known_as_ours(ready):
    said = answer(ready, live(ready).pause, Word.GO_BACK)
    ready.goes_on(minutes=5)

    assert isinstance(said, Begun)
    assert ready.changed() == ["StopDeployment"]
    assert ready.codedeploy.find("shop", "prod").traffic == {hash_of(1): 1.0}
    assert live(ready).key == KEY


def test_a_rollback_of_what_waits_is_one_call(ready):
    said = ready.run(target(ready).begin(MOVE, KEY))
    ready.goes_on(minutes=5)

    assert isinstance(said, Begun)
    assert ready.changed() == ["StopDeployment"]
    assert live(ready).release.fingerprint == ONE


def test_nobody_answers_and_codedeploy_stops_it(ready):
    ready.goes_on(minutes=70)

    seen = live(ready)

    assert ready.last().status == "Stopped"
    assert seen.pause is None
    assert (seen.release.fingerprint, seen.in_flight) == (ONE, None)


def test_our_own_way_back_is_given_the_traffic_by_the_same_move():
    stage = waiting_group()
    stage.deploy(appspec(2))
    finish(stage)
    plan, targets = RollbackPlan("checkout", "production", (MOVE,)), {"service": target(stage)}

    async def intend(_: object) -> bool:
        return True

    sent, outcome = 0, None
    while not isinstance(outcome, Done):
        outcome = stage.run(roll_back(plan, targets, KEY, sent=sent, intend=intend))
        assert isinstance(outcome, Going | Done), outcome
        sent = getattr(outcome, "sent", sent)
        stage.goes_on(seconds=30)

    assert stage.changed() == ["CreateDeployment", "ContinueDeployment"]
    assert stage.codedeploy.find("shop", "prod").traffic == {hash_of(1): 1.0}


def test_that_it_waits_is_progress_that_needs_another_call():
    stage = waiting_group()
    stage.deploy(appspec(2))
    finish(stage)
    stage.run(target(stage).begin(MOVE, KEY))
    stage.goes_on(seconds=70)

    assert isinstance(stage.run(target(stage).progress(MOVE, KEY)), Unfinished)
    assert isinstance(stage.run(target(stage).progress(MOVE, "w_2.1.0")), Moving)


def test_a_bad_release_that_bears_the_trace_of_our_move_is_not_given_the_traffic():
    """Whoever may deploy may write any description."""
    stage = waiting_group()
    stage.deploy(appspec(2), description=f"rollbackd {KEY}: back from d-AAAAAAAAA")
    stage.goes_on(seconds=70)

    said = stage.run(target(stage).begin(MOVE, KEY))

    assert isinstance(said, Begun)
    assert stage.changed() == []


def test_what_is_ready_for_its_old_ones_to_be_ended_waits_for_nobody(ready):
    ready.codedeploy.proceed(ready.last().id, ready.clock.time)
    ready.goes_on(minutes=1)
    assert live(ready).pause is None
    view = ready.run(look(ready_reader(ready), Settings(application="shop", deployment_group="prod")))
    last = replace(view.last, status="Ready", moved=True)

    assert ready.run(waiting(ready_reader(ready), view.group, last, view.shift, None)) is None


def ready_reader(stage: Stage) -> Reader:
    assert stage.ports.aws is not None
    return Reader(MAY_ACT, stage.ports.aws.read)


# ------------------------------------------------------------------------------------------------- lifecycle hooks: seen


@pytest.mark.parametrize(
    ("stage_", "group"),
    [
        ("BeforeAllowTraffic", LAMBDA),
        ("AfterAllowTraffic", LAMBDA),
        ("AfterInstall", ECS),
        ("AfterAllowTestTraffic", ECS),
        ("BeforeAllowTraffic", ECS),
        ("AfterAllowTraffic", ECS),
    ],
)
def test_a_hook_whose_function_has_told_of_it_is_seen_and_answered(stage_, group):
    stage = waits_at(stage_, group)
    pause = live(stage).pause
    begun = stage.last().begun

    said = answer(stage, pause)
    stage.goes_on(minutes=20)

    assert (pause.hook, pause.stage) == (f"{stage.last().id}:{stage_}", stage_)
    assert pause.until == begun + timedelta(hours=1)
    assert pause.otherwise == "CodeDeploy fails the deployment"
    assert isinstance(said, Begun)
    assert stage.changed()[-1] == "PutLifecycleEventHookExecutionStatus"
    assert stage.last().status == "Succeeded"


def test_the_event_that_the_function_sends_tells_of_the_same_pause(asked):
    url = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{QUEUE}"
    own = asked.world.identities.own
    message, *_ = asked.world.ask("sqs", "ReceiveMessage", {"QueueUrl": url}, own, "eu-central-1").content[
        "Messages"
    ]
    opening = Opening("queue", lambda _: (Whose("checkout", "production"),))
    source = SqsSource(OfQueue(account="shop", url=url), opening)

    told = source.read(Received(message["Body"].encode(), {}, asked.clock.time, "sqs:deploys"))

    assert isinstance(told, Announcement), told
    assert told.phase is Phase.PAUSED
    assert told.pause is not None
    assert (told.pause.hook, told.pause.stage) == (live(asked).pause.hook, "BeforeAllowTraffic")
    assert told.pause.until == asked.clock.time + timedelta(hours=1)
    assert told.platform_ids == (asked.last().id,)


def test_a_hook_whose_function_answers_by_itself_is_no_matter_of_ours():
    stage = Stage(LAMBDA, first=appspec(1))
    stage.deploy(hooked(2, "BeforeAllowTraffic"))  # a function that says nothing to us
    stage.goes_on(minutes=2)

    assert live(stage).pause is None


def test_without_the_setting_no_parameter_is_read(asked):
    assert live(asked, parameter=None).pause is None
    assert asked.world.count("ssm", "GetParameter") == 0


def test_in_steady_state_no_parameter_is_read():
    stage = Stage(LAMBDA, first=appspec(1))
    live(stage)

    assert stage.world.count("ssm", "GetParameter") == 0


@pytest.mark.parametrize(
    "written",
    [
        "not json",
        "[]",
        '{"deployment": "d-OTHER", "stage": "BeforeAllowTraffic", "execution": "x"}',
        '{"deployment": "THIS", "stage": "AfterAllowTraffic", "execution": "x"}',
        '{"deployment": "THIS", "stage": "BeforeAllowTraffic", "execution": "a b"}',
        '{"deployment": "THIS", "stage": "BeforeAllowTraffic"}',
    ],
)
def test_what_is_of_another_deployment_or_hook_or_is_nonsense_is_nothing(asked, written):
    asked.world.ssm.put(PARAMETER, written.replace("THIS", asked.last().id), asked.clock.time)

    assert live(asked).pause is None


def unreadable(stage: Stage) -> Stage:
    stage.world.faults.fail("ssm", "GetParameter", error=AwsError("AccessDeniedException", "no"), times=None)
    return stage


def test_a_parameter_that_cannot_be_read_hides_neither_the_group_nor_that_it_waits(asked):
    before = live(asked)

    seen = live(unreadable(asked))

    assert (seen.release, seen.in_flight, seen.shares) == (before.release, before.in_flight, before.shares)
    assert seen.pause.is_same_as(before.pause)
    assert seen.pause.go_on == ""  # nobody knows by which id
    assert seen.pause.go_back.startswith("aws deploy stop-deployment")


def test_while_the_parameter_cannot_be_read_nothing_is_let_go_on_and_it_is_said_why(asked):
    pause, before = live(asked).pause, asked.changed()

    said = answer(unreadable(asked), pause)

    assert isinstance(said, Refused)
    assert "get_parameter: AccessDeniedException" in said.words
    assert said.again_in is not None
    assert asked.changed() == before


def test_a_way_back_does_not_wait_for_the_parameter(asked):
    move = move_of(asked)

    said = unreadable(asked).run(target(asked).begin(move, KEY))

    assert isinstance(said, Begun)
    assert asked.changed()[-1] == "StopDeployment"


def test_doctor_says_that_the_parameter_cannot_be_read(asked):
    (found,) = [each for each in examined(unreadable(asked)) if PARAMETER in each.words]

    assert found.level is Level.WARN
    assert "AccessDeniedException" in found.words
    assert "ssm:GetParameter" in found.remedy


def test_a_parameter_that_was_never_written_is_nothing_to_be_said_of():
    assert [each for each in examined(Stage(LAMBDA, first=appspec(1))) if PARAMETER in each.words] == []


def examined(stage: Stage) -> Sequence[Finding]:
    found: Sequence[Finding] = stage.run(target(stage).examine())
    return found


# --------------------------------------------------------------------------------------------- lifecycle hooks: answered


def test_a_hook_that_is_told_to_go_back_fails_the_deployment_and_nothing_had_traffic(asked):
    answer(asked, live(asked).pause, Word.GO_BACK)
    asked.goes_on(minutes=1)

    assert asked.last().status == "Failed"
    assert asked.codedeploy.find("shop", "prod").traffic == {hash_of(1): 1.0}


def test_a_rollback_at_a_hook_stops_the_deployment(asked):
    said = asked.run(target(asked).begin(move_of(asked), KEY))
    asked.goes_on(minutes=5)

    assert isinstance(said, Begun)
    assert asked.changed()[-1] == "StopDeployment"
    assert live(asked).release.fingerprint == ONE


def goes_back_from_failures(stage: Stage) -> None:
    """The group of a deployment that begins from now on says so."""
    group = stage.codedeploy.find("shop", "prod")
    stage.codedeploy.put_group(replace(group, auto_rollback=("DEPLOYMENT_FAILURE",)), stage.clock.time)


@pytest.fixture
def failing() -> Stage:
    """As *asked*, where CodeDeploy goes back from a failure by itself."""
    return waits_at("BeforeAllowTraffic", before=goes_back_from_failures)


def test_where_codedeploy_goes_back_from_a_failure_a_rollback_at_a_hook_says_failed_and_that_is_all(failing):
    move = move_of(failing)
    said = failing.run(target(failing).begin(move, KEY))
    failing.goes_on(minutes=5)
    progress = failing.run(target(failing).progress(move, KEY))

    assert isinstance(said, Begun)
    assert failing.changed()[-1] == "PutLifecycleEventHookExecutionStatus"
    assert failing.sent("PutLifecycleEventHookExecutionStatus")["status"] == "Failed"
    assert failing.last().creator == "codeDeployRollback"
    assert live(failing).release.fingerprint == ONE
    assert isinstance(progress, Serving)


def test_where_the_id_of_a_hook_is_nonsense_the_deployment_is_stopped_all_the_same(failing):
    stage, told = (
        failing,
        json.dumps(
            {"deployment": failing.last().id, "stage": "BeforeAllowTraffic", "execution": "not-this-one"}
        ),
    )
    stage.world.ssm.put(PARAMETER, told, stage.clock.time)
    said = stage.run(target(stage).begin(move_of(stage), KEY))
    stage.goes_on(minutes=5)

    assert isinstance(said, Begun)
    assert stage.changed()[-1] == "StopDeployment"
    assert live(stage).release.fingerprint == ONE


ANSWERED, STOPPED = "PutLifecycleEventHookExecutionStatus", "StopDeployment"


@pytest.mark.parametrize(("name", "operation"), [("failing", ANSWERED), ("asked", STOPPED)])
def test_a_word_that_never_arrived_is_said_again_once_the_hook_waits_still(request, name, operation):
    """Else the release would keep what traffic it has until its hook has waited for an hour."""
    stage: Stage = request.getfixturevalue(name)
    move, ours = move_of(stage), target(stage)
    stage.world.faults.fail("codedeploy", operation, error=AwsError("InternalFailure", "lost", 500))

    assert isinstance(stage.run(ours.begin(move, KEY)), Unclear)
    assert isinstance(stage.run(ours.progress(move, KEY)), Moving)
    stage.goes_on(minutes=3)
    assert isinstance(stage.run(ours.progress(move, KEY)), Unfinished)
    assert isinstance(stage.run(ours.begin(move, KEY)), Begun)
    stage.goes_on(minutes=5)
    assert isinstance(stage.run(ours.progress(move, KEY)), Serving)


def test_what_another_hand_deploys_meanwhile_is_not_failed_at_its_hook_for_it_is_not_what_was_to_be_undone(
    failing,
):
    move, ours = move_of(failing), target(failing)
    failing.run(ours.begin(move, KEY))
    failing.goes_on(minutes=5)
    failing.deploy(hooked(2, "BeforeAllowTraffic"))
    failing.goes_on(minutes=7)

    assert live(failing).pause is not None
    assert isinstance(failing.run(ours.progress(move, KEY)), Moving)


@pytest.mark.parametrize("loses", [True, False])
def test_a_word_that_arrived_and_is_said_again_after_a_restart_makes_no_second_way_back(failing, loses):
    move = move_of(failing)
    if loses:
        failing.world.faults.lose_answer("codedeploy", ANSWERED)
    first = failing.run(target(failing).begin(move, KEY))
    again = failing.run(target(failing).begin(move, KEY))
    failing.goes_on(minutes=5)
    third = failing.run(target(failing).begin(move, KEY))

    group = failing.codedeploy.find("shop", "prod")
    backs = [failing.codedeploy.known(each).creator for each in group.deployments]
    assert isinstance(first, Unclear if loses else Begun)
    assert isinstance(again, Begun | AlreadyThere | Refused)
    assert isinstance(third, Begun | AlreadyThere)
    assert backs.count("codeDeployRollback") == 1
    assert live(failing).release.fingerprint == ONE


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_a_hook_that_may_not_be_answered_is_no_reason_not_to_go_back(failing, code):
    failing.world.faults.fail("codedeploy", ANSWERED, error=AwsError(code, "no"))

    assert isinstance(failing.run(target(failing).begin(move_of(failing), KEY)), Begun)
    assert failing.changed()[-1] == STOPPED


def move_of(stage: Stage) -> Move:
    seen = live(stage)
    return Move("service", expect=seen.in_flight, to=seen.release)


@pytest.mark.parametrize(
    "way_back",
    [{"description": "rollbackd w_1.3.0: back from d-AAAAAAAAA"}, {"creator": "codeDeployRollback"}],
)
def test_the_function_lets_a_way_back_pass_and_nobody_has_to_answer(asked, way_back):
    answer(asked, live(asked).pause)
    asked.goes_on(minutes=10)
    asked.codedeploy.create(
        "shop",
        "prod",
        hooked(1, "BeforeAllowTraffic"),
        asked.clock.time,
        asked={name: text for name, text in way_back.items() if name == "description"},
        creator=way_back.get("creator", "user"),
    )
    asked.goes_on(minutes=2)
    asked.goes_on(minutes=10)

    assert asked.last().status == "Succeeded"
    assert [call.by for call in asked.world.calls if call.operation.startswith("PutLifecycle")][1:] in (
        [],
        [ROLE],
    )


def test_nobody_answers_for_an_hour_and_the_deployment_fails(asked):
    asked.goes_on(minutes=65)

    assert asked.last().status == "Failed"
    assert live(asked).pause is None


# ------------------------------------------------------------------------------------------------------------------ both


@pytest.fixture(params=["ready", "asked"])
def waits(request) -> Stage:
    stage: Stage = request.getfixturevalue(request.param)
    return stage


def test_twice_is_once(waits):
    pause = live(waits).pause
    answer(waits, pause)
    before = waits.changed()

    assert answer(waits, pause) == AlreadyThere()
    assert waits.changed() == before


def test_a_pause_of_another_deployment_is_not_answered(waits):
    before = waits.changed()

    assert answer(waits, Pause("d-AAAAAAAAA")) == AlreadyThere()
    assert waits.changed() == before


def test_a_person_who_was_quicker_between_our_look_and_our_word_has_answered(waits):
    pause = live(waits).pause
    operation = "ContinueDeployment" if pause.stage == "READY" else "PutLifecycleEventHookExecutionStatus"
    code = (
        "InvalidDeploymentStatusException"
        if pause.stage == "READY"
        else "LifecycleEventAlreadyCompletedException"
    )
    waits.world.faults.fail("codedeploy", operation, error=AwsError(code, "too late"))

    assert answer(waits, pause) == AlreadyThere()


def test_an_answer_that_is_lost_is_unclear_and_saying_it_again_is_harmless(waits):
    pause = live(waits).pause
    for operation in ("ContinueDeployment", "PutLifecycleEventHookExecutionStatus"):
        waits.world.faults.lose_answer("codedeploy", operation)

    assert isinstance(answer(waits, pause), Unclear)
    assert answer(waits, pause) == AlreadyThere()


@pytest.mark.parametrize(
    ("code", "is_final"), [("ThrottlingException", False), ("AccessDeniedException", True)]
)
def test_what_is_refused_is_asked_for_again_unless_nothing_would_come_of_it(waits, code, is_final):
    pause = live(waits).pause
    for operation in ("ContinueDeployment", "PutLifecycleEventHookExecutionStatus"):
        waits.world.faults.fail("codedeploy", operation, error=AwsError(code, "no"))

    said = answer(waits, pause)

    assert isinstance(said, Refused)
    assert (said.again_in is None) is is_final


def test_without_a_role_to_act_no_word_is_said(waits):
    pause = live(waits).pause
    before = waits.changed()

    assert isinstance(answer(waits, pause, account=READS_ONLY), Refused)
    assert waits.changed() == before


def test_the_target_is_one_that_can_be_answered_and_says_for_how_long_it_waits(ready):
    found = target(ready)

    assert isinstance(found, Hooked)
    assert isinstance(found, Waiting)
    assert ready.run(found.waits()) == Waits(
        (
            AtHook("READY", timedelta(hours=1), goes_back=True, otherwise="CodeDeploy stops the deployment"),
            AtHook(
                "lifecycle hooks",
                timedelta(hours=1),
                goes_back=True,
                otherwise="CodeDeploy fails the deployment",
            ),
        ),
        keeps=timedelta(minutes=20),
    )
