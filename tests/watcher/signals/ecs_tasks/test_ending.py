"""What a failure is, and what a normal end: the table in ``watcher.signals.ecs_tasks.ending``, line by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.signals.ecs_tasks.ending import Failure, failure_of

EXITED = ("EssentialContainerExited", "Essential container in task exited")
MEMORY = "OutOfMemoryError: Container killed due to memory usage"
PULL = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref shop:9: not found"


def ending(
    code: str | None, reason: str = "", *exits: int, said: str = "", started: bool = True
) -> Failure | None:
    return failure_of(code, reason, [said] if said else [], exits, started=started)


@pytest.mark.parametrize(
    ("told", "failure"),
    [
        ((*EXITED, 1), Failure.CRASHED),
        ((*EXITED, 139), Failure.CRASHED),
        ((*EXITED, 0), Failure.CRASHED),  # what serves does not end by itself
        ((*EXITED, 143), Failure.CRASHED),  # nobody who is allowed to told it to stop
        (EXITED, Failure.CRASHED),  # it is not told yet how it exited
        (
            (*EXITED, 1, 137),
            Failure.CRASHED,
        ),  # the sidecar was killed because the container beside it crashed
        ((*EXITED, 137), Failure.OUT_OF_MEMORY),
        ((*EXITED, 137, 0), Failure.OUT_OF_MEMORY),
        ((*EXITED, 137, 143), Failure.OUT_OF_MEMORY),
        (("TaskFailedToStart", PULL), Failure.FAILED_TO_START),
        (
            ("TaskFailedToStart", "ResourceInitializationError: unable to pull secrets"),
            Failure.FAILED_TO_START,
        ),
        (("TaskFailedToStart", "Task failed to start"), Failure.FAILED_TO_START),
        (("ServiceSchedulerInitiated", "Task failed container health checks", 137), Failure.UNHEALTHY),
        (
            (
                "ServiceSchedulerInitiated",
                "Task failed ELB health checks in (target-group arn:aws:x:tg/web/1)",
                0,
            ),
            Failure.UNHEALTHY,
        ),
    ],
)
def test_these_are_failures(told, failure):
    assert ending(*told) is failure


@pytest.mark.parametrize(
    "told",
    [
        (
            "ServiceSchedulerInitiated",
            "Scaling activity initiated by (deployment ecs-svc/8646900195280463695)",
            143,
        ),
        ("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/1)", 137),
        (
            "ServiceSchedulerInitiated",
            "Service web: ECS is performing maintenance on the underlying infrastructure hosting the task.",
        ),
        ("ServiceSchedulerInitiated", "Service web: container instance is in DRAINING state"),
        ("SpotInterruption", "Your Spot Task was interrupted.", 137),
        ("TerminationNotice", "Host EC2 (instance i-0123456789abcdef0) terminated", 137),
        ("UserInitiated", "Task stopped by user", 1),
        ("InfrastructureHealth", "The host is unhealthy"),
        ("TaskFailedToStart", "Capacity is unavailable at this time. Please try again later"),
        ("TaskFailedToStart", "Timeout waiting for network interface provisioning to complete."),
        ("TaskFailedToStart", "RESOURCE:ENI"),
        ("TaskFailedToStart", "AGENT"),
    ],
)
def test_these_are_normal_ends(told):
    assert ending(*told) is None


def test_what_a_container_says_of_its_memory_counts_whatever_its_exit_code():
    assert ending(*EXITED, 1, said=MEMORY) is Failure.OUT_OF_MEMORY
    assert ending("TaskFailedToStart", "Task failed to start", said=MEMORY) is Failure.OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("reason", "started", "failure"),
    [
        ("Essential container in task exited", True, Failure.CRASHED),
        ("Task failed ELB health checks in (elb web)", True, Failure.UNHEALTHY),
        (PULL, False, Failure.FAILED_TO_START),
        (PULL, True, None),
        ("The moon was full", True, None),
        ("", False, None),
    ],
)
@pytest.mark.parametrize("code", [None, "LaterVersionOfAws"])
def test_an_end_without_a_code_that_we_know_is_judged_by_its_words_and_else_normal(
    code, reason, started, failure
):
    assert ending(code, reason, 1, started=started) is failure


@given(
    code=st.sampled_from(["SpotInterruption", "TerminationNotice", "UserInitiated", "InfrastructureHealth"]),
    reason=st.text(),
    exits=st.lists(st.integers(0, 255)),
    started=st.booleans(),
)
def test_what_somebody_wanted_is_never_a_failure_whatever_is_said_of_it(code, reason, exits, started):
    assert failure_of(code, reason, [reason], exits, started=started) is None


@given(reason=st.text(), exits=st.lists(st.integers(0, 255)))
def test_what_ended_by_itself_is_always_a_failure(reason, exits):
    assert failure_of("EssentialContainerExited", reason, [], exits, started=True) is not None
