"""How a task ended: on its own account, or because somebody wanted it to. Pure.

========================== ============================================== ===============
``stopCode``               and                                            is
========================== ============================================== ===============
none                       neither stopping nor stopped                   no end
``SpotInterruption``       whatever its containers say                    normal
``TerminationNotice``      (the host is retired)                          normal
``UserInitiated``          (a person, a pipeline, ``StopTask``)           normal
``InfrastructureHealth``   (the host is broken)                           normal
``ServiceScheduler-``      "failed ... health checks" (balancer,          unhealthy
``Initiated``              container, Cloud Map)
``ServiceScheduler-``      all else: scaled in, replaced by a             normal
``Initiated``              deployment, host drained or maintained
``TaskFailedToStart``      the platform's own trouble: no capacity,       normal
                           no network interface, a fault inside of AWS
``TaskFailedToStart``      "OutOfMemoryError"                             out of memory
``TaskFailedToStart``      all else: no image, no secret, no such command failed to start
``EssentialContainer-``    "OutOfMemoryError"                             out of memory
``Exited``
``EssentialContainer-``    137 (SIGKILL, which nobody who is listed above out of memory
``Exited``                 sent), beside nothing but 0, 137 and 143
``EssentialContainer-``    any other code, 0 too: what serves does not    crashed
``Exited``                 end by itself
one we do not know         judged by its reason, in the same words; else  normal
========================== ============================================== ===============

So a 143 (SIGTERM) or 137 of a task that the scheduler stops is not a failure, and neither is the 137 of a sidecar that is
killed because the container beside it crashed. An unknown end is never held against a release.

Source:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html (reasons)
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-maintenance.html
    https://repost.aws/knowledge-center/ecs-task-stopped (exit codes)
"""

import re
from collections.abc import Collection, Iterable
from enum import StrEnum


class Failure(StrEnum):
    """In which manner a task failed."""

    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    UNHEALTHY = "unhealthy"
    FAILED_TO_START = "failed_to_start"


_WANTED = frozenset({"SpotInterruption", "TerminationNotice", "UserInitiated", "InfrastructureHealth"})
_MEMORY = re.compile(r"OutOfMemory|killed due to memory usage")
_UNHEALTHY = re.compile(r"failed\b[^()]{0,60}\bhealth ?checks?", re.IGNORECASE)
_EXITED = re.compile(r"essential container", re.IGNORECASE)
_NOT_STARTED = re.compile(
    r"CannotPull|CannotStart|CannotCreate|ResourceInitializationError|ContainerRuntimeError|failed to start",
    re.IGNORECASE,
)
# Of a task that did not start: what no release is to blame for.
_PLATFORM = re.compile(
    r"capacity is unavailable|RESOURCE:|timeout waiting for network interface|unexpected EC2 error"
    r"|InternalError|internal error|rate exceeded|throttl|\bAGENT\b",
    re.IGNORECASE,
)
_KILLED = 137  # 128 + SIGKILL
_QUIET = frozenset({0, _KILLED, 143})  # what containers leave that are stopped because another one ended


def failure_of(
    code: str | None, reason: str, said: Iterable[str], exits: Collection[int], *, started: bool
) -> Failure | None:
    """In which manner a task that is stopping or stopped failed; ``None`` for a normal end.

    Args:
        code: ``stopCode``; may be missing, or of a later AWS.
        reason: ``stoppedReason``.
        said: The ``reason`` of each container that has one.
        exits: The ``exitCode`` of each container that has one.
        started: It was running once.
    """
    words = " ".join((reason, *said))
    match code:
        case "EssentialContainerExited":
            return _of_exit(words, exits)
        case "TaskFailedToStart":
            return _of_start(words)
        case "ServiceSchedulerInitiated":
            return Failure.UNHEALTHY if _UNHEALTHY.search(reason) else None
        case code if code in _WANTED:
            return None
        case _:
            return _by_words(reason, words, exits, started=started)


def _of_exit(words: str, exits: Collection[int]) -> Failure:
    if _MEMORY.search(words) or (_KILLED in exits and set(exits) <= _QUIET):
        return Failure.OUT_OF_MEMORY
    return Failure.CRASHED


def _of_start(words: str) -> Failure | None:
    if _MEMORY.search(words):
        return Failure.OUT_OF_MEMORY
    return None if _PLATFORM.search(words) else Failure.FAILED_TO_START


def _by_words(reason: str, words: str, exits: Collection[int], *, started: bool) -> Failure | None:
    if _UNHEALTHY.search(reason):
        return Failure.UNHEALTHY
    if _EXITED.search(reason):
        return _of_exit(words, exits)
    return _of_start(words) if not started and _NOT_STARTED.search(words) else None
